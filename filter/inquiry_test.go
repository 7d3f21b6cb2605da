package filter_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

func TestContract1_CacheEndsInTime(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change, reason string
		reply          filtertest.Reply
		kept           time.Duration // 0: not at all
	}{
		"cache_ttl":             {``, "token_accepted", said(), 30 * time.Second},
		"exp":                   {``, "token_accepted", said(claim("exp", seconds(7*time.Second))), 0},
		"negative_cache_ttl":    {``, "token_inactive", saidAs("application/json", `{"active":false}`), 5 * time.Second},
		"flawed":                {``, "audience_mismatch", said(claim("aud", "x")), 5 * time.Second},
		"failure, for a moment": {``, "introspection_unavailable", status(500), time.Second},
		"off":                   {`"cache_ttl":"0s"`, "token_accepted", said(), 0},
		"negative off":          {`"negative_cache_ttl":"0s"`, "token_inactive", saidAs("application/json", `{"active":false}`), 0},
		"longer":                {`"cache_ttl":"10m"`, "token_accepted", said(), 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startAsking(t, asks(tt.change), always(tt.reply))
			again := func(after time.Duration, calls int) {
				t.Helper()
				w.proxy.Advance(after)
				s := get("opaque")
				w.send(s)
				waits := s.Waits()
				if w.proxy.Advance(time.Millisecond); len(w.Dispatched) != calls || waits != (len(w.Dispatched) > calls-1 && calls == 2) {
					t.Errorf("after %v: %d calls, want %d; waited: %v", after, len(w.Dispatched), calls, waits)
				}
			}
			w.send(get("opaque"))
			w.proxy.Advance(time.Millisecond)
			if got := w.settle(get("opaque")); tt.kept > 0 && got != tt.reason {
				t.Errorf("%s, want %s", got, tt.reason)
			}
			if tt.kept == 0 {
				if name == "exp" {
					// Beyond exp the answer means nothing, and is asked for again.
					w.proxy.Advance(7 * time.Second)
					w.expectSettled(get("opaque"), "expired")
					if len(w.Dispatched) != 2 {
						t.Errorf("%d calls", len(w.Dispatched))
					}
				} else if len(w.Dispatched) != 2 {
					t.Errorf("%d calls", len(w.Dispatched))
				}
				return
			}
			again(tt.kept-20*time.Millisecond, 1)
			again(20*time.Millisecond, 2)
		})
	}
}

func (w *worker) expectSettled(s *filtertest.Stream, reason string) {
	w.t.Helper()
	if got := w.settle(s); got != reason {
		w.t.Errorf("%s, want %s", got, reason)
	}
}

// The binding, exp and the rule are judged on every hit.
func TestT22b_EveryHitIsJudged(t *testing.T) {
	t.Parallel()
	w := startAsking(t, asks("", `"rules":[{"match":{"path":"/write"},"scopes":["write"]}]`), always(said(claim("exp", seconds(10*time.Second)))))
	w.expectSettled(get("opaque"), "token_accepted")
	w.expect(get("opaque").Present(certB), "cnf_mismatch")
	bare := get("opaque")
	delete(bare.Properties, "connection.sha256_peer_certificate_digest")
	w.expect(bare, "certificate_missing")
	w.expect(ask("GET", "/write", "opaque"), "scope_insufficient")
	w.expect(get("opaque"), "token_accepted")
	if got := introspections(w); got != [5]uint64{1, 0, 0, 4, 0} || len(w.Dispatched) != 1 {
		t.Errorf("%v, %d calls", got, len(w.Dispatched))
	}
	// The clock is set back: what was kept is from the future.
	w.proxy.Jump(-time.Minute)
	w.send(get("opaque"))
	w.proxy.Advance(time.Second)
	if len(w.Dispatched) != 2 {
		t.Errorf("%d calls", len(w.Dispatched))
	}
}

func TestContract1_CacheEntries(t *testing.T) {
	t.Parallel()
	w := startAsking(t, asks(`"cache_entries":2`), always(said()))
	for _, token := range []string{"a", "b", "a", "c", "a", "b"} { // b went first: a was used after it
		w.expectSettled(get(token), "token_accepted")
	}
	if n := len(w.Dispatched); n != 4 {
		t.Errorf("%d calls", n)
	}
}

