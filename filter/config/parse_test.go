package config

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/jwt"
	"holdfast/thumbprint"
)

func marshal(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	got := mustParse(t, minimal(""))
	want := &Config{
		Realm: "holdfast",
		Issuers: []Issuer{{
			Policy: jwt.Policy{
				Issuer: issuerURL, Audiences: []string{"https://api.example.com"},
				Algorithms: []jwt.Algorithm{jwt.ES256, jwt.PS256, jwt.EdDSA, jwt.RS256},
				Types:      []string{"at+jwt"}, ClockSkew: 10 * time.Second,
			},
			ScopeClaims: []string{"scope"},
			Keys: Keys{
				URI: &Endpoint{Authority: "as.example.com", Path: "/jwks"}, Cluster: "as",
				Timeout: 5 * time.Second, CacheDuration: 10 * time.Minute,
				StaleIfError: time.Hour, UnknownKeyInterval: 30 * time.Second,
			},
		}},
		Binding:           Binding{MTLS: true},
		Certificate:       Certificate{Sources: []CertificateSource{{Kind: SourceConnection}}},
		TokenSources:      []TokenSource{{Kind: TokenFromAuthorization}},
		ExposeDescription: true,
		Limits: Limits{
			TokenBytes: 16384, JWKSBytes: 262144, WaitingRequests: 1024, IntrospectionCalls: 64, IntrospectionBytes: 65536,
			TokenCacheEntries: 2048, KeyTables: 8, ReplayEntries: 262144,
		},
		SharedData: true,
		Digest:     got.Digest, // see TestDigest
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// The digest is of what a document says, however it is written.
func TestDigest(t *testing.T) {
	t.Parallel()
	doc := minimal(`"realm":"a","limits":{"token_bytes":1024}`)
	want := mustParse(t, doc).Digest
	for _, same := range []string{
		minimal(`"limits":{"token_bytes":1024},"realm":"a"`), minimal(`"realm":"\u0061", "limits": {"token_bytes":1.024e3}`), " " + doc + "\n",
	} {
		if mustParse(t, same).Digest != want {
			t.Errorf("%s has another digest than %s", same, doc)
		}
	}
	for _, other := range []string{
		minimal(`"realm":"b","limits":{"token_bytes":1024}`), minimal(`"realm":"a"`), minimal(`"realm":"a","limits":{"token_bytes":1025}`),
	} {
		if mustParse(t, other).Digest == want {
			t.Errorf("%s has the digest of %s", other, doc)
		}
	}
}

func TestFullExample(t *testing.T) {
	t.Parallel()
	got := mustParse(t, fullDocument)
	x5t, err := thumbprint.ParseX5T("A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0")
	if err != nil {
		t.Fatal(err)
	}
	prefixes := func(texts ...string) (all []netip.Prefix) {
		for _, text := range texts {
			all = append(all, netip.MustParsePrefix(text))
		}
		return all
	}
	fetching := Keys{
		Discovery: true, Cluster: "other",
		Timeout: 5 * time.Second, CacheDuration: 10 * time.Minute, StaleIfError: time.Hour, UnknownKeyInterval: 30 * time.Second,
	}
	want := &Config{
		Realm: "payments",
		Issuers: []Issuer{
			{
				Policy: jwt.Policy{
					Issuer: issuerURL, Audiences: []string{"https://api.example.com"},
					Algorithms: []jwt.Algorithm{jwt.ES256, jwt.PS256, jwt.EdDSA, jwt.RS256, jwt.RS384, jwt.RS512, jwt.PS384, jwt.PS512, jwt.ES384, jwt.ES512},
					Types:      []string{"at+jwt", "jwt", ""}, ClockSkew: time.Minute, MaxLifetime: 24 * time.Hour, RequiredClaims: []string{"sub"},
				},
				ScopeClaims: []string{"scope", "realm_access.roles"},
				Keys: Keys{
					URI: &Endpoint{Authority: "as.example.com:8443", Path: "/jwks?x=1"}, Cluster: "as",
					Timeout: 250 * time.Millisecond, CacheDuration: time.Minute, UnknownKeyInterval: 90 * time.Second,
				},
			},
			{
				Policy: jwt.Policy{
					Issuer: "https://other.example.com/tenant", Audiences: []string{"a", "b"},
					Algorithms: defaultAlgorithms(), Types: []string{"at+jwt"}, ClockSkew: 10 * time.Second,
				},
				ScopeClaims: []string{"scope"},
				Keys:        fetching,
				Introspection: &Introspection{
					Endpoint: Endpoint{Authority: "other.example.com:8443", Path: "/introspect?tenant=1"}, Cluster: "other",
					Timeout: 250 * time.Millisecond, All: true, Signed: true,
					Client: IntrospectionClient{
						Auth: PrivateKeyJWT, ID: "gateway", KeyEnv: "HOLDFAST_CLIENT_KEY", Audience: "https://other.example.com/token",
					},
					Params:           []Pair{{"a b", "&="}, {"token_type_hint", "access_token"}},
					Headers:          []Pair{{"authorization", "Bearer x"}, {"cookie", "a=b"}, {"x-tenant", "one two"}},
					NegativeCacheTTL: 24 * time.Hour, CacheEntries: 1000000,
				},
			},
		},
		Binding: Binding{MTLS: true, Optional: true, ReportOnly: true},
		Certificate: Certificate{
			Sources: []CertificateSource{
				{Kind: SourceConnection},
				{Kind: SourceXFCC, Element: -2},
				{Kind: SourceHeader, Header: "client-cert", Format: FormatRFC9440},
				{Kind: SourceHeader, Header: "ssl-client-cert", Format: FormatURLEncodedPEM},
				{Kind: SourceHeader, Header: "x-cert", Format: FormatBase64DER},
				{Kind: SourceProperty, Property: []string{"ngx", "ssl_client_raw_cert"}},
			},
			TrustedProxies: TrustedProxies{
				Addresses:   prefixes("10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "198.51.100.0/24", "::1/128"),
				URISANs:     []string{"spiffe://x/edge"},
				Thumbprints: []thumbprint.Thumbprint{x5t, {31: 1}},
			},
			MatchSNI: true,
		},
		TokenSources: []TokenSource{
			{Kind: TokenFromAuthorization}, {Kind: TokenFromHeader, Name: "x-token"}, {Kind: TokenFromCookie, Name: "access"},
		},
		DenyUnmatched:   true,
		BypassPreflight: true,
		Rules: []Rule{
			{Match: Match{PathPrefix: "/public/~user/", Hosts: []string{"www.example.com", "[2001:db8::1]"}}, Anonymous: true},
			{
				Match:  Match{Path: "/payments", Methods: []string{"POST", "PUT"}},
				Strict: true, Scopes: []string{"payments:write"}, Issuers: []string{issuerURL},
				Claims: []ClaimRule{
					{Claim: "tenant", Values: []string{"a", "b"}}, {Claim: "https://example.com/claim", Values: []string{"c"}},
				},
				ACRValues: []string{"urn:example:loa3"}, MaxAge: 5 * time.Minute, HasMaxAge: true,
			},
			{},
		},
		Forward: Forward{
			Token:         ForwardStrip,
			Claims:        []ForwardClaim{{"sub", "x-auth-sub"}, {"realm_access.roles", "x-auth-roles"}},
			PayloadHeader: "x-auth-claims", ThumbprintHeader: "x-auth-cert-thumbprint",
			Certificate: []ForwardCertificate{{FieldSubject, "x-client-dn"}, {FieldURISAN, "x-client-uri"}, {FieldDNSSAN, "x-client-dns"}},
		},
		Session: &Session{
			Cookie: "__Secure-session", KeyEnv: "HOLDFAST_SESSION_KEY", Lifetime: 24 * time.Hour,
			Settings: got.Session.Settings, // see TestContract4_WhatASessionMustNotOutlive
		},
		Resource: &ResourceMetadata{
			Resource:        "https://api.example.com/v1",
			WellKnownURL:    "https://api.example.com/.well-known/oauth-protected-resource/v1",
			Origin:          "https://api.example.com",
			WellKnownPath:   "/.well-known/oauth-protected-resource/v1",
			ScopesSupported: []string{"payments:write"},
		},
		Limits:       Limits{TokenBytes: 8192, JWKSBytes: 1024, WaitingRequests: 1, IntrospectionCalls: 32, IntrospectionBytes: 1048576, TokenCacheEntries: 2048, ReplayEntries: 262144},
		Verification: VerifyInSandbox,
		Digest:       got.Digest, // see TestDigest
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestInlineKeys(t *testing.T) {
	t.Parallel()
	c := mustParse(t, withIssuer(`"jwks":{"inline":`+jwkSet+`}`, ""))
	if keys := c.Issuers[0].Keys; keys.Inline == nil || keys.Inline.Len() != 1 || keys.URI != nil || keys.Discovery {
		t.Errorf("keys are %+v", keys)
	}
	checkProblems(t, withIssuer(`"jwks":{"inline":{"keys":[{"kty":"oct","k":"AAAA"}]}}`, ""), "issuers[0].jwks.inline: no key that can verify")
	checkProblems(t, withIssuer(`"jwks":{"inline":{"keys":[1]}}`, ""), "issuers[0].jwks.inline: JWK Set")
}

func TestFiveMistakesFiveProblems(t *testing.T) {
	t.Parallel()
	doc := `{
		"relam": "payments",
		"issuers": [{
			"issuer": "https://as.example.com", "audiences": [],
			"jwks": {"uri": "as.example.com/jwks", "cluster": "as", "timeout": 5}
		}],
		"rules": [{"match": {"path": "/public/../admin"}}]
	}`
	checkProblems(t, doc,
		"relam: unknown key, did you mean realm?",
		"issuers[0].audiences: must not be empty",
		"issuers[0].jwks.uri: absolute http or https URL",
		"issuers[0].jwks.timeout: must be a text such as",
		"rules[0].match.path: one reading",
	)
	line := problemsOf(t, doc).Error()
	if strings.ContainsAny(line, "\r\n") || strings.Count(line, "; ") != 4 {
		t.Errorf("not five problems in one line: %s", line)
	}
}

func TestWholeDocument(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, doc, want string }{
		{"empty", "", "configuration: "},
		{"not JSON", "realm: x", "configuration: "},
		{"array", "[]", "configuration: must be an object, not an array"},
		{"null", "null", "configuration: must be an object, not null"},
		{"trailing bytes", minimal("") + "x", "configuration: "},
		{"duplicate key", minimal(`"realm":"a","realm":"b"`), "configuration: duplicate member name"},
		{"duplicate key, escaped", minimal(`"realm":"a","re\u0061lm":"b"`), "configuration: duplicate member name"},
		{"too deep", strings.Repeat("[", 100) + strings.Repeat("]", 100), "configuration: nested too deeply"},
		{"too long", strings.Repeat(" ", maxDocument+1), "configuration: is longer than 1048576 bytes"},
		{"invalid UTF-8", minimal("\"realm\":\"\xff\""), "configuration: UTF-8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkProblems(t, tt.doc, tt.want)
		})
	}
}

// Two problems or more, or what the schema cannot say.
func TestContradictions(t *testing.T) {
	t.Parallel()
	const trusted = `"trusted_proxies":{"thumbprints":["A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"]}`
	tests := []struct {
		name, doc string
		want      []string
	}{
		{"the same issuer twice", strings.Replace(minimal(""), `}]`, `},{"issuer":"`+issuerURL+`","audiences":["a"],"jwks":{"inline":`+jwkSet+`}}]`, 1),
			[]string{"issuers[1].issuer: another entry"}},
		{"discovery of no URL", `{"issuers":[{"issuer":"me","audiences":["a"],"jwks":{"discovery":true,"cluster":"as"}}]}`,
			[]string{"issuers[0].jwks.discovery: URL without query"}},
		{"discovery with a query", `{"issuers":[{"issuer":"https://a.example?b","audiences":["a"],"jwks":{"discovery":true,"cluster":"as"}}]}`,
			[]string{"issuers[0].jwks.discovery: URL without query"}},
		{"discovery with a fragment", `{"issuers":[{"issuer":"https://a.example#b","audiences":["a"],"jwks":{"discovery":true,"cluster":"as"}}]}`,
			[]string{"issuers[0].jwks.discovery: URL without query"}},
		{"all three key sources", withIssuer(`"jwks":{"inline":`+jwkSet+`,"uri":"https://a.example/","discovery":true}`, ""),
			[]string{"issuers[0].jwks: exactly one of"}},
		{"clock skew", withIssuer(`"clock_skew":"61s","jwks":{"inline":`+jwkSet+`}`, ""), []string{"issuers[0].clock_skew: between 0s and 1m0s"}},
		{"max_lifetime", withIssuer(`"max_lifetime":"0s","jwks":{"inline":`+jwkSet+`}`, ""), []string{"issuers[0].max_lifetime: at least 1s"}},
		{"durations of jwks", withIssuer(`"jwks":{"discovery":true,"cluster":"as","timeout":"61s","cache_duration":"999ms","unknown_kid_interval":"0s"}`, ""),
			[]string{"issuers[0].jwks.timeout: between 1ms and 1m0s", "issuers[0].jwks.cache_duration: at least 1s", "issuers[0].jwks.unknown_kid_interval: at least 1s"}},
		{"timeout 0", withIssuer(`"jwks":{"discovery":true,"cluster":"as","timeout":"0"}`, ""), []string{"issuers[0].jwks.timeout: between"}},
		{"duration beyond int64", withIssuer(`"jwks":{"discovery":true,"cluster":"as","cache_duration":"9999999999h"}`, ""), []string{"issuers[0].jwks.cache_duration: must be a text such as"}},

		{"xfcc without trusted proxies", minimal(`"certificate":{"sources":[{"xfcc":{}}]}`), []string{"certificate.trusted_proxies: required"}},
		{"header without trusted proxies", minimal(`"certificate":{"sources":[{"header":{"name":"client-cert","format":"rfc9440"}}]}`), []string{"certificate.trusted_proxies: required"}},
		{"empty trusted proxies", minimal(`"certificate":{"sources":[{"xfcc":{}}],"trusted_proxies":{"addresses":[],"uri_sans":[],"thumbprints":[]}}`), []string{"certificate.trusted_proxies: required"}},
		{"one bad trusted proxy", minimal(`"certificate":{"sources":[{"xfcc":{}}],"trusted_proxies":{"addresses":["x"]}}`), []string{"certificate.trusted_proxies.addresses[0]: IP address"}},
		{"IPv4 network cut in IPv6", minimal(`"certificate":{"trusted_proxies":{"addresses":["::ffff:10.0.0.0/95"]}}`), []string{"certificate.trusted_proxies.addresses[0]: IP address"}},
		{"network too long", minimal(`"certificate":{"trusted_proxies":{"addresses":["10.0.0.0/33"]}}`), []string{"certificate.trusted_proxies.addresses[0]: IP address"}},
		{"require_validated with xfcc", minimal(`"certificate":{"sources":[{"connection":{}},{"xfcc":{}}],"require_validated":true,` + trusted + `}`), []string{"certificate.require_validated: only one"}},
		{"require_validated with a property", minimal(`"certificate":{"sources":[{"property":["filter_state","x"]}],"require_validated":true}`), []string{"certificate.require_validated: only one"}},
		{"connection twice", minimal(`"certificate":{"sources":[{"connection":{}},{"connection":{}}]}`), []string{"certificate.sources[1]: twice"}},
		{"property twice", minimal(`"certificate":{"sources":[{"property":["a"]},{"property":["b"]},{"property":["a"]}]}`), []string{"certificate.sources[2]: twice"}},
		{"xfcc twice", minimal(`"certificate":{"sources":[{"xfcc":{}},{"xfcc":{"element":"first"}}],` + trusted + `}`), []string{"certificate.sources[1].xfcc: same header as certificate.sources[0].xfcc"}},
		{"certificate header twice", minimal(`"certificate":{"sources":[{"header":{"name":"A-b","format":"rfc9440"}},{"header":{"name":"a_B","format":"base64_der"}}],` + trusted + `}`),
			[]string{"certificate.sources[1].header.name: same header as certificate.sources[0].header.name"}},
		{"xfcc as a plain header", minimal(`"certificate":{"sources":[{"header":{"name":"X-Forwarded-Client-Cert","format":"url_encoded_pem"}}],` + trusted + `}`),
			[]string{"certificate.sources[0].header.name: xfcc"}},

		{"token and certificate header", minimal(`"certificate":{"sources":[{"header":{"name":"x-a","format":"rfc9440"}}],` + trusted + `},"token_sources":[{"header":{"name":"X_A"}}]`),
			[]string{"token_sources[0].header.name: same header as certificate.sources[0].header.name"}},
		{"token and xfcc header", minimal(`"certificate":{"sources":[{"xfcc":{}}],` + trusted + `},"token_sources":[{"header":{"name":"x-forwarded-client-cert"}}]`),
			[]string{"token_sources[0].header.name: same header as certificate.sources[0].xfcc"}},
		{"token header twice", minimal(`"token_sources":[{"header":{"name":"a"}},{"header":{"name":"A"}}]`), []string{"token_sources[1].header.name: same header"}},
		{"cookie twice", minimal(`"token_sources":[{"cookie":{"name":"a"}},{"cookie":{"name":"a"}}]`), []string{"token_sources[1]: twice"}},

		{"forwarded twice", minimal(`"forward":{"claims":[{"claim":"sub","header":"x-a"},{"claim":"iss","header":"X-A"}],"payload_header":"x_a","thumbprint_header":"x-b","certificate":[{"field":"subject","header":"X_B"}]}`),
			[]string{"forward.claims[1].header: same header as forward.claims[0].header", "forward.payload_header: same header", "forward.certificate[0].header: same header as forward.thumbprint_header"}},
		{"forwarded into a token header", minimal(`"token_sources":[{"header":{"name":"x-token"}}],"forward":{"payload_header":"x_token"}`), []string{"forward.payload_header: same header as token_sources[0]"}},
		{"forwarded into a certificate header", minimal(`"certificate":{"sources":[{"xfcc":{}}],` + trusted + `},"forward":{"payload_header":"X-Forwarded-Client-Cert"}`), []string{"forward.payload_header: same header"}},
		{"reserved in other spellings", minimal(`"forward":{"claims":[{"claim":"a","header":"Content_Length"},{"claim":"b","header":"PROXY-AUTHORIZATION"},{"claim":"c","header":"Keep_Alive"}]}`),
			[]string{"forward.claims[0].header: of its own", "forward.claims[1].header: of its own", "forward.claims[2].header: of its own"}},

		{"rule of an unknown issuer", minimal(`"rules":[{"issuers":["https://other.example"]}]`), []string{"rules[0].issuers[0]: one of the configured issuers"}},
		{"rule looser than the mode", minimal(`"rules":[{"mode":"optional"}]`), []string{"rules[0].mode: only tighten"}},
		{"rules behind one that matches everything", minimal(`"rules":[{"match":{"path":"/a"}},{"access":"anonymous"},{"match":{"path":"/b"}},{}]`),
			[]string{"rules[2]: never reached: rules[1]", "rules[3]: never reached: rules[1]"}},
		{"an empty match", minimal(`"rules":[{"match":{}},{"match":{"path":"/b"}}]`), []string{"rules[1]: never reached"}},
		{"every path", minimal(`"rules":[{"match":{"path_prefix":"/"}},{"match":{"path":"/b"}}]`), []string{"rules[1]: never reached"}},
		{"max_age of a fraction", minimal(`"rules":[{"max_age":"1500ms"}]`), []string{"rules[0].max_age: whole seconds"}},
		{"anonymous with conditions", minimal(`"rules":[{"access":"anonymous","scopes":["a"],"max_age":"1s","mode":"strict"}]`),
			[]string{"rules[0].scopes: anonymous", "rules[0].max_age: anonymous", "rules[0].mode: anonymous"}},
		{"two keys in a source", minimal(`"certificate":{"sources":[{"connection":{},"unknown":1,"property":["a"]}]}`),
			[]string{"certificate.sources[0]: exactly one of", "certificate.sources[0].unknown: unknown key"}},
		{"resource with an ambiguous path", minimal(`"resource_metadata":{"resource":"https://api.example.com/a/../b"}`), []string{"resource_metadata.resource: one reading"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkProblems(t, tt.doc, tt.want...)
		})
	}
}

// T19: a rule's path is as unambiguous as the requests that it is held against.
func TestT19RulePaths(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/a%2fb", "/a%5Cb", "/a%00", "/a%2e", "/a/./b", "/a/..", "/..", "//a", "/a//b", `/a\\b`, "/a;b", "/a#b", "/a?b", "/a%", "/a%zz", "/é", "/a b"} {
		checkProblems(t, minimal(`"rules":[{"match":{"path":"`+path+`"}}]`), "rules[0].match.path: one reading")
		checkProblems(t, minimal(`"rules":[{"match":{"path_prefix":"`+path+`"}}]`), "rules[0].match.path_prefix: one reading")
	}
	match := mustParse(t, minimal(`"rules":[{"match":{"path":"/%61%c3%a9{}"}}]`)).Rules[0].Match
	if match.Path != "/a%C3%A9%7B%7D" {
		t.Errorf("path is %q", match.Path)
	}
}

// T13: no property that a client can write is a certificate.
func TestT13Properties(t *testing.T) {
	t.Parallel()
	for _, path := range [][]string{
		{"request", "headers", "x-cert"}, {"Request", "headers", "x-cert"}, {"response", "headers", "x-cert"}, {"request.headers.x"},
		{"metadata", "filter_metadata"}, {"upstream", "sha256_peer_certificate_digest"}, {"source", "address"}, {"xds", "x"}, {"kong", "ctx"},
		{"connection"}, {"connection", "uri_san_peer_certificate"}, {"connection", "dns_san_peer_certificate"},
		{"connection", "subject_peer_certificate"}, {"connection", "requested_server_name"}, {"connection", "sha256_local_certificate_digest"},
		{"connection", "sha256_peer_certificate_digest", "x"}, {"connection.peer_certificate"},
		{"ngx"}, {"ngx", "http_x_cert"}, {"ngx", "HTTP_X"}, {"ngx", "arg_cert"}, {"ngx", "cookie_cert"}, {"ngx", "sent_http_x"},
		{"ngx", "args"}, {"ngx", "uri"}, {"ngx", "request"}, {"ngx", "request_uri"}, {"ngx", "query_string"}, {"ngx", "document_uri"},
		{"ngx", "host"}, {"ngx", "is_args"}, {"ngx", "http2"}, {"ngx", "remote_user"}, {"ngx", "content_type"}, {"ngx", "proxy_protocol_tlv_ssl_cn"},
		{"ngx", "ssl_client_s_dn"}, {"ngx", "ssl_client_serial"}, {"ngx", "ssl_client_fingerprint"}, {"ngx", "ssl_server_name"}, {"ngx", "my_own"},
		{"ngx.http_x_cert"}, {"NGX", "http_x_cert"}, {"ngx", "ssl_client_raw_cert", "x"},
	} {
		checkProblems(t, minimal(`"certificate":{"sources":[{"property":`+marshal(t, path)+`}]}`), "certificate.sources[0].property: ")
	}
	for _, path := range [][]string{
		{"connection", "sha256_peer_certificate_digest"}, {"connection", "peer_certificate"},
		{"ngx", "ssl_client_raw_cert"}, {"ngx", "ssl_client_cert"}, {"filter_state", "com.example.certificate"}, {"of_another_filter"},
	} {
		c := mustParse(t, minimal(`"certificate":{"sources":[{"property":`+marshal(t, path)+`}]}`))
		if !slices.Equal(c.Certificate.Sources[0].Property, path) {
			t.Errorf("property is %v, want %v", c.Certificate.Sources[0].Property, path)
		}
	}
}

func TestXFCCElement(t *testing.T) {
	t.Parallel()
	for element, want := range map[string]int{
		`{}`: -1, `{"element":"last"}`: -1, `{"element":"first"}`: 0, `{"element":1}`: -1, `{"element":2}`: -2, `{"element":100}`: -100,
	} {
		c := mustParse(t, minimal(`"certificate":{"sources":[{"xfcc":`+element+`}],"trusted_proxies":{"uri_sans":["a"]}}`))
		if got := c.Certificate.Sources[0].Element; got != want {
			t.Errorf("%s is %d, want %d", element, got, want)
		}
	}
}

func TestRFC9728_3_1_WellKnown(t *testing.T) {
	t.Parallel()
	tests := []struct{ resource, url, path string }{
		{"https://api.example.com", "https://api.example.com/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource"},
		{"https://api.example.com/", "https://api.example.com/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource"},
		{"https://api.example.com:8443/resource1", "https://api.example.com:8443/.well-known/oauth-protected-resource/resource1", "/.well-known/oauth-protected-resource/resource1"},
		{"https://api.example.com/a/%7Eb", "https://api.example.com/.well-known/oauth-protected-resource/a/%7Eb", "/.well-known/oauth-protected-resource/a/~b"},
	}
	for _, tt := range tests {
		m := mustParse(t, minimal(`"resource_metadata":{"resource":"`+tt.resource+`"}`)).Resource
		if m.WellKnownURL != tt.url || m.WellKnownPath != tt.path || m.Resource != tt.resource {
			t.Errorf("%s: %+v", tt.resource, m)
		}
	}
}

func TestRuleMode(t *testing.T) {
	t.Parallel()
	c := mustParse(t, minimal(`"proof_of_possession":{"mode":"optional"},"rules":[
		{"match":{"path":"/a"},"mode":"strict"},{"match":{"path":"/b"},"mode":"optional"},{"match":{"path":"/c"}}]`))
	for i, want := range []bool{true, false, false} {
		if c.Rules[i].Strict != want {
			t.Errorf("rule %d: strict is %v", i, c.Rules[i].Strict)
		}
	}
	rule := mustParse(t, minimal(`"rules":[{"max_age":"0s"}]`)).Rules[0]
	if !rule.HasMaxAge || rule.MaxAge != 0 {
		t.Errorf("max_age 0: %+v", rule)
	}
}

func TestSuggestions(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"relam": "realm", "Realm": "realm", "REALM": "realm", "ream": "realm", "realms": "realm", "reaLm": "realm",
		"token-sources": "token_sources", "Cors-Preflight": "cors_preflight", "zzz": "", "r": "", "": "",
	} {
		problems := problemsOf(t, minimal(`"`+key+`":1`))
		_, got, _ := strings.Cut(problems[0].Text, "did you mean ")
		if strings.TrimSuffix(got, "?") != want {
			t.Errorf("%q: %v, want %q", key, problems, want)
		}
	}
}

// T24: what stands in a configuration may be a secret in the wrong place, and
// what a problem says goes into a log.
func TestT24ProblemsHoldNoValues(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t-v4lue"
	for name, doc := range badDocuments() {
		value := decode(t, doc)
		var poison func(v any) any
		poison = func(v any) any {
			switch v := v.(type) {
			case string:
				return v + `"` + secret + "\n"
			case map[string]any:
				for key, member := range v {
					v[key] = poison(member)
				}
			case []any:
				for i := range v {
					v[i] = poison(v[i])
				}
			}
			return v
		}
		if text := problemsOf(t, marshal(t, poison(value))).Error(); strings.Contains(text, secret) || strings.ContainsAny(text, "\r\n") {
			t.Errorf("%s: %s", name, text)
		}
	}
	// A key is named, but as one short printable word.
	long := strings.Repeat("a", 5000)
	for key, want := range map[string]string{`a\nb`: `["a\nb"]`, "a.b": `["a.b"]`, "é": `["\u00e9"]`, long: `["` + long[:64] + `"]`} {
		if got := problemsOf(t, minimal(`"`+key+`":1`))[0].Path; got != want {
			t.Errorf("path is %s, want %s", got, want)
		}
	}
}

func TestProblemsAreBounded(t *testing.T) {
	t.Parallel()
	text := problemsOf(t, minimal(repeat(5000, `"unknown%d":1`))).Error()
	if strings.Count(text, "; ") != maxProblems || !strings.HasSuffix(text, "; and more") {
		t.Errorf("%d problems in one line", strings.Count(text, "; "))
	}
}

func FuzzConfig(f *testing.F) {
	for _, doc := range fullDocuments() {
		f.Add(doc)
	}
	for _, doc := range badDocuments() {
		f.Add(doc)
	}
	f.Add("")
	f.Add(`{"issuers":[{}],"rules":[{},{}],"certificate":{"sources":[{"property":[]}]}}`)
	f.Fuzz(func(t *testing.T, doc string) {
		c, err := Parse(doc)
		if err != nil {
			if text := err.Error(); c != nil || text == "" || strings.ContainsFunc(text, isControl) {
				t.Errorf("configuration %v with error %q", c, text)
			}
			return
		}
		for i := range c.Issuers {
			issuer := &c.Issuers[i]
			sources := 0
			for _, there := range []bool{issuer.Keys.Inline != nil, issuer.Keys.URI != nil, issuer.Keys.Discovery} {
				if there {
					sources++
				}
			}
			if issuer.Policy.Issuer == "" || len(issuer.Policy.Audiences) == 0 || len(issuer.Policy.Algorithms) == 0 ||
				len(issuer.Policy.Types) == 0 || sources != 1 || len(issuer.ScopeClaims) == 0 || issuer.Keys.Timeout <= 0 {
				t.Errorf("issuer %+v", issuer)
			}
			if i := issuer.Introspection; i != nil && !complete(i) {
				t.Errorf("introspection %+v", i)
			}
		}
		if len(c.Issuers) == 0 || c.Realm == "" || !c.Binding.MTLS && c.Binding.DPoP == nil || len(c.Certificate.Sources) == 0 || len(c.TokenSources) == 0 ||
			c.Limits.TokenBytes <= 0 || c.Limits.JWKSBytes <= 0 || c.Limits.WaitingRequests <= 0 ||
			c.Limits.IntrospectionCalls <= 0 || c.Limits.IntrospectionBytes <= 0 || c.Limits.KeyTables < 0 || c.Limits.KeyTables > 64 {
			t.Errorf("configuration %+v", c)
		}
		if d := c.Binding.DPoP; d != nil && (d.ProofLifetime <= 0 || len(d.Algorithms) == 0 || len(d.Origins) == 0 || slices.Contains(d.Origins, "") ||
			d.NonceLifetime <= 0 || !d.PerWorker && !c.SharedData || c.Limits.ReplayEntries <= 0) {
			t.Errorf("dpop %+v", d)
		}
		if c.FAPI2 && (c.Session != nil || c.Binding.Optional || c.Binding.ReportOnly || slices.ContainsFunc(c.Issuers, func(i Issuer) bool {
			return i.Introspection == nil || !i.Introspection.All || slices.Contains(i.Policy.Algorithms, jwt.RS256)
		})) {
			t.Errorf("fapi2 %+v", c)
		}
		if s := c.Session; s != nil && (s.Cookie == "" || s.KeyEnv == "" || s.Lifetime < time.Second || s.Settings == [32]byte{} ||
			c.Forward.Token == ForwardIntrospectionJWT) {
			t.Errorf("session %+v", s)
		}
	})
}

// complete reports whether a call can be made: with all that its client needs, and
// nothing in it twice.
func complete(i *Introspection) bool {
	c := i.Client
	secrets := 0
	for _, text := range []string{c.Secret, c.SecretEnv} {
		if text != "" {
			secrets++
		}
	}
	bySecret, byKey := c.Auth == ClientSecretBasic || c.Auth == ClientSecretPost, c.Auth == PrivateKeyJWT
	named := func(pairs []Pair) bool {
		return slices.IsSortedFunc(pairs, func(a, b Pair) int { return strings.Compare(a.Name, b.Name) }) &&
			!slices.ContainsFunc(pairs, func(p Pair) bool {
				return p.Name == "" || p.Value == "" || strings.ContainsAny(p.Name+p.Value, "\r\n\x00")
			})
	}
	return i.Endpoint.Authority != "" && strings.HasPrefix(i.Endpoint.Path, "/") && i.Cluster != "" && i.Timeout > 0 &&
		i.CacheTTL >= 0 && i.NegativeCacheTTL >= 0 && i.CacheEntries > 0 &&
		(secrets == 1) == bySecret && (c.KeyEnv != "") == byKey && (c.Audience != "") == byKey &&
		(c.ID != "" || c.Auth == ClientAuthNone && !i.Signed) && named(i.Params) && named(i.Headers)
}
