package config

import "strings"

// Documents that the parser and the schema are held against together.

// full uses every key that this version supports.
func fullDocuments() map[string]string {
	return map[string]string{
		"everything": fullDocument,
		"inline":     withIssuer(`"jwks":{"inline":`+jwkSet+`,"discovery":false}`, ""),
		"discovery":  withIssuer(`"jwks":{"discovery":true,"cluster":"as"}`, ""),
		"only the connection": minimal(`"certificate":{"sources":[{"connection":{}}],"require_validated":true,"match_sni":true},
			"proof_of_possession":{"mode":"strict"},"rules":[{"mode":"strict","scopes":["a"]}]`),
		"every key of dpop": minimal(`"proof_of_possession":{"methods":["dpop"],"dpop":{"origin":["https://api.example.com:8443","http://Localhost"],
			"proof_lifetime":"30s","clock_skew":"0s","algorithms":["ES384","EdDSA"],"nonce":"required","nonce_key_env":"NONCES","nonce_lifetime":"5m",
			"replay":"per_worker"}},"shared_data":false,"forward":{"token":"bearer"}`),
		"dpop beside mtls":           withDPoP(`"nonce":"off","nonce_key_env":"NONCES"`),
		"the origin of the resource": minimal(`"proof_of_possession":{"methods":["dpop"]},"resource_metadata":{"resource":"https://api.example.com/v1"}`),
		"fapi2":                      fapi2("", "", ""),
		"fapi2 with what it sets":    fapi2(`,"algorithms":["PS256"],"clock_skew":"60s"`, `,"tokens":"all"`, `"proof_of_possession":{"mode":"strict","report_only":false},"token_sources":[{"authorization":{}}]`),
		"fapi2 with dpop":            fapi2("", "", `"proof_of_possession":{"methods":["dpop"],"dpop":{"origin":["https://api.example.com"]}}`),
		"session":                    minimal(`"session":{"key_env":"KEYS"}`),
		"every key of session":       minimal(`"session":{"cookie":"__Host-holdfast","key_env":"HOLDFAST_SESSION_KEY","lifetime":"15m"}`),
		"client_secret_basic":        introspecting(`"client_id":"gateway","client_secret":"a secret"`, ""),
		"client_secret_post":         introspecting(`"client_id":"gateway","client_secret_env":"SECRET","client_auth":"client_secret_post","headers":{"Authorization":"Bearer x"}`, ""),
		"private_key_jwt":            introspecting(`"client_id":"gateway","private_key_env":"KEY","client_auth":"private_key_jwt"`, ""),
		"tls_client_auth":            introspecting(`"client_id":"gateway","client_auth":"tls_client_auth"`, ""),
		"none":                       introspecting(`"client_auth":"none"`, ""),
		"none with a name":           introspecting(`"client_auth":"none","client_id":"gateway"`, ""),
		"kong": onKong(`"certificate":{"sources":[{"connection":{}},{"header":{"name":"client-cert","format":"rfc9440"}},{"property":["ngx","ssl_client_cert"]}],
			"trusted_proxies":{"addresses":["10.0.0.0/8"]}},"forward":{"token":"bearer","certificate":[{"field":"subject","header":"x-client-dn"}]},"shared_data":false`),
		"kong with IPv6": withIssuer(`"jwks":{"uri":"https://[2001:db8::1]/jwks","cluster":"[2001:db8::1]:8443"}`, `"host":"kong"`),
		"introspection_jwt": introspecting(`"client_id":"gateway","client_secret_env":"SECRET","accept":"application/token-introspection+jwt"`,
			`"forward":{"token":"introspection_jwt"}`),
	}
}

