package config

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// jwkSet is a JWK Set with one Ed25519 key.
var jwkSet = func() string {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	return `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1","x":"` + base64.RawURLEncoding.EncodeToString(key) + `"}]}`
}()

const issuerURL = "https://as.example.com"

// minimal is a good configuration; rest is appended as further top-level keys.
func minimal(rest string) string {
	return withIssuer(`"jwks":{"uri":"https://as.example.com/jwks","cluster":"as"}`, rest)
}

// withIssuer has these keys in the issuer, jwks among them.
func withIssuer(keys, rest string) string {
	if rest != "" {
		rest = "," + rest
	}
	return `{"issuers":[{"issuer":"` + issuerURL + `","audiences":["https://api.example.com"],` + keys + `}]` + rest + `}`
}

// introspecting has an issuer with introspection, of which these are further keys.
func introspecting(keys, rest string) string {
	return withIssuer(`"jwks":{"uri":"https://as.example.com/jwks","cluster":"as"},
		"introspection":{"endpoint":"https://as.example.com/introspect","cluster":"as",`+keys+`}`, rest)
}

// withDPoP takes both bindings; keys are further ones of "dpop".
func withDPoP(keys string) string {
	if keys != "" {
		keys = "," + keys
	}
	return minimal(`"proof_of_possession":{"methods":["mtls","dpop"],"dpop":{"origin":["https://api.example.com"]` + keys + `}}`)
}

// fapi2 is a good configuration of that profile; keys are further ones of the issuer
// and asked of its introspection.
func fapi2(keys, asked, rest string) string {
	if rest != "" {
		rest = "," + rest
	}
	return withIssuer(`"jwks":{"uri":"https://as.example.com/jwks","cluster":"as"},
		"introspection":{"endpoint":"https://as.example.com/introspect","cluster":"as","client_auth":"none"`+asked+`}`+keys, `"profile":"fapi2"`+rest)
}

func mustParse(t testing.TB, doc string) *Config {
	t.Helper()
	c, err := Parse(doc)
	if err != nil {
		t.Fatalf("%v\nin %s", err, doc)
	}
	return c
}

// problemsOf are the problems of a document that must not be accepted.
func problemsOf(t testing.TB, doc string) Problems {
	t.Helper()
	c, err := Parse(doc)
	var problems Problems
	if !errors.As(err, &problems) || c != nil {
		t.Fatalf("got %v and error %v, want problems and no configuration, for %s", c, err, doc)
	}
	return problems
}

// checkProblems compares with lines "path: part of the text", in any order.
func checkProblems(t *testing.T, doc string, want ...string) {
	t.Helper()
	got := problemsOf(t, doc)
	for _, line := range want {
		path, text, _ := strings.Cut(line, ": ")
		if !slices.ContainsFunc(got, func(p Problem) bool { return p.Path == path && strings.Contains(p.Text, text) }) {
			t.Errorf("no problem %q among %v", line, got)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d problems, want %d: %v", len(got), len(want), got)
	}
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// repeat is n items made by format, which has one %d.
func repeat(n int, format string) string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(items, ",")
}

// pad makes test names differ that have the same path: by as many spaces as the
// text needs to be unlike the others.
func pad(s string) string { return strings.Repeat(" ", 4+len(s)) + "|" + s }

func number(n int) string { return strconv.Itoa(n) }
