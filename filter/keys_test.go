package filter_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

func TestKeys_FetchedBeforeTheFirstRequest(t *testing.T) {
	t.Parallel()
	w := start(t, withURI)
	w.proxy.Server = keysFrom("k1")
	if fetches(w) != 0 {
		t.Error("a call before the first tick")
	}
	w.proxy.Advance(time.Millisecond)
	if fetches(w) != 1 {
		t.Fatalf("%d calls", fetches(w))
	}
	call := w.Dispatched[0].Call
	headers := fmt.Sprint(call.Headers)
	call.Headers = nil
	if want := (filter.Call{Cluster: "as", Method: "GET", Scheme: "https", Authority: "as.example.com", Path: "/jwks", Timeout: 5 * time.Second, MaxBody: 262144}); fmt.Sprint(call) != fmt.Sprint(want) {
		t.Errorf("%+v, want %+v", call, want)
	}
	if want := "[{accept application/json} {user-agent holdfast/" + filter.Version + "}]"; headers != want {
		t.Errorf("%s, want %s", headers, want)
	}
	w.expect(get(good()), "token_accepted")
	if n := w.Metric("holdfast.jwks.fetched"); n != 1 {
		t.Errorf("fetched is %d", n)
	}
}

func TestKeys_RequestsWaitAndWake(t *testing.T) {
	t.Parallel()
	w := start(t, withURI)
	w.proxy.Server = func(filter.Call) filtertest.Reply {
		reply := ok(jwks("k1"))
		reply.Delay = time.Second
		return reply
	}
	streams := map[string]*filtertest.Stream{
		"token_accepted": get(good()), "cnf_mismatch": get(good()).Present(certB), "key_unknown": get(mint("k9")), "signature_invalid": get(mint("evil", param("kid", "k1"))),
	}
	for _, s := range streams {
		w.expect(s, "waits")
	}
	w.expect(get(""), "no_token") // needs no keys
	w.proxy.Advance(500 * time.Millisecond)
	for _, s := range streams {
		w.expectNow(s, "waits")
	}
	w.proxy.Advance(600 * time.Millisecond)
	for reason, s := range streams {
		w.expectNow(s, reason)
	}
	if fetches(w) != 1 {
		t.Errorf("%d calls", fetches(w))
	}
}

func TestKeys_OneDeadlineThen503(t *testing.T) {
	t.Parallel()
	w := start(t, withURI) // nobody answers
	s := get(good())
	w.expect(s, "waits")
	w.proxy.Advance(4900 * time.Millisecond)
	w.expectNow(s, "waits")
	w.proxy.Advance(200 * time.Millisecond)
	w.expectNow(s, "keys_unavailable")
	if s.Answer.Status != 503 || !strings.Contains(fmt.Sprint(s.Answer.Headers), "{retry-after 1}") || strings.Contains(fmt.Sprint(s.Answer.Headers), "www-authenticate") {
		t.Errorf("%+v", s.Answer)
	}
}

// An issuer that is a moment late at start costs nobody an error; one that keeps
// failing costs nobody a wait.
func TestKeys_PatienceAtStart(t *testing.T) {
	t.Parallel()
	w := start(t, withURI)
	failures := 2
	w.proxy.Server = func(filter.Call) filtertest.Reply {
		if failures--; failures >= 0 {
			return status(503)
		}
		return ok(jwks("k1"))
	}
	s := get(good())
	w.expect(s, "waits")
	w.proxy.Advance(2 * time.Second)
	w.expectNow(s, "token_accepted")

	down := start(t, withURI)
	down.proxy.Server = always(status(503))
	s = get(good())
	down.expect(s, "waits")
	down.proxy.Advance(3 * time.Second)
	down.expectNow(s, "keys_unavailable")
	s = get(good())
	down.expect(s, "keys_unavailable")
	before := fetches(down)
	down.proxy.Advance(time.Minute)
	if n := fetches(down) - before; n < 10 || n > 15 {
		t.Errorf("%d tries in a minute", n)
	}
	for before = fetches(down); fetches(down) == before; {
		down.proxy.Advance(100 * time.Millisecond)
	}
	s = get(good())
	down.expect(s, "keys_unavailable")
	if !strings.Contains(fmt.Sprint(s.Answer.Headers), "{retry-after 5}") {
		t.Errorf("a try a moment ago, the next in five seconds: %+v", s.Answer)
	}
	down.proxy.Server = keysFrom("k1")
	down.proxy.Advance(7 * time.Second)
	down.expect(get(good()), "token_accepted")
}