// fullDocument is the example of the contract without what this version does not
// support, plus what that example leaves out.
const fullDocument = `{
  "realm": "payments",
  "profile": "none",
  "issuers": [
    {
      "issuer": "https://as.example.com",
      "audiences": ["https://api.example.com"],
      "algorithms": ["ES256", "PS256", "EdDSA", "RS256", "RS384", "RS512", "PS384", "PS512", "ES384", "ES512"],
      "token_types": ["at+jwt", "application/AT+JWT", "JWT", ""],
      "clock_skew": "60s",
      "max_lifetime": "24h",
      "required_claims": ["sub"],
      "scope_claims": ["scope", "realm_access.roles"],
      "jwks": {
        "uri": "https://as.example.com:8443/jwks?x=1",
        "cluster": "as",
        "timeout": "250ms", "cache_duration": "1m", "stale_if_error": "0s", "unknown_kid_interval": "1m30s"
      }
    },
    {
      "issuer": "https://other.example.com/tenant",
      "audiences": ["a", "b"],
      "jwks": {"discovery": true, "cluster": "other"},
      "introspection": {
        "endpoint": "https://other.example.com:8443/introspect?tenant=1", "cluster": "other", "timeout": "250ms",
        "tokens": "all", "accept": "application/token-introspection+jwt", "require_aud": false,
        "client_id": "gateway", "client_auth": "private_key_jwt",
        "private_key_env": "HOLDFAST_CLIENT_KEY", "client_assertion_audience": "https://other.example.com/token",
        "params": {"token_type_hint": "access_token", "a b": "&="},
        "headers": {"X-Tenant": "one two", "Authorization": "Bearer x", "cookie": "a=b"},
        "cache_ttl": "0s", "negative_cache_ttl": "24h", "cache_entries": 1000000.0
      }
    }
  ],
  "proof_of_possession": {"methods": ["mtls"], "mode": "optional", "report_only": true},
  "certificate": {
    "sources": [
      {"connection": {}},
      {"xfcc": {"element": 2}},
      {"header": {"name": "Client-Cert", "format": "rfc9440"}},
      {"header": {"name": "ssl-client-cert", "format": "url_encoded_pem"}},
      {"header": {"name": "x-cert", "format": "base64_der"}},
      {"property": ["ngx", "ssl_client_raw_cert"]}
    ],
    "trusted_proxies": {
      "addresses": ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::ffff:198.51.100.0/120", "::1"],
      "uri_sans": ["spiffe://x/edge"],
      "thumbprints": [
        "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0",
        "0000000000000000000000000000000000000000000000000000000000000001"
      ]
    },
    "require_validated": false,
    "match_sni": true
  },
  "token_sources": [{"authorization": {}}, {"header": {"name": "X-Token"}}, {"cookie": {"name": "access"}}],
  "unmatched": "deny",
  "cors_preflight": "bypass",
  "rules": [
    {"match": {"path_prefix": "/public/%7Euser/", "hosts": ["WWW.example.com.", "www.example.com", "[2001:DB8::1]"]}, "access": "anonymous", "audiences": [], "claims": {}},
    {
      "match": {"path": "/payments", "methods": ["POST", "PUT"]},
      "access": "token",
      "scopes": ["payments:write"], "issuers": ["https://as.example.com"], "audiences": [],
      "claims": {"tenant": ["a", "b"], "https://example.com/claim": ["c"]},
      "mode": "strict", "acr_values": ["urn:example:loa3"], "max_age": "5m"
    },
    {"mode": "optional"}
  ],
  "forward": {
    "token": "strip",
    "claims": [{"claim": "sub", "header": "X-Auth-Sub"}, {"claim": "realm_access.roles", "header": "x-auth-roles"}],
    "payload_header": "x-auth-claims",
    "thumbprint_header": "x-auth-cert-thumbprint",
    "certificate": [
      {"field": "subject", "header": "x-client-dn"},
      {"field": "uri_san", "header": "x-client-uri"},
      {"field": "dns_san", "header": "x-client-dns"}
    ]
  },
  "session": {"cookie": "__Secure-session", "key_env": "HOLDFAST_SESSION_KEY", "lifetime": "24h"},
  "resource_metadata": {"resource": "https://api.example.com/v1", "scopes_supported": ["payments:write"]},
  "errors": {"expose_description": false},
  "limits": {"token_bytes": 8192, "jwks_bytes": 1024, "waiting_requests": 1.0, "introspection_calls": 32, "introspection_bytes": 1048576, "token_cache_entries": 2048, "key_tables": 0, "replay_entries": 262144},
  "host": "envoy",
  "shared_data": false,
  "verification": "sandbox"
}`

