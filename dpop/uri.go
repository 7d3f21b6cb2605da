package dpop

import (
	"bytes"
	"strings"

	"holdfast/internal/authority"
	"holdfast/internal/percent"
)

// URI is the target of a request without query and fragment, in the one spelling that
// normalisation leaves of it (RFC 3986 §6.2.2, §6.2.3). Equal URIs are equal values.
type URI struct {
	Origin string // "https://api.example.com", with the port when it is not the scheme's
	Path   string // begins with "/"
}

// String returns the URI as [ParseURI] reads it.
func (u URI) String() string { return u.Origin + u.Path }

// ParseURI reads an "htu" (RFC 9449 §4.2) and normalises it: scheme and host in lower
// case, the scheme's own port left out, an IPv6 address as RFC 5952 has it; in the path
// %XX in upper case and only where it does not stand for an unreserved character, without
// dot segments, and "/" when it is empty. A query and a fragment are cut off unread.
//
// ok is false for every scheme but http and https, a host that is no domain name or
// address, userinfo, "%" that two hexadecimal digits do not follow, and for characters
// that no URL has as themselves.
func ParseURI(htu string) (uri URI, ok bool) {
	origin, rest, ok := cutOrigin(htu)
	if !ok {
		return URI{}, false
	}
	path := rest
	if end := strings.IndexAny(path, "?#"); end >= 0 {
		path = path[:end]
	}
	if path == "" {
		path = "/"
	}
	if path, ok = normalizePath(path); !ok {
		return URI{}, false
	}
	return URI{origin, path}, true
}

// NormalizeOrigin reads an origin, a URI without path ("/" is allowed), query and
// fragment, and returns it the way [URI] has it. ok is false for anything else.
func NormalizeOrigin(origin string) (normalized string, ok bool) {
	normalized, rest, ok := cutOrigin(origin)
	if !ok || rest != "" && rest != "/" {
		return "", false
	}
	return normalized, true
}

// cutOrigin splits an absolute URI behind its authority and normalises what is before.
func cutOrigin(uri string) (origin, rest string, ok bool) {
	scheme, rest, _ := strings.Cut(uri, "://")
	defaultPort := ""
	switch scheme = strings.ToLower(scheme); scheme {
	case "http":
		defaultPort = "80"
	case "https":
		defaultPort = "443"
	default:
		return "", "", false
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, port, ok := authority.Split(rest[:end])
	if !ok {
		return "", "", false
	}
	origin = scheme + "://" + host
	if port != "" && port != defaultPort {
		origin += ":" + port
	}
	return origin, rest[end:], true
}

// normalizePath normalises a path that begins with "/". The escapes come first, because
// "%2e" is a dot.
func normalizePath(path string) (normalized string, ok bool) {
	if !strings.HasPrefix(path, "/") {
		return "", false
	}
	if path, ok = normalizeEscapes(path); !ok {
		return "", false
	}
	return removeDotSegments(path), true
}

// normalizeEscapes is RFC 3986 §6.2.2.1 and §6.2.2.2 for a path. Escapes of reserved
// characters stay: "%2F" is no "/".
func normalizeEscapes(path string) (normalized string, ok bool) {
	var b strings.Builder
	b.Grow(len(path))
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c != '%' {
			if isNeverInPath(c) {
				return "", false
			}
			b.WriteByte(c)
			continue
		}
		c, ok := percent.Unescape(path[i+1:])
		if !ok {
			return "", false
		}
		if percent.IsUnreserved(c) {
			b.WriteByte(c)
		} else {
			b.WriteString(strings.ToUpper(path[i : i+3]))
		}
		i += 2
	}
	return b.String(), true
}

// isNeverInPath names the characters that do not stand in a path as themselves. RFC 3986
// has no "[", "]", "^" and "|" there either, but browsers send those unescaped; they are
// compared as they are.
func isNeverInPath(c byte) bool {
	return c <= ' ' || c >= 0x7F || strings.IndexByte("\"#<>?\\`{}", c) >= 0
}

// removeDotSegments is RFC 3986 §5.2.4 for a path that begins with "/".
func removeDotSegments(path string) string {
	if !strings.Contains(path, "/.") {
		return path
	}
	out := make([]byte, 0, len(path))
	rest, more := path[1:], true
	for more {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		switch segment {
		case "..":
			out = out[:max(bytes.LastIndexByte(out, '/'), 0)]
		case ".":
		default:
			out = append(append(out, '/'), segment...)
			continue
		}
		if !more {
			out = append(out, '/')
		}
	}
	return string(out)
}
