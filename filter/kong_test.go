package filter_test

import (
	"strings"
	"testing"
	"time"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

// What differs on Kong and no scenario shows. The host of package filtertest makes a
// violation of what the real one answers with a trap, a crash or an alert.

// startKong starts a worker on Kong.
func startKong(t *testing.T, change string) *worker {
	t.Helper()
	return startIn(t, filtertest.NewKong(), configure(t, onKong(change)))
}

// onKong is the change with the host in it.
func onKong(change string) string {
	if change == "" {
		return `{"host":"kong"}`
	}
	return `{"host":"kong",` + change[1:]
}

// getOnKong is a request with this token of a client that presents certA.
func (w *worker) getOnKong(token string, fields ...filter.Header) *filtertest.Stream {
	fields = append([]filter.Header{{Name: "Authorization", Value: "Bearer " + token}}, fields...)
	s := w.NewStream("GET", host, "/accounts", fields...).Present(certA)
	w.t.Cleanup(func() {
		if len(s.Violations) > 0 {
			w.t.Errorf("violations: %q", s.Violations)
		}
	})
	return s
}

// kongOutcome lets a request arrive, and tells what became of it.
func (w *worker) kongOutcome(s *filtertest.Stream) string {
	w.t.Helper()
	s.Callback(w.plugin.NewExchange(s).OnRequestHeaders)
	return toldByKong(s)
}

func toldByKong(s *filtertest.Stream) string {
	switch {
	case s.Waits():
		return "waits"
	case s.Continued:
		return "allowed"
	}
	return strings.TrimPrefix(s.Counted, "holdfast.denied.")
}

func (w *worker) expectOnKong(s *filtertest.Stream, want string) {
	w.t.Helper()
	if got := w.kongOutcome(s); got != want {
		w.t.Errorf("%s, want %s", got, want)
	}
}

// Keys come with the first tick, to host:port, with TLS as the URL says. There is one
// period for all ticks.
func TestKong_KeysFromTheFirstTick(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"https", "http"} {
		w := startKong(t, `{"issuer":{"jwks":{"uri":"`+scheme+`://as.example.com/jwks","cluster":"10.0.0.7:8443"}}}`)
		w.proxy.Server = keysFrom("k1")
		if len(w.Dispatched) != 0 || w.Period() == 0 {
			t.Errorf("%d calls from the start, tick %s", len(w.Dispatched), w.Period())
		}
		first := w.Period()
		w.expectOnKong(w.getOnKong(good()), "keys_unavailable")
		w.proxy.Advance(first)
		call := w.Dispatched[0]
		if call.Cluster != "10.0.0.7:8443" || call.Scheme != scheme || call.Authority != "as.example.com" {
			t.Errorf("%+v", call.Call)
		}
		w.expectOnKong(w.getOnKong(good()), "allowed")
		w.proxy.Advance(time.Minute)
		if w.Period() != first || len(w.Dispatched) != 1 {
			t.Errorf("tick %s, was %s; %d calls", w.Period(), first, len(w.Dispatched))
		}
	}
}

// Workers share keys, although no number lets a write win there that comes too late.
func TestKong_WorkersShareKeys(t *testing.T) {
	t.Parallel()
	proxy, configuration := filtertest.NewKong(), configure(t, onKong(withURI))
	a, b := startIn(t, proxy, configuration), startIn(t, proxy, configuration)
	proxy.Server = keysFrom("k1")
	proxy.Advance(time.Second)
	for _, w := range []*worker{a, b} {
		w.expectOnKong(w.getOnKong(good()), "allowed")
	}
	if n := fetches(a, b); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
	proxy.Server = keysFrom("k1", "k2")
	proxy.Advance(10 * time.Minute) // they are refreshed
	if n := fetches(a, b); n != 2 {
		t.Errorf("%d fetches, want 2", n)
	}
	for _, w := range []*worker{a, b} {
		w.expectOnKong(w.getOnKong(mint("k2")), "allowed")
	}
}

// Without a zone for shared data every call for it is a trap: none is made.
func TestKong_WithoutSharedData(t *testing.T) {
	t.Parallel()
	proxy := filtertest.NewKong()
	proxy.NoZone = true
	proxy.Server = keysFrom("k1")
	change := onKong(withURI)
	w := startIn(t, proxy, configure(t, change[:len(change)-1]+`,"shared_data":false,
		"proof_of_possession":{"methods":["mtls","dpop"],"dpop":{"origin":["https://api.example.com"],"replay":"per_worker"}}}`))
	proxy.Advance(time.Second)
	w.expectOnKong(w.getOnKong(good()), "allowed")
}

// A proof is accepted once, over all workers, and does not go on.
func TestKong_DPoP(t *testing.T) {
	t.Parallel()
	proxy, configuration := filtertest.NewKong(), configure(t, onKong("{"+dpopOnly+"}"))
	a, b := startIn(t, proxy, configuration), startIn(t, proxy, configuration)
	token := mint("k1", toKey("c1"))
	request := func(w *worker) *filtertest.Stream {
		return w.NewStream("GET", host, "/accounts", field("Authorization", "DPoP "+token), field("DPoP", proofOf("c1", token)))
	}
	s := request(a)
	a.expectOnKong(s, "allowed")
	only(t, s, "dpop", "-")
	b.expectOnKong(request(b), "dpop_replayed")
}

