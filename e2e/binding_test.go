package e2e

import (
	"crypto/tls"
	"fmt"
	"os"
	"testing"
)

// The heart of it: RFC 8705 §3 on every protocol that the listener speaks.
func TestRFC8705_3_CertificateBoundToken(t *testing.T) {
	f := standard.use(t)
	token := f.bearer(t, f.PKI.A)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/http2=%t", tls.VersionName(version), http2), func(t *testing.T) {
				as := func(c *Certificate) *Client { return f.Client(Caller{Certificate: c, HTTP2: http2, MaxTLS: version}) }
				own := as(f.PKI.A).Get(path, token)
				passed(t, own)
				if own.TLS.Version != version || (own.Proto == "HTTP/2.0") != http2 {
					t.Errorf("got %s over %s", own.Proto, tls.VersionName(own.TLS.Version))
				}
				f.refused(t, as(nil).Get(path, token), 401, "invalid_token")
				f.refused(t, as(f.PKI.B).Get(path, token), 401, "invalid_token")
				f.refused(t, as(f.PKI.Renewed).Get(path, token), 401, "invalid_token")
			})
		}
	}
}

// Every client is let in with its own token, and only so.
func TestRFC8705_3_OtherClients(t *testing.T) {
	f := standard.use(t)
	passed(t, f.B.Get(path, f.bearer(t, f.PKI.B)))
	f.refused(t, f.A.Get(path, f.bearer(t, f.PKI.B)), 401, "invalid_token")
	renewed := f.Client(Caller{Certificate: f.PKI.Renewed})
	passed(t, renewed.Get(path, f.bearer(t, f.PKI.Renewed)))
	f.refused(t, f.A.Get(path, f.bearer(t, f.PKI.Renewed)), 401, "invalid_token")
}

// T13d: of a chain the leaf counts, never the certificate that signed it.
func TestT13dChainLeaf(t *testing.T) {
	f := standard.use(t)
	chained := f.Client(Caller{Certificate: f.PKI.Chained})
	passed(t, chained.Get(path, f.bearer(t, f.PKI.Chained)))
	intermediate := M{"cnf": M{"x5t#S256": thumbprintOf(f.PKI.Chained.Chain[1])}}
	f.refused(t, chained.Get(path, f.mint(f.PKI.A, intermediate)), 401, "invalid_token")
}

// A certificate that nobody vouches for does not get past the handshake.
func TestSelfSignedEndsInHandshake(t *testing.T) {
	f := standard.use(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		a := f.Client(Caller{Certificate: f.PKI.SelfSigned, MaxTLS: version}).Get(path, f.mint(f.PKI.SelfSigned, nil))
		if a.Err == nil || a.Seen != nil {
			t.Errorf("%s: got %s, want a broken handshake", tls.VersionName(version), describe(a))
		}
	}
	f.stillServes(t)
}

// T13b: a resumed session carries the certificate of the full handshake, no more
// and no less.
func TestT13bResumedSession(t *testing.T) {
	f := standard.use(t)
	token := f.bearer(t, f.PKI.A)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			sessions := tls.NewLRUClientSessionCache(8)
			own := f.Client(Caller{Certificate: f.PKI.A, MaxTLS: version, Sessions: sessions, Reconnect: true})
			passed(t, own.Get(path, token))
			again := own.Get(path, token)
			passed(t, again)
			if !again.TLS.DidResume {
				t.Error("the second connection did not resume the session")
			}
			f.refused(t, own.Get(path, f.bearer(t, f.PKI.B)), 401, "invalid_token")

			// A session that began without a certificate stays without one, even for a
			// client that has one by now.
			sessions = tls.NewLRUClientSessionCache(8)
			without := f.Client(Caller{MaxTLS: version, Sessions: sessions, Reconnect: true})
			f.refused(t, without.Get(path, token), 401, "invalid_token")
			late := f.Client(Caller{Certificate: f.PKI.A, MaxTLS: version, Sessions: sessions, Reconnect: true}).Get(path, token)
			if !late.TLS.DidResume {
				t.Error("the session without a certificate was not resumed")
			}
			f.refused(t, late, 401, "invalid_token")
		})
	}
}

