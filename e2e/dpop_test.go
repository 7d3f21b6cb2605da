package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// proving is an Envoy that takes DPoP proofs, with a listener for each setting.
var proving = &sharedFixture{name: "proving", options: Options{Setup: Setup{Listeners: withNonceKey(
	Listener{Name: "api", Patch: dpop(M{}, M{"forward": M{"token": "keep"}})},
	Listener{Name: "bearer", Patch: dpop(M{}, M{"forward": M{"token": "bearer"}})},
	Listener{Name: "strip", Patch: dpop(M{}, M{"forward": M{"token": "strip"}})},
	Listener{Name: "alone", Patch: M{"proof_of_possession": M{"methods": []any{"dpop"}}}},
	Listener{Name: "mtls-alone"},
	Listener{Name: "sessions", Patch: dpop(M{}, M{"session": M{"key_env": "HOLDFAST_SESSION_KEY"}})},
	Listener{Name: "all", Patch: dpop(M{}, introspecting(M{"cache_ttl": "1s", "tokens": "all"}, nil))},
	Listener{Name: "fapi2", Patch: patch(introspecting(M{"cache_ttl": "1s"}, nil), M{"profile": "fapi2", "proof_of_possession": M{"methods": []any{"dpop"}}})},
	Listener{Name: "nonce", Patch: dpop(nonceRequired, nil)},
	Listener{Name: "short-nonce", Patch: dpop(patch(nonceRequired, M{"nonce_lifetime": "4s", "clock_skew": "0s"}), nil)},
	Listener{Name: "per-worker", Patch: dpop(M{"replay": "per_worker"}, M{"shared_data": false})},
	Listener{Name: "cors", Patch: dpop(nonceRequired, nil), Edits: cors("")},
	Listener{Name: "cors-other", Patch: dpop(nonceRequired, nil), Edits: cors("expose_headers: x-other")},
	Listener{Name: "cors-both", Patch: dpop(nonceRequired, nil), Edits: cors(`expose_headers: "WWW-Authenticate, DPoP-Nonce"`)},
)}}}

var nonceRequired = M{"nonce": "required", "nonce_key_env": "HOLDFAST_NONCE_KEY"}

// dpop changes envoy.yaml to take both bindings. Its origin is the one of
// resource_metadata.
func dpop(settings, rest M) M {
	return patch(M{"proof_of_possession": M{"methods": []any{"mtls", "dpop"}, "dpop": settings}}, rest)
}

// withNonceKey lets the VM see one more variable, as withGatewayKey does.
func withNonceKey(listeners ...Listener) []Listener {
	for i := range listeners {
		listeners[i].Edits = append(listeners[i].Edits, Edit{Old: "HOLDFAST_SESSION_KEY]", New: "HOLDFAST_SESSION_KEY, HOLDFAST_NONCE_KEY]"})
	}
	return listeners
}

// holder is a client of one listener whose token is bound to its key.
type holder struct {
	*Client
	f     *fixture
	key   *Key
	token string
}

// holder gets a token from the authorization server, for a key of its own unless r
// has one. c says how it calls the API, r.Certificate what the token is bound to
// besides.
func (f *fixture) holder(t *testing.T, listener string, r Request, c Caller) *holder {
	t.Helper()
	if r.Key == nil {
		r.Key = NewKey("", "ES256")
	}
	token, err := f.TokenFor(r)
	if err != nil {
		t.Fatal(err)
	}
	h := &holder{f.ClientOf(listener, c), f, r.Key, token}
	t.Cleanup(h.Close)
	return h
}

// get is a request with the token and a fresh proof.
func (h *holder) get(path string, more ...string) *Answer {
	return h.Get(path, append(h.key.Authorize("GET", path, h.token), more...)...)
}

// authorization is the token's header line.
func (h *holder) authorization() string { return "authorization: DPoP " + h.token }

// proof is an honest proof for a GET, to be changed.
func (h *holder) proof(path string) *Token { return h.key.Proof("GET", Resource+path, h.token) }

// proofLine is the header line with a proof.
func proofLine(compact string) string { return "dpop: " + compact }