// T23: Envoy crashes a VM that ends some 300 requests in one callback.
func TestT23_NoCallbackEndsManyRequests(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *worker){
		"keys arrive":   func(w *worker) { w.proxy.Calls()[0].Answer(ok(jwks("k1")).Result) },
		"time runs out": func(w *worker) { w.proxy.Advance(5*time.Second - time.Millisecond) },
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, withURI)
			w.proxy.Advance(time.Millisecond)
			streams := make([]*filtertest.Stream, 500)
			for i := range streams {
				streams[i] = get(mint("k2"))
				w.send(streams[i])
			}
			waiting := func() (n int) {
				for _, s := range streams {
					if s.Waits() {
						n++
					}
				}
				return n
			}
			end(w)
			before := len(streams)
			for range 100 {
				w.proxy.Advance(time.Millisecond)
				now := waiting()
				if before-now > 64 {
					t.Fatalf("%d requests ended within a millisecond, %d are left", before-now, now)
				}
				before = now
			}
			if before > 0 {
				t.Errorf("%d requests still wait", before)
			}
		})
	}
}

func TestKeys_WaitingRequestsAreBounded(t *testing.T) {
	t.Parallel()
	w := start(t, strings.Replace(withURI, `{"issuer"`, `{"limits":{"waiting_requests":2},"issuer"`, 1))
	w.proxy.Advance(time.Millisecond)
	first, second, third := get(good()), get(good()), get(good())
	x := w.send(first)
	w.send(second)
	w.expect(third, "too_many_waiting")
	if third.Answer.Status != 503 || !strings.Contains(fmt.Sprint(third.Answer.Headers), "{retry-after 1}") {
		t.Errorf("%+v", third.Answer)
	}
	// A client leaves while it waits: its place is free, and its stream is touched no more.
	x.OnDone()
	first.Gone()
	fourth := get(good())
	w.expect(fourth, "waits")
	w.expect(get(good()), "too_many_waiting")
	w.proxy.Calls()[0].Answer(ok(jwks("k1")).Result)
	w.proxy.Advance(time.Millisecond)
	w.expectNow(second, "token_accepted")
	w.expectNow(fourth, "token_accepted")
	if !first.Waits() || len(first.Left) > 0 {
		t.Errorf("%+v", first)
	}
	x.OnDone()
}