// T12: every shape of cnf that does not prove possession.
func TestT12Confirmation(t *testing.T) {
	f := standard.use(t)
	x5t := f.PKI.A.X5T()
	for name, cnf := range map[string]any{
		"null":           nullValue,
		"string":         "x5t#S256",
		"array":          []any{},
		"empty":          M{},
		"x5t null":       M{"x5t#S256": nil},
		"x5t empty":      M{"x5t#S256": ""},
		"x5t number":     M{"x5t#S256": 1},
		"x5t array":      M{"x5t#S256": []any{x5t}},
		"x5t padded":     M{"x5t#S256": x5t + "="},
		"x5t cut":        M{"x5t#S256": x5t[:42]},
		"x5t longer":     M{"x5t#S256": x5t + "A"},
		"x5t newline":    M{"x5t#S256": x5t[:42] + "\n"},
		"x5t other case": M{"X5T#S256": x5t},
		"x5t SHA-1 name": M{"x5t": x5t},
		"jkt alone":      M{"jkt": x5t},
		"jkt beside":     M{"x5t#S256": x5t, "jkt": x5t},
		"unknown alone":  M{"jwk": M{"kty": "EC"}},
		"someone else's": M{"x5t#S256": f.PKI.B.X5T()},
	} {
		t.Run(name, func(t *testing.T) {
			f.refused(t, f.A.Get(path, f.mint(f.PKI.A, M{"cnf": cnf})), 401, "invalid_token")
		})
	}
	t.Run("absent", func(t *testing.T) {
		f.refused(t, f.A.Get(path, f.mint(nil, nil)), 401, "invalid_token")
	})
	t.Run("an unknown member beside a proven one", func(t *testing.T) {
		passed(t, f.A.Get(path, f.mint(f.PKI.A, M{"cnf": M{"x5t#S256": x5t, "x": 1}})))
	})
}

// A real bearer token, from the authorization server, is refused in strict mode.
func TestBearerTokenInStrictMode(t *testing.T) {
	f := standard.use(t)
	f.refused(t, f.A.Get(path, f.bearer(t, nil)), 401, "invalid_token")
	f.refused(t, f.None.Get(path, f.bearer(t, nil)), 401, "invalid_token")
}

// mode "optional": what is bound is verified, what is not passes, and a rule may
// tighten that.
func TestOptionalMode(t *testing.T) {
	f := start(t, one(M{
		"proof_of_possession": M{"mode": "optional"},
		"rules":               []any{M{"match": M{"path": "/strict"}, "mode": "strict"}},
	}))
	passed(t, f.None.Get(path, f.bearer(t, nil)))
	passed(t, f.A.Get(path, f.bearer(t, f.PKI.A)))
	f.refused(t, f.None.Get("/strict", f.bearer(t, nil)), 401, "invalid_token")
	f.refused(t, f.None.Get(path, f.bearer(t, f.PKI.A)), 401, "invalid_token")
	f.refused(t, f.B.Get(path, f.bearer(t, f.PKI.A)), 401, "invalid_token")
	f.refused(t, f.A.Get(path, f.mint(nil, M{"cnf": M{"jkt": f.PKI.A.X5T()}})), 401, "invalid_token")
	f.refused(t, f.A.Get(path, f.mint(nil, M{"cnf": nullValue})), 401, "invalid_token")
	// T19b: optional is about the binding. A token stays required, and a good one.
	f.refused(t, f.A.Get(path), 401, "")
	f.refused(t, f.A.Get(path, f.mint(f.PKI.A, M{"iss": "https://evil.example"})), 401, "invalid_token")
}

