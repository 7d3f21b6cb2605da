package main

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"

	"holdfast/e2e"
	"holdfast/internal/lru"
)

// What Holdfast is compared with does the same work: it refuses what Holdfast refuses.
func TestTheHelperChecksWhatHoldfastChecks(t *testing.T) {
	pki, key := e2e.NewPKI(), e2e.NewKey("k", "ES256")
	server, err := e2e.NewAuthServer(pki, e2e.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	server.Publish(key)
	for _, entries := range []int{0, 10} {
		a := authz{cache: lru.New[string, *claims](entries, entries)}
		if err := json.Unmarshal([]byte(e2e.Set(key)), &a.keys); err != nil {
			t.Fatal(err)
		}
		decide := func(token string, c *e2e.Certificate) error {
			attributes := &auth.AttributeContext{Source: &auth.AttributeContext_Peer{}, Request: &auth.AttributeContext_Request{
				Http: &auth.AttributeContext_HttpRequest{Headers: map[string]string{"authorization": "Bearer " + token}},
			}}
			if c != nil {
				attributes.Source.Certificate = url.PathEscape(string(c.PEM()))
			}
			_, _, err := a.decide(attributes)
			return err
		}
		good := server.Mint(pki.A)
		token := good.Sign(key)
		for range 2 { // the second time from the cache
			if err := decide(token, pki.A); err != nil {
				t.Errorf("a good token: %v", err)
			}
			for name, err := range map[string]error{
				"another certificate": decide(token, pki.B),
				"no certificate":      decide(token, nil),
				"another key":         decide(good.Sign(e2e.NewKey("k", "ES256")), pki.A),
				"no signature":        decide(good.Unsigned(), pki.A),
				"typ":                 decide(good.WithHeader(e2e.M{"typ": "JWT"}).Sign(key), pki.A),
				"iss":                 decide(good.With(e2e.M{"iss": "https://evil.example"}).Sign(key), pki.A),
				"aud":                 decide(good.With(e2e.M{"aud": "https://evil.example"}).Sign(key), pki.A),
				"exp":                 decide(good.With(e2e.M{"exp": time.Now().Unix() - 60}).Sign(key), pki.A),
				"no exp":              decide(good.With(e2e.M{"exp": nil}).Sign(key), pki.A),
				"nbf":                 decide(good.With(e2e.M{"nbf": time.Now().Unix() + 60}).Sign(key), pki.A),
				"scope":               decide(good.With(e2e.M{"scope": "payments:write"}).Sign(key), pki.A),
				"no cnf":              decide(good.With(e2e.M{"cnf": nil}).Sign(key), pki.A),
			} {
				if err == nil {
					t.Errorf("%s passes", name)
				}
			}
		}
	}
}
