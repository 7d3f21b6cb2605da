package scenario

import "testing"

// The scenarios on the package filter itself.
func TestScenariosOnFakeHost(t *testing.T) { inMemory(t, Fake, startNative) }