// challenged asserts that the error stands on the challenge of the scheme that was
// used, which comes first, and that the other one names none.
func challenged(t *testing.T, a *Answer, scheme, code string, schemes int) {
	t.Helper()
	all := strings.Split(a.Header.Get("www-authenticate"), `, Bearer realm=`)
	if scheme == "Bearer" {
		all = strings.Split(a.Header.Get("www-authenticate"), `, DPoP realm=`)
	}
	if len(all) != schemes || !strings.HasPrefix(all[0], scheme+" realm=") || strings.Contains(all[0], `error="`+code+`"`) != (code != "") ||
		schemes > 1 && strings.Contains(all[1], "error") {
		t.Errorf("www-authenticate is %q, want %d with error %q on %s", a.Header.Get("www-authenticate"), schemes, code, scheme)
	}
}

// reasonFor is the reason in the access log for a path that was asked for once.
func (f *fixture) reasonFor(t *testing.T, path string) (reason, binding string) {
	t.Helper()
	eventually(t, "a line in the access log for "+path, func() bool {
		for _, a := range f.Envoy.Access() {
			if a.Path == path {
				reason, binding = a.Reason, a.Binding
				return true
			}
		}
		return false
	})
	return reason, binding
}

// The heart of it: a token of go-oidc, which got a proof at its token endpoint, is
// good with another proof by the same key and with nothing else.
func TestRFC9449_7_1_BoundToken(t *testing.T) {
	f := proving.use(t)
	for _, test := range []struct {
		name, algorithm string
		opaque, http2   bool
	}{
		{"JWT, ES256", "ES256", false, false}, {"JWT, PS256", "PS256", false, false},
		{"JWT, RS256", "RS256", false, false}, {"JWT, EdDSA", "EdDSA", false, false},
		{"JWT, HTTP2", "ES256", false, true},
		{"opaque, ES256", "ES256", true, false}, {"opaque, HTTP2", "ES256", true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := f.holder(t, "api", Request{Key: NewKey("", test.algorithm), Opaque: test.opaque}, Caller{HTTP2: test.http2})
			seen := passed(t, h.get(path))
			if got, want := seen.Header.Get("x-auth-sub"), (&Request{Key: h.key, Opaque: test.opaque}).client(); got != want {
				t.Errorf("x-auth-sub is %q, want %q", got, want)
			}
			passed(t, h.get(path)) // with a proof of its own
			passed(t, h.Do(t.Context(), "POST", "/payments", strings.NewReader("{}"), h.key.Authorize("POST", "/payments", h.token)...))
			thief := NewKey("", test.algorithm)
			f.refused(t, h.Get(path, thief.Authorize("GET", path, h.token)...), 401, "invalid_token")
			f.refused(t, h.Get(path, h.authorization()), 401, "invalid_dpop_proof")
			f.refused(t, h.Get(path, "authorization: Bearer "+h.token), 401, "invalid_token")
		})
	}
}

// RFC 9449 §7.1: the scheme's name has no case. A jkt that is not the proof's is
// invalid_token; the error stands on the scheme that was used.
func TestRFC9449_7_1_SchemeAndChallenge(t *testing.T) {
	f := proving.use(t)
	h := f.holder(t, "api", Request{}, Caller{})
	for _, scheme := range []string{"dpop", "DPOP", "dPoP"} {
		passed(t, h.Get(path, "authorization: "+scheme+" "+h.token, proofLine(h.proof(path).Sign(h.key))))
	}
	a := h.Get(path, NewKey("", "ES256").Authorize("GET", path, h.token)...)
	f.refused(t, a, 401, "invalid_token")
	challenged(t, a, "DPoP", "invalid_token", 2)
	a = h.Get(path)
	f.refused(t, a, 401, "")
	challenged(t, a, "Bearer", "", 2)
	if got := a.Header.Get("www-authenticate"); !strings.Contains(got, `, algs="ES256 PS256 EdDSA RS256"`) {
		t.Errorf("www-authenticate is %q", got)
	}
	alone := f.ClientOf("alone", Caller{})
	a = alone.Get(path)
	f.refused(t, a, 401, "")
	challenged(t, a, "DPoP", "", 1)
}

