package filter

import (
	"slices"
	"strings"

	"holdfast/filter/config"
	"holdfast/internal/jsontext"
)

// servesMetadata reports whether the request asks for the RFC 9728 document.
func (d *decider) servesMetadata(method, path string, pathOK bool) bool {
	return d.config.Resource != nil && pathOK && path == d.config.Resource.WellKnownPath &&
		(method == "GET" || method == "HEAD")
}

// metadataAnswer builds the protected resource metadata, RFC 9728 §2 and §3.2.
func metadataAnswer(c *config.Config) *Answer {
	if c.Resource == nil {
		return nil
	}
	issuers := make([]string, len(c.Issuers))
	for i := range c.Issuers {
		issuers[i] = c.Issuers[i].Policy.Issuer
	}
	members := []string{
		`"resource":` + jsontext.Quote(c.Resource.Resource),
		`"authorization_servers":` + quoteList(issuers),
	}
	if len(c.Resource.ScopesSupported) > 0 {
		members = append(members, `"scopes_supported":`+quoteList(c.Resource.ScopesSupported))
	}
	switch {
	case !takesBearer(c): // RFC 9728 §2: none
		members = append(members, `"bearer_methods_supported":[]`)
	case slices.ContainsFunc(c.TokenSources, func(s config.TokenSource) bool { return s.Kind == config.TokenFromAuthorization }):
		members = append(members, `"bearer_methods_supported":["header"]`)
	}
	if c.Binding.MTLS {
		members = append(members, `"tls_client_certificate_bound_access_tokens":true`)
	}
	if dpop := c.Binding.DPoP; dpop != nil {
		members = append(members, `"dpop_signing_alg_values_supported":`+quoteList(algorithmNames(dpop.Algorithms)))
		if !takesBearer(c) {
			members = append(members, `"dpop_bound_access_tokens_required":true`)
		}
	}
	return &Answer{
		Status:  200,
		Details: "holdfast_metadata",
		Headers: []Header{
			{"content-type", "application/json"},
			{"cache-control", "public, max-age=300"},
		},
		Body: "{" + strings.Join(members, ",") + "}",
	}
}

func quoteList(items []string) string {
	quoted := make([]string, len(items))
	for i, item := range items {
		quoted[i] = jsontext.Quote(item)
	}
	return "[" + strings.Join(quoted, ",") + "]"
}
