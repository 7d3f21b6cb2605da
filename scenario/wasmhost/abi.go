package wasmhost

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"holdfast/filter"
)

// Results of host functions (proxy-wasm/spec, abi-versions/v0.2.1, proxy_status_t).
const (
	statusOK              = 0
	statusNotFound        = 1
	statusBadArgument     = 2
	statusCasMismatch     = 8
	statusInternalFailure = 10
	statusUnimplemented   = 12
)

// Numbers that the module passes.
const (
	mapRequestHeaders      = 0
	mapResponseHeaders     = 2
	mapCallResponseHeaders = 6

	bufferCallResponseBody    = 4
	bufferPluginConfiguration = 7

	streamRequest = 0

	metricCounter   = 0
	metricHistogram = 2
)

// hostFunctions are the functions of module "env": how many arguments they take
// and what they do. All arguments and results are 32 bits wide but for the ones
// that wide names.
var hostFunctions = map[string]struct {
	arguments int
	do        func(vm *VM, a []uint64) uint32
}{
	"proxy_log": {3, func(vm *VM, a []uint64) uint32 {
		level := filter.LogError
		switch {
		case a[0] <= 2:
			level = filter.LogInfo
		case a[0] == 3:
			level = filter.LogWarn
		}
		vm.host.Log(level, vm.text(a[1], a[2]))
		return statusOK
	}},
	"proxy_set_tick_period_milliseconds": {1, func(vm *VM, a []uint64) uint32 {
		return failure(vm.host.SetTick(time.Duration(a[0]) * time.Millisecond))
	}},
	"proxy_set_effective_context": {1, func(vm *VM, a []uint64) uint32 {
		id := uint32(a[0])
		if id != rootID && vm.streams[id] == nil {
			return statusBadArgument
		}
		vm.effective = id
		return statusOK
	}},
	"proxy_get_property": {4, func(vm *VM, a []uint64) uint32 {
		x := vm.stream()
		if x == nil {
			return statusNotFound
		}
		value, found, err := x.stream.Property(strings.Split(vm.text(a[0], a[1]), "\x00")...)
		switch {
		case err != nil:
			return statusInternalFailure
		case !found:
			return statusNotFound
		}
		vm.give(value, uint32(a[2]), uint32(a[3]))
		return statusOK
	}},
	"proxy_set_property": {4, func(vm *VM, a []uint64) uint32 {
		x := vm.stream()
		if x == nil {
			return statusNotFound
		}
		return failure(x.stream.SetProperty(vm.text(a[0], a[1]), vm.text(a[2], a[3])))
	}},
	"proxy_get_header_map_pairs": {3, func(vm *VM, a []uint64) uint32 {
		headers, status := vm.headers(a[0])
		if status == statusOK {
			vm.give(writeHeaders(headers), uint32(a[1]), uint32(a[2]))
		}
		return status
	}},
	"proxy_replace_header_map_value": {5, func(vm *VM, a []uint64) uint32 {
		x := vm.stream()
		name, value := vm.text(a[1], a[2]), vm.text(a[3], a[4])
		switch {
		case x != nil && a[0] == mapRequestHeaders:
			return failure(x.stream.SetRequestHeader(name, value))
		case x != nil && a[0] == mapResponseHeaders:
			return failure(x.stream.SetResponseHeader(name, value))
		}
		return statusBadArgument
	}},
	"proxy_add_header_map_value": {5, func(vm *VM, a []uint64) uint32 {
		x := vm.stream()
		if x == nil || a[0] != mapResponseHeaders {
			return statusBadArgument
		}
		return failure(x.stream.AddResponseHeader(vm.text(a[1], a[2]), vm.text(a[3], a[4])))
	}},
	"proxy_remove_header_map_value": {3, func(vm *VM, a []uint64) uint32 {
		x := vm.stream()
		if x == nil || a[0] != mapRequestHeaders {
			return statusBadArgument
		}
		return failure(x.stream.RemoveRequestHeader(vm.text(a[1], a[2])))
	}},
	"proxy_get_buffer_bytes": {5, (*VM).getBuffer},
	"proxy_continue_stream": {1, func(vm *VM, a []uint64) uint32 {
		x := vm.stream()
		if x == nil || a[0] != streamRequest {
			return statusBadArgument
		}
		return x.resume()
	}},
	"proxy_send_local_response": {8, func(vm *VM, a []uint64) uint32 {
		x := vm.stream()
		if x == nil {
			return statusBadArgument
		}
		return x.respond(filter.Answer{
			Status: int(uint32(a[0])), Details: vm.text(a[1], a[2]), Body: vm.text(a[3], a[4]),
			Headers: readHeaders(vm.read(uint32(a[5]), uint32(a[6]))), GRPCStatus: int(int32(a[7])),
		})
	}},
	"proxy_http_call": {10, (*VM).dispatch},
	"proxy_get_shared_data": {5, func(vm *VM, a []uint64) uint32 {
		value, cas, found, err := vm.host.SharedGet(vm.text(a[0], a[1]))
		switch {
		case err != nil:
			return statusInternalFailure
		case !found:
			return statusNotFound
		}
		vm.give(value, uint32(a[2]), uint32(a[3]))
		vm.writeUint32(uint32(a[4]), cas)
		return statusOK
	}},
	"proxy_set_shared_data": {5, func(vm *VM, a []uint64) uint32 {
		ok, err := vm.host.SharedSet(vm.text(a[0], a[1]), []byte(vm.text(a[2], a[3])), uint32(a[4]))
		if err == nil && !ok {
			return statusCasMismatch
		}
		return failure(err)
	}},
	"proxy_define_metric": {4, (*VM).defineMetric},
	"proxy_increment_metric": {2, func(vm *VM, a []uint64) uint32 {
		if kind, found := vm.metrics[uint32(a[0])]; !found || kind != metricCounter || int64(a[1]) <= 0 {
			return statusBadArgument
		}
		vm.host.Add(filter.Metric(a[0]), a[1])
		return statusOK
	}},
	"proxy_record_metric": {2, func(vm *VM, a []uint64) uint32 {
		if kind, found := vm.metrics[uint32(a[0])]; !found || kind != metricHistogram {
			return statusBadArgument
		}
		vm.host.Record(filter.Metric(a[0]), a[1])
		return statusOK
	}},

	"proxy_call_foreign_function": {6, (*VM).callForeign},

	"proxy_get_header_map_value":         {5, unimplemented},
	"proxy_set_header_map_pairs":         {3, unimplemented},
	"proxy_set_buffer_bytes":             {5, unimplemented},
	"proxy_close_stream":                 {1, unimplemented},
	"proxy_done":                         {0, unimplemented},
	"proxy_get_metric":                   {2, unimplemented},
	"proxy_register_shared_queue":        {3, unimplemented},
	"proxy_resolve_shared_queue":         {5, unimplemented},
	"proxy_dequeue_shared_queue":         {3, unimplemented},
	"proxy_enqueue_shared_queue":         {3, unimplemented},
	"proxy_get_log_level":                {1, unimplemented},
	"proxy_get_current_time_nanoseconds": {1, unimplemented},
}

