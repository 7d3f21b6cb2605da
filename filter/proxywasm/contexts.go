package proxywasm

import (
	sdk "github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"holdfast/filter"
	"holdfast/filter/structpb"
)

// NewVMContext is what main.go registers with the SDK.
func NewVMContext() types.VMContext { return &vmContext{} }

type vmContext struct {
	types.DefaultVMContext
	shared    filter.VM
	effective uint32 // the context that the host acts on, see use
	buffers   buffers
}

// use makes the host act on this context. Callbacks of the plugin touch streams
// and the other way round; if the host refuses, the call that was to follow must
// not be made: it would reach another request.
func (vm *vmContext) use(contextID uint32) error {
	if vm.effective == contextID {
		return nil
	}
	if err := sdk.SetEffectiveContext(contextID); err != nil {
		return err
	}
	vm.effective = contextID
	return nil
}

// NewPluginContext is called for each plugin configuration.
func (vm *vmContext) NewPluginContext(contextID uint32) types.PluginContext {
	return &pluginContext{host: host{vm: vm, contextID: contextID}}
}

// contain keeps a fault of this package from leaving a callback: package filter
// contains its own. On Envoy it would end the VM, on Kong the whole worker. otherwise
// sets what the callback returns.
func contain(otherwise func()) {
	if fault := recover(); fault != nil {
		sdk.LogErrorf("holdfast: fault: %v", fault)
		otherwise()
	}
}

type pluginContext struct {
	types.DefaultPluginContext
	host   host
	plugin *filter.Plugin // nil until started
}

// OnPluginStart fails the start on any problem; the host then refuses traffic.
func (p *pluginContext) OnPluginStart(int) (status types.OnPluginStartStatus) {
	defer contain(func() { status = types.OnPluginStartStatusFailed })
	p.host.enter()
	configuration, err := sdk.GetPluginConfiguration()
	if err != nil && err != types.ErrorStatusNotFound {
		p.host.Log(filter.LogError, "holdfast: the host gives no configuration: "+err.Error())
		return types.OnPluginStartStatusFailed
	}
	plugin, err := p.host.vm.shared.Start(&p.host, configurationJSON(configuration))
	if err != nil {
		return types.OnPluginStartStatusFailed
	}
	p.plugin = plugin
	return types.OnPluginStartStatusOK
}

// configurationJSON is the configuration as JSON, in whichever of its two forms
// the host hands it over: Envoy gives a StringValue as its text and a Struct as
// protobuf. A Struct begins with 0x0a; JSON may begin with that newline too, but
// then it does not parse as a Struct.
func configurationJSON(configuration []byte) string {
	if len(configuration) > 0 && configuration[0] == '\n' {
		if doc, ok := structpb.JSON(configuration); ok {
			return doc
		}
	}
	return string(configuration)
}

func (p *pluginContext) OnTick() {
	defer contain(func() {})
	p.host.enter()
	if p.plugin != nil {
		p.plugin.OnTick()
	}
}

// NewHttpContext is called for each request.
func (p *pluginContext) NewHttpContext(contextID uint32) types.HttpContext {
	h := &httpContext{stream: stream{vm: p.host.vm, contextID: contextID}, stop: stopAll}
	if p.plugin != nil {
		h.exchange = p.plugin.NewExchange(&h.stream)
		if !p.plugin.StopsAll() {
			h.stop = types.ActionPause
		}
	}
	return h
}

type httpContext struct {
	types.DefaultHttpContext
	stream   stream
	stop     types.Action     // what holds a request back at its headers
	exchange *filter.Exchange // nil when the plugin did not start
}

func (h *httpContext) OnHttpRequestHeaders(int, bool) (action types.Action) {
	defer contain(func() {
		action = h.stop
		h.refuse("holdfast_denied{internal_error}")
	})
	h.stream.enter()
	if h.exchange == nil {
		// A host should not get here after a failed start. If it does: refuse.
		h.refuse("holdfast_denied{not_started}")
		return h.stop
	}
	h.stream.inHeaders = true
	h.exchange.OnRequestHeaders()
	h.stream.inHeaders = false
	return h.stream.action(h.stop)
}

// OnHttpRequestBody holds a body back like its headers. On Envoy they are stopped
// together, and it is asked only once both may go on.
func (h *httpContext) OnHttpRequestBody(int, bool) types.Action {
	return h.stream.action(types.ActionPause)
}

// refuse answers where there is nobody else to do so.
func (h *httpContext) refuse(details string) {
	defer contain(func() {})
	if !h.stream.answered {
		_ = h.stream.Respond(filter.Answer{Status: 503, GRPCStatus: 14, Details: details})
	}
}

func (h *httpContext) OnHttpRequestTrailers(int) (action types.Action) {
	defer contain(func() { action = types.ActionPause })
	h.stream.enter()
	if h.exchange == nil || !h.exchange.OnRequestTrailers() {
		return types.ActionPause
	}
	return h.stream.action(types.ActionPause)
}

// OnHttpResponseHeaders holds no response back, neither the upstream's nor one of
// Holdfast's own, which comes by here too.
func (h *httpContext) OnHttpResponseHeaders(headers int, endOfStream bool) (action types.Action) {
	defer contain(func() {}) // the zero action lets it pass
	h.stream.enter()
	if h.exchange != nil {
		h.exchange.OnResponseHeaders()
	}
	return h.DefaultHttpContext.OnHttpResponseHeaders(headers, endOfStream)
}

func (h *httpContext) OnHttpStreamDone() {
	defer contain(func() {})
	h.stream.enter()
	if h.exchange != nil {
		h.exchange.OnDone()
	}
}
