package wasmhost

import (
	"context"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Error numbers of WASI preview 1.
const (
	wasiBadFile      = 8
	wasiNoEntry      = 44
	wasiNotSupported = 52
)

// hostileWASI is the WASI of Envoy 1.36 (proxy-wasm-cpp-host, src/exports.cc)
// and, where Kong's ngx_wasm_module gives less, of that: only the clock, random
// numbers, the environment and standard output work.
//
// poll_oneoff and sched_yield fail, as they do there, and Go's runtime does not
// survive either: Holdfast must not even import them.
var hostileWASI = map[string]struct {
	types []api.ValueType
	do    func(vm *VM, module api.Module, a []uint64) uint32
}{
	"args_sizes_get": {i32s(2), zeroes},
	"args_get":       {i32s(2), succeed},
	"environ_sizes_get": {i32s(2), func(vm *VM, module api.Module, a []uint64) uint32 {
		size := 0
		for _, variable := range vm.environment {
			size += len(variable) + 1
		}
		module.Memory().WriteUint32Le(uint32(a[0]), uint32(len(vm.environment)))
		module.Memory().WriteUint32Le(uint32(a[1]), uint32(size))
		return 0
	}},
	"environ_get": {i32s(2), func(vm *VM, module api.Module, a []uint64) uint32 {
		list, texts := uint32(a[0]), uint32(a[1])
		for i, variable := range vm.environment {
			module.Memory().WriteUint32Le(list+4*uint32(i), texts)
			module.Memory().Write(texts, append([]byte(variable), 0))
			texts += uint32(len(variable)) + 1
		}
		return 0
	}},
	"clock_time_get": {[]api.ValueType{api.ValueTypeI32, api.ValueTypeI64, api.ValueTypeI32}, func(vm *VM, module api.Module, a []uint64) uint32 {
		if a[0] > 1 {
			return wasiNotSupported
		}
		module.Memory().WriteUint64Le(uint32(a[2]), uint64(vm.host.Now().UnixNano()))
		return 0
	}},
	"random_get": {i32s(2), func(vm *VM, module api.Module, a []uint64) uint32 {
		b, ok := module.Memory().Read(uint32(a[0]), uint32(a[1]))
		if !ok || len(b) > 64<<10 || vm.host.Random(b) != nil {
			return wasiNotSupported
		}
		return 0
	}},
	"fd_write": {i32s(4), func(vm *VM, module api.Module, a []uint64) uint32 {
		if a[0] != 1 && a[0] != 2 {
			return wasiBadFile
		}
		written := uint32(0)
		for i := range uint32(a[2]) {
			at, _ := module.Memory().ReadUint32Le(uint32(a[1]) + 8*i)
			size, _ := module.Memory().ReadUint32Le(uint32(a[1]) + 8*i + 4)
			b, _ := module.Memory().Read(at, size)
			vm.output.Write(b)
			written += size
		}
		module.Memory().WriteUint32Le(uint32(a[3]), written)
		return 0
	}},
	"proc_exit":           {i32s(1), func(_ *VM, _ api.Module, a []uint64) uint32 { panic(fault{"the VM called proc_exit"}) }},
	"poll_oneoff":         {i32s(4), refuse(wasiNotSupported)},
	"sched_yield":         {nil, refuse(wasiNotSupported)},
	"fd_close":            {i32s(1), refuse(wasiNotSupported)},
	"fd_seek":             {[]api.ValueType{api.ValueTypeI32, api.ValueTypeI64, api.ValueTypeI32, api.ValueTypeI32}, refuse(wasiNotSupported)},
	"fd_read":             {i32s(4), refuse(wasiBadFile)},
	"fd_fdstat_get":       {i32s(2), refuse(wasiNotSupported)},
	"fd_fdstat_set_flags": {i32s(2), refuse(wasiNotSupported)},
	"fd_prestat_get":      {i32s(2), refuse(wasiBadFile)},
	"fd_prestat_dir_name": {i32s(3), refuse(wasiBadFile)},
	"path_open": {[]api.ValueType{
		api.ValueTypeI32, api.ValueTypeI32, api.ValueTypeI32, api.ValueTypeI32, api.ValueTypeI32,
		api.ValueTypeI64, api.ValueTypeI64, api.ValueTypeI32, api.ValueTypeI32,
	}, refuse(wasiNoEntry)},
}

func i32s(n int) []api.ValueType {
	types := make([]api.ValueType, n)
	for i := range types {
		types[i] = api.ValueTypeI32
	}
	return types
}

func refuse(errno uint32) func(*VM, api.Module, []uint64) uint32 {
	return func(*VM, api.Module, []uint64) uint32 { return errno }
}

func succeed(*VM, api.Module, []uint64) uint32 { return 0 }

// zeroes writes 0 to both addresses.
func zeroes(_ *VM, module api.Module, a []uint64) uint32 {
	module.Memory().WriteUint32Le(uint32(a[0]), 0)
	module.Memory().WriteUint32Le(uint32(a[1]), 0)
	return 0
}

func instantiateHostileWASI(ctx context.Context, runtime wazero.Runtime) error {
	builder := runtime.NewHostModuleBuilder("wasi_snapshot_preview1")
	for name, function := range hostileWASI {
		do := func(ctx context.Context, module api.Module, stack []uint64) {
			result := function.do(ctx.Value(vmKey{}).(*VM), module, decode(function.types, stack))
			if name != "proc_exit" {
				stack[0] = uint64(result)
			}
		}
		results := []api.ValueType{api.ValueTypeI32}
		if name == "proc_exit" {
			results = nil
		}
		builder = builder.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(do), function.types, results).Export(name)
	}
	_, err := builder.Instantiate(ctx)
	return err
}
