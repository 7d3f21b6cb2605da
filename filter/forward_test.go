package filter_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

const forwarding = `"forward":{
	"claims":[{"claim":"sub","header":"x-auth-sub"},{"claim":"realm_access.roles","header":"x-auth-roles"},{"claim":"missing","header":"x-auth-missing"}],
	"payload_header":"x-auth-claims","thumbprint_header":"x-auth-cert-thumbprint",
	"certificate":[{"field":"subject","header":"x-client-dn"},{"field":"uri_san","header":"x-client-uri"},{"field":"dns_san","header":"x-client-dns"}]}`

// managed are the headers that this configuration sets.
var managed = []string{
	"x-auth-sub", "x-auth-roles", "x-auth-missing", "x-auth-claims", "x-auth-cert-thumbprint", "x-client-dn", "x-client-uri", "x-client-dns",
}

// forged are these headers as a client would forge them, in several spellings.
func forged() []filter.Header {
	var fields []filter.Header
	for _, name := range managed {
		fields = append(fields,
			field(name, "forged"), field(name, "forged again"), field(strings.ToUpper(name), "forged"),
			field(strings.ReplaceAll(name, "-", "_"), "forged"), field(strings.Replace(name, "-", "_", 1), "forged"))
	}
	return fields
}

// onlyOurs checks that of the managed headers the upstream sees these values and
// nothing else, in no spelling.
func onlyOurs(t *testing.T, s *filtertest.Stream, want map[string]string) {
	t.Helper()
	for _, h := range s.Headers {
		name := strings.ToLower(strings.ReplaceAll(h.Name, "_", "-"))
		if !slices.Contains(managed, name) {
			continue
		}
		if value, ok := want[name]; !ok || h.Name != name || h.Value != value {
			t.Errorf("T15: the upstream sees %s: %s", h.Name, h.Value)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

func TestT15_IdentityHeaders(t *testing.T) {
	t.Parallel()
	const shared = `"rules":[{"match":{"path_prefix":"/public/"},"access":"anonymous"}],"cors_preflight":"bypass","proof_of_possession":{"mode":"optional"},`
	w := start(t, `{`+shared+forwarding+`}`)
	roles := claim("realm_access", object{"roles": []any{"a", "b,c"}})
	bound, unbound := mint("k1", roles), mint("k1", claim("cnf", nil), claim("sub", "x\r\ny"))
	payload := func(token string) string { return strings.Split(token, ".")[1] }
	withDN := func(s *filtertest.Stream) *filtertest.Stream {
		s.Properties["connection.subject_peer_certificate"] = "CN=alice,O=Zoë"
		s.Properties["connection.uri_san_peer_certificate"] = "spiffe://x/alice"
		s.Properties["connection.dns_san_peer_certificate"] = "alice.example"
		return s
	}
	tests := []struct {
		name   string
		s      *filtertest.Stream
		reason string
		want   map[string]string
	}{
		{"bound", withDN(get(bound, forged()...)), "token_accepted", map[string]string{
			"x-auth-sub": "alice", "x-auth-roles": "a,b%2Cc", "x-auth-claims": payload(bound), "x-auth-cert-thumbprint": x5t(certA),
			"x-client-dn": "CN=alice,O=Zo%C3%AB", "x-client-uri": "spiffe://x/alice", "x-client-dns": "alice.example",
		}},
		{"bound, certificate without names", get(bound, forged()...), "token_accepted", map[string]string{
			"x-auth-sub": "alice", "x-auth-roles": "a,b%2Cc", "x-auth-claims": payload(bound), "x-auth-cert-thumbprint": x5t(certA),
		}},
		{"unbound, with a certificate that nothing was checked against", withDN(get(unbound, forged()...)), "token_accepted", map[string]string{
			"x-auth-sub": "x%0D%0Ay", "x-auth-claims": payload(unbound),
		}},
		{"anonymous", withDN(ask("GET", "/public/x", "", forged()...)), "anonymous", nil},
		{"anonymous rule, token", withDN(ask("GET", "/public/x", bound, forged()...)), "token_accepted", map[string]string{
			"x-auth-sub": "alice", "x-auth-roles": "a,b%2Cc", "x-auth-claims": payload(bound), "x-auth-cert-thumbprint": x5t(certA),
			"x-client-dn": "CN=alice,O=Zo%C3%AB", "x-client-uri": "spiffe://x/alice", "x-client-dns": "alice.example",
		}},
		{"preflight", ask("OPTIONS", "/x", "", append(forged(), field("origin", "https://a.example"), field("access-control-request-method", "PUT"))...), "preflight", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.t = t
			w.expect(tt.s, tt.reason)
			onlyOurs(t, tt.s, tt.want)
		})
	}
	if claims, err := base64.RawURLEncoding.DecodeString(payload(bound)); err != nil || !strings.Contains(string(claims), `"sub":"alice"`) {
		t.Errorf("%s, %v", claims, err)
	}
}

// The host's certificate properties are about the connection. Behind a proxy that
// is the proxy's certificate, not the caller's.
func TestT13_CertificateFieldsAreOfTheConnection(t *testing.T) {
	t.Parallel()
	w := start(t, `{"certificate":{"sources":[{"xfcc":{"element":"last"}}],"trusted_proxies":{"addresses":["127.0.0.0/8"]}},`+forwarding+`}`)
	s := bare(append(forged(), field("x-forwarded-client-cert", xfcc(certA)))...).Present(certB)
	s.Properties["connection.subject_peer_certificate"] = "CN=proxy"
	w.expect(s, "token_accepted")
	onlyOurs(t, s, map[string]string{"x-auth-sub": "alice", "x-auth-claims": strings.Split(good(), ".")[1], "x-auth-cert-thumbprint": x5t(certA)})
}

func TestContract1_ForwardToken(t *testing.T) {
	t.Parallel()
	const all = `"token_sources":[{"authorization":{}},{"header":{"name":"x-token"}},{"cookie":{"name":"at"}}]`
	strip := start(t, `{`+all+`,"forward":{"token":"strip"},"rules":[{"match":{"path_prefix":"/public/"},"access":"anonymous"}]}`)
	keep := start(t, `{`+all+`}`)
	cookies := func(values ...string) []filter.Header {
		var fields []filter.Header
		for _, value := range values {
			fields = append(fields, field("cookie", value))
		}
		return fields
	}
	tests := []struct {
		name   string
		fields []filter.Header
		left   map[string][]string // with strip
	}{
		{"authorization", []filter.Header{field("Authorization", "Bearer "+good())}, map[string][]string{"authorization": nil}},
		{"header beside Basic", []filter.Header{field("X-Token", good()), field("authorization", "Basic abc")}, map[string][]string{"x-token": nil, "authorization": {"Basic abc"}}},
		{"cookie alone", cookies("at=" + good()), map[string][]string{"cookie": nil}},
		{"cookie among others", cookies("a=b;  at=" + good() + " ;c=d; e"), map[string][]string{"cookie": {"a=b; c=d; e"}}},
		{"cookie with blanks around =", cookies("a=b; at = " + good()), map[string][]string{"cookie": {"a=b"}}},
		{"cookies in several fields", cookies("a=b", "at="+good(), "at2=x"), map[string][]string{"cookie": {"a=b; at2=x"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			strip.t, keep.t = t, t
			s := filtertest.NewStream("GET", host, "/x", tt.fields...).Present(certA)
			before := fmt.Sprint(s.Headers)
			keep.expect(s, "token_accepted")
			if fmt.Sprint(s.Headers) != before {
				t.Errorf("keep: %v", s.Headers)
			}
			s = filtertest.NewStream("GET", host, "/x", tt.fields...).Present(certA)
			strip.expect(s, "token_accepted")
			for name, values := range tt.left {
				only(t, s, name, values...)
			}
			if strings.Contains(fmt.Sprint(s.Headers), good()) {
				t.Errorf("the token goes on: %v", s.Headers)
			}
		})
	}
	strip.t = t
	s := ask("GET", "/public/x", "", field("authorization", "Basic abc"), field("cookie", "a=b"))
	strip.expect(s, "anonymous")
	only(t, s, "authorization", "Basic abc")
	only(t, s, "cookie", "a=b")
}

// A host that fails while the request is edited: it may still carry what the
// client wrote, so it never goes on.
func TestT13c_HostFailsWhileEditing(t *testing.T) {
	t.Parallel()
	const change = `"certificate":{"sources":[{"xfcc":{"element":"last"}},{"connection":{}}],"trusted_proxies":{"addresses":["10.0.0.0/8"]}},` +
		`"token_sources":[{"authorization":{}},{"header":{"name":"x-token"}},{"cookie":{"name":"at"}}],`
	w := start(t, `{`+change+strings.Replace(forwarding, `{`, `{"token":"strip",`, 1)+`}`)
	// nth lets the nth call of a method fail; how many there are is counted first.
	nth := func(method string, n int, seen *int) filtertest.Faults {
		return func(m string) error {
			if m != method {
				return nil
			}
			if *seen++; *seen == n {
				return errHost
			}
			return nil
		}
	}
	for name, fields := range map[string][]filter.Header{
		"authorization": {field("authorization", "Bearer "+good())},
		"header":        {field("x-token", good())},
		"cookie":        {field("cookie", "a=b; at="+good())},
	} {
		request := func() *filtertest.Stream {
			s := filtertest.NewStream("GET", host, "/x", append(append(forged(), field("x-forwarded-client-cert", "x")), fields...)...).Present(certA)
			s.Properties["connection.subject_peer_certificate"] = "CN=alice"
			return s
		}
		for _, method := range []string{"RemoveRequestHeader", "SetRequestHeader"} {
			total := 0
			s := request()
			s.Faults = nth(method, 0, &total)
			w.expect(s, "token_accepted")
			if total < 3 {
				t.Fatalf("%d calls of %s", total, method)
			}
			for n := 1; n <= total; n++ {
				seen := 0
				s := request()
				s.Faults = nth(method, n, &seen)
				if got := w.judge(s); got != "internal_error" || s.Continued || s.Answer.Status != 503 {
					t.Errorf("%s: %s %d of %d fails: %s, %+v", name, method, n, total, got, s.Answer)
				}
			}
		}
		s := request()
		s.Unreadable = []string{"connection.uri_san_peer_certificate"}
		w.expect(s, "internal_error")
	}
	if n := w.Metric("holdfast.denied.internal_error"); n == 0 {
		t.Error("not counted")
	}
}

// T15: an upstream may take a trailer for a header.
func TestT15_Trailers(t *testing.T) {
	t.Parallel()
	const xfcc = `"certificate":{"sources":[{"xfcc":{"element":"last"}},{"connection":{}}],"trusted_proxies":{"addresses":["127.0.0.1"]}},`
	trailers := func() []filter.Header {
		return append(forged(), field("x-forwarded-client-cert", "x"), field("checksum", "1234"))
	}
	w := start(t, `{`+xfcc+forwarding+`}`)
	s := get(good())
	s.Trailers = trailers()
	if !w.send(s).OnRequestTrailers() || len(s.Trailers) != 1 || s.Trailers[0].Name != "checksum" {
		t.Errorf("the upstream gets the trailers %v", s.Trailers)
	}
	for _, method := range []string{"RequestTrailers", "RemoveRequestTrailer"} {
		s := get(good())
		s.Trailers = trailers()
		s.Faults = func(m string) error {
			if m == method {
				return errHost
			}
			return nil
		}
		if w.send(s).OnRequestTrailers() {
			t.Errorf("%s failed and the trailers went on", method)
		}
	}
	refused := get("")
	if w.send(refused).OnRequestTrailers() {
		t.Error("the trailers of a refused request went on")
	}
	plain := start(t, `{}`)
	s = get(good())
	s.Faults = func(m string) error {
		if m == "RequestTrailers" {
			return errHost
		}
		return nil
	}
	if !plain.send(s).OnRequestTrailers() {
		t.Error("without a header to set the trailers are read for nothing")
	}
}
