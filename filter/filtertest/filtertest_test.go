package filtertest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"holdfast/filter"
)

// ticker notes when it ticks.
type ticker struct {
	host *Host
	at   []time.Duration
	do   func()
}

func (t *ticker) OnTick() {
	t.at = append(t.at, t.host.Now().Sub(Epoch))
	if t.do != nil {
		t.do()
	}
}

// Envoy's shared data: a missing key has cas 0, and cas 0 always wins.
func TestSharedData(t *testing.T) {
	t.Parallel()
	a := NewProxy().Worker()
	b := a.Proxy.Worker()
	if _, cas, found, err := a.SharedGet("k"); cas != 0 || found || err != nil {
		t.Errorf("missing: cas %d, found %t, %v", cas, found, err)
	}
	set := func(h *Host, value string, cas uint32, want bool) {
		t.Helper()
		if ok, err := h.SharedSet("k", []byte(value), cas); ok != want || err != nil {
			t.Errorf("set %q with cas %d: %t, %v", value, cas, ok, err)
		}
	}
	set(a, "one", 0, true)
	set(b, "two", 0, true)
	_, cas, _, _ := a.SharedGet("k")
	set(b, "three", cas, true)
	set(a, "four", cas, false)
	if got := string(a.Proxy.Shared("k")); got != "three" {
		t.Errorf("got %q, want three", got)
	}
	if n := a.Proxy.SharedBytes(); n != len("k")+len("three") {
		t.Errorf("%d bytes", n)
	}
	a.Faults = FailOn(errors.New("x"), "SharedGet")
	if _, _, _, err := a.SharedGet("k"); err == nil {
		t.Error("the fault did not show")
	}
}

// Ticks come one period after the last, or after they were asked for.
func TestTicks(t *testing.T) {
	t.Parallel()
	h := NewProxy().Worker()
	tick := &ticker{host: h}
	h.Plugin = tick
	h.SetTick(10 * time.Millisecond)
	h.Proxy.Advance(25 * time.Millisecond)
	h.SetTick(time.Second)
	h.Proxy.Advance(time.Second)
	want := []time.Duration{10 * time.Millisecond, 20 * time.Millisecond, 1025 * time.Millisecond}
	if len(tick.at) != len(want) {
		t.Fatalf("ticks at %v, want %v", tick.at, want)
	}
	for i := range want {
		if tick.at[i] != want[i] {
			t.Errorf("ticks at %v, want %v", tick.at, want)
		}
	}
}

// A call is answered once: by the server, by a test, or by its timeout.
func TestCalls(t *testing.T) {
	t.Parallel()
	h := NewProxy().Worker()
	var got []int
	tick := &ticker{host: h}
	tick.do = func() {
		call := filter.Call{Timeout: time.Second, MaxBody: 3}
		if err := h.Dispatch(call, func(r filter.CallResult) { got = append(got, r.Status) }); err != nil {
			t.Error(err)
		}
	}
	h.Plugin = tick
	h.Tick()
	h.Proxy.Advance(2 * time.Second) // nobody answers
	h.Proxy.Server = func(filter.Call) Reply { return Reply{Result: filter.CallResult{Status: 200}, Delay: time.Millisecond} }
	h.Tick()
	h.Proxy.Advance(time.Second)
	h.Proxy.Server = nil
	h.Tick()
	open := h.Proxy.Calls()[0]
	open.Answer(filter.CallResult{Status: 404})
	open.Answer(filter.CallResult{Status: 500})
	if len(got) != 3 || got[0] != 504 || got[1] != 200 || got[2] != 404 || len(h.Proxy.Calls()) != 0 {
		t.Errorf("got %v, want 504 200 404", got)
	}
	if h.Proxy.Violations != nil {
		t.Errorf("violations: %q", h.Proxy.Violations)
	}
	if h.Dispatch(filter.Call{}, nil); len(h.Proxy.Violations) != 1 {
		t.Error("a call from outside of the plugin's callbacks is no violation")
	}
}

