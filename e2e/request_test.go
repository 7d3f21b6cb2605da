package e2e

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

// RFC 6750 §2.1, RFC 9110 §11.4: what credentials may look like.
func TestCredentials(t *testing.T) {
	f := standard.use(t)
	good := f.bearer(t, f.PKI.A)
	token := strings.TrimPrefix(good, "authorization: Bearer ")
	other := f.mint(f.PKI.A, nil)
	long := "authorization: Bearer " + strings.Repeat("a", 17000)
	for _, test := range []struct {
		name   string
		path   string
		header []string
		status int
		code   string
	}{
		{"scheme in lower case", "", []string{"authorization: bearer " + token}, 200, ""},
		{"scheme in upper case", "", []string{"authorization: BEARER " + token}, 200, ""},
		{"several spaces", "", []string{"authorization: Bearer   " + token}, 200, ""},
		{"none", "", nil, 401, ""},
		{"Basic counts as none", "", []string{"authorization: Basic dXNlcjpwYXNz"}, 401, ""},
		{"DPoP is off and counts as none", "", []string{"authorization: DPoP " + token}, 401, ""},
		{"in the query counts as none", path + "?access_token=" + token, nil, 401, ""},
		{"T14 good and bad", "", []string{good, "authorization: Bearer bad"}, 400, "invalid_request"},
		{"T14 bad and good", "", []string{"authorization: Bearer bad", good}, 400, "invalid_request"},
		{"T14 the same twice", "", []string{good, good}, 400, "invalid_request"},
		{"T14 two good ones", "", []string{good, other}, 400, "invalid_request"},
		{"T14 comma-joined", "", []string{good + ", Bearer bad"}, 400, "invalid_request"},
		{"T14 Bearer and Basic", "", []string{good, "authorization: Basic dXNlcjpwYXNz"}, 400, "invalid_request"},
		{"T14 Basic and Bearer", "", []string{"authorization: Basic dXNlcjpwYXNz", good}, 400, "invalid_request"},
		{"T14 header and query", path + "?access_token=" + token, []string{good}, 400, "invalid_request"},
		{"T14 header and encoded query", path + "?a=b&%61ccess_token=" + token, []string{good}, 400, "invalid_request"},
		{"scheme alone", "", []string{"authorization: Bearer"}, 400, "invalid_request"},
		{"no space", "", []string{"authorization: Bearer" + token}, 401, ""},
		{"a space inside", "", []string{good + " x"}, 400, "invalid_request"},
		{"not b64token", "", []string{"authorization: Bearer <" + token + ">"}, 400, "invalid_request"},
		{"empty", "", []string{"authorization: "}, 400, "invalid_request"},
		{"T17 too long", "", []string{long}, 400, "invalid_request"},
		{"T17 8000 dots", "", []string{"authorization: Bearer " + strings.Repeat(".", 8000)}, 401, "invalid_token"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, c := range []*Client{f.A, f.Client(Caller{Certificate: f.PKI.A, HTTP2: true})} {
				a := c.Get(or(test.path, path), test.header...)
				if test.status == 200 {
					passed(t, a)
					continue
				}
				f.refused(t, a, test.status, test.code)
			}
		})
	}
}

// RFC 6750 §2.2: a token in a form is not taken, and a form beside a token is none
// of Holdfast's business: bodies never enter the filter.
func TestTokenInAFormBody(t *testing.T) {
	f := standard.use(t)
	good := f.bearer(t, f.PKI.A)
	form := "access_token=" + strings.TrimPrefix(good, "authorization: Bearer ")
	post := func(header ...string) *Answer {
		return f.A.Do(t.Context(), "POST", path, strings.NewReader(form), append(header, "content-type: application/x-www-form-urlencoded")...)
	}
	f.refused(t, post(), 401, "")
	if seen := passed(t, post(good)); seen.Body != form {
		t.Errorf("the upstream got the body %q", seen.Body)
	}
}

// T13: a header never stands in for the certificate of the connection.
func TestT13ForgedCertificateHeaders(t *testing.T) {
	for name, shared := range map[string]*sharedFixture{"standard": standard, "relaxed": relaxed} {
		t.Run(name, func(t *testing.T) {
			f := shared.use(t)
			token := f.bearer(t, f.PKI.A)
			der := base64.StdEncoding.EncodeToString(f.PKI.A.Leaf.Raw)
			for _, header := range []string{
				"x-forwarded-client-cert: " + f.PKI.A.XFCC(), "X-Forwarded-Client-Cert: " + f.PKI.A.XFCC(),
				"client-cert: :" + der + ":", "ssl-client-cert: " + der, "x-ssl-client-cert: " + der,
				"x-client-certificate: " + der, "x-auth-cert-thumbprint: " + f.PKI.A.X5T(),
			} {
				for _, c := range []*Client{f.None, f.B} {
					f.refused(t, c.Get(path, token, header), 401, "invalid_token")
				}
			}
		})
	}
}

