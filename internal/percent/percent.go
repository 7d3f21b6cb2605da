// Package percent reads percent-encoding (RFC 3986 §2.1).
package percent

// Unescape reads the two hexadecimal digits that follow a "%". ok is false when
// rest does not begin with two of them.
func Unescape(rest string) (c byte, ok bool) {
	if len(rest) < 2 {
		return 0, false
	}
	high, okHigh := digit(rest[0])
	low, okLow := digit(rest[1])
	return high<<4 | low, okHigh && okLow
}

func digit(c byte) (value byte, ok bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// IsUnreserved reports whether c is unreserved (RFC 3986 §2.3): as %XX it means the same
// as by itself.
func IsUnreserved(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '-' || c == '.' || c == '_' || c == '~'
}
