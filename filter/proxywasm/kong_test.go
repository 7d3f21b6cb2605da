//go:build !wasm

package proxywasm

import (
	"crypto/sha256"
	"encoding/pem"
	"slices"
	"strings"
	"testing"

	sdk "github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/proxytest"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"holdfast/filter"
)

// der is the shortest DER that counts as a certificate.
var der = []byte{0x30, 0x03, 0x02, 0x01, 0x0A}

// runningOnKong starts the adapter with "host": "kong", and der on every connection.
func runningOnKong(t *testing.T) proxytest.HostEmulator {
	t.Helper()
	const introspection = `,"introspection":{"endpoint":"https://as.example.com/introspect","cluster":"as.example.com:8443","client_auth":"none"}`
	doc := strings.Replace(configuration(inline, `,"host":"kong"`), `}],`, introspection+`}],`, 1)
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	host, started := emulate(t, doc, "ngx/ssl_client_raw_cert", certificate, "ngx/request_uri", "/x")
	if started != types.OnPluginStartStatusOK {
		t.Fatalf("not started: %v", host.GetErrorLogs())
	}
	return host
}

// A request asks by itself, and the answer to its own call decides it, in its own
// context.
func TestKong_RequestsAskByThemselves(t *testing.T) {
	host := runningOnKong(t)
	if host.GetTickPeriod() == 0 {
		t.Error("no tick")
	}
	digest := sha256.Sum256(der)
	answers := map[string]string{
		"alice": `{"active":true,"sub":"alice","aud":"https://api.example.com","cnf":{"x5t#S256":"` + encode(digest[:]) + `"}}`,
		"thief": `{"active":true,"sub":"alice","aud":"https://api.example.com","cnf":{"x5t#S256":"` + encode(make([]byte, 32)) + `"}}`,
	}
	ids := map[string]uint32{}
	for name := range answers {
		id, action := request(host, name)
		if action != types.ActionPause || host.GetSentLocalResponse(id) != nil {
			t.Fatalf("%v, %+v", action, host.GetSentLocalResponse(id))
		}
		ids[name] = id
	}
	host.Tick() // it decides nothing
	if host.CallOnRequestBody(ids["alice"], []byte("x"), true) != types.ActionPause {
		t.Error("the body does not wait")
	}
	for name, id := range ids {
		calls := host.GetCalloutAttributesFromContext(id)
		if len(calls) != 1 || calls[0].Upstream != "as.example.com:8443" || !slices.Equal(valuesOf(calls[0].Headers, ":scheme"), []string{"https"}) {
			t.Fatalf("%+v", calls)
		}
		host.CallOnHttpCallResponse(calls[0].CalloutID, [][2]string{{":status", "200"}, {"Content-Type", "application/json"}}, nil, []byte(answers[name]))
	}
	if host.GetCurrentHttpStreamAction(ids["alice"]) != types.ActionContinue {
		t.Errorf("%+v, %q", host.GetSentLocalResponse(ids["alice"]), host.GetWarnLogs())
	}
	expectSub(t, host, ids["alice"], "alice")
	if host.CallOnRequestBody(ids["alice"], []byte("x"), true) != types.ActionContinue || host.CallOnResponseBody(ids["alice"], []byte("x"), true) != types.ActionContinue {
		t.Error("a body does not go on")
	}
	if answer := host.GetSentLocalResponse(ids["thief"]); answer == nil || answer.StatusCode != 401 {
		t.Errorf("%+v", answer)
	}
}

// A failed call has no headers: 503. The call of a client that left says nothing.
func TestKong_CallsThatFail(t *testing.T) {
	host := runningOnKong(t)
	id, _ := request(host, "opaque")
	gone, _ := request(host, "another")
	host.CallOnHttpCallResponse(host.GetCalloutAttributesFromContext(id)[0].CalloutID, nil, nil, nil)
	if answer := host.GetSentLocalResponse(id); answer == nil || answer.StatusCode != 503 {
		t.Errorf("%+v", answer)
	}
	call := host.GetCalloutAttributesFromContext(gone)[0].CalloutID
	host.CompleteHttpContext(gone)
	host.CallOnHttpCallResponse(call, nil, nil, nil)
	if answer := host.GetSentLocalResponse(gone); answer != nil {
		t.Errorf("%+v", answer)
	}
}

// After the last call that host lets a request go on. If it could be neither answered
// nor let go on, a trap is what holds it back.
func TestKong_UndecidedRequestTraps(t *testing.T) {
	host := runningOnKong(t)
	id, _ := request(host, "opaque")
	s := &stream{vm: &vmContext{}, contextID: id}
	if err := s.Dispatch(filter.Call{Cluster: "as", Method: "GET", Scheme: "https", Authority: "as", Path: "/"}, func(filter.CallResult) {}); err != nil {
		t.Fatal(err)
	}
	calls := host.GetCalloutAttributesFromContext(id)
	defer func() {
		if recover() == nil {
			t.Error("the request goes on undecided")
		}
	}()
	host.CallOnHttpCallResponse(calls[len(calls)-1].CalloutID, nil, nil, nil)
}

// No fault leaves a callback: on Kong it would end the worker while requests wait.
func TestKong_NoFaultLeavesACallback(t *testing.T) {
	host := runningOnKong(t)
	broken := &httpContext{stream: stream{vm: &vmContext{}, contextID: host.InitializeHttpContext()}, stop: stopAll, exchange: &filter.Exchange{}}
	if err := sdk.SetEffectiveContext(broken.stream.contextID); err != nil {
		t.Fatal(err)
	}
	if broken.OnHttpRequestHeaders(0, true) != stopAll || broken.OnHttpRequestTrailers(0) != types.ActionPause {
		t.Error("a request goes on")
	}
	if broken.OnHttpResponseHeaders(0, true) != types.ActionContinue {
		t.Error("a response is held back")
	}
	broken.OnHttpStreamDone()
	plugin := &pluginContext{plugin: &filter.Plugin{}} // without a VM
	if plugin.OnPluginStart(0) != types.OnPluginStartStatusFailed {
		t.Error("it started")
	}
	plugin.OnTick()
	if faults := len(host.GetErrorLogs()); faults < 3 {
		t.Errorf("%d lines: %q", faults, host.GetErrorLogs())
	}
}
