//go:build wasip1

package main

import (
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	sdk "github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

func init() { sdk.SetVMContext(&vm{}) }

type vm struct{ types.DefaultVMContext }

func (*vm) NewPluginContext(uint32) types.PluginContext { return &plugin{} }

type plugin struct {
	types.DefaultPluginContext
	configuration string
	counter       sdk.MetricCounter
	histogram     sdk.MetricHistogram
	onTick        []func() // what waits for the next tick
}

func (p *plugin) OnPluginStart(int) types.OnPluginStartStatus {
	configuration, err := sdk.GetPluginConfiguration()
	p.configuration = answer(configuration, err)
	p.counter = sdk.DefineCounterMetric("probe.counter")
	p.histogram = sdk.DefineHistogramMetric("probe.histogram")
	if err := sdk.SetTickPeriodMilliSeconds(50); err != nil {
		sdk.LogError("probe: no tick: " + err.Error())
		return types.OnPluginStartStatusFailed
	}
	sdk.LogInfo("probe: started")
	return types.OnPluginStartStatusOK
}

func (p *plugin) OnTick() {
	due := p.onTick
	p.onTick = nil
	for _, f := range due {
		f()
	}
}

func (p *plugin) NewHttpContext(id uint32) types.HttpContext { return &request{plugin: p, id: id} }

type request struct {
	types.DefaultHttpContext
	plugin *plugin
	id     uint32
}

// stopAll is StopAllIterationAndWatermark, as in filter/proxywasm.
const stopAll types.Action = 4

func (r *request) OnHttpRequestHeaders(int, bool) types.Action {
	headers, err := sdk.GetHttpRequestHeaders()
	if err != nil {
		r.respond("request headers: " + err.Error())
		return stopAll
	}
	r.plugin.counter.Increment(1)
	r.plugin.histogram.Record(7)
	var answers []string
	for _, h := range headers {
		if h[0] != "x-probe" {
			continue
		}
		switch verb, rest, _ := strings.Cut(h[1], " "); verb {
		case "through":
			r.change()
			r.plugin.onTick = append(r.plugin.onTick, r.goOn)
			return stopAll
		case "call":
			cluster, path, _ := strings.Cut(rest, " ")
			r.plugin.onTick = append(r.plugin.onTick, func() { r.call(cluster, path) })
			return stopAll
		default:
			answers = append(answers, r.plugin.ask(verb, strings.Fields(rest)))
		}
	}
	r.respond(strings.Join(answers, "\n"))
	return stopAll
}

// ask answers the questions that need neither a tick nor the request.
func (p *plugin) ask(verb string, args []string) string {
	switch {
	case verb == "property":
		return answer(sdk.GetProperty(args))
	case verb == "foreign" && len(args) == 2:
		argument, err := hex.DecodeString(args[1])
		if err != nil {
			return err.Error()
		}
		return answer(sdk.CallForeignFunction(args[0], argument))
	case verb == "shared-get" && len(args) == 1:
		value, cas, err := sdk.GetSharedData(args[0])
		return answer(value, err) + " " + strconv.Itoa(int(cas))
	case verb == "shared-set" && len(args) == 3:
		cas, err := strconv.ParseUint(args[2], 10, 32)
		if err != nil {
			return err.Error()
		}
		return answer(nil, sdk.SetSharedData(args[0], []byte(args[1]), uint32(cas)))
	case verb == "environ" && len(args) == 1:
		return answer([]byte(os.Getenv(args[0])), nil)
	case verb == "random":
		b := make([]byte, 32)
		errno := randomGet(&b[0], int32(len(b)))
		return fmt.Sprintf("errno %d %x", errno, b)
	case verb == "clock":
		return strconv.FormatInt(time.Now().UnixMilli(), 10)
	case verb == "configuration":
		return p.configuration
	case verb == "poll_oneoff":
		return fmt.Sprint("errno ", pollOneoff())
	case verb == "sched_yield":
		return fmt.Sprint("errno ", schedYield())
	}
	return "no such question"
}

// answer is "ok" and the value in hex, or what went wrong.
func answer(value []byte, err error) string {
	if err != nil {
		return strings.TrimPrefix(err.Error(), "error status returned by host: ")
	}
	return "ok " + hex.EncodeToString(value)
}

// respond is called on a tick as well, when the host acts on the plugin.
func (r *request) respond(text string) {
	if err := sdk.SetEffectiveContext(r.id); err != nil {
		sdk.LogError("probe: " + err.Error())
		return
	}
	if status := sendLocalResponse(200, "probe_details", text); status != 0 {
		sdk.LogError(fmt.Sprint("probe: local response: ", status))
	}
}

func (r *request) call(cluster, path string) {
	headers := [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "as.example.com"}, {":path", path}}
	_, err := sdk.DispatchHttpCall(cluster, headers, nil, nil, 2000, func(int, int, int) {
		status := "none"
		if headers, err := sdk.GetHttpCallResponseHeaders(); err == nil {
			for _, h := range headers {
				if h[0] == ":status" {
					status = h[1]
				}
			}
		}
		body, err := sdk.GetHttpCallResponseBody(0, 1<<16)
		r.respond(":status " + status + " " + answer(body, err))
	})
	if err != nil {
		r.respond(answer(nil, err))
	}
}

// change does with a request all that Holdfast does with one that passes.
func (r *request) change() {
	for _, err := range []error{
		sdk.RemoveHttpRequestHeader("x-removed"),
		sdk.ReplaceHttpRequestHeader("x-replaced", "by the probe"),
		sdk.SetProperty([]string{"holdfast.reason"}, []byte("probed")),
	} {
		if err != nil {
			sdk.LogError("probe: " + err.Error())
		}
	}
}

func (r *request) goOn() {
	err := sdk.SetEffectiveContext(r.id)
	if err == nil {
		err = sdk.ResumeHttpRequest()
	}
	if err != nil {
		sdk.LogError("probe: " + err.Error())
	}
}

func (*request) OnHttpRequestTrailers(int) types.Action {
	if err := sdk.RemoveHttpRequestTrailer("x-removed"); err != nil {
		sdk.LogError("probe: " + err.Error())
	}
	return types.ActionContinue
}

func (*request) OnHttpResponseHeaders(int, bool) types.Action {
	for _, err := range []error{
		sdk.ReplaceHttpResponseHeader("x-replaced", "by the probe"),
		sdk.AddHttpResponseHeader("x-added", "by the probe"),
	} {
		if err != nil {
			sdk.LogError("probe: " + err.Error())
		}
	}
	return types.ActionContinue
}
