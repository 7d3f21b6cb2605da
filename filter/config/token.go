package config

import "slices"

// readTokenSources takes "token_sources".
func readTokenSources(f field) []TokenSource {
	if !f.present() {
		return defaultTokenSources()
	}
	var sources []TokenSource
	f.notEmpty().each(func(element field) {
		var source TokenSource
		if f.r.fine(func() { source = readTokenSource(element) }) {
			sources = appendOnce(element, sources, source)
		}
	})
	return sources
}

// checkTokenSources: a token that is bound to a DPoP key comes in Authorization only
// (RFC 9449 §7.1), and so does every token in FAPI 2.0 (Security Profile, 5.3.4).
func (c *Config) checkTokenSources(f field) {
	authorization := TokenSource{Kind: TokenFromAuthorization}
	switch {
	case c.FAPI2 && !slices.Equal(c.TokenSources, []TokenSource{authorization}):
		f.fail(`must be authorization alone with profile "fapi2"`)
	case c.Binding.DPoP != nil && !slices.Contains(c.TokenSources, authorization):
		f.fail(`must have authorization with "dpop" in proof_of_possession.methods`)
	}
}

func readTokenSource(f field) (source TokenSource) {
	f.object(func(o *object) {
		kind, value := o.only("authorization", "header", "cookie")
		value.object(func(o *object) {
			switch kind {
			case "authorization":
				source.Kind = TokenFromAuthorization
			case "header":
				source = TokenSource{TokenFromHeader, o.get("name").required().header()}
			case "cookie":
				source = TokenSource{TokenFromCookie, o.get("name").required().text("", cookieName)}
			}
		})
	})
	return source
}
