package scenario

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"holdfast/filter/filtertest"
	"holdfast/scenario/wasmhost"
)

// inVM is the module in a VM.
type inVM struct{ *wasmhost.VM }

func (v inVM) begin(s *filtertest.Stream) judge { return v.NewExchange(s) }
func (v inVM) err() error                       { return v.Err() }
func (v inVM) close()                           { v.Close(context.Background()) }

func module(t *testing.T, hostile bool) *wasmhost.Module {
	t.Helper()
	name := os.Getenv("HOLDFAST_WASM")
	if name == "" {
		t.Fatal("HOLDFAST_WASM is not set: run make test")
	}
	wasm, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("%v: run make test", err)
	}
	m, err := wasmhost.Load(context.Background(), wasm, hostile)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(context.Background()) })
	return m
}

func starter(m *wasmhost.Module) func(*filtertest.Host, string) (engine, error) {
	return func(h *filtertest.Host, configuration string) (engine, error) {
		vm, err := m.Start(context.Background(), h, configuration, h.Environment)
		if err != nil {
			return nil, err
		}
		return inVM{vm}, nil
	}
}

// The scenarios on the compiled module, on a host that gives all of WASI.
func TestScenariosOnWazero(t *testing.T) { inMemory(t, Wazero, starter(module(t, false))) }

// The scenarios on a host that gives as little as the oldest Envoy: poll_oneoff
// and sched_yield fail there, and Go's runtime would not survive it.
func TestScenariosOnHostileWASI(t *testing.T) {
	m := module(t, true)
	for _, name := range m.Imports() {
		if slices.Contains([]string{"poll_oneoff", "sched_yield"}, name[strings.IndexByte(name, '.')+1:]) {
			t.Errorf("the module imports %s", name)
		}
	}
	inMemory(t, Wazero, starter(m))
}
