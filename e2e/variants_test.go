package e2e

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"
)

// variants is one Envoy with a listener for each setting that needs no more than
// a few requests to be shown.
var variants = &sharedFixture{name: "variants", options: Options{Setup: Setup{Listeners: []Listener{
	{},
	{Name: "deny", Patch: M{"unmatched": "deny"}},
	{Name: "quiet", Patch: M{"errors": M{"expose_description": false}}},
	{Name: "unshared", Patch: M{"shared_data": false}},
	{Name: "sources", Patch: M{"token_sources": []any{M{"authorization": M{}}, M{"header": M{"name": "x-token"}}, M{"cookie": M{"name": "token"}}}}},
	{Name: "stepup", Patch: M{"rules": []any{
		M{"match": M{"path": "/loa3"}, "acr_values": []any{"urn:example:loa3"}},
		M{"match": M{"path": "/recent"}, "max_age": "5m"},
		M{"match": M{"path": "/tenant", "hosts": []any{"api.example.com"}}, "claims": M{"tenant": []any{"a", "b"}}},
	}}},
	headerVariant("rfc9440"), headerVariant("url_encoded_pem"), headerVariant("base64_der"),
	{Name: "property", Patch: M{"certificate": M{"sources": []any{M{"property": []any{"connection", "sha256_peer_certificate_digest"}}}}}},
}, Edits: []Edit{{"  - name: upstream\n", "  - name: upstream\n" + overHTTP2}}}}}

// overHTTP2 makes Envoy speak HTTP/2 to a cluster, which then gets trailers.
const overHTTP2 = `    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: { http2_protocol_options: {} }
`

// T15: what Holdfast sets in the headers does not come in by the trailers.
func TestT15Trailers(t *testing.T) {
	f := variants.use(t)
	c := f.Client(Caller{Certificate: f.PKI.A, HTTP2: true})
	seen := passed(t, c.Do(t.Context(), "POST", path, strings.NewReader("body"), f.bearer(t, f.PKI.A),
		"trailer X-Auth-Sub: admin", "trailer X-Auth-Cert-Thumbprint: forged", "trailer Checksum: 1234"))
	if seen.Proto != "HTTP/2.0" || seen.Trailer.Get("Checksum") != "1234" {
		t.Fatalf("over %s the upstream got the trailers %q: the test shows nothing", seen.Proto, seen.Trailer)
	}
	// A name that the client announced is there, without a value.
	for _, name := range []string{"X-Auth-Sub", "X-Auth-Cert-Thumbprint"} {
		if values := seen.Trailer.Values(name); len(values) > 0 {
			t.Errorf("the upstream got the trailer %s: %q", name, values)
		}
	}
	if got := seen.Header.Get("X-Auth-Sub"); got != "client-a" {
		t.Errorf("x-auth-sub is %q", got)
	}
}

func headerVariant(format string) Listener {
	return Listener{Name: format, Patch: M{"certificate": M{
		"sources":         []any{M{"header": M{"name": "client-cert", "format": format}}},
		"trusted_proxies": M{"addresses": []any{"127.0.0.1/32"}},
	}}}
}

func (f *fixture) at(listener string, c *Certificate) *Client {
	return f.ClientOf(listener, Caller{Certificate: c})
}

// "unmatched": "deny" refuses what no rule names, good token or not.
func TestUnmatchedDeny(t *testing.T) {
	f := variants.use(t)
	c := f.at("deny", f.PKI.A)
	passed(t, c.Get(path, f.bearer(t, f.PKI.A)))
	passed(t, c.Get("/public/status"))
	f.refused(t, c.Get("/elsewhere", f.bearer(t, f.PKI.A)), 403, "access_denied")
}

// "expose_description": false leaves codes and nothing else.
func TestQuietErrors(t *testing.T) {
	f := variants.use(t)
	a := f.at("quiet", f.PKI.B).Get(path, f.bearer(t, f.PKI.A))
	f.refused(t, a, 401, "invalid_token")
	if strings.Contains(a.Body+a.Header.Get("www-authenticate"), "error_description") {
		t.Errorf("got %s and %q", describe(a), a.Header.Get("www-authenticate"))
	}
}

// Without shared data every worker keeps keys of its own.
func TestUnsharedData(t *testing.T) {
	f := variants.use(t)
	for range 8 {
		c := f.ClientOf("unshared", Caller{Certificate: f.PKI.A, Reconnect: true})
		passed(t, c.Get(path, f.bearer(t, f.PKI.A)))
	}
	f.refused(t, f.at("unshared", f.PKI.B).Get(path, f.bearer(t, f.PKI.A)), 401, "invalid_token")
}