func TestT23_ClientLeavesWhileWaiting(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]filter.CallResult{"keys": ok(jwks("k1")).Result, "error": {Status: 500}, "nothing": {}} {
		t.Run(name, func(t *testing.T) {
			w := start(t, withURI)
			w.proxy.Advance(time.Millisecond)
			s := get(good())
			x := w.send(s)
			x.OnDone()
			s.Gone()
			w.proxy.Calls()[0].Answer(reply)
			w.proxy.Advance(time.Minute)
			if !s.Waits() {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestT06_UnknownKid(t *testing.T) {
	t.Parallel()
	w := start(t, withURI)
	w.proxy.Server = keysFrom("k1")
	w.proxy.Advance(time.Second)

	// The issuer has rotated: one fetch finds the new key.
	w.proxy.Server = keysFrom("k1", "k2")
	s := get(mint("k2"))
	w.expect(s, "waits")
	w.expect(get(good()), "token_accepted") // known keys go on
	w.proxy.Advance(time.Second)
	w.expectNow(s, "token_accepted")
	if fetches(w) != 2 {
		t.Fatalf("%d fetches", fetches(w))
	}
	// Within the interval the answer stands: no fetch, no wait.
	w.expect(get(mint("k9")), "key_unknown")
	w.proxy.Advance(28 * time.Second)
	w.expect(get(mint("k9")), "key_unknown")
	if fetches(w) != 2 {
		t.Fatalf("%d fetches", fetches(w))
	}
	// After it, one more, for all that wait.
	w.proxy.Advance(2 * time.Second)
	streams := []*filtertest.Stream{get(mint("k8")), get(mint("k9"))}
	for _, s := range streams {
		w.expect(s, "waits")
	}
	w.proxy.Advance(time.Second)
	for _, s := range streams {
		w.expectNow(s, "key_unknown")
	}
	if fetches(w) != 3 {
		t.Errorf("%d fetches", fetches(w))
	}
	// Inline keys are all there are.
	start(t, ``).expect(get(mint("k9")), "key_unknown")
}

func TestT06_UnknownKidWhileTheIssuerIsDown(t *testing.T) {
	t.Parallel()
	w := start(t, withURI)
	w.proxy.Server = keysFrom("k1")
	w.proxy.Advance(time.Second)
	w.proxy.Server = always(status(500))
	s := get(mint("k2"))
	w.expect(s, "waits")
	w.proxy.Advance(time.Second)
	w.expectNow(s, "keys_unavailable") // nobody can say whether there is such a key
	w.expect(get(good()), "token_accepted")
	w.expect(get(mint("k3")), "key_unknown")
	w.proxy.Server = nil
	w.proxy.Advance(30 * time.Second)
	s = get(mint("k2"))
	w.expect(s, "waits")
	w.proxy.Advance(6 * time.Second)
	w.expectNow(s, "keys_unavailable")
}

// A stream of invented kids on two workers: one fetch for each interval.
func TestT06_RandomKidsOverTwoWorkers(t *testing.T) {
	t.Parallel()
	a, b := twoWorkers(t, withURI)
	a.proxy.Server = keysFrom("k1")
	a.proxy.Advance(2 * time.Second)
	before := fetches(a, b)
	var streams []*filtertest.Stream
	flood := func() {
		for i := range 20 {
			for _, w := range []*worker{a, b} {
				s := get(mint("k1", param("kid", fmt.Sprintf("kid-%d", i))))
				w.send(s)
				streams = append(streams, s)
			}
			a.proxy.Advance(100 * time.Millisecond)
		}
	}
	flood()
	if n := fetches(a, b) - before; n != 1 {
		t.Errorf("%d fetches in one interval", n)
	}
	a.proxy.Advance(30 * time.Second)
	flood()
	a.proxy.Advance(2 * time.Second)
	if n := fetches(a, b) - before; n != 2 {
		t.Errorf("%d fetches in two intervals", n)
	}
	for i, s := range streams {
		a.expectNow(s, "key_unknown")
		if t.Failed() {
			t.Fatalf("request %d", i)
		}
	}
}

func TestKeys_WorkersShareWhatOneFetched(t *testing.T) {
	t.Parallel()
	a, b := twoWorkers(t, withURI)
	a.proxy.Server = keysFrom("k1")
	a.proxy.Advance(2 * time.Second)
	if fetches(a, b) != 1 {
		t.Errorf("%d fetches at start", fetches(a, b))
	}
	for _, w := range []*worker{a, b} {
		w.expect(get(good()), "token_accepted")
	}
	// A request on the other worker causes the fetch, and both have the key.
	a.proxy.Server = keysFrom("k1", "k2")
	onB := get(mint("k2"))
	b.expect(onB, "waits")
	a.proxy.Advance(time.Second)
	b.expectNow(onB, "token_accepted")
	a.proxy.Advance(time.Second)
	a.expect(get(mint("k2")), "token_accepted")
	if fetches(a, b) != 2 {
		t.Errorf("%d fetches", fetches(a, b))
	}
	// One refresh for both, over and over.
	before := fetches(a, b)
	a.proxy.Advance(time.Hour)
	if n := fetches(a, b) - before; n < 7 || n > 9 {
		t.Errorf("%d refreshes in an hour of 10-minute freshness", n)
	}
}

// A worker that waits for another's fetch takes over its failure, too.
func TestKeys_WorkersShareFailures(t *testing.T) {
	t.Parallel()
	a, b := twoWorkers(t, withURI)
	a.proxy.Server = keysFrom("k1")
	a.proxy.Advance(2 * time.Second)
	a.proxy.Server = nil
	onA, onB := get(mint("k2")), get(mint("k2"))
	a.expect(onA, "waits")
	a.proxy.Advance(25 * time.Millisecond)
	b.expect(onB, "waits")
	a.proxy.Advance(100 * time.Millisecond)
	calls := a.proxy.Calls()
	if len(calls) != 1 {
		t.Fatalf("%d calls", len(calls))
	}
	calls[0].Answer(filter.CallResult{Status: 500})
	a.proxy.Advance(time.Millisecond)
	a.expectNow(onA, "keys_unavailable")
	a.proxy.Advance(time.Second)
	b.expectNow(onB, "keys_unavailable")
}

// badReplies bring no keys. None wipes good ones (threats T22d, T25).
var badReplies = map[string]filtertest.Reply{
	"500":              {Result: filter.CallResult{Status: 500, Body: []byte(jwks("k1"))}},
	"204":              status(204),
	"304":              status(304),
	"T25 redirect":     {Result: filter.CallResult{Status: 302, Headers: []filter.Header{{Name: "location", Value: "https://evil.example/"}}, Body: []byte(jwks("k1"))}},
	"reset":            {Reset: true},
	"not sent":         {Refuse: true},
	"never":            {},
	"empty":            ok(""),
	"HTML":             ok("<html>"),
	"{}":               ok("{}"),
	"no keys":          ok(`{"keys":[]}`),
	"T07 unusable key": ok(`{"keys":[{"kty":"oct","k":"AAAA"}]}`),
	"T08 duplicate":    ok(`{"keys":[],` + jwks("k1")[1:]),
	"trailing":         ok(jwks("k1") + "x"),
	"too large":        ok(jwks("k1") + strings.Repeat(" ", 262144)),
	"truncated":        ok(jwks("k1")[:50]),
}

func TestT22d_BadRefreshKeepsGoodKeys(t *testing.T) {
	t.Parallel()
	for name, reply := range badReplies {
		t.Run(name, func(t *testing.T) {
			w := start(t, withURI)
			w.proxy.Server = keysFrom("k1")
			w.proxy.Advance(time.Second)
			w.proxy.Server = always(reply)
			w.proxy.Advance(9 * time.Minute) // the refresh was due
			w.expect(get(good()), "token_accepted")
			if w.Metric("holdfast.jwks.failed") == 0 || w.Metric("holdfast.jwks.stale") == 0 || !strings.Contains(w.LogText(), "keys of "+issuerURL+" not fetched: ") {
				t.Errorf("failed %d, stale %d\n%s", w.Metric("holdfast.jwks.failed"), w.Metric("holdfast.jwks.stale"), w.LogText())
			}
			w.proxy.Advance(60 * time.Minute) // 10 minutes fresh and an hour stale are not over
			w.expect(get(mint("k1", claim("exp", seconds(24*time.Hour)))), "token_accepted")
			w.proxy.Advance(2 * time.Minute) // they are
			s := get(mint("k1", claim("exp", seconds(24*time.Hour))))
			w.send(s)
			w.proxy.Advance(6 * time.Second)
			w.expectNow(s, "keys_unavailable")
			w.proxy.Server = keysFrom("k1")
			w.proxy.Advance(15 * time.Second)
			w.expect(get(mint("k1", claim("exp", seconds(24*time.Hour)))), "token_accepted")
		})
	}
}

func TestT22d_BadFirstFetch(t *testing.T) {
	t.Parallel()
	for name, reply := range badReplies {
		t.Run(name, func(t *testing.T) {
			w := start(t, withURI)
			w.proxy.Server = always(reply)
			s := get(good())
			w.send(s)
			w.proxy.Advance(6 * time.Second)
			w.expectNow(s, "keys_unavailable")
		})
	}
}

func TestT22d_RemovedKeyStopsVerifying(t *testing.T) {
	t.Parallel()
	a, b := twoWorkers(t, withURI)
	a.proxy.Server = keysFrom("k1", "k2")
	a.proxy.Advance(2 * time.Second)
	for _, w := range []*worker{a, b} {
		w.expect(get(good()), "token_accepted")
	}
	a.proxy.Server = keysFrom("k2")
	a.proxy.Advance(9 * time.Minute)
	for _, w := range []*worker{a, b} {
		s := get(good())
		w.send(s)
		a.proxy.Advance(2 * time.Second)
		w.expectNow(s, "key_unknown")
		w.expect(get(mint("k2")), "token_accepted")
	}
}

// The issuer's max-age counts, within bounds.
func TestKeys_MaxAge(t *testing.T) {
	t.Parallel()
	tests := []struct {
		maxAge   string
		min, max int // refreshes in ten minutes
	}{
		{"60", 12, 15},
		{"0", 24, 29},
		{"86400", 1, 1},
	}
	for _, tt := range tests {
		w := start(t, withURI)
		w.proxy.Server = always(ok(jwks("k1"), field("cache-control", "max-age="+tt.maxAge)))
		w.proxy.Advance(time.Second)
		w.proxy.Advance(10 * time.Minute)
		if n := fetches(w) - 1; n < tt.min || n > tt.max {
			t.Errorf("max-age=%s: %d refreshes", tt.maxAge, n)
		}
	}
}

const withDiscovery = `{"issuer":{"jwks":{"discovery":true,"cluster":"as","timeout":"5s"}}}`

func TestRFC8414_Discovery(t *testing.T) {
	t.Parallel()
	const oauth, oidc = "as.example.com/.well-known/oauth-authorization-server", "as.example.com/.well-known/openid-configuration"
	doc := func(issuer, uri string) filtertest.Reply {
		return ok(`{"issuer":"` + issuer + `","jwks_uri":"` + uri + `"}`)
	}
	tests := []struct {
		name    string
		replies map[string]filtertest.Reply
		calls   string
		reason  string
	}{
		{"RFC 8414 first", map[string]filtertest.Reply{oauth: doc(issuerURL, "https://as.example.com/k?a=b"), "as.example.com/k?a=b": ok(jwks("k1"))},
			oauth + " as.example.com/k?a=b", "token_accepted"},
		{"then OpenID", map[string]filtertest.Reply{oidc: doc(issuerURL, "https://as.example.com/k"), "as.example.com/k": ok(jwks("k1"))},
			oauth + " " + oidc + " as.example.com/k", "token_accepted"},
		{"issuer of another in the first", map[string]filtertest.Reply{oauth: doc("https://evil.example", "https://evil.example/k"), oidc: doc(issuerURL, "https://as.example.com/k"), "as.example.com/k": ok(jwks("k1"))},
			oauth + " " + oidc + " as.example.com/k", "token_accepted"},
		{"T25 jwks_uri elsewhere: same cluster, its authority and path only", map[string]filtertest.Reply{oauth: doc(issuerURL, "http://169.254.169.254:80/latest"), "169.254.169.254:80/latest": ok(jwks("k1"))},
			oauth + " 169.254.169.254:80/latest", "token_accepted"},
		{"no jwks_uri", map[string]filtertest.Reply{oauth: ok(`{"issuer":"` + issuerURL + `"}`)}, oauth + " " + oidc, "keys_unavailable"},
		{"issuer with a slash", map[string]filtertest.Reply{oauth: doc(issuerURL+"/", "https://as.example.com/k")}, oauth + " " + oidc, "keys_unavailable"},
		{"T25 redirect", map[string]filtertest.Reply{oauth: {Result: filter.CallResult{Status: 301, Body: []byte(`{"issuer":"` + issuerURL + `","jwks_uri":"` + issuerURL + `/k"}`)}}}, oauth + " " + oidc, "keys_unavailable"},
		{"keys fail", map[string]filtertest.Reply{oauth: doc(issuerURL, "https://as.example.com/k")}, oauth + " as.example.com/k", "keys_unavailable"},
		{"not sent", map[string]filtertest.Reply{oauth: {Refuse: true}}, "", "keys_unavailable"},
		{"nobody answers", map[string]filtertest.Reply{oauth: {}}, oauth, "keys_unavailable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := start(t, withDiscovery)
			var left []time.Duration
			w.proxy.Server = func(c filter.Call) filtertest.Reply {
				left = append(left, c.Timeout)
				reply, found := tt.replies[c.Authority+c.Path]
				if !found {
					reply = status(404)
				}
				reply.Delay = time.Second
				return reply
			}
			s := get(good())
			w.send(s)
			w.proxy.Advance(6 * time.Second)
			w.expectNow(s, tt.reason)
			var calls []string
			for _, c := range w.Dispatched {
				if c.Cluster != "as" {
					t.Errorf("T25: a call to %s", c.Cluster)
				}
				calls = append(calls, c.Authority+c.Path)
			}
			if got := strings.Join(calls, " "); !strings.HasPrefix(got, tt.calls) {
				t.Errorf("calls\n%s, want\n%s", got, tt.calls)
			}
			if tt.reason == "token_accepted" && strings.Join(calls, " ") != tt.calls {
				t.Errorf("more calls than %s: %s", tt.calls, calls)
			}
			// All steps share the time of one fetch.
			for i := 1; i < len(left) && tt.reason == "token_accepted"; i++ {
				if want := 5*time.Second - time.Duration(i)*time.Second; left[i] != want {
					t.Errorf("call %d has %v left, want %v", i, left[i], want)
				}
			}
		})
	}
	slow := start(t, withDiscovery) // the metadata takes all the time that there is
	slow.proxy.Server = func(c filter.Call) filtertest.Reply {
		reply := doc(issuerURL, "https://as.example.com/k")
		reply.Delay = 5 * time.Second
		return reply
	}
	slow.proxy.Advance(5100 * time.Millisecond)
	if !strings.Contains(slow.LogText(), "longer than the timeout") {
		t.Errorf("%s", slow.LogText())
	}
}