// T15: the headers that tell the upstream who calls are Holdfast's alone.
func TestT15IdentityHeaders(t *testing.T) {
	f := relaxed.use(t)
	roles := M{"realm_access": M{"roles": []any{"a,b", "c d", "é"}}}
	spoofs := []string{
		"x-auth-sub: admin", "X-Auth-Sub: admin", "x-AUTH-sub: admin", "x_auth_sub: admin", "X_Auth-Sub: admin",
		"x-auth-roles: root", "x_auth_roles: root", "x-auth-claims: e30", "x_auth_claims: e30",
		"x-auth-cert-thumbprint: forged", "x_auth_cert_thumbprint: forged", "x-client-dn: CN=admin", "x_client_dn: CN=admin",
	}
	for _, http2 := range []bool{false, true} {
		c := f.Client(Caller{Certificate: f.PKI.A, HTTP2: http2})
		seen := passed(t, c.Get(path, append(spoofs, f.mint(f.PKI.A, roles))...))
		for name, want := range map[string]string{
			"X-Auth-Sub": "client-a", "X-Auth-Roles": "a%2Cb,c d,%C3%A9", "X-Auth-Cert-Thumbprint": f.PKI.A.X5T(),
			"X-Client-Dn": "O=Holdfast,CN=client-a", "Authorization": "",
		} {
			if got := strings.Join(seen.Header.Values(name), "|"); name != "X-Client-Dn" && got != want || strings.Contains(got, "admin") {
				t.Errorf("http2=%t: %s is %q, want %q", http2, name, got, want)
			}
		}
		var claims M
		text := must(base64.RawURLEncoding.DecodeString(seen.Header.Get("X-Auth-Claims")))
		if json.Unmarshal(text, &claims) != nil || claims["sub"] != "client-a" {
			t.Errorf("x-auth-claims is %q", text)
		}
		cleanOf(t, seen, "admin", "root", "forged", "e30")

		// Nothing is invented for an anonymous request, and nothing let through.
		seen = passed(t, c.Get("/public/x", spoofs...))
		cleanOf(t, seen, "admin", "root", "forged", "e30")
		// A CORS preflight passes the same way.
		seen = passed(t, c.Do(t.Context(), "OPTIONS", path, nil, append(spoofs, "origin: https://x.example", "access-control-request-method: GET")...))
		cleanOf(t, seen, "admin", "root", "forged", "e30")
	}
	// A claim that the token does not have leaves no header, not the client's.
	seen := passed(t, f.A.Get(path, append(spoofs, f.mint(f.PKI.A, nil))...))
	if got := seen.Header.Values("X-Auth-Roles"); got != nil {
		t.Errorf("x-auth-roles is %q, want none", got)
	}
	// Connection: names headers for the proxy to drop: not those that Holdfast sets.
	seen = passed(t, f.A.Get(path, f.mint(f.PKI.A, nil), "connection: x-auth-sub, x-auth-cert-thumbprint"))
	if got := seen.Header.Get("X-Auth-Sub"); got != "client-a" {
		t.Errorf("with Connection: x-auth-sub the upstream saw %q", got)
	}
}

func cleanOf(t *testing.T, seen *Seen, words ...string) {
	t.Helper()
	for name, values := range seen.Header {
		for _, word := range words {
			if strings.Contains(strings.Join(values, " "), word) {
				t.Errorf("the upstream saw %s: %q", name, values)
			}
		}
	}
}

// The shipped envoy.yaml refuses headers with underscores altogether.
func TestUnderscoresAreRefusedByDefault(t *testing.T) {
	f := standard.use(t)
	a := f.A.Get(path, f.bearer(t, f.PKI.A), "x_auth_sub: admin")
	if a.Status != 400 || a.Seen != nil {
		t.Errorf("got %s, want 400", describe(a))
	}
	f.stillServes(t)
}

// A request that is refused never has its body read by the upstream, however
// much of it there is.
func TestBodyOfARefusedRequest(t *testing.T) {
	f := standard.use(t)
	body := strings.Repeat("secret body ", 100_000)
	for _, http2 := range []bool{false, true} {
		c := f.Client(Caller{Certificate: f.PKI.B, HTTP2: http2})
		a := c.Do(t.Context(), "POST", path, strings.NewReader(body), f.bearer(t, f.PKI.A))
		if a.Seen != nil {
			t.Error("the upstream saw the request")
		}
		// Envoy may close the connection on a client that goes on uploading.
		if a.Err == nil {
			f.refused(t, a, 401, "invalid_token")
		}
		own := f.Client(Caller{Certificate: f.PKI.A, HTTP2: http2})
		if seen := passed(t, own.Do(t.Context(), "POST", path, strings.NewReader(body), f.bearer(t, f.PKI.A))); seen.Body != body {
			t.Errorf("the upstream got %d bytes of %d", len(seen.Body), len(body))
		}
	}
}
