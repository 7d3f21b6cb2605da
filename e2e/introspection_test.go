package e2e

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// asking is an Envoy that asks about tokens in every way, one listener for each.
var asking = &sharedFixture{name: "asking", options: Options{Setup: Setup{
	Listeners: withGatewayKey(
		Listener{Name: "api", Patch: introspecting(M{"cache_ttl": "1s"}, nil)},
		Listener{Name: "all", Patch: introspecting(M{"cache_ttl": "1s", "tokens": "all"}, nil)},
		Listener{Name: "post", Patch: introspecting(M{"client_id": GatewayPost, "client_auth": "client_secret_post"}, nil)},
		Listener{Name: "jwt", Patch: introspecting(M{"client_id": GatewayJWT, "client_auth": "private_key_jwt", "client_secret_env": nil, "private_key_env": "HOLDFAST_INTROSPECTION_KEY"}, nil)},
		Listener{Name: "rsa", Patch: introspecting(M{"client_id": GatewayRSA, "client_auth": "private_key_jwt", "client_secret_env": nil, "private_key_env": "HOLDFAST_INTROSPECTION_RSA_KEY"}, nil)},
		Listener{Name: "tls", Patch: introspecting(M{"client_id": GatewayTLS, "client_auth": "tls_client_auth", "client_secret_env": nil, "cluster": "as-mtls"}, nil)},
		Listener{Name: "signed", Patch: introspecting(M{"accept": signedAnswer}, M{"forward": M{"token": "introspection_jwt"}})},
		Listener{Name: "plain-wanted", Patch: introspecting(M{"headers": M{"x-wanted": "json"}}, M{})},
		Listener{Name: "wrong-secret", Patch: introspecting(M{"client_secret_env": nil, "client_secret": "not the right secret at all"}, nil)},
		Listener{Name: "sessions", Patch: introspecting(M{"cache_ttl": "1s"}, M{"session": M{"key_env": "HOLDFAST_SESSION_KEY"}})},
		Listener{Name: "other-realm", Patch: M{"realm": "other", "session": M{"key_env": "HOLDFAST_SESSION_KEY"}}},
		Listener{Name: "short-sessions", Patch: M{"session": M{"key_env": "HOLDFAST_SESSION_KEY", "lifetime": "1s"}}},
	),
	Edits: []Edit{{Old: "  - name: upstream\n    type: STRICT_DNS\n", New: mtlsCluster + "  - name: upstream\n    type: STRICT_DNS\n"}},
}, Prepare: func(s *Stack) error {
	s.options.Setup.Edits = []Edit{{Old: s.options.Setup.Edits[0].Old, New: strings.NewReplacer(
		"ADDRESS", socketAddress(s.Auth.Address), "DIR", s.Dir).Replace(s.options.Setup.Edits[0].New)}}
	return nil
}}}

// withGatewayKey lets the VM see two more variables. VMs of one vm_id share the
// environment of the first: so all listeners have them.
func withGatewayKey(listeners ...Listener) []Listener {
	for i := range listeners {
		listeners[i].Edits = append(listeners[i].Edits, Edit{Old: "HOLDFAST_SESSION_KEY]", New: "HOLDFAST_SESSION_KEY, HOLDFAST_INTROSPECTION_KEY, HOLDFAST_INTROSPECTION_RSA_KEY]"})
	}
	return listeners
}

// introspecting changes the introspection of envoy.yaml's issuer.
func introspecting(introspection, rest M) M {
	return patch(M{"issuers": IssuerWith(M{"introspection": introspection})}, rest)
}

// mtlsCluster reaches the authorization server with a certificate of Envoy's own.
const mtlsCluster = `  - name: as-mtls
    type: STATIC
    load_assignment:
      cluster_name: as-mtls
      endpoints:
      - lb_endpoints:
        - endpoint:
            address:
              socket_address: ADDRESS
    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        sni: as.example.com
        common_tls_context:
          tls_certificates:
          - certificate_chain: { filename: DIR/gateway.pem }
            private_key: { filename: DIR/gateway-key.pem }
          validation_context:
            trusted_ca: { filename: DIR/as-ca.pem }
`

// callers are the clients of one listener.
func (f *fixture) callers(t *testing.T, listener string) (a, b, none *Client) {
	t.Helper()
	clients := [3]*Client{}
	for i, c := range []*Certificate{f.PKI.A, f.PKI.B, nil} {
		clients[i] = f.ClientOf(listener, Caller{Certificate: c})
		t.Cleanup(clients[i].Close)
	}
	return clients[0], clients[1], clients[2]
}

