package jwt

import (
	"strings"

	"holdfast/strictjson"
)

// IsJWT reports whether token has to be judged as a JWT, so that nobody else is
// asked about it: its first segment, decoded leniently, begins a JSON object with
// a member "alg" or "enc".
//
// It is meant to say yes too often rather than too rarely. A broken JWT that
// counted as an opaque token would be sent to introspection, where a more lenient
// reader might find it good. So characters outside the alphabet are skipped, both
// base64 alphabets are read, the JSON may be cut off or break the grammar, and
// the names match in any case. What [Parse] then makes of it is another matter; but
// what Parse takes is a JWT, so that only what it refused has to be looked at.
func IsJWT(token string) bool {
	segment, _, _ := strings.Cut(token, ".")
	var buffer [512]byte // longer headers are rare, and go to the heap
	return namesAlgorithm(appendLenient(buffer[:0], segment))
}

// appendLenient decodes base64 of either alphabet and skips all else.
func appendLenient(data []byte, segment string) []byte {
	bits, count := uint32(0), 0
	for i := range len(segment) {
		c := segment[i]
		var digit byte
		switch {
		case 'A' <= c && c <= 'Z':
			digit = c - 'A'
		case 'a' <= c && c <= 'z':
			digit = c - 'a' + 26
		case '0' <= c && c <= '9':
			digit = c - '0' + 52
		case c == '-' || c == '+':
			digit = 62
		case c == '_' || c == '/':
			digit = 63
		default:
			continue
		}
		bits, count = bits<<6|uint32(digit), count+6
		if count >= 8 {
			count -= 8
			data = append(data, byte(bits>>count))
		}
	}
	return data
}

// namesAlgorithm reports whether text begins an object that has "alg" or "enc" as
// a name of its own, not of something nested. It neither recurses nor checks the
// grammar.
func namesAlgorithm(text []byte) bool {
	text = trimSpace(trimBOM(text))
	if len(text) == 0 || text[0] != '{' {
		return false
	}
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			end := stringEnd(text, i)
			if depth == 1 && end < len(text) && beginsWithColon(text[end:]) && isAlgorithmName(text[i:end]) {
				return true
			}
			i = end - 1
		}
	}
	return false
}

// stringEnd returns the index after the string that begins at i.
func stringEnd(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// isAlgorithmName takes a name with its quotes.
func isAlgorithmName(quoted []byte) bool {
	const longest = len(`"\u0061\u006c\u0067"`)
	if len(quoted) > longest {
		return false
	}
	name := string(quoted[1 : len(quoted)-1])
	if strings.IndexByte(name, '\\') >= 0 {
		v, _ := strictjson.Parse(string(quoted)) // unescapes; Missing has no text
		name, _ = v.Text()
	}
	return equalFoldASCII(name, "alg") || equalFoldASCII(name, "enc")
}

func beginsWithColon(text []byte) bool {
	text = trimSpace(text)
	return len(text) > 0 && text[0] == ':'
}

func trimBOM(text []byte) []byte {
	if len(text) >= 3 && text[0] == 0xEF && text[1] == 0xBB && text[2] == 0xBF {
		return text[3:]
	}
	return text
}

func trimSpace(text []byte) []byte {
	for len(text) > 0 && text[0] <= ' ' {
		text = text[1:]
	}
	return text
}