// badDocuments are refused by the parser and by the schema: wrong types, unknown
// keys, and values outside their bounds. The parser's problem is at the path.
func badDocuments() map[string]string {
	docs := map[string]string{}
	issuer := func(path, keys string) {
		docs["issuers[0]."+path] = withIssuer(`"jwks":{"uri":"https://as.example.com/jwks","cluster":"as"},`+keys, "")
	}
	jwks := func(path, keys string) {
		docs["issuers[0].jwks."+path] = withIssuer(`"jwks":{"uri":"https://as.example.com/jwks","cluster":"as",`+keys+`}`, "")
	}
	top := func(path, keys string) { docs[path] = minimal(keys) }

	docs["issuers"] = `{}`
	docs["issuers "] = `{"issuers":[]}`
	docs["issuers  "] = `{"issuers":{}}`
	docs["issuers[0]"] = `{"issuers":["x"]}`
	docs["issuers[0].jwks"] = `{"issuers":[{"issuer":"a","audiences":["b"]}]}`
	docs["issuers[0].audiences"] = `{"issuers":[{"issuer":"a","jwks":{"inline":` + jwkSet + `}}]}`
	docs["issuers[0].issuer"] = `{"issuers":[{"audiences":["b"],"jwks":{"inline":` + jwkSet + `}}]}`
	docs["issuers[0].issuer "] = `{"issuers":[{"issuer":"","audiences":["b"],"jwks":{"inline":` + jwkSet + `}}]}`
	docs["issuers[0].issuer  "] = `{"issuers":[{"issuer":"a\n","audiences":["b"],"jwks":{"inline":` + jwkSet + `}}]}`
	docs["issuers[0].issuer   "] = `{"issuers":[{"issuer":"a\u2028","audiences":["b"],"jwks":{"inline":` + jwkSet + `}}]}`
	docs["issuers[0].audiences "] = `{"issuers":[{"issuer":"a","audiences":[],"jwks":{"inline":` + jwkSet + `}}]}`
	docs["issuers[0].audiences  "] = `{"issuers":[{"issuer":"a","audiences":"b","jwks":{"inline":` + jwkSet + `}}]}`
	docs["issuers[0].audiences[0]"] = `{"issuers":[{"issuer":"a","audiences":[""],"jwks":{"inline":` + jwkSet + `}}]}`
	docs["issuers[0].audiences[1]"] = `{"issuers":[{"issuer":"a","audiences":["b","b"],"jwks":{"inline":` + jwkSet + `}}]}`

	issuer("unknown", `"unknown":1`)
	issuer("algorithms", `"algorithms":[]`)
	issuer("algorithms[0]", `"algorithms":["HS256"]`)
	issuer("algorithms[0] ", `"algorithms":["none"]`)
	issuer("algorithms[0]  ", `"algorithms":["es256"]`)
	issuer("algorithms[1]", `"algorithms":["ES256","ES256"]`)
	issuer("token_types", `"token_types":[]`)
	issuer("token_types[0]", `"token_types":["application/"]`)
	issuer("token_types[0] ", `"token_types":["at+jwt; a=b"]`)
	issuer("token_types[0]  ", `"token_types":[null]`)
	issuer("clock_skew", `"clock_skew":10`)
	issuer("clock_skew ", `"clock_skew":"-1s"`)
	issuer("clock_skew  ", `"clock_skew":"+1s"`)
	issuer("clock_skew   ", `"clock_skew":"10"`)
	issuer("max_lifetime", `"max_lifetime":"1 day"`)
	issuer("required_claims", `"required_claims":"sub"`)
	issuer("required_claims[0]", `"required_claims":[1]`)
	issuer("scope_claims", `"scope_claims":[]`)

	docs["issuers[0].jwks "] = withIssuer(`"jwks":{}`, "")
	docs["issuers[0].jwks  "] = withIssuer(`"jwks":{"cluster":"as"}`, "")
	docs["issuers[0].jwks   "] = withIssuer(`"jwks":{"discovery":false,"cluster":"as"}`, "")
	docs["issuers[0].jwks    "] = withIssuer(`"jwks":[]`, "")
	docs["issuers[0].jwks.cluster"] = withIssuer(`"jwks":{"uri":"https://as.example.com/jwks"}`, "")
	docs["issuers[0].jwks.cluster "] = withIssuer(`"jwks":{"discovery":true}`, "")
	docs["issuers[0].jwks.cluster  "] = withIssuer(`"jwks":{"inline":`+jwkSet+`,"cluster":"as"}`, "")
	docs["issuers[0].jwks.cluster   "] = withIssuer(`"jwks":{"discovery":true,"cluster":""}`, "")
	docs["issuers[0].jwks.inline"] = withIssuer(`"jwks":{"inline":"{}"}`, "")
	docs["issuers[0].jwks.inline "] = withIssuer(`"jwks":{"inline":{}}`, "")
	docs["issuers[0].jwks.inline  "] = withIssuer(`"jwks":{"inline":{"keys":[]}}`, "")
	docs["issuers[0].jwks.discovery"] = withIssuer(`"jwks":{"discovery":"yes","cluster":"as"}`, "")
	docs["issuers[0].jwks.uri"] = withIssuer(`"jwks":{"uri":"/jwks","cluster":"as"}`, "")
	docs["issuers[0].jwks.uri "] = withIssuer(`"jwks":{"uri":"https://user@as.example.com/jwks","cluster":"as"}`, "")
	docs["issuers[0].jwks.uri  "] = withIssuer(`"jwks":{"uri":"https://as.example.com/jwks#a","cluster":"as"}`, "")
	docs["issuers[0].jwks.uri   "] = withIssuer(`"jwks":{"uri":"ftp://as.example.com/jwks","cluster":"as"}`, "")
	docs["issuers[0].jwks.uri    "] = withIssuer(`"jwks":{"uri":["https://as.example.com/jwks"],"cluster":"as"}`, "")
	docs["issuers[0].jwks     "] = withIssuer(`"jwks":{"uri":"https://as.example.com/jwks","inline":`+jwkSet+`,"cluster":"as"}`, "")
	jwks("timeout", `"timeout":5`)
	jwks("timeout ", `"timeout":""`)
	jwks("cache_duration", `"cache_duration":true`)
	jwks("stale_if_error", `"stale_if_error":{}`)
	jwks("unknown_kid_interval", `"unknown_kid_interval":null`)
	jwks("URI", `"URI":"x"`)

	badIntrospection(docs)
	badSession(docs)
	badDPoP(docs)
	badFAPI2(docs)
	badKong(docs)

	top("unknown", `"unknown":{}`)
	top("realm", `"realm":1`)
	top("realm ", `"realm":""`)
	top("realm  ", `"realm":"a\"b"`)
	top("realm   ", `"realm":"a\\b"`)
	top("realm    ", `"realm":"é"`)
	top("realm     ", `"realm":null`)
	top("profile", `"profile":"fapi"`)
	top("profile ", `"profile":true`)
	top("proof_of_possession", `"proof_of_possession":"mtls"`)
	top("proof_of_possession.unknown", `"proof_of_possession":{"unknown":1}`)
	top("proof_of_possession.methods", `"proof_of_possession":{"methods":[]}`)
	top("proof_of_possession.methods ", `"proof_of_possession":{"methods":"mtls"}`)
	top("proof_of_possession.methods[0]", `"proof_of_possession":{"methods":["MTLS"]}`)
	top("proof_of_possession.methods[1]", `"proof_of_possession":{"methods":["mtls","mtls"]}`)
	top("proof_of_possession.mode", `"proof_of_possession":{"mode":"off"}`)
	top("proof_of_possession.report_only", `"proof_of_possession":{"report_only":"yes"}`)
	top("certificate", `"certificate":[]`)
	top("certificate.unknown", `"certificate":{"unknown":1}`)
	top("certificate.sources", `"certificate":{"sources":[]}`)
	top("certificate.sources ", `"certificate":{"sources":{}}`)
	top("certificate.sources[0]", `"certificate":{"sources":[{}]}`)
	top("certificate.sources[0] ", `"certificate":{"sources":["connection"]}`)
	top("certificate.sources[0]  ", `"certificate":{"sources":[{"connection":{},"property":["filter_state","x"]}]}`)
	top("certificate.sources[0].unknown", `"certificate":{"sources":[{"unknown":{}}]}`)
	top("certificate.sources[0].connection", `"certificate":{"sources":[{"connection":true}]}`)
	top("certificate.sources[0].connection.unknown", `"certificate":{"sources":[{"connection":{"unknown":1}}]}`)
	const trusted = `"trusted_proxies":{"addresses":["10.0.0.0/8"]}`
	top("certificate.sources[0].xfcc.element", `"certificate":{"sources":[{"xfcc":{"element":"second"}}],`+trusted+`}`)
	top("certificate.sources[0].xfcc.element ", `"certificate":{"sources":[{"xfcc":{"element":0}}],`+trusted+`}`)
	top("certificate.sources[0].xfcc.element  ", `"certificate":{"sources":[{"xfcc":{"element":-1}}],`+trusted+`}`)
	top("certificate.sources[0].xfcc.element   ", `"certificate":{"sources":[{"xfcc":{"element":1.5}}],`+trusted+`}`)
	top("certificate.sources[0].xfcc.element    ", `"certificate":{"sources":[{"xfcc":{"element":[]}}],`+trusted+`}`)
	top("certificate.sources[0].xfcc.unknown", `"certificate":{"sources":[{"xfcc":{"unknown":1}}],`+trusted+`}`)
	top("certificate.sources[0].header.name", `"certificate":{"sources":[{"header":{"format":"rfc9440"}}],`+trusted+`}`)
	top("certificate.sources[0].header.name ", `"certificate":{"sources":[{"header":{"name":":path","format":"rfc9440"}}],`+trusted+`}`)
	top("certificate.sources[0].header.name  ", `"certificate":{"sources":[{"header":{"name":"cookie","format":"rfc9440"}}],`+trusted+`}`)
	top("certificate.sources[0].header.name   ", `"certificate":{"sources":[{"header":{"name":"a b","format":"rfc9440"}}],`+trusted+`}`)
	top("certificate.sources[0].header.format", `"certificate":{"sources":[{"header":{"name":"a"}}],`+trusted+`}`)
	top("certificate.sources[0].header.format ", `"certificate":{"sources":[{"header":{"name":"a","format":"pem"}}],`+trusted+`}`)
	top("certificate.sources[0].property", `"certificate":{"sources":[{"property":[]}]}`)
	top("certificate.sources[0].property ", `"certificate":{"sources":[{"property":"x"}]}`)
	top("certificate.sources[0].property  ", `"certificate":{"sources":[{"property":[`+repeat(17, `"a%d"`)+`]}]}`)
	top("certificate.sources[0].property[1]", `"certificate":{"sources":[{"property":["a",""]}]}`)
	top("certificate.sources[0].property[1] ", `"certificate":{"sources":[{"property":["a","b\u0000c"]}]}`)
	top("certificate.trusted_proxies", `"certificate":{"trusted_proxies":["10.0.0.0/8"]}`)
	top("certificate.trusted_proxies.unknown", `"certificate":{"trusted_proxies":{"unknown":[]}}`)
	top("certificate.trusted_proxies.addresses", `"certificate":{"trusted_proxies":{"addresses":"10.0.0.0/8"}}`)
	top("certificate.trusted_proxies.addresses[0]", `"certificate":{"trusted_proxies":{"addresses":["localhost"]}}`)
	top("certificate.trusted_proxies.addresses[0] ", `"certificate":{"trusted_proxies":{"addresses":["fe80::1%eth0"]}}`)
	top("certificate.trusted_proxies.uri_sans[0]", `"certificate":{"trusted_proxies":{"uri_sans":[""]}}`)
	top("certificate.trusted_proxies.thumbprints[0]", `"certificate":{"trusted_proxies":{"thumbprints":["abc"]}}`)
	top("certificate.require_validated", `"certificate":{"require_validated":1}`)
	top("certificate.match_sni", `"certificate":{"match_sni":"true"}`)
	top("token_sources", `"token_sources":[]`)
	top("token_sources[0]", `"token_sources":[{}]`)
	top("token_sources[0] ", `"token_sources":[{"authorization":{},"cookie":{"name":"a"}}]`)
	top("token_sources[0]  ", `"token_sources":[null]`)
	top("token_sources[1]", `"token_sources":[{"authorization":{}},{"authorization":{}}]`)
	top("token_sources[0].query", `"token_sources":[{"query":{"name":"access_token"}}]`)
	top("token_sources[0].header.name", `"token_sources":[{"header":{}}]`)
	top("token_sources[0].header.name ", `"token_sources":[{"header":{"name":"authorization"}}]`)
	top("token_sources[0].cookie.name", `"token_sources":[{"cookie":{"name":"a=b"}}]`)
	top("token_sources[0].cookie.name ", `"token_sources":[{"cookie":{"name":""}}]`)
	top("unmatched", `"unmatched":"allow"`)
	top("cors_preflight", `"cors_preflight":true`)
	top("rules", `"rules":{}`)
	top("rules[0]", `"rules":[[]]`)
	top("rules[0].unknown", `"rules":[{"unknown":1}]`)
	top("rules[0].match", `"rules":[{"match":"/a"}]`)
	top("rules[0].match ", `"rules":[{"match":{"path":"/a","path_prefix":"/b"}}]`)
	top("rules[0].match.unknown", `"rules":[{"match":{"unknown":1}}]`)
	for _, path := range []string{"", "a", "//", "/a?b", "/a#b", "/a;b", `/a\\b`, "/a b"} {
		top("rules[0].match.path"+pad(path), `"rules":[{"match":{"path":"`+path+`"}}]`)
		top("rules[0].match.path_prefix"+pad(path), `"rules":[{"match":{"path_prefix":"`+path+`"}}]`)
	}
	top("rules[0].match.methods", `"rules":[{"match":{"methods":[]}}]`)
	top("rules[0].match.methods[0]", `"rules":[{"match":{"methods":["post"]}}]`)
	top("rules[0].match.methods[0] ", `"rules":[{"match":{"methods":["P OST"]}}]`)
	top("rules[0].match.hosts", `"rules":[{"match":{"hosts":[]}}]`)
	top("rules[0].match.hosts[0]", `"rules":[{"match":{"hosts":["a.example:80"]}}]`)
	top("rules[0].match.hosts[0] ", `"rules":[{"match":{"hosts":["*.example"]}}]`)
	top("rules[0].match.hosts[0]  ", `"rules":[{"match":{"hosts":["a@b"]}}]`)
	top("rules[0].access", `"rules":[{"access":"public"}]`)
	top("rules[0].scopes", `"rules":[{"scopes":"a b"}]`)
	top("rules[0].scopes[0]", `"rules":[{"scopes":["a b"]}]`)
	top("rules[0].scopes[0] ", `"rules":[{"scopes":["a\"b"]}]`)
	top("rules[0].issuers[0]", `"rules":[{"issuers":[7]}]`)
	top("rules[0].audiences[0]", `"rules":[{"audiences":[""]}]`)
	top("rules[0].claims", `"rules":[{"claims":["tenant"]}]`)
	top("rules[0].claims.tenant", `"rules":[{"claims":{"tenant":"a"}}]`)
	top("rules[0].claims.tenant ", `"rules":[{"claims":{"tenant":[]}}]`)
	top("rules[0].claims.tenant[0]", `"rules":[{"claims":{"tenant":[1]}}]`)
	top(`rules[0].claims[""]`, `"rules":[{"claims":{"":["a"]}}]`)
	top("rules[0].mode", `"rules":[{"mode":"off"}]`)
	top("rules[0].acr_values[0]", `"rules":[{"acr_values":["a\\b"]}]`)
	top("rules[0].max_age", `"rules":[{"max_age":300}]`)
	for key, value := range map[string]string{
		"scopes": `["a"]`, "audiences": `["a"]`, "claims": `{"a":["b"]}`,
		"mode": `"strict"`, "acr_values": `["a"]`, "max_age": `"5m"`,
	} {
		top("rules[0]."+key+"    ", `"rules":[{"access":"anonymous","`+key+`":`+value+`}]`)
	}
	top("forward", `"forward":null`)
	top("forward.unknown", `"forward":{"unknown":1}`)
	top("forward.token", `"forward":{"token":"drop"}`)
	top("forward.claims", `"forward":{"claims":{"sub":"x-sub"}}`)
	top("forward.claims[0].claim", `"forward":{"claims":[{"header":"x-sub"}]}`)
	top("forward.claims[0].header", `"forward":{"claims":[{"claim":"sub"}]}`)
	top("forward.claims[0].headers", `"forward":{"claims":[{"claim":"sub","header":"x","headers":"y"}]}`)
	for _, name := range []string{":path", "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
		"proxy-authenticate", "proxy-authorization", "host", "cookie", "authorization", "dpop", "content-length", "a:b", "a\\nb"} {
		top("forward.claims[0].header"+pad(name), `"forward":{"claims":[{"claim":"sub","header":"`+name+`"}]}`)
	}
	top("forward.payload_header", `"forward":{"payload_header":true}`)
	top("forward.thumbprint_header", `"forward":{"thumbprint_header":"host"}`)
	top("forward.certificate[0].field", `"forward":{"certificate":[{"field":"issuer","header":"x"}]}`)
	top("forward.certificate[0].field ", `"forward":{"certificate":[{"header":"x"}]}`)
	top("forward.certificate[0].header", `"forward":{"certificate":[{"field":"subject","header":"te"}]}`)
	top("resource_metadata", `"resource_metadata":"https://api.example.com"`)
	top("resource_metadata.resource", `"resource_metadata":{}`)
	top("resource_metadata.resource ", `"resource_metadata":{"resource":"http://api.example.com"}`)
	top("resource_metadata.resource  ", `"resource_metadata":{"resource":"https://api.example.com/#a"}`)
	top("resource_metadata.resource   ", `"resource_metadata":{"resource":"https://api.example.com/?a"}`)
	top("resource_metadata.resource    ", `"resource_metadata":{"resource":"https://a@api.example.com"}`)
	top("resource_metadata.resource     ", `"resource_metadata":{"resource":"https://api.example.com/\""}`)
	top("resource_metadata.scopes_supported[0]", `"resource_metadata":{"resource":"https://api.example.com","scopes_supported":["a b"]}`)
	top("resource_metadata.unknown", `"resource_metadata":{"resource":"https://api.example.com","unknown":[]}`)
	top("errors", `"errors":false`)
	top("errors.expose_description", `"errors":{"expose_description":0}`)
	top("errors.unknown", `"errors":{"unknown":1}`)
	top("limits", `"limits":1`)
	top("limits.unknown", `"limits":{"unknown":1}`)
	for key, b := range map[string]bound{
		"token_bytes": tokenBytes, "jwks_bytes": jwksBytes, "waiting_requests": waitingRequests,
		"introspection_calls": introspectionCalls, "introspection_bytes": introspectionBytes, "token_cache_entries": tokenCacheEntries, "key_tables": keyTables, "replay_entries": replayEntries,
	} {
		top("limits."+key, `"limits":{"`+key+`":`+number(b.min-1)+`}`)
		top("limits."+key+" ", `"limits":{"`+key+`":`+number(b.max+1)+`}`)
		top("limits."+key+"  ", `"limits":{"`+key+`":"`+number(b.min)+`"}`)
		top("limits."+key+"   ", `"limits":{"`+key+`":`+number(b.min)+`.5}`)
	}
	top("host", `"host":"nginx"`)
	top("shared_data", `"shared_data":"no"`)
	top("verification", `"verification":"envoy"`)
	return docs
}

