package config

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