// RFC 9449 §7.2: a bound token is no bearer token, whoever sends it and wherever
// its binding is told, in the token or by introspection.
func TestRFC9449_7_2_BearerDowngrade(t *testing.T) {
	f := proving.use(t)
	for name, opaque := range map[string]bool{"JWT": false, "opaque": true} {
		t.Run(name, func(t *testing.T) {
			h := f.holder(t, "api", Request{Opaque: opaque}, Caller{})
			owner := f.ClientOf("api", Caller{Certificate: f.PKI.A})
			defer owner.Close()
			for _, lines := range [][]string{
				{"authorization: Bearer " + h.token},
				{"authorization: Bearer " + h.token, proofLine(h.proof(path).Sign(h.key))},
			} {
				for _, c := range []*Client{h.Client, owner} {
					a := c.Get(path, lines...)
					f.refused(t, a, 401, "invalid_token")
					challenged(t, a, "Bearer", "invalid_token", 2)
				}
			}
			once := path + "/downgrade-" + name
			f.refused(t, h.Get(once, "authorization: Bearer "+h.token), 401, "invalid_token")
			if reason, _ := f.reasonFor(t, once); reason != "dpop_scheme_required" {
				t.Errorf("the reason is %s", reason)
			}
		})
	}
	// The other way round: a token without jkt does not come as DPoP.
	key := NewKey("", "ES256")
	token := strings.TrimPrefix(f.bearer(t, f.PKI.A), "authorization: Bearer ")
	f.refused(t, f.A.Get(path, key.Authorize("GET", path, token)...), 401, "invalid_token")
}

// Where DPoP is off its scheme is none that is taken, and a token with jkt is
// bound to something that nobody verifies.
func TestRFC9449_7_1_MethodOff(t *testing.T) {
	f := proving.use(t)
	h := f.holder(t, "mtls-alone", Request{}, Caller{Certificate: f.PKI.A})
	f.refused(t, h.get(path), 401, "")
	f.refused(t, h.Get(path, "authorization: Bearer "+h.token), 401, "invalid_token")
	both := f.holder(t, "mtls-alone", Request{Certificate: f.PKI.A}, Caller{Certificate: f.PKI.A})
	f.refused(t, both.Get(path, "authorization: Bearer "+both.token), 401, "invalid_token")
	// And where it is alone, nothing verifies a certificate.
	owner := f.ClientOf("alone", Caller{Certificate: f.PKI.A})
	defer owner.Close()
	f.refused(t, owner.Get(path, f.bearer(t, f.PKI.A)), 401, "invalid_token")
	both.Client = owner
	f.refused(t, both.get(path), 401, "invalid_token")
	passed(t, f.holder(t, "alone", Request{}, Caller{}).get(path))
}

// Contract §2, 3: a token that is bound to a certificate and to a key needs both.
// go-oidc issues it to a client that shows both at its token endpoint.
func TestContract2_3_BothBindings(t *testing.T) {
	f := proving.use(t)
	for name, opaque := range map[string]bool{"JWT": false, "opaque": true} {
		t.Run(name, func(t *testing.T) {
			as := func(c *Certificate) *holder {
				return f.holder(t, "api", Request{Certificate: f.PKI.A, Opaque: opaque}, Caller{Certificate: c})
			}
			h := as(f.PKI.A)
			once := path + "/both-" + name
			seen := passed(t, h.get(once))
			if got := seen.Header.Get("x-auth-cert-thumbprint"); got != f.PKI.A.X5T() {
				t.Errorf("x-auth-cert-thumbprint is %q", got)
			}
			if _, binding := f.reasonFor(t, once); binding != "mtls+dpop" {
				t.Errorf("the binding is %s", binding)
			}
			f.refused(t, as(nil).get(path), 401, "invalid_token")
			f.refused(t, as(f.PKI.B).get(path), 401, "invalid_token")
			f.refused(t, h.Get(path, NewKey("", "ES256").Authorize("GET", path, h.token)...), 401, "invalid_token")
			f.refused(t, h.Get(path, h.authorization()), 401, "invalid_dpop_proof")
			f.refused(t, h.Get(path, "authorization: Bearer "+h.token), 401, "invalid_token")
		})
	}
}

// Contract §4: a token with jkt starts no session, or its cookie would be the
// token without its key.
func TestContract4_NoSessionForAKey(t *testing.T) {
	f := proving.use(t)
	for name, certificate := range map[string]*Certificate{"key alone": nil, "both": f.PKI.A} {
		t.Run(name, func(t *testing.T) {
			h := f.holder(t, "sessions", Request{Certificate: certificate}, Caller{Certificate: f.PKI.A})
			a := h.get(path)
			passed(t, a)
			if got := a.Header.Values("set-cookie"); len(got) != 0 {
				t.Errorf("set-cookie: %q", got)
			}
		})
	}
	owner := f.ClientOf("sessions", Caller{Certificate: f.PKI.A})
	defer owner.Close()
	begin(t, owner, f.fresh(t, f.PKI.A, false)) // else this has shown nothing
}

