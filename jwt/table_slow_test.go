//go:build slow

package jwt

import "testing"

// TestSoakES256 is TestES256AgreesWithTheStandardLibrary, a hundred times as long.
func TestSoakES256(t *testing.T) { compareES256(t, 10_000_000) }