// Tokens from a header and from a cookie: one in all, or none is taken (T14).
func TestTokenSources(t *testing.T) {
	f := variants.use(t)
	c, thief := f.at("sources", f.PKI.A), f.at("sources", f.PKI.B)
	header := f.bearer(t, f.PKI.A)
	token := strings.TrimPrefix(header, "authorization: Bearer ")
	inHeader, inCookie := "x-token: "+token, "cookie: a=b; token="+token+"; c=d"
	for _, source := range []string{header, inHeader, inCookie} {
		passed(t, c.Get(path, source))
		f.refused(t, thief.Get(path, source), 401, "invalid_token")
	}
	for _, two := range [][]string{
		{header, inHeader}, {header, inCookie}, {inHeader, inCookie}, {inHeader, inHeader}, {inHeader, "x-token: bad"},
		{inCookie, "cookie: token=" + token}, {"cookie: token=" + token + "; token=bad"}, {inHeader, "authorization: Bearer bad"},
	} {
		f.refused(t, c.Get(path, two...), 400, "invalid_request")
	}
	f.refused(t, c.Get(path, "cookie: a=b"), 401, "")
}

// RFC 9470: what is missing is said, so that the client can get it.
func TestRFC9470_3_StepUp(t *testing.T) {
	f := variants.use(t)
	c, now := f.at("stepup", f.PKI.A), time.Now().Unix()
	passed(t, c.Get("/loa3", f.mint(f.PKI.A, M{"acr": "urn:example:loa3"})))
	passed(t, c.Get("/recent", f.mint(f.PKI.A, M{"auth_time": now - 10})))
	a := c.Get("/loa3", f.mint(f.PKI.A, M{"acr": "urn:example:loa1"}))
	f.refused(t, a, 401, "insufficient_user_authentication")
	if got := a.Header.Get("www-authenticate"); !strings.Contains(got, `acr_values="urn:example:loa3"`) {
		t.Errorf("www-authenticate is %q", got)
	}
	for _, authTime := range []any{nil, now - 600, "now"} {
		a = c.Get("/recent", f.mint(f.PKI.A, M{"auth_time": authTime}))
		if authTime == "now" {
			f.stillServes(t)
			if a.Status == 200 || a.Seen != nil {
				t.Errorf("auth_time as a string: got %s", describe(a))
			}
			continue
		}
		f.refused(t, a, 401, "insufficient_user_authentication")
		if got := a.Header.Get("www-authenticate"); !strings.Contains(got, `max_age="300"`) && !strings.Contains(got, "max_age=300") {
			t.Errorf("www-authenticate is %q", got)
		}
	}
	passed(t, c.Get("/tenant", f.mint(f.PKI.A, M{"tenant": "b"})))
	passed(t, c.Get("/tenant", f.mint(f.PKI.A, M{"tenant": []any{"x", "a"}})))
	for _, tenant := range []any{nil, "c", "A", []any{"c"}, M{"a": "a"}} {
		f.refused(t, c.Get("/tenant", f.mint(f.PKI.A, M{"tenant": tenant})), 403, "insufficient_scope")
	}
}

// Certificates that a trusted proxy passes on in a header, in every format.
func TestCertificateHeaders(t *testing.T) {
	f := variants.use(t)
	token := f.bearer(t, f.PKI.A)
	write := map[string]func(*Certificate) string{
		"rfc9440":         func(c *Certificate) string { return ":" + base64.StdEncoding.EncodeToString(c.Leaf.Raw) + ":" },
		"url_encoded_pem": func(c *Certificate) string { return url.PathEscape(string(c.PEM())) },
		"base64_der":      func(c *Certificate) string { return base64.StdEncoding.EncodeToString(c.Leaf.Raw) },
	}
	for format, header := range write {
		t.Run(format, func(t *testing.T) {
			proxy := f.at(format, f.PKI.Edge)
			own, other := "client-cert: "+header(f.PKI.A), "client-cert: "+header(f.PKI.B)
			seen := passed(t, proxy.Get(path, token, own))
			if got := seen.Header.Get("x-auth-cert-thumbprint"); got != f.PKI.A.X5T() {
				t.Errorf("the upstream was told of %q", got)
			}
			f.refused(t, proxy.Get(path, token, other), 401, "invalid_token")
			f.refused(t, proxy.Get(path, token), 401, "invalid_token")
			f.refused(t, proxy.Get(path, token, own, other), 401, "invalid_token")
			f.refused(t, proxy.Get(path, token, own, own), 401, "invalid_token")
			f.refused(t, proxy.Get(path, token, "client-cert: "), 401, "invalid_token")
			f.refused(t, proxy.Get(path, token, own+"x"), 401, "invalid_token")
			// Of the connection nothing counts here: only the header was asked for.
			f.refused(t, f.at(format, f.PKI.A).Get(path, token), 401, "invalid_token")
		})
	}
}

// A host property as the source of the certificate.
func TestCertificateProperty(t *testing.T) {
	f := variants.use(t)
	passed(t, f.at("property", f.PKI.A).Get(path, f.bearer(t, f.PKI.A)))
	f.refused(t, f.at("property", f.PKI.B).Get(path, f.bearer(t, f.PKI.A)), 401, "invalid_token")
	f.refused(t, f.at("property", nil).Get(path, f.bearer(t, f.PKI.A)), 401, "invalid_token")
}
