// Package session seals an access token into a cookie and opens it again.
//
// It knows neither clocks nor HTTP: when a session has ended, whether the cookie
// may be used for a request, and which attributes it gets is the caller's affair.
package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
)

// KeySize is the size of a key in bytes: AES-256.
const KeySize = 32

// ErrKeys is the error of [ParseKeys]. It never holds any part of the list.
var ErrKeys = errors.New("session: not a list of different keys of 32 random bytes in base64 each")

// Keys are the keys that open cookies. The first one seals: a new key is put first,
// and an old one is dropped when the last cookie that it sealed has ended.
type Keys struct {
	all []key
}

type key struct {
	id   [idSize]byte
	aead cipher.AEAD
}

const idSize = 4

// ParseKeys reads a list of keys, separated by commas or white space: each is
// exactly [KeySize] bytes in base64 or base64url, with or without padding. The error
// is [ErrKeys].
func ParseKeys(list string) (*Keys, error) {
	keys := new(Keys)
	seen := map[string]bool{}
	for _, text := range strings.FieldsFunc(list, isSeparator) {
		secret, ok := decodeKey(text)
		if !ok || seen[string(secret)] {
			return nil, ErrKeys
		}
		seen[string(secret)] = true
		block, err := aes.NewCipher(secret)
		if err != nil {
			return nil, ErrKeys
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, ErrKeys
		}
		keys.all = append(keys.all, key{keyID(secret), aead})
	}
	if len(keys.all) == 0 {
		return nil, ErrKeys
	}
	return keys, nil
}

func isSeparator(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }

func decodeKey(text string) ([]byte, bool) {
	text = strings.TrimSuffix(text, "=") // 32 bytes are padded with one
	encoding := base64.RawURLEncoding.Strict()
	if strings.ContainsAny(text, "+/") {
		encoding = base64.RawStdEncoding.Strict()
	}
	secret, err := encoding.DecodeString(text)
	return secret, err == nil && len(secret) == KeySize
}

// keyID tells which key sealed a cookie, and nothing else of it.
func keyID(secret []byte) (id [idSize]byte) {
	digest := sha256.Sum256(append([]byte("holdfast session key id\x00"), secret...))
	copy(id[:], digest[:])
	return id
}
