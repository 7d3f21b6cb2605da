package introspection

import (
	"encoding/base64"
	"strings"
)

// Form writes names and values, in this order, as application/x-www-form-urlencoded
// (RFC 7662 §2.1, RFC 6749 appendix B). Each is encoded once.
func Form(fields ...[2]string) string {
	var b strings.Builder
	for i, field := range fields {
		if i > 0 {
			b.WriteByte('&')
		}
		encode(&b, field[0])
		b.WriteByte('=')
		encode(&b, field[1])
	}
	return b.String()
}

// Basic is the value of an Authorization field for client_secret_basic. Both parts
// are form-encoded before they are put together (RFC 6749 §2.3.1), so that a colon
// in either is no separator.
func Basic(clientID, secret string) string {
	var b strings.Builder
	encode(&b, clientID)
	b.WriteByte(':')
	encode(&b, secret)
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(b.String()))
}

// encode writes letters, digits and "-._*" as they are, a space as "+", and every
// other byte as %XX: the serializer of the URL standard.
func encode(b *strings.Builder, s string) {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '*':
			b.WriteByte(c)
		case c == ' ':
			b.WriteByte('+')
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
}
