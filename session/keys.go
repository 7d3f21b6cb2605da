// Package session seals an access token into a cookie and opens it again.
//
// It knows neither clocks nor HTTP: when a session has ended, whether the cookie
// may be used for a request, and which attributes it gets is the caller's affair.
package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"

	"holdfast/internal/keylist"
)

// KeySize is the size of a key in bytes: AES-256.
const KeySize = keylist.Size

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
	secrets, ok := keylist.Parse(list)
	if !ok {
		return nil, ErrKeys
	}
	keys := new(Keys)
	for _, secret := range secrets {
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
	return keys, nil
}

// keyID tells which key sealed a cookie, and nothing else of it.
func keyID(secret []byte) (id [idSize]byte) {
	digest := sha256.Sum256(append([]byte("holdfast session key id\x00"), secret...))
	copy(id[:], digest[:])
	return id
}
