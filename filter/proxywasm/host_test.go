//go:build !wasm

package proxywasm

import (
	"bytes"
	"slices"
	"testing"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/proxytest"

	"holdfast/filter"
)

// The parts of the host that a decision rarely meets.
func TestHost(t *testing.T) {
	emulator, _ := emulate(t, configuration(inline, ""))
	h := &host{vm: &vmContext{}, contextID: 1}

	b := make([]byte, 32)
	if err := h.Random(b); err != nil || bytes.Equal(b, make([]byte, 32)) {
		t.Errorf("%x, %v", b, err)
	}
	if h.Now().IsZero() {
		t.Error("no time")
	}
	before := len(emulator.GetInfoLogs())
	h.Log(filter.LogInfo, "")
	h.Log(filter.LogInfo, "a")
	h.Log(filter.LogWarn, "b")
	h.Log(filter.LogError, "c")
	if len(emulator.GetInfoLogs()) != before+1 || len(emulator.GetWarnLogs()) != 1 || len(emulator.GetErrorLogs()) != 1 {
		t.Errorf("%q %q %q", emulator.GetInfoLogs(), emulator.GetWarnLogs(), emulator.GetErrorLogs())
	}

	if value, cas, found, err := h.SharedGet("k"); value != nil || cas != 0 || found || err != nil {
		t.Errorf("%q, %d, %v, %v", value, cas, found, err)
	}
	if ok, err := h.SharedSet("k", []byte("v"), 0); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	value, cas, found, err := h.SharedGet("k")
	if string(value) != "v" || !found || err != nil {
		t.Errorf("%q, %v, %v", value, found, err)
	}
	if ok, err := h.SharedSet("k", []byte("w"), cas+1); ok || err != nil {
		t.Errorf("a lost race: %v, %v", ok, err)
	}
	if ok, err := h.SharedSet("k", []byte("w"), cas); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}

	// A metric is not worth a request: the SDK's panics stay here.
	h.Add(9999, 1)
	h.Record(9999, 1)
	if err := func() (err error) { defer recovered(&err); panic("refused") }(); err == nil || err.Error() != "refused" {
		t.Errorf("%v", err)
	}
	if err := func() (err error) { defer recovered(&err); return nil }(); err != nil {
		t.Errorf("%v", err)
	}
}

// A call carries its method, and its body when it has one.
func TestCallsWithAndWithoutBody(t *testing.T) {
	emulator, _ := emulate(t, configuration(inline, ""))
	h := &host{vm: &vmContext{}, contextID: proxytest.PluginContextID}
	for _, call := range []filter.Call{
		{Cluster: "as", Method: "GET", Scheme: "https", Authority: "as.example.com", Path: "/jwks"},
		{Cluster: "as", Method: "POST", Scheme: "https", Authority: "as.example.com", Path: "/introspect", Body: "token=a%26b",
			Headers: []filter.Header{{Name: "content-type", Value: "application/x-www-form-urlencoded"}}},
	} {
		if err := h.Dispatch(call, func(filter.CallResult) {}); err != nil {
			t.Fatal(err)
		}
	}
	calls := emulator.GetCalloutAttributesFromContext(proxytest.PluginContextID)
	if len(calls) != 2 || len(calls[0].Body) != 0 || string(calls[1].Body) != "token=a%26b" {
		t.Fatalf("%+v", calls)
	}
	if !slices.Equal(calls[0].Headers, [][2]string{
		{":method", "GET"}, {":scheme", "https"}, {":authority", "as.example.com"}, {":path", "/jwks"},
	}) {
		t.Errorf("%q", calls[0].Headers)
	}
	// content-length is the host's own affair.
	if !slices.Equal(calls[1].Headers, [][2]string{
		{":method", "POST"}, {":scheme", "https"}, {":authority", "as.example.com"}, {":path", "/introspect"},
		{"content-type", "application/x-www-form-urlencoded"},
	}) {
		t.Errorf("%q", calls[1].Headers)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("HOLDFAST_TEST_SECRET", "s")
	t.Setenv("HOLDFAST_TEST_EMPTY", "")
	h := &host{}
	if value, found := h.Env("HOLDFAST_TEST_SECRET"); value != "s" || !found {
		t.Errorf("%q, %v", value, found)
	}
	if value, found := h.Env("HOLDFAST_TEST_EMPTY"); value != "" || !found {
		t.Errorf("empty: %q, %v", value, found)
	}
	if value, found := h.Env("HOLDFAST_TEST_ABSENT"); value != "" || found {
		t.Errorf("absent: %q, %v", value, found)
	}
}

func TestABI_HeaderMap(t *testing.T) {
	t.Parallel()
	tests := []struct {
		headers []filter.Header
		want    string
	}{
		{nil, "\x00\x00\x00\x00"},
		{[]filter.Header{{Name: "a", Value: "bc"}}, "\x01\x00\x00\x00" + "\x01\x00\x00\x00\x02\x00\x00\x00" + "a\x00bc\x00"},
		{[]filter.Header{{Name: "a", Value: ""}, {Name: "bb", Value: "c"}},
			"\x02\x00\x00\x00" + "\x01\x00\x00\x00\x00\x00\x00\x00" + "\x02\x00\x00\x00\x01\x00\x00\x00" + "a\x00\x00" + "bb\x00c\x00"},
	}
	for _, tt := range tests {
		if got := string(serializeHeaders(tt.headers)); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.headers, got, tt.want)
		}
		if got, err := parseHeaders([]byte(tt.want)); err != nil || !slices.Equal(got, tt.headers) {
			t.Errorf("%q: %v, %v", tt.want, got, err)
		}
		for size := 1; size < len(tt.want); size++ {
			if got, err := parseHeaders([]byte(tt.want[:size])); err == nil {
				t.Errorf("%q: %v", tt.want[:size], got)
			}
		}
	}
	if got, err := parseHeaders(nil); err != nil || len(got) != 0 {
		t.Errorf("no bytes: %v, %v", got, err)
	}
	for _, sizes := range []string{"\xff\xff\xff\xff", "\x00\x00\x00\x10\x00\x00\x00\x00", "\x01\x00\x00\x00\xff\xff\xff\xff\x00\x00\x00\x00aa"} {
		if got, err := parseHeaders([]byte(sizes)); err == nil {
			t.Errorf("%q: %v", sizes, got)
		}
	}
}

// FuzzParseHeaders: no list makes it panic, and what it reads is what was written.
func FuzzParseHeaders(f *testing.F) {
	f.Add([]byte{}, "a", "b")
	f.Add([]byte("\x01\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00a\x00bc\x00"), "", "x")
	f.Fuzz(func(t *testing.T, b []byte, name, value string) {
		if headers, err := parseHeaders(b); err == nil && len(headers)*10 > len(b) {
			t.Fatalf("%d fields out of %d bytes", len(headers), len(b))
		}
		want := []filter.Header{{Name: name, Value: value}, {Name: value, Value: name}}
		if got, err := parseHeaders(serializeHeaders(want)); err != nil || !slices.Equal(got, want) {
			t.Fatalf("%q, %v", got, err)
		}
	})
}