// badIntrospection adds what is wrong in "introspection".
func badIntrospection(docs map[string]string) {
	const path = "issuers[0].introspection"
	whole := func(pad, section string) {
		docs[path+pad] = withIssuer(`"jwks":{"inline":`+jwkSet+`},"introspection":`+section, "")
	}
	client := func(at, keys string) { docs[path+at] = introspecting(keys, "") }
	key := func(at, keys string) { client("."+at, `"client_id":"gateway","client_secret":"s",`+keys) }

	whole("", `true`)
	whole(" ", `null`)
	whole(".endpoint", `{"cluster":"as","client_auth":"none"}`)
	whole(".cluster", `{"endpoint":"https://as.example.com/i","client_auth":"none"}`)
	for _, url := range []string{"", "/i", "ftp://as/i", "https://", "https://u@as/i", "https://as/i#f", "https://a s/i", "https://as/\\n"} {
		whole(".endpoint"+pad(url), `{"endpoint":"`+url+`","cluster":"as","client_auth":"none"}`)
	}
	whole(".endpoint ", `{"endpoint":1,"cluster":"as","client_auth":"none"}`)
	whole(".cluster ", `{"endpoint":"https://as.example.com/i","cluster":"","client_auth":"none"}`)
	key("unknown", `"unknown":1`)
	key("timeout", `"timeout":5`)
	key("tokens", `"tokens":"jwt"`)
	key("accept", `"accept":"application/jwt"`)
	key("require_aud", `"require_aud":"yes"`)
	key("cache_ttl", `"cache_ttl":30`)
	key("cache_ttl ", `"cache_ttl":"-1s"`)
	key("negative_cache_ttl", `"negative_cache_ttl":null`)
	for pad, entries := range map[string]string{"": "0", " ": "1000001", "  ": "1.5", "   ": `"10"`} {
		key("cache_entries"+pad, `"cache_entries":`+entries)
	}

	client(".client_auth", `"client_auth":"client_secret_jwt"`)
	client(".client_auth ", `"client_auth":1`)
	client(".client_auth  ", `"client_auth":"NONE"`)
	client("  ", `"client_id":"gateway"`) // client_secret_basic is the default
	client("   ", `"client_id":"gateway","client_secret":"s","client_secret_env":"SECRET"`)
	for _, method := range []string{"client_secret_basic", "client_secret_post"} {
		auth := `"client_auth":"` + method + `",`
		client(pad(method), auth+`"client_id":"gateway"`)
		client(pad(method+" both"), auth+`"client_id":"gateway","client_secret":"s","client_secret_env":"SECRET"`)
		client(".client_id"+pad(method), auth+`"client_secret":"s"`)
		client(".client_secret"+pad(method), auth+`"client_id":"gateway","client_secret":""`)
		client(".client_secret"+pad(method+" type"), auth+`"client_id":"gateway","client_secret":7`)
		client(".private_key_env"+pad(method), auth+`"client_id":"gateway","client_secret":"s","private_key_env":"KEY"`)
		client(".client_assertion_audience"+pad(method), auth+`"client_id":"gateway","client_secret":"s","client_assertion_audience":"a"`)
	}
	for _, method := range []string{`"private_key_jwt","private_key_env":"KEY"`, `"tls_client_auth"`, `"none"`} {
		auth := `"client_auth":` + method + `,`
		client(".client_secret"+pad(method), auth+`"client_id":"gateway","client_secret":"s"`)
		client(".client_secret_env"+pad(method), auth+`"client_id":"gateway","client_secret_env":"SECRET"`)
		if method != `"none"` {
			client(".client_id"+pad(method), strings.TrimSuffix(auth, ","))
		} else {
			client(".client_id"+pad(method), auth+`"accept":"application/token-introspection+jwt"`)
		}
		if !strings.Contains(method, "KEY") {
			client(".private_key_env"+pad(method), auth+`"client_id":"gateway","private_key_env":"KEY"`)
			client(".client_assertion_audience"+pad(method), auth+`"client_id":"gateway","client_assertion_audience":"a"`)
		}
	}
	client(".private_key_env", `"client_auth":"private_key_jwt","client_id":"gateway"`)
	client(".client_assertion_audience", `"client_auth":"private_key_jwt","client_id":"gateway","private_key_env":"KEY","client_assertion_audience":""`)
	client(".client_id", `"client_secret":"s","client_id":"a\u0000"`)
	for _, name := range []string{"", "A=B", "=", `A\u0000`, `A\n`} {
		client(".client_secret_env"+pad(name), `"client_id":"gateway","client_secret_env":"`+name+`"`)
		client(".private_key_env"+pad(name), `"client_id":"gateway","client_auth":"private_key_jwt","private_key_env":"`+name+`"`)
	}

	key("params", `"params":["token_type_hint"]`)
	key("params.a", `"params":{"a":1}`)
	key("params.a ", `"params":{"a":""}`)
	key("params.a  ", `"params":{"a":null}`)
	key(`params[""]`, `"params":{"":"a"}`)
	key(`params["a\n"]`, `"params":{"a\n":"a"}`)
	for _, name := range []string{"token", "client_id", "client_secret", "client_assertion", "client_assertion_type"} {
		key("params."+name, `"params":{"`+name+`":"a"}`)
	}
	key("headers", `"headers":"x-a: b"`)
	for i, value := range []string{`1`, `""`, `["a"]`, `"a\r\nb: c"`, `"a\n"`, `"a\tb"`, `"\u0000"`, `"a\u007f"`, `" a"`, `"a "`, `"é"`} {
		key("headers.x-a"+strings.Repeat(" ", i), `"headers":{"x-a":`+value+`}`)
	}
	for name, at := range map[string]string{"": `[""]`, ":path": `[":path"]`, `a\nb`: `["a\nb"]`, "a:": `["a:"]`, "é": `["\u00e9"]`} {
		key("headers"+at, `"headers":{"`+name+`":"v"}`)
	}
	for _, name := range strings.Fields(callHeaders) {
		key("headers."+name, `"headers":{"`+name+`":"v"}`)
	}
	key("headers.authorization", `"headers":{"authorization":"Bearer x"}`)
}

