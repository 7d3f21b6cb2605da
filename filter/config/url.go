package config

import (
	"strings"

	"holdfast/filter/canonical"
)

// readEndpoint reads an absolute http or https URL; nil without a good one.
func readEndpoint(f field) *Endpoint {
	if endpoint, ok := ParseEndpoint(f.text("", absoluteURL)); ok {
		return &endpoint
	}
	return nil
}

func absoluteURL(s string) string {
	if _, ok := ParseEndpoint(s); !ok {
		return "must be an absolute http or https URL without userinfo and fragment"
	}
	return ""
}

// ParseEndpoint splits an absolute http or https URL (RFC 3986 §3) into authority
// and path. Userinfo, a fragment, and characters that no URL has are refused.
func ParseEndpoint(s string) (endpoint Endpoint, ok bool) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || scheme != "https" && scheme != "http" {
		return Endpoint{}, false
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, path := rest[:end], rest[end:]
	if _, ok := canonical.Host(authority); !ok || !all(path, isURLByte) {
		return Endpoint{}, false
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return Endpoint{Scheme: scheme, Authority: authority, Path: path}, true
}

// isURLByte: what may follow an authority (RFC 3986 §3.3, §3.4).
func isURLByte(c byte) bool {
	return '!' <= c && c <= '~' && strings.IndexByte("\"#<>\\^`{|}", c) < 0
}
