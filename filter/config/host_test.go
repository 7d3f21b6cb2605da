package config

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// onKong is a configuration for Kong with these keys beside.
func onKong(rest string) string {
	if rest != "" {
		rest = "," + rest
	}
	return `{"issuers":[{"issuer":"https://as.example.com","audiences":["https://api.example.com"],
		"jwks":{"uri":"https://as.example.com/jwks","cluster":"as.example.com:8443"},
		"introspection":{"endpoint":"https://as.example.com/introspect","cluster":"as.example.com","client_auth":"none"}}],"host":"kong"` + rest + `}`
}

// badKong adds what Kong's host can't do, one at a time.
func badKong(docs map[string]string) {
	docs["issuers[0].jwks.cluster"+pad("kong1")] = withIssuer(`"jwks":{"discovery":true,"cluster":"a b"}`, `"host":"kong"`)
	docs["issuers[0].jwks.cluster"+pad("kong2")] = withIssuer(`"jwks":{"uri":"https://as.example.com/jwks","cluster":"as/x"}`, `"host":"kong"`)
	docs["issuers[0].introspection.cluster"+pad("kong3")] = withIssuer(`"jwks":{"inline":`+jwkSet+`},"introspection":{"endpoint":"https://as.example.com/introspect","cluster":"outbound|443||as","client_auth":"none"}`, `"host":"kong"`)
	docs["issuers[0].introspection.client_auth"+pad("kong4")] = withIssuer(`"jwks":{"inline":`+jwkSet+`},"introspection":{"endpoint":"https://as.example.com/introspect","cluster":"as","client_auth":"tls_client_auth","client_id":"gateway"}`, `"host":"kong"`)
	docs["certificate.sources[0].property"+pad("kong5")] = onKong(`"certificate":{"sources":[{"property":["connection","peer_certificate"]}]}`)
	docs["certificate.sources[1].property"+pad("kong6")] = onKong(`"certificate":{"sources":[{"connection":{}},{"property":["connection","sha256_peer_certificate_digest"]}]}`)
	docs["certificate.trusted_proxies.uri_sans"+pad("kong7")] = onKong(`"certificate":{"sources":[{"xfcc":{}}],"trusted_proxies":{"uri_sans":["spiffe://x/edge"]}}`)
	docs["forward.token"+pad("kong8")] = onKong(`"forward":{"token":"strip"}`)
	docs["forward.certificate[0].field"+pad("kong9")] = onKong(`"forward":{"certificate":[{"field":"uri_san","header":"x-uri"}]}`)
	docs["forward.certificate[0].field"+pad("kong10")] = onKong(`"forward":{"certificate":[{"field":"dns_san","header":"x-dns"}]}`)
	docs["verification"+pad("kong")] = onKong(`"verification":"host"`)
	docs["session"+pad("kong11")] = onKong(`"session":{"key_env":"KEYS"}`)
}

func TestContract7_WhatKongCannotDo(t *testing.T) {
	t.Parallel()
	checkProblems(t, onKong(`"session":{"key_env":"KEYS"},"forward":{"token":"strip"}`),
		`forward.token: must not be "strip" with host "kong": it can't take a header away`,
		`session: does not go with host "kong", whose random numbers are too weak to seal with`)
}

// A DPoP nonce is made with a key of the operator's and the time: it needs no random
// number, so Kong may hand them out.
func TestContract7_KongHandsOutNonces(t *testing.T) {
	t.Parallel()
	c := mustParse(t, onKong(`"proof_of_possession":{"methods":["dpop"],"dpop":{"origin":["https://api.example.com"],"nonce":"required","nonce_key_env":"KEYS"}}`))
	if c.Host != HostKong || c.Binding.DPoP.NonceKeyEnv != "KEYS" {
		t.Errorf("%+v", c.Binding.DPoP)
	}
}

// beyondDraft4 are the bad documents that Kong's schema takes and Holdfast does not:
// draft 4 has no way to name these characters to a validator that compares bytes.
var beyondDraft4 = []string{"\u0080", "\u009f", "\u2028", "\u2029"}

// Kong checks a configuration with the schema in holdfast.meta.json before Holdfast
// sees it. It takes and refuses what the schema does that it was made of.
func TestKongSchemaIsTheSchema(t *testing.T) {
	t.Parallel()
	var meta struct {
		Schema json.RawMessage `json:"config_schema"`
	}
	if err := json.Unmarshal([]byte(readFile(t, "../../deploy/kong/holdfast.meta.json")), &meta); err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft4)
	if err := compiler.AddResource("holdfast.meta.json", decode(t, string(meta.Schema))); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("holdfast.meta.json") // which holds it to draft 4 itself
	if err != nil {
		t.Fatal(err)
	}
	for name, doc := range fullDocuments() {
		if err := schema.Validate(decode(t, doc)); err != nil {
			t.Errorf("%s: it refuses %s\n%v", name, doc, err)
		}
	}
	taken := 0
	for name, doc := range badDocuments() {
		if schema.Validate(decode(t, doc)) != nil {
			continue
		}
		value := marshal(t, decode(t, doc))
		if slices.ContainsFunc(beyondDraft4, func(c string) bool {
			return strings.Contains(value, c) || strings.Contains(value, strings.Trim(strconv.QuoteToASCII(c), `"`))
		}) {
			taken++
			continue
		}
		t.Errorf("%s: it takes %s", name, doc)
	}
	if taken == 0 {
		t.Error("nothing is beyond draft 4: the list of this test is out of date")
	}
}
