package e2e

import (
	"context"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// quick is an issuer whose keys are asked for often, so that no test waits long.
func quick(change M) M {
	return M{"issuers": IssuerWith(M{"jwks": patch(M{
		"cache_duration": "1s", "unknown_kid_interval": "1s", "timeout": "2s",
	}, change)})}
}

// with is the header line with a token for A that k signed.
func (f *fixture) with(k *Key) string {
	return "authorization: Bearer " + f.Auth.Mint(f.PKI.A).WithHeader(M{"kid": k.ID}).Sign(k)
}

// refetched waits until the keys were asked for again, n times.
func (f *fixture) refetched(t *testing.T, n int) {
	t.Helper()
	before := f.Auth.Requests("/jwks")
	eventually(t, "the keys are fetched again", func() bool { return f.Auth.Requests("/jwks") >= before+n })
}

// RFC 8414, then OpenID Connect Discovery. A document that names another issuer
// is not taken, and nothing it says is followed.
func TestDiscovery(t *testing.T) {
	o := one(M{"issuers": IssuerWith(M{"jwks": M{"uri": nil, "discovery": true}})})
	o.Prepare = func(s *Stack) error {
		s.Auth.Fault("/.well-known/oauth-authorization-server",
			Reply(200, `{"issuer":"https://evil.example","jwks_uri":"https://as.example.com/evil"}`))
		return nil
	}
	f := start(t, o)
	passed(t, f.A.Get(path, f.bearer(t, f.PKI.A)))
	f.refused(t, f.B.Get(path, f.bearer(t, f.PKI.A)), 401, "invalid_token")
	for path, want := range map[string]bool{"/.well-known/oauth-authorization-server": true, "/.well-known/openid-configuration": true, "/jwks": true, "/evil": false} {
		if got := f.Auth.Requests(path); (got > 0) != want {
			t.Errorf("%s was asked for %d times", path, got)
		}
	}
}

// The usual case: the first document is the right one, and the second is never
// asked for.
func TestDiscoveryRFC8414(t *testing.T) {
	f := start(t, one(M{"issuers": IssuerWith(M{"jwks": M{"uri": nil, "discovery": true}})}))
	passed(t, f.A.Get(path, f.bearer(t, f.PKI.A)))
	if n := f.Auth.Requests("/.well-known/openid-configuration"); n != 0 {
		t.Errorf("OpenID's document was asked for %d times", n)
	}
}

// Without keys nobody is let in, and with them everybody who should be, without
// a restart.
func TestAuthorizationServerDownThenUp(t *testing.T) {
	o := one(quick(nil))
	o.Prepare = func(s *Stack) error {
		if _, err := s.Token(s.PKI.A); err != nil {
			return err
		}
		s.Auth.Close()
		return nil
	}
	f := start(t, o)
	a := f.A.Get(path, f.bearer(t, f.PKI.A))
	if a.Status != 503 || a.Code() != "temporarily_unavailable" || a.Seen != nil || a.Header.Get("retry-after") == "" {
		t.Errorf("got %s with retry-after %q, want 503", describe(a), a.Header.Get("retry-after"))
	}
	checkChallenge(t, a, "temporarily_unavailable")
	grpc := f.Client(Caller{Certificate: f.PKI.A, HTTP2: true}).Do(t.Context(), http.MethodPost, path, nil, f.bearer(t, f.PKI.A), "content-type: application/grpc")
	if got := grpc.Header.Get("grpc-status"); got != "14" {
		t.Errorf("grpc-status is %q, want 14", got)
	}
	if err := f.Auth.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "requests pass again", func() bool { return f.A.Get(path, f.bearer(t, f.PKI.A)).Status == 200 })
	f.refused(t, f.B.Get(path, f.bearer(t, f.PKI.A)), 401, "invalid_token")
}

