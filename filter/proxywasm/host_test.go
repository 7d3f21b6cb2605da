//go:build !wasm

package proxywasm

import (
	"bytes"
	"testing"

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

func TestABI_SerializeHeaders(t *testing.T) {
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
	}
}
