package scenario

import "testing"

// The scenarios on the package filter, on a host that behaves as Kong's.
func TestScenariosOnKong(t *testing.T) { inMemory(t, Kong, startNative) }
