package wasmhost

import (
	"context"
	"slices"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// Module is a compiled module, of which any number of VMs can be made.
type Module struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	hostile  bool
}

// compiled keeps what was compiled: the module takes seconds.
var compiled = wazero.NewCompilationCache()

// Load compiles a module. A hostile one gets a WASI that gives as little as the
// oldest Envoy did: see wasi.go.
func Load(ctx context.Context, wasm []byte, hostile bool) (*Module, error) {
	m := &Module{runtime: wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(compiled)), hostile: hostile}
	if err := m.load(ctx, wasm); err != nil {
		m.Close(ctx)
		return nil, err
	}
	return m, nil
}

func (m *Module) load(ctx context.Context, wasm []byte) (err error) {
	if m.hostile {
		err = instantiateHostileWASI(ctx, m.runtime)
	} else {
		_, err = wasi_snapshot_preview1.Instantiate(ctx, m.runtime)
	}
	if err == nil {
		err = instantiateABI(ctx, m.runtime)
	}
	if err == nil {
		m.compiled, err = m.runtime.CompileModule(ctx, wasm)
	}
	return err
}

// Close ends all VMs of the module.
func (m *Module) Close(ctx context.Context) error { return m.runtime.Close(ctx) }

// Imports are the functions that the module imports, as "module.name", sorted.
func (m *Module) Imports() []string {
	var names []string
	for _, f := range m.compiled.ImportedFunctions() {
		module, name, _ := f.Import()
		names = append(names, module+"."+name)
	}
	slices.Sort(names)
	return names
}
