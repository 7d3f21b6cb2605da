package filter_test

import (
	"runtime"
	"testing"
	"time"
	"unsafe"
	"weak"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

// headerBlock stands for the one buffer that the host hands over all fields in: every
// value is a part of it.
type headerBlock [1 << 16]byte

func inBlock(value string) (string, weak.Pointer[headerBlock]) {
	block := new(headerBlock)
	copy(block[:], value)
	return unsafe.String(&block[0], len(value)), weak.Make(block)
}

// What outlives a request keeps what it needs of the header block, and not the block.
func TestT17_NothingKeepsAHeaderBlock(t *testing.T) {
	t.Parallel()
	server := func(filter.Call) filtertest.Reply { return said() }
	for name, w := range map[string]*worker{
		"cached": startAsking(t, "", server),
		"asked":  startAsking(t, asks(""), server),
	} {
		token := "opaque"
		if name == "cached" {
			token = mint("k1")
		}
		value, block := inBlock("Bearer " + token)
		s := get("", field("authorization", value))
		if got := w.settle(s); got != "token_accepted" {
			t.Fatalf("%s: %s", name, got)
		}
		s.Headers = nil
		checkGone(t, name, block)
		runtime.KeepAlive(w)
	}
	for token, tokens := range map[string]string{"opaque": "opaque", mint("k1"): "all"} {
		w := startKong(t, asks(`"cluster":"10.0.0.7:8443","tokens":"`+tokens+`"`))
		w.proxy.Server = server
		value, block := inBlock("Bearer " + token)
		s := w.NewStream("GET", host, "/accounts", field("Authorization", value)).Present(certA)
		w.kongOutcome(s)
		w.proxy.Advance(time.Second)
		if got := toldByKong(s); got != "allowed" {
			t.Fatalf("on Kong, %s: %s", tokens, got)
		}
		s.Headers = nil
		checkGone(t, "on Kong, "+tokens, block)
		runtime.KeepAlive(w)
	}
}

func checkGone(t *testing.T, name string, block weak.Pointer[headerBlock]) {
	t.Helper()
	for range 5 {
		runtime.GC()
		if block.Value() == nil {
			return
		}
	}
	t.Errorf("%s: the header block is kept", name)
}
