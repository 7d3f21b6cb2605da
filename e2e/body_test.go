package e2e

import (
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
)

// What a request has behind its headers waits with them, is dropped with them, and
// arrives whole when they pass, even on an Envoy that was told to let it overtake
// them.
func TestBodiesWaitForTheDecision(t *testing.T) {
	const plugin = "                failure_policy: FAIL_RELOAD\n"
	for _, host := range Envoys() {
		for name, more := range map[string]string{
			"as shipped":                      "",
			"allow_on_headers_stop_iteration": "                allow_on_headers_stop_iteration: true\n",
		} {
			t.Run(host+"/"+name, func(t *testing.T) {
				gate := NewGate()
				o := one(M{"issuers": IssuerWith(M{"jwks": M{"timeout": "25s"}})}, Edit{plugin, plugin + more})
				o.Setup.Edits = []Edit{{"  - name: upstream\n", "  - name: upstream\n" + overHTTP2}}
				o.Concurrency, o.Envoy = 1, os.Getenv(host)
				o.Prepare = func(s *Stack) error {
					s.Auth.Fault("/jwks", gate.Fault())
					return nil
				}
				f := start(t, o)
				good := f.bearer(t, f.PKI.A)
				<-gate.Waiting
				body := strings.Repeat("x", 200_000)
				post := func(c *Client) *Answer {
					return c.Do(t.Context(), http.MethodPost, path, strings.NewReader(body), good, "trailer Checksum: 1234")
				}
				owner, thief := f.Client(Caller{Certificate: f.PKI.A, HTTP2: true}), f.Client(Caller{Certificate: f.PKI.B, HTTP2: true})
				clients := []*Client{owner, f.A, thief, f.B}
				answers := make([]*Answer, len(clients))
				var wait sync.WaitGroup
				for i, c := range clients {
					wait.Go(func() { answers[i] = post(c) })
				}
				eventually(t, "all of them wait", func() bool {
					return must(f.Envoy.Stats())["http.api.downstream_rq_active"] == uint64(len(clients)) || f.Upstream.Total() > 0
				})
				if n := f.Upstream.Total(); n != 0 {
					t.Errorf("the upstream saw %d requests before there were keys", n)
				}
				gate.Open()
				wait.Wait()
				for _, a := range answers[:2] {
					// Envoy drops the trailers of HTTP/1.1, unless told not to.
					if seen := passed(t, a); seen.Body != body || a.Proto == "HTTP/2.0" && seen.Trailer.Get("Checksum") != "1234" {
						t.Errorf("%s: %d bytes of body arrived, trailers %q", a.Proto, len(seen.Body), seen.Trailer)
					}
				}
				for _, a := range answers[2:] {
					if a.Status != 401 || a.Code() != "invalid_token" || a.Seen != nil {
						t.Errorf("the thief got %s", describe(a))
					}
				}
				// Refused at once, too, with nothing to wait for.
				if a := post(f.Client(Caller{HTTP2: true})); a.Status != 401 || a.Seen != nil {
					t.Errorf("without a certificate: %s", describe(a))
				}
				if n := f.Upstream.Total(); n != 2 {
					t.Errorf("the upstream saw %d requests, want 2", n)
				}
			})
		}
	}
}
