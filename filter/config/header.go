package config

import "strings"

// headerOwners is which setting has each header name, so that no two settings
// use the same header.
type headerOwners map[string]string

// take claims a name. "_" and "-" are one character here, as many servers read
// them so (threats T15). owner is the setting that has the name already.
func (h headerOwners) take(name, path string) (owner string) {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	if owner := h[name]; owner != "" {
		return owner
	}
	h[name] = path
	return ""
}

// header reads the name of a header that is this setting's alone, in lower case;
// empty when there is none or it is of no use.
func (f field) header() string {
	name := strings.ToLower(f.text("", headerName))
	if name == "" {
		return ""
	}
	if owner := f.r.headers.take(name, f.path); owner != "" {
		f.fail("is the same header as " + owner)
	}
	return name
}

// reservedHeaders have a meaning of their own to the proxy or to Holdfast:
// routing, credentials, the length of the body, and what RFC 9110 §7.6.1 and
// its predecessors take off at every hop.
const reservedHeaders = " host cookie authorization dpop content-length" +
	" connection keep-alive proxy-connection te trailer transfer-encoding upgrade" +
	" proxy-authenticate proxy-authorization "

func headerName(s string) string {
	if !isToken(s) {
		return "must be a header name"
	}
	if isListed(s, reservedHeaders) {
		return "must not be a header with a meaning of its own, such as host, cookie, authorization or connection"
	}
	return ""
}

// isListed looks for a header in a list with a space around each name.
func isListed(name, list string) bool {
	return strings.Contains(list, " "+strings.ReplaceAll(strings.ToLower(name), "_", "-")+" ")
}
