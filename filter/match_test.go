package filter_test

import (
	"strings"
	"testing"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

const byPath = `{"rules":[
	{"match":{"path_prefix":"/public/"},"access":"anonymous"},
	{"match":{"path":"/payments","methods":["POST","PUT"]},"scopes":["payments:write"]},
	{"match":{"path":"/payments"},"scopes":["read"]},
	{"match":{"hosts":["www.example.com"],"path":"/open"},"access":"anonymous"}
]}`

func TestContract2_0_FirstRuleThatMatches(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, authority, path string
		reason                        string // with a good token of scope read
	}{
		{"prefix", "GET", host, "/public/x", "token_accepted"},
		{"path and method", "POST", host, "/payments", "scope_insufficient"},
		{"second method", "PUT", host, "/payments", "scope_insufficient"},
		{"other method, next rule", "GET", host, "/payments", "token_accepted"},
		{"T19 method in lower case", "post", host, "/payments", "ambiguous_method"},
		{"T19 method in mixed case", "GeT", host, "/elsewhere", "ambiguous_method"},
		{"query does not count", "POST", host, "/payments?x=/public/", "scope_insufficient"},
		{"T19 escaped letter is the same path", "POST", host, "/p%61yments", "scope_insufficient"},
		{"longer path", "POST", host, "/payments/1", "token_accepted"},
		{"T19 other case is another path", "POST", host, "/Payments", "token_accepted"},
		{"trailing slash is another path", "POST", host, "/payments/", "token_accepted"},
	}
	w := start(t, byPath)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := filtertest.NewStream(tt.method, tt.authority, tt.path, field("authorization", "Bearer "+good())).Present(certA)
			w.t = t
			w.expect(s, tt.reason)
		})
	}
}

func TestContract2_0_Anonymous(t *testing.T) {
	t.Parallel()
	w := start(t, byPath)
	anonymous := ask("GET", "/public/x", "")
	w.expect(anonymous, "anonymous")
	if !anonymous.Continued {
		t.Error("not continued")
	}
	for name, tt := range map[string]struct {
		s      *filtertest.Stream
		reason string
	}{
		"host of the rule":                    {filtertest.NewStream("GET", "WWW.example.com.:443", "/open"), "anonymous"},
		"other host":                          {filtertest.NewStream("GET", host, "/open"), "no_token"},
		"Basic is no token":                   {ask("GET", "/public/x", "", field("authorization", "Basic abc")), "anonymous"},
		"a good token":                        {ask("GET", "/public/x", good()), "token_accepted"},
		"a bad token is not downgraded":       {ask("GET", "/public/x", mint("k1", claim("exp", seconds(-1e12)))), "expired"},
		"T19b a token of an unknown issuer":   {ask("GET", "/public/x", mint("k1", claim("iss", "https://evil.example"))), "issuer_unknown"},
		"a stolen token":                      {ask("GET", "/public/x", good()).Present(certB), "cnf_mismatch"},
		"malformed credentials":               {ask("GET", "/public/x", "", field("authorization", "Bearer")), "malformed_credentials"},
		"two tokens":                          {ask("GET", "/public/x", good(), field("authorization", "Bearer "+good())), "multiple_tokens"},
		"T19 no prefix":                       {ask("GET", "/public", ""), "no_token"},
		"T19 prefix further on":               {ask("GET", "/payments/public/x", ""), "no_token"},
		"T19 x-original-url is just a header": {ask("GET", "/payments", "", field("x-original-url", "/public/x"), field("x-envoy-original-path", "/public/x"), field("x-http-method-override", "GET")), "no_token"},
	} {
		t.Run(name, func(t *testing.T) { w.t = t; w.expect(tt.s, tt.reason) })
	}
}

// With an anonymous rule for /public/ no spelling of a protected path gets
// through without a token.
func TestT19_NoSpellingReachesAProtectedPath(t *testing.T) {
	t.Parallel()
	w := start(t, byPath)
	for _, path := range strings.Fields(`/public/../payments /public/%2e%2e/payments /public/..%2fpayments /public%2f..%2fpayments //payments
		/public//payments /public/..;/payments /public/;/../payments /public\..\payments /public/%5c..%5cpayments /public/x%00/../payments
		/public/./x /public/.. /public/%2E./payments /public/#/../payments /public/%c0%ae%c0%ae/payments /public/%zz /public/% * payments
		http://api.example.com/public/x /public/\ `) {
		w.expect(ask("GET", path, ""), "ambiguous_path")
		w.expect(ask("GET", path, good()), "ambiguous_path")
	}
	w.expect(filtertest.NewStream("GET", host, ""), "ambiguous_path")
}

func TestContract2_0_AmbiguityCountsWhereARuleLooks(t *testing.T) {
	t.Parallel()
	bare := start(t, ``)
	bare.expect(ask("GET", "//payments", good()), "token_accepted")
	bare.expect(ask("GET", "//payments", ""), "no_token")
	byMethod := start(t, `{"rules":[{"match":{"methods":["GET"]},"access":"anonymous"}]}`)
	byMethod.expect(ask("GET", "//payments", ""), "anonymous")
	byHost := start(t, `{"rules":[{"match":{"hosts":["www.example.com"]},"access":"anonymous"}]}`)
	byHost.expect(filtertest.NewStream("GET", "www.example.com@evil.example", "/"), "ambiguous_host")
	byHost.expect(filtertest.NewStream("GET", "", "/"), "ambiguous_host")
	byHost.expect(filtertest.NewStream("GET", "www.example.com", "//x"), "anonymous")
	bare.expect(filtertest.NewStream("GET", "a@b", "/"), "no_token")
}