func (f *fixture) opaque(t *testing.T, c *Certificate) string {
	t.Helper()
	token, err := f.OpaqueToken(c)
	if err != nil {
		t.Fatal(err)
	}
	return "authorization: Bearer " + token
}

func (f *fixture) fresh(t *testing.T, c *Certificate, opaque bool) (token string) {
	t.Helper()
	token, err := f.NewToken(c, opaque)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// The second flow, with envoy.yaml as users copy it: a token of go-oidc that only
// the authorization server can read.
func TestRFC8705_3_2_BoundOpaqueToken(t *testing.T) {
	f := standard.use(t)
	token := f.opaque(t, f.PKI.A)
	seen := passed(t, f.A.Get(path, token))
	if got := seen.Header.Get("x-auth-sub"); got != ClientA+opaqueSuffix {
		t.Errorf("x-auth-sub is %q", got)
	}
	if got := seen.Header.Get("x-auth-cert-thumbprint"); got != f.PKI.A.X5T() {
		t.Errorf("x-auth-cert-thumbprint is %q", got)
	}
	f.refused(t, f.B.Get(path, token), 401, "invalid_token")
	f.refused(t, f.None.Get(path, token), 401, "invalid_token")
	f.refused(t, f.A.Get(path, "authorization: Bearer no-such-token"), 401, "invalid_token")
	passed(t, f.A.Get(path, token))

	bearer := f.opaque(t, nil)
	f.refused(t, f.A.Get(path, bearer), 401, "invalid_token")
	f.refused(t, f.A.Do(t.Context(), "POST", "/payments", nil, "authorization: Bearer "+scoped(t, f, "accounts:read")), 403, "insufficient_scope")

	http2 := f.Client(Caller{Certificate: f.PKI.A, HTTP2: true})
	defer http2.Close()
	passed(t, http2.Get(path, token))
}

func scoped(t *testing.T, f *fixture, scope string) string {
	t.Helper()
	token, err := f.Auth.Token(t.Context(), Request{Certificate: f.PKI.A, Opaque: true, Scope: scope})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// RFC 9449 Fig. 13 has an opaque token with two dots: it is asked about. A JWT is
// not, however malformed.
func TestT21_OpaqueTokenWithTwoDots(t *testing.T) {
	f := standard.use(t)
	before := f.Auth.Requests("/introspect")
	f.refused(t, f.A.Get(path, "authorization: Bearer Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"), 401, "invalid_token")
	if n := f.Auth.Requests("/introspect") - before; n == 0 {
		t.Error("it was not asked about")
	}
	before = f.Auth.Requests("/introspect")
	f.refused(t, f.A.Get(path, "authorization: Bearer "+f.Auth.Mint(f.PKI.A).Unsigned()), 401, "invalid_token")
	f.refused(t, f.A.Get(path, "authorization: Bearer "+f.Auth.Mint(f.PKI.A).Sign(NewKey("key-1", "ES256"))), 401, "invalid_token")
	if n := f.Auth.Requests("/introspect") - before; n != 0 {
		t.Errorf("asked %d times about JWTs", n)
	}
}

// Revocation ends a token within cache_ttl, in both flows; so does its expiry.
func TestRFC7662_RevokedAndExpired(t *testing.T) {
	f := asking.use(t)
	for _, tt := range []struct {
		name, listener string
		opaque         bool
	}{{"opaque", "api", true}, {"JWT with tokens all", "all", false}} {
		t.Run(tt.name, func(t *testing.T) {
			a, b, none := f.callers(t, tt.listener)
			token := f.fresh(t, f.PKI.A, tt.opaque)
			header := "authorization: Bearer " + token
			passed(t, a.Get(path, header))
			f.refused(t, b.Get(path, header), 401, "invalid_token")
			f.refused(t, none.Get(path, header), 401, "invalid_token")
			if err := f.Revoke(f.PKI.A, tt.opaque, token); err != nil {
				t.Fatal(err)
			}
			eventually(t, "revoked", func() bool { return a.Get(path, header).Status == 401 })
			f.refused(t, a.Get(path, header), 401, "invalid_token")

			f.Auth.Lifetime(5)
			short := f.fresh(t, f.PKI.A, tt.opaque)
			f.Auth.Lifetime(TokenLifetime)
			passed(t, a.Get(path, "authorization: Bearer "+short))
			eventually(t, "expired", func() bool { return a.Get(path, "authorization: Bearer "+short).Status == 401 })
			f.refused(t, a.Get(path, "authorization: Bearer "+short), 401, "invalid_token")
		})
	}
}

// A JWT that is not revoked passes without being asked about where only opaque
// tokens are, and a stolen one is not even asked about where all are.
func TestContract2_AJWTIsBoundBeforeItIsAskedAbout(t *testing.T) {
	f := asking.use(t)
	_, b, _ := f.callers(t, "all")
	before := f.Auth.Requests("/introspect")
	f.refused(t, b.Get(path, "authorization: Bearer "+f.fresh(t, f.PKI.A, false)), 401, "invalid_token")
	a, _, _ := f.callers(t, "api")
	passed(t, a.Get(path, "authorization: Bearer "+f.fresh(t, f.PKI.A, false)))
	if n := f.Auth.Requests("/introspect") - before; n != 0 {
		t.Errorf("asked %d times", n)
	}
}

// Every way to authenticate, against a server that checks it.
func TestRFC6749_2_3_ClientAuthentication(t *testing.T) {
	f := asking.use(t)
	for _, listener := range []string{"api", "post", "jwt", "rsa", "tls"} {
		t.Run(listener, func(t *testing.T) {
			a, b, _ := f.callers(t, listener)
			for range 3 { // the assertions of private_key_jwt are good for one use
				header := "authorization: Bearer " + f.fresh(t, f.PKI.A, true)
				passed(t, a.Get(path, header))
				f.refused(t, b.Get(path, header), 401, "invalid_token")
			}
		})
	}
	t.Run("wrong secret", func(t *testing.T) {
		a, _, _ := f.callers(t, "wrong-secret")
		got := a.Get(path, "authorization: Bearer "+f.fresh(t, f.PKI.A, true))
		f.refused(t, got, 503, "temporarily_unavailable")
		if got.Header.Get("retry-after") == "" {
			t.Error("no retry-after")
		}
		if strings.Contains(f.Envoy.Log(), "not the right secret") {
			t.Error("the secret is in the log")
		}
	})
}

// RFC 9701: the signed answer counts, and goes on in the token's place.
func TestRFC9701_SignedAnswers(t *testing.T) {
	f := asking.use(t)
	a, b, _ := f.callers(t, "signed")
	token := f.fresh(t, f.PKI.A, true)
	seen := passed(t, a.Get(path, "authorization: Bearer "+token))
	forwarded := seen.Header.Get("authorization")
	if strings.Contains(forwarded, token) || strings.Count(forwarded, ".") != 2 || !strings.HasPrefix(forwarded, "Bearer ey") {
		t.Errorf("the upstream got %q", forwarded)
	}
	f.refused(t, b.Get(path, "authorization: Bearer "+token), 401, "invalid_token")
	jwt := f.fresh(t, f.PKI.A, false)
	if got := passed(t, a.Get(path, "authorization: Bearer "+jwt)).Header.Get("authorization"); got != "Bearer "+jwt {
		t.Errorf("a JWT became %q", got)
	}

	answer := M{"active": true, "aud": Resource, "cnf": M{"x5t#S256": f.PKI.A.X5T()}, "scope": "accounts:read"}
	good := f.Auth.SignedAnswer(Gateway, answer)
	typed := "content-type: " + signedAnswer
	for name, body := range map[string]string{
		"another key":          good.Sign(NewKey("key-1", "ES256")),
		"another client":       f.Auth.SignedAnswer("other", answer).Sign(f.Auth.Key()),
		"another issuer":       good.With(M{"iss": "https://evil.example"}).Sign(f.Auth.Key()),
		"an access token":      good.WithHeader(M{"typ": "at+jwt"}).Sign(f.Auth.Key()),
		"no signature":         good.Unsigned(),
		"unsigned":             encode(answer),
		"claims at the top":    f.Auth.Mint(f.PKI.A).WithHeader(M{"typ": "token-introspection+jwt"}).With(M{"aud": Gateway, "active": true}).Sign(f.Auth.Key()),
		"of the future":        good.With(M{"iat": time.Now().Add(time.Hour).Unix()}).Sign(f.Auth.Key()),
		"encrypted, allegedly": "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.a.b.c.d",
	} {
		t.Run(name, func(t *testing.T) {
			f.Auth.Fault("/introspect", Reply(200, body, typed))
			defer f.Auth.Fault("/introspect", nil)
			f.refused(t, a.Get(path, "authorization: Bearer "+f.fresh(t, f.PKI.A, true)), 503, "temporarily_unavailable")
		})
	}
	f.Auth.Fault("/introspect", Reply(200, encode(answer), "content-type: application/json"))
	got := a.Get(path, "authorization: Bearer "+f.fresh(t, f.PKI.A, true))
	f.Auth.Fault("/introspect", nil)
	f.refused(t, got, 503, "temporarily_unavailable")
	passed(t, a.Get(path, "authorization: Bearer "+f.fresh(t, f.PKI.A, true)))
}

// T22: what is not active, or no verdict at all.
func TestT22_VerdictParsing(t *testing.T) {
	f := asking.use(t)
	a, _, _ := f.callers(t, "api")
	json := "content-type: application/json"
	good := encode(M{"active": true, "aud": Resource, "cnf": M{"x5t#S256": f.PKI.A.X5T()}, "scope": "accounts:read"})
	for name, tt := range map[string]struct {
		fault  Fault
		status int
	}{
		"good":             {Reply(200, good, json), 200},
		"active as text":   {Reply(200, strings.Replace(good, "true", `"true"`, 1), json), 401},
		"active as number": {Reply(200, strings.Replace(good, "true", `1`, 1), json), 401},
		"active null":      {Reply(200, strings.Replace(good, "true", `null`, 1), json), 401},
		"active as list":   {Reply(200, strings.Replace(good, "true", `[]`, 1), json), 401},
		"ACTIVE":           {Reply(200, strings.Replace(good, "active", `ACTIVE`, 1), json), 401},
		"duplicate":        {Reply(200, strings.Replace(good, "{", `{"active":false,`, 1), json), 503},
		"trailing data":    {Reply(200, good+good, json), 503},
		"truncated":        {Reply(200, good[:len(good)-1], json), 503},
		"HTML":             {Reply(200, "<html>", "content-type: text/html"), 503},
		"204":              {Reply(204, ""), 503},
		"302":              {Reply(302, good, json, "location: "+Issuer+"/elsewhere"), 503},
		"500 active":       {Reply(500, good, json), 503},
		"16 MB":            {Reply(200, strings.Replace(good, "{", `{"x":"`+strings.Repeat("x", 16<<20)+`",`, 1), json), 503},
	} {
		t.Run(name, func(t *testing.T) {
			f.Auth.Fault("/introspect", tt.fault)
			defer f.Auth.Fault("/introspect", nil)
			elsewhere := f.Auth.Requests("/elsewhere")
			got := a.Get(path, "authorization: Bearer "+f.fresh(t, f.PKI.A, true))
			switch tt.status {
			case 200:
				passed(t, got)
			case 401:
				f.refused(t, got, 401, "invalid_token")
			default:
				f.refused(t, got, 503, "temporarily_unavailable")
			}
			if f.Auth.Requests("/elsewhere") != elsewhere {
				t.Error("T25: a redirect was followed")
			}
		})
	}
}

// The question as the server sees it (RFC 7662 §2.1), and T22e.
func TestT22e_TheTokenIsEncodedOnce(t *testing.T) {
	f := asking.use(t)
	a, _, _ := f.callers(t, "plain-wanted")
	forms := make(chan url.Values, 10)
	f.Auth.Fault("/introspect", func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			form, _ := url.ParseQuery(string(body))
			form.Set("-method", r.Method)
			form.Set("-type", r.Header.Get("content-type"))
			form.Set("-accept", r.Header.Get("accept"))
			form.Set("-wanted", r.Header.Get("x-wanted"))
			forms <- form
			w.Header().Set("content-type", "application/json")
			io.WriteString(w, `{"active":false}`)
		})
	})
	defer f.Auth.Fault("/introspect", nil)
	const token = "a+b/c~d.e_f-g=="
	f.refused(t, a.Get(path, "authorization: Bearer "+token), 401, "invalid_token")
	want := url.Values{
		"token": {token}, "-method": {"POST"}, "-type": {"application/x-www-form-urlencoded"}, "-accept": {"application/json"}, "-wanted": {"json"},
	}
	if got := <-forms; got.Encode() != want.Encode() {
		t.Errorf("asked with %v, want %v", got, want)
	}
}

// A client that leaves costs its own request and no other.
func TestCoalescingAcrossCancelledClients(t *testing.T) {
	f := asking.use(t)
	a, _, _ := f.callers(t, "api")
	gate := NewGate()
	f.Auth.Fault("/introspect", gate.Fault())
	defer f.Auth.Fault("/introspect", nil)
	header := "authorization: Bearer " + f.fresh(t, f.PKI.A, true)
	before := f.Auth.Requests("/introspect")
	ctx, cancel := context.WithCancel(t.Context())
	answers := make(chan *Answer, 2)
	go func() { answers <- a.Do(ctx, "GET", path, nil, header) }()
	<-gate.Waiting
	cancel()
	if got := <-answers; got.Err == nil {
		t.Errorf("got %v", describe(got))
	}
	go func() { answers <- a.Get(path, header) }()
	gate.Open()
	passed(t, <-answers)
	if n := f.Auth.Requests("/introspect") - before; n > 2 { // at most one for each worker
		t.Errorf("%d calls", n)
	}
}
