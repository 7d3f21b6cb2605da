package filter_test

import (
	"strings"
	"testing"
	"time"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

func TestContract6_StartLine(t *testing.T) {
	t.Parallel()
	for change, want := range map[string]string{
		``: " methods=mtls mode=strict verification=sandbox",
		`{"proof_of_possession":{"mode":"optional"}}`:                       " methods=mtls mode=optional verification=sandbox",
		`{"proof_of_possession":{"mode":"optional","report_only":true}}`:    " methods=mtls mode=optional,report_only verification=sandbox",
		`{"issuer":{"jwks":{"inline":` + jwks("k1") + `}},"realm":"quote"}`: " methods=mtls mode=strict verification=sandbox",
	} {
		w := start(t, change)
		want = "holdfast " + filter.Version + ": issuers=" + issuerURL + want
		if len(w.Lines) != 1 || w.Lines[0] != (filtertest.Line{Level: filter.LogInfo, Text: want}) {
			t.Errorf("%q, want %q", w.Lines, want)
		}
	}
}

// A start that fails says why in one line.
func TestContract1_StartFails(t *testing.T) {
	t.Parallel()
	good := configure(t, ``)
	tests := []struct {
		name, configuration string
		faults              filtertest.Faults
		log                 string
	}{
		{"empty", "", nil, "configuration refused"},
		{"no JSON", "{", nil, "configuration refused"},
		{"unknown key", `{"isuers":[]}`, nil, "isuers"},
		{"two problems", `{"realm":1,"unmatched":"x"}`, nil, "; "},
		{"no counters", good, filtertest.FailOn(errHost, "DefineCounter"), "metrics refused"},
		{"no histograms", good, filtertest.FailOn(errHost, "DefineHistogram"), "metrics refused"},
		{"T23 fault", good, faultOn("DefineCounter"), "fault at start"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := filtertest.NewProxy().Worker()
			w.Faults = tt.faults
			plugin, err := w.Start(tt.configuration)
			if err == nil || plugin != nil {
				t.Fatal("started")
			}
			if len(w.Lines) != 1 || w.Lines[0].Level != filter.LogError || !strings.Contains(w.Lines[0].Text, tt.log) || strings.Contains(w.Lines[0].Text, "\n") {
				t.Errorf("log %q", w.Lines)
			}
		})
	}
}

// A plugin with inline keys needs no tick; one that fetches asks for the first at
// once, and calls nobody before it (the VM may be one that only validates).
func TestStartAsksForATick(t *testing.T) {
	t.Parallel()
	if w := start(t, ``); w.Period() != 0 {
		t.Errorf("inline keys: %v", w.Period())
	}
	w := start(t, withURI)
	if w.Period() != time.Millisecond || len(w.Dispatched) != 0 {
		t.Errorf("%v, %d calls", w.Period(), len(w.Dispatched))
	}
	w.proxy.Advance(time.Second)
	if len(w.Dispatched) != 1 || w.Period() != time.Second {
		t.Errorf("%d calls, %v", len(w.Dispatched), w.Period())
	}
	w.send(get(good()))
	if w.Period() != time.Millisecond {
		t.Errorf("a request waits: %v", w.Period())
	}
	w.proxy.Advance(time.Millisecond)
	if w.Period() != 20*time.Millisecond {
		t.Errorf("a request waits: %v", w.Period())
	}
}

// Without a tick there is no fetch and no deadline: nothing may wait for one.
func TestT23_HostWithoutTicks(t *testing.T) {
	t.Parallel()
	proxy := filtertest.NewProxy()
	worker := proxy.Worker()
	worker.Faults = filtertest.FailOn(errHost, "SetTick")
	plugin, err := worker.Start(configure(t, withURI))
	if err != nil {
		return // refusing to start is as good
	}
	s := get(good())
	plugin.NewExchange(s).OnRequestHeaders()
	proxy.Advance(time.Hour)
	if s.Waits() || s.Continued {
		t.Errorf("waits %v, continued %v", s.Waits(), s.Continued)
	}
	if !strings.Contains(worker.LogText(), "gives no tick") {
		t.Errorf("log %q", worker.LogText())
	}
}

// Two configurations in one VM share no key, in either order.
func TestContract7_SharedDataBelongsToOneConfiguration(t *testing.T) {
	t.Parallel()
	proxy := filtertest.NewProxy()
	proxy.Server = func(c filter.Call) filtertest.Reply {
		if c.Cluster == "as" {
			return ok(jwks("k1"))
		}
		return ok(jwks("k2"))
	}
	a := startIn(t, proxy, configure(t, withURI))
	b := startIn(t, proxy, configure(t, strings.Replace(withURI, `"cluster":"as"`, `"cluster":"bs"`, 1)))
	proxy.Advance(2 * time.Second)
	a.expect(get(mint("k1")), "token_accepted")
	b.expect(get(mint("k2")), "token_accepted")
	for _, w := range []*worker{a, b} {
		other := map[*worker]string{a: "k2", b: "k1"}[w]
		s := get(mint(other))
		w.send(s)
		proxy.Advance(10 * time.Second)
		w.expectNow(s, "key_unknown")
	}
	keys := proxy.SharedKeys()
	if len(keys) != 4 {
		t.Errorf("%q", keys)
	}
	for _, key := range keys {
		parts := strings.Split(key, "/")
		if parts[0] != "holdfast" || len(parts[1]) != 32 || parts[2] != "jwks" || parts[3] != "0" {
			t.Errorf("%q", key)
		}
	}
}
