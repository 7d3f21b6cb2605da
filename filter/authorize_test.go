package filter_test

import (
	"testing"
	"time"
)

// Step 4. Each rule has a path of its own; want is the reason for a token with
// these edits.
func TestContract2_4_RuleIsMet(t *testing.T) {
	t.Parallel()
	const accepted, scope, claims, step, old = "token_accepted", "scope_insufficient", "claim_not_allowed", "acr_not_met", "authentication_too_old"
	w := start(t, `{"issuer":{"scope_claims":["scope","scp","realm_access.roles"],"clock_skew":"10s"},"rules":[
		{"match":{"path":"/scopes"},"scopes":["read","write"]},
		{"match":{"path":"/claims"},"claims":{"tenant":["a","7","true"]}},
		{"match":{"path":"/dotted"},"claims":{"org.unit":["x"]}},
		{"match":{"path":"/issuer"},"issuers":["`+issuerURL+`"]},
		{"match":{"path":"/audience"},"audiences":["urn:special"]},
		{"match":{"path":"/acr"},"acr_values":["loa3","loa4"]},
		{"match":{"path":"/age"},"max_age":"5m"},
		{"match":{"path":"/all"},"scopes":["write"],"claims":{"tenant":["a"]},"acr_values":["loa3"],"max_age":"5m"}]}`)
	tests := []struct {
		name, path string
		edits      []edit
		want       string
	}{
		{"RFC8693_4.2 both in a string", "/scopes", []edit{claim("scope", "write  read more")}, accepted},
		{"one missing", "/scopes", []edit{claim("scope", "read")}, scope},
		{"scope claim missing", "/scopes", []edit{claim("scope", nil)}, scope},
		{"array", "/scopes", []edit{claim("scope", []any{"read", "write"})}, accepted},
		{"scp", "/scopes", []edit{claim("scope", nil), claim("scp", []any{"read", "write"})}, accepted},
		{"over two claims", "/scopes", []edit{claim("scope", "read"), claim("scp", "write")}, accepted},
		{"dotted", "/scopes", []edit{claim("scope", nil), claim("realm_access", object{"roles": []any{"read", "write"}})}, accepted},
		{"in a claim that is not read", "/scopes", []edit{claim("roles", "write")}, scope},
		{"prefix", "/scopes", []edit{claim("scope", "read writer")}, scope},
		{"other case", "/scopes", []edit{claim("scope", "read WRITE")}, scope},
		{"array element with a space is one scope", "/scopes", []edit{claim("scope", []any{"read write"})}, scope},
		{"array of no strings", "/scopes", []edit{claim("scope", []any{1, nil, object{"read": 1}})}, scope},
		{"object", "/scopes", []edit{claim("scope", object{"read": true, "write": true})}, scope},

		{"text", "/claims", []edit{claim("tenant", "a")}, accepted},
		{"number", "/claims", []edit{claim("tenant", 7)}, accepted},
		{"boolean", "/claims", []edit{claim("tenant", true)}, accepted},
		{"number as text", "/claims", []edit{claim("tenant", "7")}, accepted},
		{"array that holds it", "/claims", []edit{claim("tenant", []any{"z", 7})}, accepted},
		{"array that does not", "/claims", []edit{claim("tenant", []any{"z", 8, []any{"a"}})}, claims},
		{"empty array", "/claims", []edit{claim("tenant", []any{})}, claims},
		{"other text", "/claims", []edit{claim("tenant", "ab")}, claims},
		{"missing", "/claims", nil, claims},
		{"object", "/claims", []edit{claim("tenant", object{"a": "a"})}, claims},
		{"nested", "/dotted", []edit{claim("org", object{"unit": "x"})}, accepted},
		{"exact name first", "/dotted", []edit{claim("org.unit", "x"), claim("org", object{"unit": "y"})}, accepted},
		{"exact name decides", "/dotted", []edit{claim("org.unit", "y"), claim("org", object{"unit": "x"})}, claims},

		{"issuer", "/issuer", nil, accepted},
		{"audience in an array", "/audience", []edit{claim("aud", []any{audience, "urn:special"})}, accepted},
		{"audience missing", "/audience", nil, "audience_not_allowed"},

		{"RFC9470 acr", "/acr", []edit{claim("acr", "loa4")}, accepted},
		{"acr other", "/acr", []edit{claim("acr", "loa1")}, step},
		{"acr missing", "/acr", nil, step},
		{"acr array", "/acr", []edit{claim("acr", []any{"loa3"})}, step},

		{"just in time", "/age", []edit{claim("auth_time", seconds(-5*time.Minute))}, accepted},
		{"a second late", "/age", []edit{claim("auth_time", seconds(-5*time.Minute-time.Second))}, old},
		{"auth_time missing", "/age", nil, old},
		{"auth_time text", "/age", []edit{claim("auth_time", "now")}, old},
		{"auth_time in the future, within the skew", "/age", []edit{claim("auth_time", seconds(10*time.Second))}, accepted},
		{"auth_time in the future, beyond", "/age", []edit{claim("auth_time", seconds(11*time.Second))}, old},
		{"auth_time in the year 9999", "/age", []edit{claim("auth_time", int64(1)<<62)}, old},

		{"order: scopes", "/all", nil, scope},
		{"order: claims", "/all", []edit{claim("scope", "write")}, claims},
		{"order: acr", "/all", []edit{claim("scope", "write"), claim("tenant", "a")}, step},
		{"order: max_age", "/all", []edit{claim("scope", "write"), claim("tenant", "a"), claim("acr", "loa3")}, old},
		{"all", "/all", []edit{claim("scope", "write"), claim("tenant", "a"), claim("acr", "loa3"), claim("auth_time", seconds(0))}, accepted},
	}
	for _, tt := range tests {
		t.Run(tt.path[1:]+" "+tt.name, func(t *testing.T) {
			w.t = t
			w.expect(ask("GET", tt.path, mint("k1", tt.edits...)), tt.want)
		})
	}
	// Binding comes before what the rule asks.
	w.t = t
	w.expect(ask("GET", "/scopes", mint("k1", claim("scope", nil))).Present(certB), "cnf_mismatch")
}

func TestContract2_4_IssuersOfTheRule(t *testing.T) {
	t.Parallel()
	issuer := func(name string) string {
		return `{"issuer":"https://` + name + `.example","audiences":["` + audience + `"],"jwks":{"inline":` + jwks(name) + `}}`
	}
	w := start(t, `{"issuers":[`+issuer("a")+`,`+issuer("b")+`],"rules":[{"match":{"path":"/a"},"issuers":["https://a.example"]}]}`)
	w.expect(ask("GET", "/a", mint("a", claim("iss", "https://a.example"))), "token_accepted")
	w.expect(ask("GET", "/a", mint("b", claim("iss", "https://b.example"))), "issuer_not_allowed")
	w.expect(ask("GET", "/x", mint("b", claim("iss", "https://b.example"))), "token_accepted")
}