// A nonce rests on a key of the operator's and on the time, not on random numbers.
func TestKong_NoncesNeedNoRandomness(t *testing.T) {
	t.Parallel()
	proxy := filtertest.NewKong()
	w := &worker{Host: proxy.Worker(), t: t, proxy: proxy}
	w.Environment = map[string]string{"NONCES": strings.Repeat("A", 43) + "="}
	w.Faults = filtertest.FailOn(errHost, "Random")
	var err error
	if w.plugin, err = w.Start(configure(t, onKong("{"+dpopNonce+"}"))); err != nil {
		t.Fatal(err)
	}
	token := mint("k1", toKey("c1"))
	request := func(edits ...edit) *filtertest.Stream {
		return w.NewStream("GET", host, "/accounts", field("Authorization", "DPoP "+token), field("DPoP", proofOf("c1", token, edits...)))
	}
	s := request()
	w.expectOnKong(s, "dpop_nonce_required")
	var nonces []string
	for _, h := range s.Answer.Headers {
		if h.Name == "dpop-nonce" {
			nonces = append(nonces, h.Value)
		}
	}
	if len(nonces) != 1 {
		t.Fatalf("nonces %q", nonces)
	}
	w.expectOnKong(request(claim("nonce", nonces[0])), "allowed")
}

// One WWW-Authenticate for both schemes: of two fields the host sends the last.
func TestKong_OneChallenge(t *testing.T) {
	t.Parallel()
	w := startKong(t, "{"+bothWays+"}")
	s := w.NewStream("GET", host, "/accounts")
	w.expectOnKong(s, "no_token")
	for _, scheme := range []string{`Bearer realm="holdfast"`, `DPoP realm="holdfast"`} {
		if got := header(s, "www-authenticate"); !strings.Contains(got, scheme) {
			t.Errorf("%q lacks %q", got, scheme)
		}
	}
}

// A gRPC client gets a gRPC answer, which that host does not make of another one.
func TestKong_GRPC(t *testing.T) {
	t.Parallel()
	w := startKong(t, "")
	s := w.NewStream("POST", host, "/accounts", field("Content-Type", "application/grpc+proto"))
	w.expectOnKong(s, "no_token")
	a := s.Answer
	if a.Status != 200 || a.Body != "" || header(s, "content-type") != "application/grpc" || header(s, "grpc-status") != "16" || header(s, "www-authenticate") == "" {
		t.Errorf("%+v", a)
	}
}

// The path as it was sent can't be read: 503.
func TestKong_PathThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := startKong(t, "")
	s := w.getOnKong(good())
	s.Unreadable = []string{"ngx.request_uri"}
	w.expectOnKong(s, "internal_error")
}

// The host lets a request go on after the answer to its own call, unless it was
// decided by then: it is, also when the filter has a fault in between.
func TestKong_FaultInAnOwnCall(t *testing.T) {
	t.Parallel()
	w := startKong(t, asks(""))
	w.proxy.Server = func(filter.Call) filtertest.Reply {
		reply := said()
		reply.Delay = time.Second
		return reply
	}
	s, other := w.getOnKong("opaque"), w.getOnKong("another")
	w.expectOnKong(s, "waits")
	w.expectOnKong(other, "waits")
	s.Faults = func(method string) error {
		if method == "Property" {
			panic("a fault")
		}
		return nil
	}
	w.proxy.Advance(2 * time.Second)
	if s.Continued || s.Answer == nil || s.Answer.Status != 503 {
		t.Errorf("continued: %t, answer %+v", s.Continued, s.Answer)
	}
	if got := toldByKong(other); got != "allowed" {
		t.Errorf("the other one: %s", got)
	}
}

// A call that the host does not send is an answer, too.
func TestKong_OwnCallIsNotSent(t *testing.T) {
	t.Parallel()
	w := startKong(t, asks(""))
	s := w.getOnKong("opaque")
	s.Faults = filtertest.FailOn(errHost, "Dispatch")
	w.expectOnKong(s, "introspection_unavailable")
}

// Neither can a call be made whose client can't be authenticated.
func TestKong_OwnCallWithoutAnAssertion(t *testing.T) {
	t.Parallel()
	proxy := filtertest.NewKong()
	w := &worker{Host: proxy.Worker(), t: t, proxy: proxy}
	private, _ := clientKey(t, "EC")
	w.Environment = map[string]string{"KEY": private}
	w.Faults = filtertest.FailOn(errHost, "Random")
	var err error
	w.plugin, err = w.Start(configure(t, `{"host":"kong","issuer":{"introspection":{"endpoint":"https://as.example.com/introspect","cluster":"as",
		"client_auth":"private_key_jwt","client_id":"gw","private_key_env":"KEY"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	w.expectOnKong(w.getOnKong("opaque"), "introspection_unavailable")
}

// After failures one call at a time tries again, whoever makes it.
func TestKong_BreakerLetsOneTry(t *testing.T) {
	t.Parallel()
	w := startKong(t, asks(`"cache_ttl":"0s"`))
	w.proxy.Server = always(filtertest.Reply{Reset: true})
	for _, token := range []string{"a", "b", "c"} {
		w.expectOnKong(w.getOnKong(token), "waits")
		w.proxy.Advance(time.Millisecond)
	}
	w.expectOnKong(w.getOnKong("d"), "introspection_unavailable")
	w.proxy.Advance(2 * time.Second)
	w.proxy.Server = nil // it holds
	w.expectOnKong(w.getOnKong("e"), "waits")
	w.expectOnKong(w.getOnKong("f"), "introspection_unavailable")
}