// A flood of invented tokens does not push good ones out.
func TestT22_FloodOfBadTokens(t *testing.T) {
	t.Parallel()
	w := startAsking(t, asks(`"cache_entries":10,"cache_ttl":"10m"`), func(call filter.Call) filtertest.Reply {
		if strings.HasPrefix(call.Body, "token=good") {
			return said()
		}
		return saidAs("application/json", `{"active":false}`)
	})
	for i := range 10 {
		w.expectSettled(get(fmt.Sprint("good", i)), "token_accepted")
	}
	for i := range 200 {
		w.expectSettled(get(fmt.Sprint("bad", i)), "token_inactive")
	}
	for i := range 10 {
		w.expect(get(fmt.Sprint("good", i)), "token_accepted")
	}
}

func TestCoalescing(t *testing.T) {
	t.Parallel()
	w := start(t, asks(""))
	streams := []*filtertest.Stream{get("opaque"), get("opaque"), get("opaque").Present(certB), get("opaque")}
	var exchanges []*filter.Exchange
	for _, s := range streams {
		exchanges = append(exchanges, w.send(s))
	}
	exchanges[0].OnDone() // the first client leaves
	w.proxy.Advance(time.Millisecond)
	if len(w.Dispatched) != 1 {
		t.Fatalf("%d calls", len(w.Dispatched))
	}
	exchanges[1].OnDone() // and one while the call is under way
	w.Dispatched[0].Answer(said().Result)
	w.proxy.Advance(time.Millisecond)
	w.expectNow(streams[2], "cnf_mismatch")
	w.expectNow(streams[3], "token_accepted")
	if streams[0].Continued || streams[1].Continued {
		t.Error("a request that is over went on")
	}
	if got := introspections(w); got != [5]uint64{1, 0, 0, 0, 3} {
		t.Error(got)
	}
}

// All clients have left: the call goes on, and its answer is kept.
func TestCoalescingAcrossCancelledClients(t *testing.T) {
	t.Parallel()
	w := start(t, asks(""))
	w.send(get("opaque")).OnDone()
	w.proxy.Advance(time.Second)
	if len(w.Dispatched) != 0 {
		t.Fatal("asked for nobody")
	}
	x := w.send(get("opaque"))
	w.proxy.Advance(time.Millisecond)
	x.OnDone()
	w.Dispatched[0].Answer(said().Result)
	w.expect(get("opaque"), "token_accepted")
	if len(w.Dispatched) != 1 {
		t.Errorf("%d calls", len(w.Dispatched))
	}
}

// limits.introspection_calls bounds what is under way; the rest waits in order, and
// then gets 503. Who has an answer already never waits.
func TestContract1_IntrospectionCalls(t *testing.T) {
	t.Parallel()
	w := start(t, asks(`"timeout":"2s"`, `"limits":{"introspection_calls":2,"waiting_requests":5}`))
	w.send(get("known"))
	w.proxy.Advance(time.Millisecond)
	w.Dispatched[0].Answer(said().Result)
	w.proxy.Advance(time.Millisecond)
	var streams []*filtertest.Stream
	for i := range 6 {
		streams = append(streams, get(fmt.Sprint("t", i)))
		w.send(streams[i])
	}
	w.expectNow(streams[5], "too_many_waiting")
	w.proxy.Advance(time.Millisecond)
	if n := len(w.proxy.Calls()); n != 2 {
		t.Fatalf("%d calls under way", n)
	}
	w.expect(get("known"), "token_accepted")
	w.proxy.Calls()[1].Answer(said().Result)
	w.proxy.Advance(time.Millisecond)
	if n := len(w.proxy.Calls()); n != 2 {
		t.Fatalf("%d calls under way", n)
	}
	if got := form(t, w.proxy.Calls()[1].Call).Get("token"); got != "t2" {
		t.Errorf("%s is asked about next", got)
	}
	w.expectNow(streams[1], "token_accepted")
	w.proxy.Advance(2 * time.Second)
	for _, i := range []int{0, 2, 3, 4} {
		w.expectNow(streams[i], "introspection_unavailable")
		if got := streams[i].Answer.Headers; !strings.Contains(fmt.Sprint(got), "retry-after") {
			t.Errorf("%v", got)
		}
	}
	w.expect(get("known"), "token_accepted")
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]filtertest.Reply{
		"503": status(503), "504": status(504), "429": status(429), "401": status(401), "reset": {Reset: true}, "cluster missing": {Refuse: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked, up := 0, false
			w := startAsking(t, asks(""), func(filter.Call) filtertest.Reply {
				asked++
				if up {
					return said()
				}
				return reply
			})
			w.proxy.Server, up = always(said()), false
			w.expectSettled(get("kept"), "token_accepted")
			w.proxy.Server = func(filter.Call) filtertest.Reply {
				asked++
				if up {
					return said()
				}
				return reply
			}
			for i := range 10 {
				w.expectSettled(get(fmt.Sprint(i)), "introspection_unavailable")
			}
			if asked != 3 {
				t.Errorf("asked %d times", asked)
			}
			w.expect(get("kept"), "token_accepted") // goes on serving until its own end
			w.proxy.Advance(time.Second)
			w.expectSettled(get("x"), "introspection_unavailable") // one tries
			w.expect(get("y"), "introspection_unavailable")
			if asked != 4 {
				t.Errorf("asked %d times", asked)
			}
			s := get("z")
			w.expect(s, "introspection_unavailable")
			if retry := fmt.Sprint(s.Answer.Headers); !strings.Contains(retry, "{retry-after 2}") {
				t.Error(retry)
			}
			up = true
			w.proxy.Advance(2 * time.Second)
			for i := range 10 {
				w.expectSettled(get(fmt.Sprint("up", i)), "token_accepted")
			}
		})
	}
}