// The proof never goes on, and the token does as "forward.token" says.
func TestContract1_ForwardWithoutTheProof(t *testing.T) {
	f := proving.use(t)
	for listener, scheme := range map[string]string{"api": "DPoP ", "bearer": "Bearer ", "strip": ""} {
		for _, http2 := range []bool{false, true} {
			h := f.holder(t, listener, Request{}, Caller{HTTP2: http2})
			seen := passed(t, h.Get(path, h.authorization(), "DPoP: "+h.proof(path).Sign(h.key)))
			if got := seen.Header.Values("dpop"); len(got) != 0 {
				t.Errorf("%s: the upstream saw the proof %q", listener, got)
			}
			wanted := []string{scheme + h.token}
			if scheme == "" {
				wanted = nil
			}
			if got := seen.Header.Values("authorization"); !slices.Equal(got, wanted) {
				t.Errorf("%s: the upstream saw %d authorization fields, want %d under %q", listener, len(got), len(wanted), scheme)
			}
		}
	}
	// Neither does what a Bearer token has no use for.
	bearer := f.ClientOf("bearer", Caller{Certificate: f.PKI.A})
	defer bearer.Close()
	if got := passed(t, bearer.Get(path, f.bearer(t, f.PKI.A), "dpop: junk")).Header; got.Get("dpop") != "" || !strings.HasPrefix(got.Get("authorization"), "Bearer ") {
		t.Error("a Bearer token with junk for a proof went on wrong")
	}
}

// RFC 9449 §5.1, RFC 9728 §2: the metadata says what is taken.
func TestRFC9728_2_DPoPMetadata(t *testing.T) {
	f := proving.use(t)
	for listener, want := range map[string]struct{ required, certificates bool }{"api": {false, true}, "alone": {true, false}, "fapi2": {true, false}} {
		c := f.ClientOf(listener, Caller{})
		defer c.Close()
		var doc struct {
			Algorithms   []string `json:"dpop_signing_alg_values_supported"`
			Required     bool     `json:"dpop_bound_access_tokens_required"`
			Certificates bool     `json:"tls_client_certificate_bound_access_tokens"`
		}
		a := c.Get("/.well-known/oauth-protected-resource")
		algorithms := []string{"ES256", "PS256", "EdDSA", "RS256"}
		if listener == "fapi2" {
			algorithms = algorithms[:3]
		}
		if err := json.Unmarshal([]byte(a.Body), &doc); err != nil || !slices.Equal(doc.Algorithms, algorithms) || doc.Required != want.required || doc.Certificates != want.certificates {
			t.Errorf("%s: %s (%v)", listener, a.Body, err)
		}
	}
}

// With "tokens": "all" the binding of a JWT is verified before anybody is asked,
// and a revoked token is refused, whoever holds its key.
func TestRFC9449_7_1_IntrospectionOfAllTokens(t *testing.T) {
	f := proving.use(t)
	for _, listener := range []string{"all", "fapi2"} {
		t.Run(listener, func(t *testing.T) {
			h := f.holder(t, listener, Request{}, Caller{})
			before := f.Auth.Requests("/introspect")
			f.refused(t, h.Get(path, NewKey("", "ES256").Authorize("GET", path, h.token)...), 401, "invalid_token")
			f.refused(t, h.Get(path, h.authorization()), 401, "invalid_dpop_proof")
			if n := f.Auth.Requests("/introspect") - before; n != 0 {
				t.Errorf("a thief had the server asked %d times", n)
			}
			passed(t, h.get(path))
			if f.Auth.Requests("/introspect") == before {
				t.Error("it was not asked about")
			}
			if err := f.Auth.Revoke(t.Context(), Request{Key: h.key}, h.token); err != nil {
				t.Fatal(err)
			}
			eventually(t, "revoked", func() bool { return h.get(path).Status == 401 })
			f.refused(t, h.get(path), 401, "invalid_token")
		})
	}
}

