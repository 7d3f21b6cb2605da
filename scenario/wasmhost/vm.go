package wasmhost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"holdfast/filter"
)

// VM is one VM with one plugin. It is not safe for several goroutines.
type VM struct {
	host          filter.Host
	configuration []byte
	environment   []string // "NAME=VALUE", sorted
	module        api.Module
	output        bytes.Buffer // what the VM wrote to stdout and stderr

	streams   map[uint32]*Exchange // HTTP contexts by id
	lastID    uint32
	effective uint32 // context set by the module during the current call; 0 for none
	current   uint32 // context of the current call
	depth     int
	after     []func()              // to be done once the VM has returned
	answer    *filter.CallResult    // during proxy_on_http_call_response
	metrics   map[uint32]metricKind // kinds by id
	lastCall  uint32
	trap      error
}

type metricKind uint32

// rootID is the id of the plugin's own context.
const rootID = 1

type vmKey struct{}

// ErrStart means that the plugin refused its configuration.
var ErrStart = errors.New("wasmhost: the plugin did not start")

// Start makes a VM with an environment and starts the plugin in it. The two
// variables that envoy.yaml gives Go's collector are always there.
func (m *Module) Start(ctx context.Context, host filter.Host, configuration string, environment map[string]string) (*VM, error) {
	vm := &VM{
		host: host, configuration: []byte(configuration), environment: []string{"GOGC=50", "GOMEMLIMIT=64MiB"},
		streams: map[uint32]*Exchange{}, lastID: rootID, metrics: map[uint32]metricKind{},
	}
	for name, value := range environment {
		vm.environment = append(vm.environment, name+"="+value)
	}
	slices.Sort(vm.environment)
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize").
		WithStdout(&vm.output).WithStderr(&vm.output).
		WithWalltime(func() (int64, int32) { now := host.Now(); return now.Unix(), int32(now.Nanosecond()) }, sys.ClockResolution(1)).
		WithNanotime(func() int64 { return host.Now().UnixNano() }, sys.ClockResolution(1)).
		WithRandSource(randomness{host})
	for _, variable := range vm.environment {
		name, value, _ := strings.Cut(variable, "=")
		config = config.WithEnv(name, value)
	}
	var err error
	vm.module, err = m.runtime.InstantiateModule(context.WithValue(ctx, vmKey{}, vm), m.compiled, config)
	if err != nil {
		return nil, fmt.Errorf("wasmhost: %w\n%s", err, vm.output.String())
	}
	vm.call(rootID, "proxy_on_context_create", rootID, 0)
	started := vm.call(rootID, "proxy_on_vm_start", rootID, 0)
	if started == 1 {
		started = vm.call(rootID, "proxy_on_configure", rootID, uint64(len(configuration)))
	}
	switch {
	case vm.trap != nil:
		return nil, vm.trap
	case started != 1:
		return nil, ErrStart
	}
	return vm, nil
}

type randomness struct{ host filter.Host }

func (r randomness) Read(b []byte) (int, error) { return len(b), r.host.Random(b) }

// Err is the trap that ended the VM, with what it wrote; nil while it lives.
func (vm *VM) Err() error { return vm.trap }

// Close frees the VM.
func (vm *VM) Close(ctx context.Context) error { return vm.module.Close(ctx) }

// OnTick lets the plugin tick.
func (vm *VM) OnTick() { vm.call(rootID, "proxy_on_tick", rootID) }

// call calls an export in a context and returns its result, 0 for none. A VM
// that trapped once is never called again, as in Envoy.
func (vm *VM) call(contextID uint32, name string, arguments ...uint64) uint64 {
	if vm.trap != nil {
		return 0
	}
	export := vm.module.ExportedFunction(name)
	if export == nil {
		return 1 // the ABI: an export that is absent agrees
	}
	current, effective := vm.current, vm.effective
	vm.current, vm.effective = contextID, 0
	vm.depth++
	results, err := export.Call(context.WithValue(context.Background(), vmKey{}, vm), arguments...)
	vm.depth--
	vm.current, vm.effective = current, effective
	if err != nil {
		vm.trap = fmt.Errorf("wasmhost: %s: %w\n%s", name, err, vm.output.String())
		return 0
	}
	for vm.depth == 0 && len(vm.after) > 0 {
		next := vm.after[0]
		vm.after = vm.after[1:]
		next()
	}
	if len(results) == 0 {
		return 0
	}
	return results[0]
}

// context is the id of the context that a call of the module is about.
func (vm *VM) context() uint32 {
	if vm.effective != 0 {
		return vm.effective
	}
	return vm.current
}

// stream is the request that a call of the module is about; nil for the plugin's
// own context.
func (vm *VM) stream() *Exchange { return vm.streams[vm.context()] }

// Exchange is one request: an HTTP context of the VM.
type Exchange struct {
	vm     *VM
	id     uint32
	stream filter.Stream

	paused   bool
	answered bool
	answer   filter.Answer // while its headers pass the filter
	over     bool
}

// NewExchange begins a request.
func (vm *VM) NewExchange(stream filter.Stream) *Exchange {
	vm.lastID++
	x := &Exchange{vm: vm, id: vm.lastID, stream: stream}
	vm.streams[x.id] = x
	vm.call(x.id, "proxy_on_context_create", uint64(x.id), rootID)
	return x
}

// actionContinue is what on_request_headers returns to let a request go on.
const actionContinue = 0

// OnRequestHeaders hands the request to the filter, body and all: what follows
// the headers is sent along, as far as the filter lets it.
func (x *Exchange) OnRequestHeaders() {
	headers, err := x.stream.RequestHeaders()
	if err != nil {
		headers = nil
	}
	x.paused = true
	action := x.vm.call(x.id, "proxy_on_request_headers", uint64(x.id), uint64(len(headers)), 1)
	if action == actionContinue && !x.answered && x.vm.trap == nil {
		x.resume()
	}
}

// OnResponseHeaders lets the upstream's response pass the filter. An answer of the
// filter's own has passed it before.
func (x *Exchange) OnResponseHeaders() {
	if !x.answered {
		x.vm.call(x.id, "proxy_on_response_headers", uint64(x.id), 1, 1)
	}
}

// resume lets the request go on.
func (x *Exchange) resume() uint32 {
	if !x.paused {
		return statusOK
	}
	if x.stream.Continue() != nil {
		return statusInternalFailure
	}
	x.paused = false
	return statusOK
}

// respond sends an answer of the filter's own. Its headers pass the filter again,
// once the VM has returned.
func (x *Exchange) respond(answer filter.Answer) uint32 {
	if err := x.stream.Respond(answer); err != nil {
		return statusInternalFailure
	}
	x.answered, x.answer = true, answer
	x.vm.after = append(x.vm.after, func() {
		x.vm.call(x.id, "proxy_on_response_headers", uint64(x.id), uint64(len(answer.Headers)+1), boolean(answer.Body == ""))
	})
	return statusOK
}

// OnDone ends the request, as Envoy does: log, done, delete.
func (x *Exchange) OnDone() {
	if x.over {
		return
	}
	x.over = true
	x.vm.call(x.id, "proxy_on_log", uint64(x.id))
	x.vm.call(x.id, "proxy_on_done", uint64(x.id))
	x.vm.call(x.id, "proxy_on_delete", uint64(x.id))
	delete(x.vm.streams, x.id)
}

func boolean(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
