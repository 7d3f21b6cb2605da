package strictjson

import (
	"math/bits"

	"github.com/tidwall/gjson"
)

// text reads the string whose first character is at i. plain is whether there is no
// escape in it.
func (r *reader) text(i int) (end int, plain bool) {
	plain = true
	for {
		switch i = ordinary(r.doc, i); r.at(i) {
		case '"':
			return i + 1, plain
		case '\\':
			plain = false
			if i = r.escape(i + 1); i < 0 {
				return i, false
			}
		default: // a control character, or the end of the document
			return r.fail(errSyntax), false
		}
	}
}

// ordinary returns where the characters from i on end that stand for themselves in a
// string: at a quote, a backslash, a control character or the end of doc. It looks at
// eight of them at once.
func ordinary(doc string, i int) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	for ; i+8 <= len(doc); i += 8 {
		s := doc[i : i+8]
		w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		// A byte is below n when subtracting n borrows from its high bit, which was not
		// set. What it borrows from the bytes above it may make them look so, too: only
		// the lowest counts.
		quote, backslash := w^'"'*ones, w^'\\'*ones
		if found := ((w-' '*ones)&^w | (quote-ones)&^quote | (backslash-ones)&^backslash) & highs; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(doc) && doc[i] >= ' ' && doc[i] != '"' && doc[i] != '\\' {
		i++
	}
	return i
}

// escape reads the escape whose backslash is before i. Every \uD800 to \uDFFF must be
// one of a pair, for RFC 8259 §8.2 leaves open what a lone one means.
func (r *reader) escape(i int) int {
	switch r.at(i) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
	default:
		return r.fail(errSyntax)
	}
	unit, ok := hex4(r.doc, i+1)
	if !ok {
		return r.fail(errSyntax)
	}
	i += 5
	if unit < 0xD800 || unit > 0xDFFF {
		return i
	}
	if unit > 0xDBFF || r.at(i) != '\\' || r.at(i+1) != 'u' {
		return r.fail(errSurrogate)
	}
	low, ok := hex4(r.doc, i+2)
	if !ok || low < 0xDC00 || low > 0xDFFF {
		return r.fail(errSurrogate)
	}
	return i + 6
}

// hex4 reads the four hex digits of a \u escape at i.
func hex4(doc string, i int) (unit uint16, ok bool) {
	if i+4 > len(doc) {
		return 0, false
	}
	for _, c := range []byte(doc[i : i+4]) {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		unit = unit<<4 | uint16(c)
	}
	return unit, true
}

// unescape returns what a string says that was read with its quotes.
func unescape(quoted string, plain bool) string {
	if plain {
		return quoted[1 : len(quoted)-1]
	}
	return gjson.Parse(quoted).Str
}
