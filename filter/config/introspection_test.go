package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// twoAsked has two issuers with introspection, a and b, and one without, c.
func twoAsked(rest string) string {
	issuer := func(name, more string) string {
		return `{"issuer":"` + name + `","audiences":["x"],"jwks":{"inline":` + jwkSet + `}` + more + `}`
	}
	const asked = `,"introspection":{"endpoint":"https://as.example.com/i","cluster":"as","client_auth":"none"}`
	return `{"issuers":[` + issuer("a", asked) + `,` + issuer("b", asked) + `,` + issuer("c", "") + `]` + rest + `}`
}

func TestIntrospectionDefaults(t *testing.T) {
	t.Parallel()
	want := &Introspection{
		Endpoint: Endpoint{Scheme: "https", Authority: "as.example.com", Path: "/introspect"}, Cluster: "as", Timeout: 5 * time.Second,
		RequireAud: true, Client: IntrospectionClient{ID: "gateway", SecretEnv: "SECRET"},
		CacheTTL: 30 * time.Second, NegativeCacheTTL: 5 * time.Second, CacheEntries: 10000,
	}
	got := mustParse(t, introspecting(`"client_id":"gateway","client_secret_env":"SECRET"`, "")).Issuers[0].Introspection
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if c := mustParse(t, minimal("")); c.Issuers[0].Introspection != nil || c.Session != nil {
		t.Errorf("without the sections: %+v, %+v", c.Issuers[0].Introspection, c.Session)
	}
}

