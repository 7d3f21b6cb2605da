package config

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/strictjson"
)

func TestSessionDefaults(t *testing.T) {
	t.Parallel()
	got := *mustParse(t, minimal(`"session":{"key_env":"KEYS"}`)).Session
	if want := (Session{Cookie: "__Host-holdfast", KeyEnv: "KEYS", Lifetime: 15 * time.Minute, Settings: got.Settings}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got.Settings == (Session{}).Settings {
		t.Error("the settings have no digest")
	}
}

func TestSessionContradictions(t *testing.T) {
	t.Parallel()
	const session = `"session":{"key_env":"KEYS"}`
	tests := []struct {
		name, doc string
		want      []string
	}{
		{"empty name", minimal(`"session":{"cookie":"","lifetime":"0s"}`),
			[]string{"session.cookie: must be a cookie name", "session.key_env: is required", "session.lifetime: between 1s and 24h0m0s"}},
		{"too long", minimal(`"session":{"key_env":"KEYS","lifetime":"24h0m1s"}`), []string{"session.lifetime: between 1s and 24h0m0s"}},
		{"too short", minimal(`"session":{"key_env":"KEYS","lifetime":"999ms"}`), []string{"session.lifetime: between"}},
		{"the cookie of a token source", minimal(`"session":{"key_env":"KEYS","cookie":"a"},"token_sources":[{"authorization":{}},{"cookie":{"name":"a"}}]`),
			[]string{"session.cookie: token source"}},
		{"the default cookie as a token source", minimal(session + `,"token_sources":[{"cookie":{"name":"__Host-holdfast"}}]`), []string{"session.cookie: token source"}},
		{"contract 4: introspection_jwt", introspecting(`"client_id":"g","client_secret":"s","accept":"application/token-introspection+jwt"`, session+`,"forward":{"token":"introspection_jwt"}`),
			[]string{`session: does not go with forward.token "introspection_jwt"`}},
		{"no certificates", minimal(session + `,"proof_of_possession":{"methods":["dpop"],"dpop":{"origin":["https://api.example.com"]}}`),
			[]string{`session: needs "mtls" in proof_of_possession.methods`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkProblems(t, tt.doc, tt.want...)
		})
	}
	for _, rest := range []string{
		session + `,"proof_of_possession":{"report_only":true}`, session + `,"forward":{"token":"strip"}`,
		`"session":{"key_env":"KEYS","cookie":"A"},"token_sources":[{"cookie":{"name":"a"}}]`, // case counts
		`"session":{"key_env":"KEYS","cookie":"a"},"token_sources":[{"header":{"name":"a"}}]`,
		`"session":{"key_env":"KEYS","cookie":"__host-a","lifetime":"1s"}`, `"session":{"key_env":"KEYS","cookie":"__SECURE-a"}`,
	} {
		mustParse(t, minimal(rest))
	}
}

// settingsOf is the digest that a document's session would have, valid or not.
func settingsOf(t *testing.T, document any) [32]byte {
	t.Helper()
	value, err := strictjson.Parse(marshal(t, document))
	if err != nil {
		t.Fatal(err)
	}
	return settings{value}.digest("cookie", "realm", "none")
}

// outlived are the sections that a session may outlive, and the ones that are
// resolved before they are hashed. A new section is a decision.
var outlived = []string{
	"realm", "profile", "session", // resolved: see TestContract4_CookieRealmAndProfile
	"token_sources", "unmatched", "cors_preflight", "rules", "forward", "resource_metadata", "errors", "limits", "host", "shared_data", "verification",
}

// Contract §4: a filter with other issuers, binding or certificate settings does
// not open a session. Every value and every key of the full documents is changed
// once, removed once, and joined by a new one.
func TestContract4_WhatASessionMustNotOutlive(t *testing.T) {
	t.Parallel()
	hashed := []string{"issuers", "proof_of_possession", "certificate"}
	for key := range schemaKeys(t) {
		if top, _, _ := strings.Cut(strings.ReplaceAll(key, "[]", ""), "."); slices.Contains(hashed, top) == slices.Contains(outlived, top) {
			t.Errorf("%s: does a session outlive it?", key)
		}
	}
	for name, doc := range fullDocuments() {
		original := settingsOf(t, decoded(t, doc))
		if value, err := strictjson.Parse(doc); err != nil || (settings{value}).digest("cookie", "realm", "none") != original {
			t.Errorf("%s: spaces or the order of members end sessions", name)
		}
		seen := map[[32]byte]string{original: marshal(t, decoded(t, doc))}
		changes := 0
		whole := decoded(t, doc).(map[string]any)
		for section := range whole {
			forEachChange(t, doc, section, func(path string, changed any) {
				digest := settingsOf(t, changed)
				if slices.Contains(outlived, section) {
					if digest != original {
						t.Errorf("%s: %s ends sessions", name, path)
					}
					return
				}
				changes++
				text := marshal(t, changed)
				if text == seen[original] {
					t.Errorf("%s: %s changes nothing", name, path)
				}
				if before := seen[digest]; before != "" && before != text {
					t.Errorf("%s: %s has the digest of %s", name, path, before)
				}
				seen[digest] = text
			})
		}
		if changes < 10 {
			t.Errorf("%s: %d changes: does this test still make them?", name, changes)
		}
	}
}

func decoded(t *testing.T, doc string) any {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(doc), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// forEachChange calls visit with the document after each single change to one of
// its sections.
func forEachChange(t *testing.T, doc, section string, visit func(path string, changed any)) {
	t.Helper()
	whole := decoded(t, doc).(map[string]any)
	var walk func(path string, value any, put func(any))
	walk = func(path string, value any, put func(any)) {
		try := func(what string, replacement any) {
			put(replacement)
			visit(path+": "+what, whole)
			put(value)
		}
		switch value := value.(type) {
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(value)) {
				member := value[name]
				walk(path+"."+name, member, func(v any) { value[name] = v })
				delete(value, name)
				visit(path+"."+name+": removed", whole)
				value[name+"x"] = member
				visit(path+"."+name+": renamed", whole)
				delete(value, name+"x")
				value[name] = member
			}
			value["a new one"] = nil
			visit(path+": one more", whole)
			delete(value, "a new one")
			try("a list in its place", []any{value})
		case []any:
			for i, element := range value {
				walk(path+"[]", element, func(v any) { value[i] = v })
				if i > 0 {
					value[i-1], value[i] = value[i], value[i-1]
					visit(path+": another order", whole)
					value[i-1], value[i] = value[i], value[i-1]
				}
			}
			try("longer", append(slices.Clone(value), "a new one"))
			try("nested", []any{value})
			if len(value) > 0 {
				try("shorter", value[:len(value)-1])
			}
		case string:
			try("another text", value+"x")
			try("a list", []any{value})
			if value != "" {
				try("an empty text", "")
			}
		case float64:
			try("another number", value+1)
			try("a text", marshal(t, value))
		case bool:
			try("the other", !value)
			try("a text", marshal(t, value))
		}
	}
	walk(section, whole[section], func(v any) { whole[section] = v })
	delete(whole, section)
	visit(section+": removed", whole)
}

// Cookie name, realm and profile count as they are resolved.
func TestContract4_CookieRealmAndProfile(t *testing.T) {
	t.Parallel()
	digest := func(rest string) [32]byte { return mustParse(t, minimal(rest)).Session.Settings }
	plain := digest(`"session":{"key_env":"KEYS"}`)
	for _, same := range []string{
		`"session":{"cookie":"__Host-holdfast","key_env":"OTHER","lifetime":"1m"}`,
		`"realm":"holdfast","profile":"none","session":{"key_env":"KEYS"}`,
		`"session":{"key_env":"KEYS"},"rules":[{"scopes":["a"]}],"forward":{"token":"strip"},"limits":{"token_bytes":1024},"errors":{"expose_description":false}`,
	} {
		if digest(same) != plain {
			t.Errorf("%s ends sessions", same)
		}
	}
	for _, other := range []string{
		`"session":{"cookie":"__Host-holdfasu","key_env":"KEYS"}`,
		`"realm":"holdfasu","session":{"key_env":"KEYS"}`,
		`"proof_of_possession":{"report_only":true},"session":{"key_env":"KEYS"}`,
		`"certificate":{"match_sni":true},"session":{"key_env":"KEYS"}`,
	} {
		if digest(other) == plain {
			t.Errorf("%s keeps sessions", other)
		}
	}
	if issuer := mustParse(t, withIssuer(`"jwks":{"uri":"https://as.example.com/jwks","cluster":"at"}`, `"session":{"key_env":"KEYS"}`)); issuer.Session.Settings == plain {
		t.Error("another cluster keeps sessions")
	}
	s := settings{}
	all := map[[32]byte]bool{}
	for _, parts := range [][3]string{{"a", "b", "none"}, {"b", "a", "none"}, {"ab", "", "none"}, {"", "ab", "none"}, {"a", "bn", "one"}, {"a", "b", "fapi2"}} {
		all[s.digest(parts[0], parts[1], parts[2])] = true
	}
	if len(all) != 6 {
		t.Errorf("%d digests of 6 settings", len(all))
	}
}