// T23: a thousand requests that wait and are then refused together. Envoy answers
// them on top of each other, and some 300 at once would exhaust the VM's stack
// (the stack's Close fails on a VM that crashed).
func TestT23ManyAnswersAtOnce(t *testing.T) {
	for _, host := range Envoys() {
		t.Run(host, func(t *testing.T) {
			gate := NewGate()
			o := one(M{"issuers": IssuerWith(M{"jwks": M{"timeout": "50s"}})})
			o.Concurrency, o.Envoy = 1, os.Getenv(host)
			o.Prepare = func(s *Stack) error {
				s.Auth.Fault("/jwks", gate.Fault())
				return nil
			}
			f := start(t, o)
			forged := "authorization: Bearer " + f.Auth.Mint(f.PKI.A).Sign(NewKey("nobody's", "ES256"))
			good := f.bearer(t, f.PKI.A)
			<-gate.Waiting
			const requests = 1000
			thief := f.Client(Caller{HTTP2: true})
			answers := make([]*Answer, requests)
			var wait sync.WaitGroup
			for i := range answers {
				wait.Go(func() { answers[i] = thief.Do(t.Context(), http.MethodGet, path, nil, forged) })
			}
			eventually(t, "all of them wait", func() bool { return must(f.Envoy.Stats())["http.api.downstream_rq_active"] == requests })
			gate.Open()
			wait.Wait()
			for _, a := range answers {
				if a.Status != 401 || a.Code() != "invalid_token" || a.Seen != nil {
					t.Fatalf("got %s, want 401 from the filter", describe(a))
				}
			}
			passed(t, f.A.Get(path, good))
		})
	}
}

// Requests wait for slow keys, as many as limits.waiting_requests. Who leaves
// meanwhile costs nothing and breaks nothing (T23), and nothing of what waits
// reaches the upstream.
func TestT23Waiting(t *testing.T) {
	gate := NewGate()
	o := one(M{"limits": M{"waiting_requests": 4}, "issuers": IssuerWith(M{"jwks": M{"timeout": "25s"}})})
	o.Concurrency = 1
	o.Prepare = func(s *Stack) error {
		s.Auth.Fault("/jwks", gate.Fault())
		return nil
	}
	f := start(t, o)
	token, parked := f.bearer(t, f.PKI.A), func() uint64 { return must(f.Envoy.Stats())["http.api.downstream_rq_active"] }
	<-gate.Waiting

	// Two that will leave: one on a connection of its own, one HTTP/2 stream.
	leaving, leave := context.WithCancel(t.Context())
	var gone sync.WaitGroup
	for _, http2 := range []bool{false, true} {
		c := f.Client(Caller{Certificate: f.PKI.A, HTTP2: http2})
		gone.Go(func() {
			if a := c.Do(leaving, http.MethodPost, path, strings.NewReader(strings.Repeat("x", 100_000)), token); a.Err == nil {
				t.Errorf("got %s from a request that was given up", describe(a))
			}
		})
	}
	eventually(t, "two requests wait", func() bool { return parked() == 2 })
	leave()
	gone.Wait()
	eventually(t, "they are gone", func() bool { return parked() == 0 })

	// Four that stay: three good ones and a thief. The limit counts only those.
	answers := make([]*Answer, 4)
	var wait sync.WaitGroup
	for i, c := range []*Client{f.A, f.A, f.A, f.B} {
		wait.Go(func() { answers[i] = c.Do(t.Context(), http.MethodPost, path, strings.NewReader("body"), token) })
	}
	eventually(t, "four requests wait", func() bool { return parked() == 4 })
	fifth := f.A.Get(path, token)
	if fifth.Status != 503 || fifth.Code() != "temporarily_unavailable" || fifth.Header.Get("retry-after") == "" {
		t.Errorf("one too many: got %s, want 503", describe(fifth))
	}
	// A token that is bad on its face, or none at all, never waits for keys.
	if a := f.A.Get(path); a.Status != 401 {
		t.Errorf("no token: got %s", describe(a))
	}
	if n := f.Upstream.Total(); n != 0 {
		t.Errorf("the upstream saw %d requests before there were keys", n)
	}
	gate.Open()
	wait.Wait()
	for i, a := range answers[:3] {
		if seen := passed(t, a); seen.Body != "body" {
			t.Errorf("request %d arrived with body %q", i, seen.Body)
		}
	}
	f.refused(t, answers[3], 401, "invalid_token")
}

// Keys that never come: one deadline, then 503. The thread stays free.
func TestT23KeysTimeOut(t *testing.T) {
	gate := NewGate()
	defer gate.Open()
	o := one(quick(M{"timeout": "1s"}))
	o.Prepare = func(s *Stack) error {
		s.Auth.Fault("/jwks", gate.Fault())
		return nil
	}
	f := start(t, o)
	a := f.A.Get(path, f.bearer(t, f.PKI.A))
	if a.Status != 503 || a.Code() != "temporarily_unavailable" || a.Seen != nil {
		t.Errorf("got %s, want 503", describe(a))
	}
	passed(t, f.None.Get("/public/status"))
	f.Auth.Fault("/jwks", nil)
	eventually(t, "requests pass again", func() bool { return f.A.Get(path, f.bearer(t, f.PKI.A)).Status == 200 })
}