func TestContract1_UnmatchedDeny(t *testing.T) {
	t.Parallel()
	w := start(t, `{"unmatched":"deny","rules":[{"match":{"path_prefix":"/a/"}}]}`)
	w.expect(ask("GET", "/a/x", good()), "token_accepted")
	s := ask("GET", "/b", good())
	w.expect(s, "no_rule_matched")
	if s.Answer.Status != 403 || s.Answer.Body != `{"error":"access_denied","error_description":"nothing is served here"}` {
		t.Errorf("%+v", s.Answer)
	}
	w.expect(ask("GET", "/b", ""), "no_rule_matched")
}

func TestContract1_CORSPreflight(t *testing.T) {
	t.Parallel()
	origin, method := field("Origin", "https://app.example"), field("Access-Control-Request-Method", "POST")
	preflight := func(method string, fields ...filter.Header) *filtertest.Stream {
		return filtertest.NewStream(method, host, "/payments", fields...)
	}
	w := start(t, `{"cors_preflight":"bypass","unmatched":"deny"}`)
	w.expect(preflight("OPTIONS", origin, method), "preflight")
	for name, s := range map[string]*filtertest.Stream{
		"no method":      preflight("OPTIONS", origin),
		"no origin":      preflight("OPTIONS", method),
		"origin twice":   preflight("OPTIONS", origin, origin, method),
		"other method":   preflight("GET", origin, method),
		"method in case": preflight("options", origin, method),
	} {
		t.Run(name, func(t *testing.T) { w.t = t; w.expect(s, "no_rule_matched") })
	}
	check := start(t, ``)
	check.expect(preflight("OPTIONS", origin, method), "no_token")
	ambiguous := start(t, `{"cors_preflight":"bypass","rules":[{"match":{"path":"/x"}}]}`)
	ambiguous.expect(filtertest.NewStream("OPTIONS", host, "/a/../x", origin, method), "ambiguous_path")
}

// Threat T13e: HTTP/2 coalescing. A request for another host than the handshake's.
func TestT13e_SNI(t *testing.T) {
	t.Parallel()
	w := start(t, `{"certificate":{"match_sni":true},"rules":[{"match":{"path_prefix":"/public/"},"access":"anonymous"}]}`)
	tests := []struct {
		name, authority, sni string
		reason               string
	}{
		{"same", host, host, "token_accepted"},
		{"same, other spelling", "API.example.com:8443", "api.EXAMPLE.com", "token_accepted"},
		{"other host", "www.example.com", host, "misdirected_request"},
		{"subdomain", "a.api.example.com", host, "misdirected_request"},
		{"no authority", "", host, "misdirected_request"},
		{"ambiguous authority", "api.example.com@x", host, "misdirected_request"},
		{"empty SNI", host, "", "misdirected_request"},
		{"SNI that is no name", host, "*", "misdirected_request"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := filtertest.NewStream("GET", tt.authority, "/x", field("authorization", "Bearer "+good())).Present(certA)
			s.Properties["connection.requested_server_name"] = tt.sni
			w.t = t
			w.expect(s, tt.reason)
			if tt.reason == "misdirected_request" && (s.Answer.Status != 421 || strings.Contains(marshal(s.Answer.Headers), "www-authenticate")) {
				t.Errorf("%+v", s.Answer)
			}
		})
	}
	w.t = t
	s := get(good())
	delete(s.Properties, "connection.requested_server_name")
	w.expect(s, "misdirected_request")
	s = ask("GET", "/public/x", "")
	s.Unreadable = []string{"connection.requested_server_name"}
	w.expect(s, "misdirected_request")
}

func TestRFC9728_3_DocumentIsServed(t *testing.T) {
	t.Parallel()
	const at = "/.well-known/oauth-protected-resource"
	w := start(t, `{"resource_metadata":{"resource":"https://api.example.com","scopes_supported":["read"]},"unmatched":"deny"}`)
	for _, method := range []string{"GET", "HEAD"} {
		for _, path := range []string{at, at + "?x", "/.well-known/oauth-protected-resourc%65"} {
			s := filtertest.NewStream(method, host, path)
			w.expect(s, "metadata")
			if s.Continued || s.Answer.Status != 200 || !strings.HasPrefix(s.Answer.Body, `{"resource":"https://api.example.com",`) {
				t.Errorf("%s %s: %+v", method, path, s.Answer)
			}
		}
	}
	for _, method := range []string{"POST", "OPTIONS", "get"} {
		w.expect(filtertest.NewStream(method, host, at), "no_rule_matched")
	}
	w.expect(filtertest.NewStream("GET", host, at+"/x"), "no_rule_matched")
	w.expect(filtertest.NewStream("GET", host, "/"+at), "no_rule_matched")
	without := start(t, ``)
	without.expect(filtertest.NewStream("GET", host, at), "no_token")
	challenged := ask("GET", "/x", "")
	start(t, `{"resource_metadata":{"resource":"https://api.example.com/v1"}}`).expect(challenged, "no_token")
	if got := marshal(challenged.Answer.Headers); !strings.Contains(got, `resource_metadata=\"https://api.example.com/.well-known/oauth-protected-resource/v1\"`) {
		t.Error(got)
	}
	if n := w.Metric("holdfast.allowed"); n != 0 {
		t.Errorf("%d allowed", n)
	}
}