// badDPoP adds what is wrong in "dpop" and with it.
func badDPoP(docs map[string]string) {
	const path = "proof_of_possession.dpop"
	key := func(at, keys string) { docs[path+"."+at] = withDPoP(keys) }
	docs[path] = minimal(`"proof_of_possession":{"dpop":{"origin":["https://api.example.com"]}}`)
	docs[path+" "] = minimal(`"proof_of_possession":{"methods":["mtls"],"dpop":{"origin":["https://api.example.com"]}}`)
	docs[path+".origin"] = minimal(`"proof_of_possession":{"methods":["mtls","dpop"]}`)
	docs[path+".origin "] = minimal(`"proof_of_possession":{"methods":["dpop"],"dpop":{}}`)
	for _, origin := range []string{"", "api.example.com", "https://", "ftp://api.example.com", "https://api.example.com/v1", "https://a@api.example.com",
		"https://api.example.com?a", "https://api.example.com/#a", "https://api example.com"} {
		docs[path+".origin[0]"+pad(origin)] = minimal(`"proof_of_possession":{"methods":["dpop"],"dpop":{"origin":["` + origin + `"]}}`)
	}
	docs[path+".origin  "] = minimal(`"proof_of_possession":{"methods":["dpop"],"dpop":{"origin":[]}}`)
	docs[path+".origin   "] = minimal(`"proof_of_possession":{"methods":["dpop"],"dpop":{"origin":"https://api.example.com"}}`)
	key("unknown", `"unknown":1`)
	key("proof_lifetime", `"proof_lifetime":60`)
	key("clock_skew", `"clock_skew":"-1s"`)
	key("algorithms", `"algorithms":[]`)
	key("algorithms[0]", `"algorithms":["HS256"]`)
	key("algorithms[0] ", `"algorithms":["none"]`)
	key("nonce", `"nonce":true`)
	key("nonce ", `"nonce":"optional"`)
	key("nonce_key_env", `"nonce":"required"`)
	key("nonce_key_env ", `"nonce_key_env":"A=B"`)
	key("nonce_lifetime", `"nonce_lifetime":""`)
	key("replay", `"replay":"none"`)
	docs[path+".replay "] = minimal(`"shared_data":false,"proof_of_possession":{"methods":["dpop"],"dpop":{"origin":["https://api.example.com"]}}`)
	docs[path+".replay  "] = minimal(`"shared_data":false,"proof_of_possession":{"methods":["dpop"],"dpop":{"origin":["https://api.example.com"],"replay":"shared"}}`)
	docs["token_sources "+pad("dpop")] = minimal(`"token_sources":[{"header":{"name":"x-token"}}],"proof_of_possession":{"methods":["dpop"],"dpop":{"origin":["https://api.example.com"]}}`)
}