// A key that is new is fetched for the request that needs it, which waits and
// passes; many such requests cause one fetch; a key that is withdrawn stops
// verifying.
func TestRotation(t *testing.T) {
	f := start(t, one(M{"issuers": IssuerWith(M{"jwks": M{"unknown_kid_interval": "1s"}})}))
	old, next := f.Auth.Key(), NewKey("key-2", "ES256")
	passed(t, f.A.Get(path, f.with(old)))
	f.refused(t, f.A.Get(path, f.with(next)), 401, "invalid_token") // spends the interval's fetch
	time.Sleep(1100 * time.Millisecond)                             // unknown_kid_interval

	f.Auth.Publish(next, old)
	before := f.Auth.Requests("/jwks")
	var wait sync.WaitGroup
	for range 10 {
		wait.Go(func() {
			if a := f.A.Get(path, f.with(next)); a.Status != 200 {
				t.Errorf("got %s for a token of the new key", describe(a))
			}
		})
	}
	wait.Wait()
	if got := f.Auth.Requests("/jwks") - before; got != 1 {
		t.Errorf("%d fetches for the new key, want 1", got)
	}
	passed(t, f.A.Get(path, f.with(old)))

	f.Auth.Publish(next)
	time.Sleep(1100 * time.Millisecond)
	f.refused(t, f.A.Get(path, f.with(NewKey("key-3", "ES256"))), 401, "invalid_token") // makes them look
	eventually(t, "the withdrawn key is refused by all workers", func() bool {
		for range 10 {
			if a := f.Client(Caller{Certificate: f.PKI.A, Reconnect: true}).Get(path, f.with(old)); a.Status != 401 {
				return false
			}
		}
		return true
	})
	passed(t, f.A.Get(path, f.with(next)))
}

// T22d, T23, T25: whatever a refresh brings, keys that were good stay good, and
// keys that were withdrawn stay withdrawn.
func TestT22dRefreshFaults(t *testing.T) {
	f := start(t, one(quick(M{"stale_if_error": "1h"})))
	withdrawn, key := f.Auth.Key(), NewKey("key-2", "ES256")
	passed(t, f.A.Get(path, f.with(withdrawn)))
	f.Auth.Publish(key)
	eventually(t, "the new key is known", func() bool { return f.A.Get(path, f.with(key)).Status == 200 })
	f.refetched(t, 2) // by both workers, one way or another
	evil := NewKey("evil", "ES256")
	for _, fault := range []struct {
		name  string
		fault Fault
	}{
		{"500", Reply(500, Set(evil))},
		{"reset", Reset()},
		{"garbage", Reply(200, "<html>")},
		{"empty object", Reply(200, "{}")},
		{"no keys", Reply(200, `{"keys":[]}`)},
		{"cut short", Reply(200, Set(key)[:40])},
		{"duplicate member", Reply(200, `{"keys":[],"keys":[]}`)},
		{"huge", Reply(200, Set(key)+strings.Repeat(" ", 300_000))},
		{"T25 redirect", Reply(302, "", "location: http://"+f.Upstream.Address+"/evil")},
		{"204", Reply(204, "")},
		{"symmetric key", Reply(200, `{"keys":[{"kty":"oct","kid":"key-2","k":"c2VjcmV0"}]}`)},
	} {
		t.Run(fault.name, func(t *testing.T) {
			upstream := f.Upstream.Total()
			f.Auth.Fault("/jwks", fault.fault)
			f.refetched(t, 1)
			time.Sleep(50 * time.Millisecond) // for the answer to arrive
			if n := f.Upstream.Total(); n != upstream {
				t.Errorf("%d requests followed the redirect", n-upstream)
			}
			for range 4 {
				passed(t, f.Client(Caller{Certificate: f.PKI.A, Reconnect: true}).Get(path, f.with(key)))
			}
			// 401, or 503 while nobody can say whether the key exists.
			if a := f.A.Get(path, f.with(evil)); a.Status != 401 && a.Status != 503 || a.Seen != nil {
				t.Errorf("a token of no known key got %s", describe(a))
			}
			f.Auth.Fault("/jwks", nil)
			f.refetched(t, 1)
		})
	}
	a := f.A.Get(path, f.with(withdrawn))
	if a.Status == 200 {
		t.Error("the withdrawn key verifies again")
	}
	if f.Envoy.Metric("holdfast.jwks.failed") == 0 || f.Envoy.Metric("holdfast.jwks.stale") == 0 {
		t.Error("jwks.failed or jwks.stale never counted")
	}
}

