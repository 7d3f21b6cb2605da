package canonical

import (
	"strings"

	"holdfast/internal/percent"
)

// Path is the canonical spelling of a request target's path (RFC 3986 §6.2.2):
// a character that a path may hold as itself (pchar, §3.3) stands as itself,
// every other byte as %XX in upper case. So two paths are equal exactly when
// they decode to the same bytes. Whatever follows the first "?" is cut off.
//
// ok is false when the target is no path ("*", absolute-form, anything that
// does not begin with "/") and when it has more than one reading:
//   - "\", ";" or "#", a control character, a space or a byte beyond ASCII;
//   - "/", "\", "." or NUL written as %XX, also twice over (%252e) or as overlong UTF-8;
//   - "//", and "." or ".." as a segment, also with "%3B", "%3F" or "%23" behind;
//   - "%" that two hexadecimal digits do not follow.
func Path(rawPath string) (path string, ok bool) {
	rawPath, _, _ = strings.Cut(rawPath, "?")
	if !strings.HasPrefix(rawPath, "/") {
		return "", false
	}
	plain := 0
	for plain < len(rawPath) && isPathCharacter(rawPath[plain]) {
		plain++
	}
	if plain == len(rawPath) && !hasEmptyOrDotSegment(rawPath) {
		return rawPath, true // most are their own canonical spelling
	}
	var b strings.Builder
	b.Grow(len(rawPath))
	b.WriteString(rawPath[:plain])
	var previous byte // what the escape just before stood for, else 0
	for i := plain; i < len(rawPath); i++ {
		c := rawPath[i]
		if c != '%' {
			if isAmbiguous(c) {
				return "", false
			}
			previous = 0
		} else {
			if c, ok = percent.Unescape(rawPath[i+1:]); !ok || isEncodedSeparator(c) || isOverlong(previous, c) {
				return "", false
			}
			previous, i = c, i+2
		}
		writeByte(&b, c)
	}
	path = b.String()
	if hasEmptyOrDotSegment(path) || isEncodedTwice(path) {
		return "", false
	}
	return path, true
}

// isEncodedSeparator names the bytes that some servers decode before they split
// the path and others after.
func isEncodedSeparator(c byte) bool {
	return c == '/' || c == '\\' || c == '.' || c == 0
}

// isEncodedTwice looks behind each "%25" of a canonical path: an upstream that decodes
// twice, or more often, must not find one of those bytes either. In the canonical
// spelling digits stand as themselves, however they were sent ("%252%65", "%25%32e").
func isEncodedTwice(path string) bool {
	for {
		_, rest, found := strings.Cut(path, "%25")
		if !found {
			return false
		}
		path = rest
		for {
			c, ok := percent.Unescape(rest)
			if ok && isEncodedSeparator(c) {
				return true
			}
			if !ok || c != '%' {
				break
			}
			rest = rest[2:]
		}
	}
}

// isOverlong reports whether two bytes begin a UTF-8 sequence that is longer
// than its character needs: how "/" and "." used to be smuggled past filters.
func isOverlong(first, second byte) bool {
	switch first {
	case 0xC0, 0xC1:
		return 0x80 <= second && second <= 0xBF
	case 0xE0:
		return 0x80 <= second && second <= 0x9F
	case 0xF0:
		return 0x80 <= second && second <= 0x8F
	}
	return false
}

// isAmbiguous names the bytes that must not stand in a path as themselves.
func isAmbiguous(c byte) bool {
	return c <= ' ' || c >= 0x7F || c == '\\' || c == ';' || c == '#'
}

// writeByte writes a decoded byte in its canonical spelling.
func writeByte(b *strings.Builder, c byte) {
	const digits = "0123456789ABCDEF"
	if isPathCharacter(c) {
		b.WriteByte(c)
		return
	}
	b.WriteByte('%')
	b.WriteByte(digits[c>>4])
	b.WriteByte(digits[c&0xF])
}

// isPathCharacter is "/" or pchar of RFC 3986 §3.3, but for ";", which as itself
// is refused and so stays escaped.
func isPathCharacter(c byte) bool {
	return percent.IsUnreserved(c) || strings.IndexByte("/!$&'()*+,=:@", c) >= 0
}

// hasEmptyOrDotSegment looks at the segments of a path that begins with "/".
// Only the last segment may be empty.
func hasEmptyOrDotSegment(path string) bool {
	rest, more := path[1:], true
	for more {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		if isDots(segment) || segment == "" && more {
			return true
		}
	}
	return false
}

// isDots reports whether a segment is "." or "..", or could become one where a
// server cuts off what it takes for parameters, a query or a fragment.
func isDots(segment string) bool {
	if segment == "" || segment[0] != '.' {
		return false
	}
	for _, end := range []string{"%3B", "%3F", "%23"} {
		segment, _, _ = strings.Cut(segment, end)
	}
	return segment == "." || segment == ".."
}