// badFAPI2 adds what contradicts the profile.
func badFAPI2(docs map[string]string) {
	for _, algorithm := range []string{"RS256", "ES384", "PS512"} {
		docs["issuers[0].algorithms[1]"+pad(algorithm)] = fapi2(`,"algorithms":["PS256","`+algorithm+`"]`, "", "")
		docs["proof_of_possession.dpop.algorithms[0]"+pad(algorithm)] = fapi2("", "",
			`"proof_of_possession":{"methods":["dpop"],"dpop":{"origin":["https://api.example.com"],"algorithms":["`+algorithm+`"]}}`)
	}
	docs["issuers[0].introspection"+pad("fapi2")] = minimal(`"profile":"fapi2"`)
	docs["issuers[0].introspection.tokens"+pad("fapi2")] = fapi2("", `,"tokens":"opaque"`, "")
	docs["proof_of_possession.mode"+pad("fapi2")] = fapi2("", "", `"proof_of_possession":{"mode":"optional"}`)
	docs["proof_of_possession.report_only"+pad("fapi2")] = fapi2("", "", `"proof_of_possession":{"report_only":true}`)
	docs["proof_of_possession.dpop.origin"+pad("fapi2")] = fapi2("", "", `"proof_of_possession":{"methods":["dpop"],"dpop":{"origin":["http://api.example.com"]}}`)
	docs["token_sources"+pad("fapi2")] = fapi2("", "", `"token_sources":[{"authorization":{}},{"cookie":{"name":"a"}}]`)
	docs["session"+pad("fapi2")] = fapi2("", "", `"session":{"key_env":"KEYS"}`)
}

// badSession adds what is wrong in "session".
func badSession(docs map[string]string) {
	top := func(path, keys string) { docs[path] = minimal(`"session":` + keys) }
	top("session", `true`)
	top("session ", `null`)
	top("session.key_env", `{}`)
	top("session.keys", `{"key_env":"KEYS","keys":1}`)
	for _, name := range []string{"", "A=B", `A\u0000`, `A\n`} {
		top("session.key_env"+pad(name), `{"key_env":"`+name+`"}`)
	}
	top("session.key_env ", `{"key_env":["KEYS"]}`)
	for _, name := range []string{"", "a b", "a=b", "a;b", "é", `a\n`} {
		top("session.cookie"+pad(name), `{"key_env":"KEYS","cookie":"`+name+`"}`)
	}
	top("session.lifetime", `{"key_env":"KEYS","lifetime":900}`)
	top("session.lifetime ", `{"key_env":"KEYS","lifetime":"15 minutes"}`)
}