// While the breaker tries, one call is under way at a time.
func TestBreakerTriesOneAtATime(t *testing.T) {
	t.Parallel()
	w := startAsking(t, asks(""), always(status(503)))
	for i := range 3 {
		w.expectSettled(get(fmt.Sprint(i)), "introspection_unavailable")
	}
	w.proxy.Server = nil
	w.proxy.Advance(time.Second)
	s, other, same := get("a"), get("b"), get("a")
	w.send(s)
	w.expect(other, "introspection_unavailable")
	w.send(same)
	w.proxy.Advance(time.Millisecond)
	w.proxy.Calls()[0].Answer(said().Result)
	w.proxy.Advance(time.Millisecond)
	w.expectNow(s, "token_accepted")
	w.expectNow(same, "token_accepted")
	w.proxy.Server = always(said())
	w.expectSettled(get("b"), "token_accepted")
}

// What one token can provoke does not stop the others from being asked about.
func TestBreakerIgnoresWhatATokenCanProvoke(t *testing.T) {
	t.Parallel()
	codes := []int{500, 403, 400, 404}
	w := startAsking(t, asks(""), func(call filter.Call) filtertest.Reply {
		if strings.HasPrefix(call.Body, "token=evil") {
			return status(codes[len(call.Body)%len(codes)])
		}
		return said()
	})
	for i := range 20 {
		w.expectSettled(get("evil"+strings.Repeat("x", i)), "introspection_unavailable")
	}
	w.expectSettled(get("opaque"), "token_accepted")
	// Nor is the same token asked about by each of its requests.
	for range 20 {
		w.expect(get("evil"+strings.Repeat("x", 19)), "introspection_unavailable")
	}
	if n := len(w.Dispatched); n != 21 {
		t.Errorf("%d calls", n)
	}
	if n := strings.Count(w.LogText(), "no introspection by"); n != 1 {
		t.Errorf("%d lines in a fraction of a second", n)
	}
}

// The breaker opens while questions wait in the queue: they end at once.
func TestBreakerEndsTheQueue(t *testing.T) {
	t.Parallel()
	w := start(t, asks("", `"limits":{"introspection_calls":3}`))
	var streams []*filtertest.Stream
	for i := range 6 {
		streams = append(streams, get(fmt.Sprint(i)))
		w.send(streams[i])
	}
	w.proxy.Advance(time.Millisecond)
	for _, call := range w.proxy.Calls() {
		call.Answer(status(503).Result)
	}
	w.proxy.Advance(time.Millisecond)
	for _, s := range streams {
		w.expectNow(s, "introspection_unavailable")
	}
	if n := len(w.Dispatched); n != 3 {
		t.Errorf("%d calls", n)
	}
}

// Many calls that fail together are one outage: the first pause is the shortest.
func TestBreakerCountsABurstOnce(t *testing.T) {
	t.Parallel()
	w := start(t, asks(""))
	for i := range 40 {
		w.send(get(fmt.Sprint(i)))
	}
	w.proxy.Advance(time.Millisecond)
	for _, call := range w.proxy.Calls() {
		call.Answer(status(503).Result)
	}
	w.proxy.Server = always(said())
	w.expectSettled(get("early"), "introspection_unavailable")
	w.proxy.Advance(time.Second)
	w.expectSettled(get("late"), "token_accepted")
}