// Stale keys are used for stale_if_error and not longer.
func TestStaleKeysEnd(t *testing.T) {
	f := start(t, one(quick(M{"stale_if_error": "1s"})))
	token := f.bearer(t, f.PKI.A)
	passed(t, f.A.Get(path, token))
	f.Auth.Fault("/jwks", Reply(500, ""))
	eventually(t, "the keys are too old", func() bool { return f.A.Get(path, token).Status == 503 })
	f.Auth.Fault("/jwks", nil)
	eventually(t, "requests pass again", func() bool { return f.A.Get(path, token).Status == 200 })
}

// The issuer's cache-control counts within bounds: max-age=0 does not make
// Holdfast ask in a loop.
func TestCacheControlWithinBounds(t *testing.T) {
	o := Options{Prepare: func(s *Stack) error {
		s.Auth.Fault("/jwks", CacheControl("max-age=0, no-store"))
		return nil
	}}
	f := start(t, o)
	token := f.bearer(t, f.PKI.A)
	began := time.Now()
	for range 50 {
		passed(t, f.A.Get(path, token))
	}
	time.Sleep(2 * time.Second)
	if got, allowed := f.Auth.Requests("/jwks"), 2+int(time.Since(began)/(10*time.Second)); got > allowed {
		t.Errorf("%d fetches, want at most %d", got, allowed)
	}
}

// T25: whoever answers for the authorization server has to show its certificate.
// The filter cannot check that: the cluster in envoy.yaml does.
func TestT25ImpostorServesKeys(t *testing.T) {
	o := Options{Setup: Setup{Edits: []Edit{{"matcher: { exact: as.example.com }", "matcher: { exact: another.example.com }"}}}}
	f := start(t, o)
	a := f.A.Get(path, f.bearer(t, f.PKI.A))
	if a.Status != 503 || a.Seen != nil || f.Auth.Requests("/jwks") != 0 {
		t.Errorf("got %s after %d fetches, want 503 after none", describe(a), f.Auth.Requests("/jwks"))
	}
	// Nor does it learn a token, or Holdfast's password.
	a = f.A.Get(path, f.opaque(t, f.PKI.A))
	if a.Status != 503 || a.Seen != nil || f.Auth.Requests("/introspect") != 0 {
		t.Errorf("got %s after %d questions, want 503 after none", describe(a), f.Auth.Requests("/introspect"))
	}
}

// T23: the configuration is replaced while a fetch is under way and a request
// waits for it.
func TestT23ReloadDuringFetch(t *testing.T) {
	gate := NewGate()
	o := Options{Setup: Setup{LDS: true}}
	o.Prepare = func(s *Stack) error {
		s.Auth.Fault("/jwks", gate.Fault())
		return nil
	}
	f := start(t, o)
	<-gate.Waiting
	token := f.bearer(t, f.PKI.A)
	answers := make(chan *Answer)
	go func() { answers <- f.A.Get(path, token) }()
	eventually(t, "the request waits", func() bool { return must(f.Envoy.Stats())["http.api.downstream_rq_active"] == 1 })
	if err := f.Reload(t.Context(), Setup{Listeners: []Listener{{Patch: M{"realm": "new"}}}}, ""); err != nil {
		t.Fatal(err)
	}
	gate.Open()
	if a := <-answers; a.Status != 200 && a.Status != 503 {
		t.Errorf("the request that waited got %s", describe(a))
	}
	eventually(t, "requests pass", func() bool { return f.Client(Caller{Certificate: f.PKI.A}).Get(path, token).Status == 200 })
	a := f.Client(Caller{Certificate: f.PKI.B}).Get(path, token)
	if a.Status != 401 || a.Seen != nil || !strings.Contains(a.Header.Get("www-authenticate"), `realm="new"`) {
		t.Errorf("got %s with %q", describe(a), a.Header.Get("www-authenticate"))
	}
}
