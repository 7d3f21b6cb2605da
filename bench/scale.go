package main

import (
	"encoding/json"
	"fmt"

	"holdfast/e2e"
)

// scaled are variants of Holdfast with a cached token, and with few and many rules and
// issuers, of which the last ones are the request's. keys is the issuer's JWK Set.
func scaled(keys string) []variant {
	cached := named(variants(), "holdfast-cached")
	with := func(name, title string, patch e2e.M) variant {
		return cached.like(func(v *variant) { v.Name, v.Title, v.patch = name, title, patch })
	}
	return []variant{
		with("holdfast-rules-10", "10 rules", e2e.M{"rules": manyRules(10)}),
		with("holdfast-rules-1000", "1,000 rules", e2e.M{"rules": manyRules(1000)}),
		with("holdfast-issuers-10", "10 issuers", e2e.M{"issuers": manyIssuers(10, keys)}),
		with("holdfast-issuers-1000", "1,000 issuers", e2e.M{"issuers": manyIssuers(1000, keys)}),
	}
}

func manyRules(n int) []any {
	rules := make([]any, n)
	for i := range rules {
		rules[i] = e2e.M{"match": e2e.M{"path_prefix": fmt.Sprintf("/api/%d/", i)}, "scopes": []any{fmt.Sprintf("api:%d", i)}}
	}
	rules[n-1] = e2e.M{"match": e2e.M{"path_prefix": "/accounts"}, "scopes": []any{"accounts:read"}}
	return rules
}

// manyIssuers are issuers with their keys written out: no call of Holdfast's comes in
// between, whatever their number.
func manyIssuers(n int, keys string) []any {
	issuers := make([]any, n)
	for i := range issuers {
		name := fmt.Sprintf("https://as-%d.example.com", i)
		if i == n-1 {
			name = e2e.Issuer
		}
		issuers[i] = e2e.M{"issuer": name, "audiences": []any{e2e.Resource}, "jwks": e2e.M{"inline": json.RawMessage(keys)}}
	}
	return issuers
}
