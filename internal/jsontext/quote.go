// Package jsontext writes JSON text, for where encoding/json would be too heavy.
package jsontext

import "strings"

// Quote writes a JSON string (RFC 8259 §7). Bytes that are not UTF-8 stay as they
// are: the caller's strings are configuration or fixed text.
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < 0x20:
			const hex = "0123456789abcdef"
			b.WriteString(`\u00`)
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