// report_only: a failed binding is counted and logged, and nothing else is let go.
func TestReportOnly(t *testing.T) {
	f := start(t, one(M{"proof_of_possession": M{"report_only": true}}))
	seen := passed(t, f.B.Get(path, f.bearer(t, f.PKI.A)))
	if got := seen.Header.Get("x-auth-cert-thumbprint"); got != "" {
		t.Errorf("the upstream was told of thumbprint %q, which was not proven", got)
	}
	passed(t, f.None.Get(path, f.bearer(t, f.PKI.A)))
	passed(t, f.None.Get(path, f.bearer(t, nil)))
	f.refused(t, f.B.Get(path, f.mint(f.PKI.A, M{"exp": 1})), 401, "invalid_token")
	f.refused(t, f.B.Get(path, f.mint(f.PKI.A, M{"scope": "other"})), 403, "insufficient_scope")
	f.refused(t, f.B.Get(path), 401, "")
	for name, want := range map[string]uint64{"cnf_mismatch": 1, "certificate_missing": 1, "cnf_missing": 1} {
		if got := f.Envoy.Metric("holdfast.report_only." + name); got < want {
			t.Errorf("report_only.%s is %d, want at least %d", name, got, want)
		}
	}
	eventually(t, "the access log says binding=failed", func() bool {
		for _, line := range f.Envoy.Access() {
			if line.Binding == "failed" && line.Outcome == "allowed" {
				return true
			}
		}
		return false
	})
}

const (
	acceptAny    = "trust_chain_verification: ACCEPT_UNTRUSTED"
	trustedCA    = "/client-ca.pem }"
	noResumption = "disable_stateless_session_resumption: true\n          disable_stateful_session_resumption: true\n          "
)

// RFC 8705 §2.2: self-signed certificates bind as well as any, unless the
// operator asks for validated ones. A host that cannot say that it validated one
// refuses them all then.
func TestRequireValidated(t *testing.T) {
	for _, host := range Envoys() {
		t.Run(host, func(t *testing.T) { requireValidated(t, os.Getenv(host)) })
	}
}

func requireValidated(t *testing.T, envoy string) {
	untrusted := Edit{trustedCA, trustedCA + "\n              " + acceptAny}
	noTickets := Edit{"require_client_certificate: false\n          ", "require_client_certificate: false\n          " + noResumption}
	f := start(t, Options{Envoy: envoy, Setup: Setup{Listeners: []Listener{
		{Edits: []Edit{untrusted, noTickets}},
		{Name: "validated", Edits: []Edit{untrusted, noTickets}, Patch: M{"certificate": M{"require_validated": true}}},
	}}})
	token := f.mint(f.PKI.SelfSigned, nil)
	passed(t, f.Client(Caller{Certificate: f.PKI.SelfSigned}).Get(path, token))
	f.refused(t, f.A.Get(path, token), 401, "invalid_token")
	f.refused(t, f.ClientOf("validated", Caller{Certificate: f.PKI.SelfSigned}).Get(path, token), 401, "invalid_token")
	f.refused(t, f.ClientOf("validated", Caller{Certificate: f.PKI.B}).Get(path, f.bearer(t, f.PKI.A)), 401, "invalid_token")
	own := f.ClientOf("validated", Caller{Certificate: f.PKI.A}).Get(path, f.bearer(t, f.PKI.A))
	if f.saysValidated(t) {
		passed(t, own)
	} else {
		f.refused(t, own, 401, "invalid_token")
	}
}

// saysValidated asks the host itself, by the probe: no version number decides what a
// test expects.
func (f *fixture) saysValidated(t *testing.T) bool {
	t.Helper()
	says, err := SaysValidated(f.options.Envoy)
	if err != nil {
		t.Fatal(err)
	}
	return says
}

// T13e: with match_sni a connection that was made for one host does not carry
// requests for another, which HTTP/2 clients otherwise may coalesce.
func TestT13eMatchSNI(t *testing.T) {
	f := start(t, one(M{"certificate": M{"match_sni": true}}))
	token := f.bearer(t, f.PKI.A)
	for _, http2 := range []bool{false, true} {
		c := f.Client(Caller{Certificate: f.PKI.A, HTTP2: http2})
		passed(t, c.Get(path, token))
		passed(t, c.Get(path, token, "host: API.example.com:8443"))
		f.refused(t, c.Get(path, token, "host: other.example.com"), 421, "misdirected_request")
	}
	passed(t, f.Client(Caller{Certificate: f.PKI.A, ServerName: "other.example.com"}).Get(path, token))
}