// wide are the arguments of 64 bits.
var wide = map[string]int{"proxy_increment_metric": 1, "proxy_record_metric": 1}

func unimplemented(*VM, []uint64) uint32 { return statusUnimplemented }

func failure(err error) uint32 {
	if err != nil {
		return statusInternalFailure
	}
	return statusOK
}

func instantiateABI(ctx context.Context, runtime wazero.Runtime) error {
	builder := runtime.NewHostModuleBuilder("env")
	for name, function := range hostFunctions {
		types := make([]api.ValueType, function.arguments)
		for i := range types {
			types[i] = api.ValueTypeI32
		}
		if i, ok := wide[name]; ok {
			types[i] = api.ValueTypeI64
		}
		do := func(ctx context.Context, module api.Module, stack []uint64) {
			vm := ctx.Value(vmKey{}).(*VM)
			if vm.module == nil {
				vm.module = module // during _initialize
			}
			stack[0] = uint64(function.do(vm, decode(types, stack)))
		}
		builder = builder.NewFunctionBuilder().
			WithGoModuleFunction(api.GoModuleFunc(do), types, []api.ValueType{api.ValueTypeI32}).Export(name)
	}
	_, err := builder.Instantiate(ctx)
	return err
}

// decode copies the arguments. Of one with 32 bits the other half means nothing.
func decode(types []api.ValueType, stack []uint64) []uint64 {
	arguments := make([]uint64, len(types))
	for i, kind := range types {
		arguments[i] = stack[i]
		if kind == api.ValueTypeI32 {
			arguments[i] = uint64(api.DecodeU32(stack[i]))
		}
	}
	return arguments
}

