// Package keylist reads secret keys out of the text that an environment variable
// holds.
package keylist

import (
	"encoding/base64"
	"strings"
)

// Size is the size of a key in bytes: 256 bits, for AES-256 and HMAC-SHA256.
const Size = 32

// Parse reads keys that are separated by commas or white space, in their order: each is
// exactly [Size] bytes in base64 or base64url, with or without padding. ok is false, and
// keys nil, when there is none, when one is anything else, and when one comes twice.
func Parse(list string) (keys [][]byte, ok bool) {
	seen := map[string]bool{}
	for _, text := range strings.FieldsFunc(list, isSeparator) {
		key, ok := decode(text)
		if !ok || seen[string(key)] {
			return nil, false
		}
		seen[string(key)] = true
		keys = append(keys, key)
	}
	return keys, len(keys) > 0
}

func isSeparator(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }

func decode(text string) ([]byte, bool) {
	text = strings.TrimSuffix(text, "=") // 32 bytes are padded with one
	encoding := base64.RawURLEncoding.Strict()
	if strings.ContainsAny(text, "+/") {
		encoding = base64.RawStdEncoding.Strict()
	}
	key, err := encoding.DecodeString(text)
	return key, err == nil && len(key) == Size
}