// FAPI 2.0 Security Profile §5.3.3, with what envoy.yaml has besides.
func TestFAPI2_5_3_3_ResourceServer(t *testing.T) {
	f := proving.use(t)
	for name, r := range map[string]Request{"JWT": {}, "opaque": {Opaque: true}, "JWT, PS256": {Key: NewKey("", "PS256")}, "JWT, EdDSA": {Key: NewKey("", "EdDSA")}} {
		t.Run(name, func(t *testing.T) {
			h := f.holder(t, "fapi2", r, Caller{})
			passed(t, h.get(path))
			f.refused(t, h.Get(path, NewKey("", "ES256").Authorize("GET", path, h.token)...), 401, "invalid_token")
			f.refused(t, h.Get(path, "authorization: Bearer "+h.token), 401, "invalid_token")
			f.refused(t, h.Get(path+"?access_token="+h.token), 401, "")
			f.refused(t, h.get(path+"?access_token="+h.token), 400, "invalid_request")
		})
	}
	t.Run("RS256 is no algorithm of the profile", func(t *testing.T) {
		h := f.holder(t, "fapi2", Request{Key: NewKey("", "RS256")}, Caller{})
		f.refused(t, h.get(path), 401, "invalid_dpop_proof")
	})
	t.Run("an unbound token", func(t *testing.T) {
		c := f.ClientOf("fapi2", Caller{Certificate: f.PKI.A})
		defer c.Close()
		f.refused(t, c.Get(path, f.bearer(t, nil)), 401, "invalid_token")
	})
}

// cors puts Envoy's CORS filter in front of Holdfast, as a browser's application
// needs it.
func cors(expose string) []Edit {
	return []Edit{
		{Old: "          http_filters:\n", New: `          http_filters:
          - name: envoy.filters.http.cors
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors
`},
		{Old: "              domains: [\"*\"]\n", New: `              domains: ["*"]
              typed_per_filter_config:
                envoy.filters.http.cors:
                  "@type": type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy
                  allow_origin_string_match: [{ exact: "https://app.example.com" }]
                  allow_methods: GET, POST
                  allow_headers: authorization, dpop
                  ` + expose + "\n"},
	}
}

// RFC 9449 §8.2, §9: a browser's script has to see the challenge and the nonce.
// Envoy's CORS filter says who may read the answer; Holdfast says that these two
// headers may be read, unless that filter has a list of its own, which then has to
// have them.
func TestRFC9449_9_CORS(t *testing.T) {
	f := proving.use(t)
	const origin = "origin: https://app.example.com"
	visible := func(a *Answer, name string) bool {
		if a.Header.Get("access-control-allow-origin") != "https://app.example.com" {
			return false
		}
		for _, value := range a.Header.Values("access-control-expose-headers") {
			for exposed := range strings.SplitSeq(value, ",") {
				if strings.EqualFold(strings.TrimSpace(exposed), name) {
					return len(a.Header.Values(name)) == 1
				}
			}
		}
		return false
	}
	for listener, want := range map[string]bool{"cors": true, "cors-other": false, "cors-both": true} {
		t.Run(listener, func(t *testing.T) {
			h := f.holder(t, listener, Request{}, Caller{})
			preflight := h.Do(t.Context(), http.MethodOptions, path, nil, origin, "access-control-request-method: GET", "access-control-request-headers: authorization,dpop")
			if preflight.Status != 200 || preflight.Seen != nil || !strings.Contains(preflight.Header.Get("access-control-allow-headers"), "dpop") {
				t.Errorf("the preflight got %v with %v", describe(preflight), preflight.Header)
			}
			refusal := h.get(path, origin)
			f.refused(t, refusal, 401, "use_dpop_nonce")
			for _, name := range []string{"WWW-Authenticate", "DPoP-Nonce"} {
				if got := visible(refusal, name); got != want {
					t.Errorf("%s visible: %v, want %v (%q)", name, got, want, refusal.Header.Values("access-control-expose-headers"))
				}
			}
			if got := refusal.Header.Values("access-control-expose-headers"); len(got) > 1 {
				t.Errorf("access-control-expose-headers comes %d times: %q", len(got), got)
			}
			// Another origin may read nothing, whatever is exposed.
			if other := h.get(path, "origin: https://evil.example"); other.Header.Get("access-control-allow-origin") != "" {
				t.Error("another origin may read the answer")
			}
		})
	}
	// To a request that is none of CORS nothing is said of it.
	if a := f.holder(t, "nonce", Request{}, Caller{}).get(path); a.Header.Get("access-control-expose-headers") != "" {
		t.Error("no Origin, and yet headers are exposed")
	}
}