func (vm *VM) text(at, size uint64) string { return string(vm.read(uint32(at), uint32(size))) }

// callAllocate lets the module allocate, in the middle of one of its own calls.
func (vm *VM) callAllocate(size uint64) uint64 {
	export := vm.module.ExportedFunction("proxy_on_memory_allocate")
	results, err := export.Call(context.WithValue(context.Background(), vmKey{}, vm), size)
	if err != nil {
		panic(err)
	}
	return results[0]
}

func (vm *VM) headers(kind uint64) ([]filter.Header, uint32) {
	switch kind {
	case mapRequestHeaders:
		if x := vm.stream(); x != nil {
			headers, err := x.stream.RequestHeaders()
			return headers, failure(err)
		}
	case mapResponseHeaders:
		if x := vm.stream(); x != nil && x.answered {
			return append([]filter.Header{{Name: ":status", Value: strconv.Itoa(x.answer.Status)}}, x.answer.Headers...), statusOK
		}
	case mapCallResponseHeaders:
		if vm.answer != nil && vm.context() == rootID {
			return append([]filter.Header{{Name: ":status", Value: strconv.Itoa(vm.answer.Status)}}, vm.answer.Headers...), statusOK
		}
	}
	return nil, statusBadArgument
}

func (vm *VM) getBuffer(a []uint64) uint32 {
	var b []byte
	switch {
	case a[0] == bufferPluginConfiguration && vm.context() == rootID:
		b = vm.configuration
	case a[0] == bufferCallResponseBody && vm.answer != nil && vm.context() == rootID:
		b = vm.answer.Body
	default:
		return statusNotFound
	}
	start := min(a[1], uint64(len(b)))
	size := min(a[2], uint64(len(b))-start)
	vm.give(b[start:start+size], uint32(a[3]), uint32(a[4]))
	return statusOK
}

// dispatch is proxy_http_call. In Envoy the call belongs to the plugin's context,
// whoever made it.
func (vm *VM) dispatch(a []uint64) uint32 {
	call := filter.Call{
		Cluster: vm.text(a[0], a[1]),
		Body:    vm.text(a[4], a[5]),
		Timeout: time.Duration(uint32(a[8])) * time.Millisecond,
		MaxBody: math.MaxInt, // the module itself looks at the size
	}
	for _, h := range readHeaders(vm.read(uint32(a[2]), uint32(a[3]))) {
		switch h.Name {
		case ":authority":
			call.Authority = h.Value
		case ":path":
			call.Path = h.Value
		case ":method":
			call.Method = h.Value
		case ":scheme":
		default:
			call.Headers = append(call.Headers, h)
		}
	}
	if call.Cluster == "" || call.Method == "" || call.Authority == "" || call.Path == "" {
		return statusBadArgument
	}
	vm.lastCall++
	id := vm.lastCall
	err := vm.host.Dispatch(call, func(result filter.CallResult) {
		var headers uint64
		if result.Status != 0 {
			headers = uint64(len(result.Headers) + 1)
		}
		vm.answer = &result
		vm.call(rootID, "proxy_on_http_call_response", rootID, uint64(id), headers, uint64(len(result.Body)), 0)
		vm.answer = nil
	})
	if err != nil {
		return statusInternalFailure
	}
	vm.writeUint32(uint32(a[9]), id)
	return statusOK
}

func (vm *VM) defineMetric(a []uint64) uint32 {
	define := vm.host.DefineCounter
	switch a[0] {
	case metricCounter:
	case metricHistogram:
		define = vm.host.DefineHistogram
	default:
		return statusUnimplemented
	}
	id, err := define(vm.text(a[1], a[2]))
	if err != nil {
		return statusInternalFailure
	}
	vm.metrics[uint32(id)] = metricKind(a[0])
	vm.writeUint32(uint32(a[3]), uint32(id))
	return statusOK
}
