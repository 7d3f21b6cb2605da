package config

import (
	"strings"

	"holdfast/dpop"
	"holdfast/filter/canonical"
)

const wellKnown = "/.well-known/oauth-protected-resource" // RFC 9728 §3

// readResource takes "resource_metadata"; nil without it.
func readResource(f field) *ResourceMetadata {
	if !f.present() {
		return nil
	}
	m := new(ResourceMetadata)
	f.object(func(o *object) {
		m.Resource = o.get("resource").required().text("", challengeText, resourceURL)
		m.WellKnownURL, m.WellKnownPath, _ = wellKnownOf(m.Resource)
		if at, ok := ParseEndpoint(m.Resource); ok {
			m.Origin, _ = dpop.NormalizeOrigin("https://" + at.Authority)
		}
		m.ScopesSupported = o.get("scopes_supported").texts(nil, scopeToken)
	})
	return m
}

func resourceURL(s string) string {
	if _, _, ok := wellKnownOf(s); !ok {
		return "must be an https URL without userinfo, query and fragment, and with a path that has one reading"
	}
	return ""
}

// wellKnownOf puts the well-known part between the authority and the path of a
// resource identifier (RFC 9728 §3.1); a path that is only "/" falls away.
func wellKnownOf(resource string) (url, path string, ok bool) {
	at, ok := ParseEndpoint(resource)
	if !ok || !strings.HasPrefix(resource, "https://") || strings.Contains(resource, "?") {
		return "", "", false
	}
	suffix := at.Path
	if suffix == "/" {
		suffix = ""
	}
	path, ok = canonical.Path(wellKnown + suffix)
	return "https://" + at.Authority + wellKnown + suffix, path, ok
}