// The host loses a call, or the clock is set back: nothing hangs for ever.
func TestT23_LostCalls(t *testing.T) {
	t.Parallel()
	for name, jump := range map[string]time.Duration{"lost": 0, "clock set back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, asks("", `"limits":{"introspection_calls":1}`))
			s := get("opaque")
			w.send(s)
			w.proxy.Advance(time.Millisecond)
			w.proxy.Calls()[0].Lose()
			w.proxy.Jump(jump)
			w.Tick()
			w.proxy.Advance(7 * time.Second)
			w.expectNow(s, "introspection_unavailable")
			w.proxy.Server = always(said(claim("exp", nil)))
			w.proxy.Advance(2 * time.Second)
			w.expectSettled(get("opaque"), "token_accepted")
		})
	}
}

// Signing takes the worker's time: what does not fit into one tick goes into the next.
func TestOneTickDoesNotHoldTheWorkerUp(t *testing.T) {
	t.Parallel()
	w := start(t, asks(""))
	w.proxy.Server = func(filter.Call) filtertest.Reply {
		w.proxy.Jump(4 * time.Millisecond) // as if a signature took so long
		return said()
	}
	var streams []*filtertest.Stream
	for i := range 10 {
		streams = append(streams, get(fmt.Sprint(i)))
		w.send(streams[i])
	}
	w.Tick()
	if n := len(w.Dispatched); n != 3 || w.Period() != time.Millisecond {
		t.Errorf("%d calls in one tick, the next comes in %v", n, w.Period())
	}
	w.proxy.Advance(time.Second)
	for _, s := range streams {
		w.expectNow(s, "token_accepted")
	}
}

// An answer that comes when its time is over changes nothing.
func TestT23_LateAnswer(t *testing.T) {
	t.Parallel()
	w := start(t, asks(`"timeout":"1s"`))
	s := get("opaque")
	w.send(s)
	w.proxy.Advance(time.Millisecond)
	call := w.proxy.Calls()[0]
	w.proxy.Jump(3 * time.Second)
	w.Tick()
	w.expectNow(s, "introspection_unavailable")
	call.Answer(said().Result)
	if got := introspections(w); got != [5]uint64{0, 0, 1, 0, 0} {
		t.Error(got)
	}
}

// A host that gives no tick would let the request wait for ever.
func TestNoTickNoQuestion(t *testing.T) {
	t.Parallel()
	w := start(t, asks(""))
	w.Faults = filtertest.FailOn(errHost, "SetTick")
	w.expect(get("opaque"), "introspection_unavailable")
}

// A fault of the filter in an answer refuses, and holds nothing up.
func TestT23_FaultInAnInquiry(t *testing.T) {
	t.Parallel()
	w := startAsking(t, asks(""), always(said()))
	w.Faults = func(method string) error { return nil }
	s := get("opaque")
	w.send(s)
	w.Faults = func(method string) error {
		if method == "Dispatch" {
			panic("a fault")
		}
		return nil
	}
	w.proxy.Advance(time.Millisecond)
	w.expectNow(s, "introspection_unavailable")
	w.Faults = nil
	w.proxy.Advance(2 * time.Second)
	w.expectSettled(get("opaque"), "token_accepted")
}

// Whatever happens to a call, the time that it took is recorded once.
func TestContract6_IntrospectionMetrics(t *testing.T) {
	t.Parallel()
	w := startAsking(t, asks(""), func(call filter.Call) filtertest.Reply {
		reply := said()
		switch form(t, call).Get("token") {
		case "inactive":
			reply = saidAs("application/json", `{"active":false}`)
		case "failed":
			reply = status(500)
		}
		reply.Delay = 42 * time.Millisecond
		return reply
	})
	for _, token := range []string{"active", "inactive", "failed", "active"} {
		w.send(get(token))
		w.proxy.Advance(100 * time.Millisecond)
	}
	if got := introspections(w); got != [5]uint64{1, 1, 1, 1, 0} {
		t.Error(got)
	}
	if got := fmt.Sprint(w.Recorded("holdfast.introspection_ms")); got != "[42 42 42]" {
		t.Error(got)
	}
}

// T24: no secret and no token in any line.
func TestT24_NothingSecretInTheLog(t *testing.T) {
	t.Parallel()
	w := startAsking(t, asks(""), always(saidAs("text/html", "opaque s3cret")))
	for range 3 {
		w.settle(get("opaque-token-of-alice"))
		w.proxy.Advance(2 * time.Second)
	}
	for _, secret := range []string{"opaque", "s3cret", "Z3c6czNjcmV0"} {
		if strings.Contains(w.LogText(), secret) {
			t.Errorf("%s in\n%s", secret, w.LogText())
		}
	}
}