// Somebody who sets the wall clock does not change when ticks and answers come.
func TestJump(t *testing.T) {
	t.Parallel()
	h := NewProxy().Worker()
	tick := &ticker{host: h}
	h.Plugin = tick
	answered := 0
	h.within(func() {
		h.Dispatch(filter.Call{Timeout: 15 * time.Millisecond}, func(filter.CallResult) { answered++ })
	})
	h.SetTick(10 * time.Millisecond)
	h.Proxy.Jump(-time.Hour)
	h.Proxy.Advance(12 * time.Millisecond)
	if len(tick.at) != 1 || tick.at[0] != 10*time.Millisecond-time.Hour || answered != 0 {
		t.Errorf("ticks at %v, %d answers", tick.at, answered)
	}
	h.Proxy.Jump(2 * time.Hour)
	if len(tick.at) != 1 {
		t.Error("a tick on the way")
	}
	if h.Proxy.Advance(8 * time.Millisecond); len(tick.at) != 2 || answered != 1 {
		t.Errorf("ticks at %v, %d answers", tick.at, answered)
	}
}

// What no host would stand for is noticed.
func TestStreamViolations(t *testing.T) {
	t.Parallel()
	for name, misuse := range map[string]func(*Stream){
		"continued twice":       func(s *Stream) { s.Continue(); s.Continue() },
		"continued, answered":   func(s *Stream) { s.Continue(); s.Respond(filter.Answer{}) },
		"answered, continued":   func(s *Stream) { s.Respond(filter.Answer{}); s.Continue() },
		"edited after continue": func(s *Stream) { s.Continue(); s.SetRequestHeader("a", "b") },
		"touched after the end": func(s *Stream) { s.Gone(); s.Property("a") },
		"line break":            func(s *Stream) { s.SetRequestHeader("a", "b\r\nc: d") },
		"response edited early": func(s *Stream) { s.Continue(); s.SetResponseHeader("a", "b") },
		"response edited late": func(s *Stream) {
			s.Continue()
			s.Response(func() {})
			s.AddResponseHeader("a", "b")
		},
		"own answer edited": func(s *Stream) {
			s.Respond(filter.Answer{})
			s.Response(func() { s.AddResponseHeader("a", "b") })
		},
		"line break in a response": func(s *Stream) {
			s.Continue()
			s.Response(func() { s.AddResponseHeader("a", "b\nc: d") })
		},
	} {
		s := NewStream("GET", "api.example.com", "/")
		misuse(s)
		if len(s.Violations) != 1 {
			t.Errorf("%s: %q, want one violation", name, s.Violations)
		}
	}
}

// Response fields are edited while the response passes, and the rest stays.
func TestResponse(t *testing.T) {
	t.Parallel()
	s := NewStream("GET", "api.example.com", "/")
	s.Continue()
	s.Response(func() {
		s.SetResponseHeader("cache-control", "no-store")
		s.AddResponseHeader("set-cookie", "b=2")
	}, filter.Header{Name: "Cache-Control", Value: "public"}, filter.Header{Name: "cache-control", Value: "max-age=9"},
		filter.Header{Name: "set-cookie", Value: "a=1"})
	if got := s.ResponseField("cache-control"); !slices.Equal(got, []string{"no-store"}) {
		t.Errorf("cache-control is %q", got)
	}
	if got := s.ResponseField("set-cookie"); !slices.Equal(got, []string{"a=1", "b=2"}) {
		t.Errorf("set-cookie is %q", got)
	}
	if s.Violations != nil {
		t.Errorf("violations: %q", s.Violations)
	}
	s.Faults = FailOn(errors.New("x"), "AddResponseHeader")
	s.Response(func() {
		if s.AddResponseHeader("set-cookie", "c=3") == nil {
			t.Error("the fault did not show")
		}
	})
}

// A variable that is set to nothing is there all the same.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	h := NewProxy().Worker()
	if _, found := h.Env("A"); found {
		t.Error("a variable in an empty environment")
	}
	h.Environment = map[string]string{"A": ""}
	if value, found := h.Env("A"); value != "" || !found {
		t.Errorf("%q, %v", value, found)
	}
}