func TestIntrospectionClients(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, keys string
		want       IntrospectionClient
	}{
		{"basic with a secret in plain text", `"client_id":"é:%","client_secret":"a b+=&"`, IntrospectionClient{Auth: ClientSecretBasic, ID: "é:%", Secret: "a b+=&"}},
		{"basic by name", `"client_auth":"client_secret_basic","client_id":"g","client_secret_env":"S"`, IntrospectionClient{Auth: ClientSecretBasic, ID: "g", SecretEnv: "S"}},
		{"post", `"client_auth":"client_secret_post","client_id":"g","client_secret_env":"S"`, IntrospectionClient{Auth: ClientSecretPost, ID: "g", SecretEnv: "S"}},
		{"an assertion for the issuer", `"client_auth":"private_key_jwt","client_id":"g","private_key_env":"K"`,
			IntrospectionClient{Auth: PrivateKeyJWT, ID: "g", KeyEnv: "K", Audience: issuerURL}},
		{"an assertion for another audience", `"client_auth":"private_key_jwt","client_id":"g","private_key_env":"K","client_assertion_audience":"https://as.example.com/token"`,
			IntrospectionClient{Auth: PrivateKeyJWT, ID: "g", KeyEnv: "K", Audience: "https://as.example.com/token"}},
		{"the cluster's certificate", `"client_auth":"tls_client_auth","client_id":"g"`, IntrospectionClient{Auth: TLSClientAuth, ID: "g"}},
		{"nobody", `"client_auth":"none"`, IntrospectionClient{Auth: ClientAuthNone}},
		{"nobody with a name", `"client_auth":"none","client_id":"g"`, IntrospectionClient{Auth: ClientAuthNone, ID: "g"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := mustParse(t, introspecting(tt.keys, "")).Issuers[0].Introspection.Client; got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// Whatever order a document, or Envoy's Struct, has: the call is always the same.
func TestParamsAndHeadersAreSorted(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		`"client_auth":"none","params":{"b":"2","a":"1","A":"0"},"headers":{"X-B":"2","authorization":"Bearer x","x-a":"1"}`,
		`"client_auth":"none","params":{"A":"0","b":"2","a":"1"},"headers":{"x-a":"1","X-b":"2","Authorization":"Bearer x"}`,
	} {
		got := mustParse(t, introspecting(doc, "")).Issuers[0].Introspection
		if want := []Pair{{"A", "0"}, {"a", "1"}, {"b", "2"}}; !reflect.DeepEqual(got.Params, want) {
			t.Errorf("params %v, want %v", got.Params, want)
		}
		if want := []Pair{{"authorization", "Bearer x"}, {"x-a", "1"}, {"x-b", "2"}}; !reflect.DeepEqual(got.Headers, want) {
			t.Errorf("headers %v, want %v", got.Headers, want)
		}
	}
}

// What a schema cannot say, and two problems or more.
func TestIntrospectionContradictions(t *testing.T) {
	t.Parallel()
	const at = "issuers[0].introspection"
	secret := func(keys string) string { return introspecting(`"client_id":"g","client_secret":"s",`+keys, "") }
	tests := []struct {
		name, doc string
		want      []string
	}{
		{"empty", withIssuer(`"jwks":{"inline":`+jwkSet+`},"introspection":{}`, ""), []string{
			at + ".endpoint: is required", at + ".cluster: is required",
			at + `.client_id: is required with client_auth "client_secret_basic"`, at + ": exactly one of client_secret, client_secret_env",
		}},
		{"nothing of private_key_jwt", introspecting(`"client_auth":"private_key_jwt"`, ""),
			[]string{at + `.client_id: is required with client_auth "private_key_jwt"`, at + `.private_key_env: is required with client_auth "private_key_jwt"`}},
		{"everything with none", introspecting(`"client_auth":"none","client_secret":"s","client_secret_env":"S","private_key_env":"K","client_assertion_audience":"a"`, ""), []string{
			at + `.client_secret: must not be there with client_auth "none"`, at + ".client_secret_env: must not be there",
			at + ".private_key_env: must not be there", at + ".client_assertion_audience: must not be there",
		}},
		{"an unknown way is one problem", introspecting(`"client_auth":"client_secret_jwt","client_secret":"s","headers":{"authorization":"a"}`, ""), []string{
			at + `.client_auth: must be "client_secret_basic" or`,
		}},
		{"RFC9701 5 without a client", introspecting(`"client_auth":"none","accept":"application/token-introspection+jwt"`, ""),
			[]string{at + `.client_id: is required with accept "application/token-introspection+jwt"`}},
		{"durations", secret(`"timeout":"61s","cache_ttl":"25h","negative_cache_ttl":"24h1s"`), []string{
			at + ".timeout: between 1ms and 1m0s", at + ".cache_ttl: between 0s and 24h0m0s", at + ".negative_cache_ttl: between 0s and 24h0m0s",
		}},
		{"timeout 0", secret(`"timeout":"0s"`), []string{at + ".timeout: between 1ms"}},

		{"T22e headers of the call in other spellings", secret(`"headers":{"Content_Length":"1","HOST":"a","Transfer_Encoding":"chunked","User-Agent":"a","AUTHORIZATION":"b"}`), []string{
			at + ".headers.Content_Length: single hop", at + ".headers.HOST: single hop", at + ".headers.Transfer_Encoding: single hop",
			at + ".headers.User-Agent: sets itself", at + ".headers.AUTHORIZATION: client_secret_basic",
		}},
		{"T22e the same header twice", secret(`"headers":{"X-Tenant":"a","x-tenant":"b","x_tenant":"c"}`), []string{
			at + ".headers.x-tenant: another header", at + ".headers.x_tenant: another header",
		}},

		{"introspection_jwt without introspection", minimal(`"forward":{"token":"introspection_jwt"}`),
			[]string{"forward.token: needs an issuer with introspection"}},
		{"introspection_jwt of a plain answer", introspecting(`"client_auth":"none"`, `"forward":{"token":"introspection_jwt"}`),
			[]string{`forward.token: needs an issuer with introspection, and of each one accept "application/token-introspection+jwt"`}},
		{"introspection_jwt where one answer of two is plain",
			strings.Replace(twoAsked(`,"unmatched":"deny","forward":{"token":"introspection_jwt"}`), `"none"`, `"none","client_id":"g","accept":"application/token-introspection+jwt"`, 1),
			[]string{"forward.token: of each one accept"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkProblems(t, tt.doc, tt.want...)
		})
	}
}

// Issue 4: with several issuers that have introspection it must be clear who is
// asked about an opaque token, of every request.
func TestT22c_WhoIsAskedIsNeverAmbiguous(t *testing.T) {
	t.Parallel()
	const unmatched = `unmatched: must be "deny"`
	tests := []struct {
		name, rest string
		want       []string
	}{
		{"nothing said", ``, []string{unmatched}},
		{"unmatched token", `,"unmatched":"token","rules":[{"match":{"path":"/a"},"issuers":["a"]}]`, []string{unmatched}},
		{"unmatched deny", `,"unmatched":"deny"`, nil},
		{"one each", `,"unmatched":"deny","rules":[{"match":{"path":"/a"},"issuers":["a"]},{"match":{"path":"/b"},"issuers":["b"]}]`, nil},
		{"one and one without introspection", `,"unmatched":"deny","rules":[{"issuers":["c","a"]}]`, nil},
		{"only the one without", `,"unmatched":"deny","rules":[{"issuers":["c"]}]`, nil},
		{"both", `,"unmatched":"deny","rules":[{"match":{"path":"/a"},"issuers":["a"]},{"issuers":["b","c","a"]}]`, []string{"rules[1].issuers: may name only one"}},
		{"no issuers", `,"unmatched":"deny","rules":[{"scopes":["x"]},{}]`,
			[]string{"rules[0].issuers: is required when several", "rules[1].issuers: is required"}},
		{"empty issuers", `,"unmatched":"deny","rules":[{"issuers":[]}]`, []string{"rules[0].issuers: is required"}},
		{"anonymous without issuers", `,"unmatched":"deny","rules":[{"access":"anonymous"}]`, []string{"rules[0].issuers: is required"}},
		{"anonymous with both", `,"unmatched":"deny","rules":[{"access":"anonymous","issuers":["a","b"]}]`, []string{"rules[0].issuers: may name only one"}},
		{"anonymous with one", `,"unmatched":"deny","rules":[{"access":"anonymous","issuers":["a"]}]`, nil},
		{"no request is unmatched", `,"rules":[{"match":{"path":"/b"},"issuers":["b"]},{"issuers":["a"]}]`, nil},
		{"no request is unmatched, by prefix", `,"rules":[{"match":{"path_prefix":"/"},"issuers":["a"]}]`, nil},
		{"a wrong name is one problem", `,"unmatched":"deny","rules":[{"issuers":["x"]}]`, []string{"rules[0].issuers[0]: one of the configured issuers"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if doc := twoAsked(tt.rest); tt.want == nil {
				mustParse(t, doc)
			} else {
				checkProblems(t, doc, tt.want...)
			}
		})
	}
	// With one issuer that has introspection nothing is ambiguous.
	mustParse(t, introspecting(`"client_auth":"none"`, `"rules":[{"match":{"path":"/a"},"access":"anonymous"},{"scopes":["a"]}]`))
}

// T24: whatever else is wrong, no problem holds a secret.
func TestT24_ProblemsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t-v4lue"
	for _, keys := range []string{
		`"client_secret":"` + secret + `"`,
		`"client_secret":"` + secret + `\n","client_id":"g"`,
		`"client_secret":["` + secret + `"],"client_id":"g"`,
		`"client_secret":"` + secret + `","client_secret_env":"` + secret + `","client_id":"g"`,
		`"client_secret":"` + secret + `","client_auth":"none"`,
		`"client_secret_env":"` + secret + `=","client_id":"g"`,
		`"private_key_env":"` + secret + `","client_auth":"none"`,
		`"private_key_env":"{\"d\":\"` + secret + `\"}\n","client_id":"g","client_auth":"private_key_jwt"`,
		`"client_auth":"` + secret + `"`,
		`"client_auth":"none","headers":{"authorization":"` + secret + `\r\n"}`,
		`"client_auth":"none","headers":{"x-a":"` + secret + `","X-A":"` + secret + `"}`,
		`"client_auth":"none","params":{"client_secret":"` + secret + `"}`,
		`"client_auth":"none","params":{"a":"` + secret + `\u0000"}`,
	} {
		if text := problemsOf(t, introspecting(keys, "")).Error(); strings.Contains(text, secret) {
			t.Errorf("%s: %s", keys, text)
		}
	}
	if text := problemsOf(t, minimal(`"session":{"key_env":"`+secret+`="}`)).Error(); strings.Contains(text, secret) {
		t.Error(text)
	}
}
