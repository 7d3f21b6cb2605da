package dpop

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"holdfast/internal/base64url"
	"holdfast/internal/keylist"
)

// NonceKeys make nonces and recognise them (RFC 9449 §8, §9). Nothing is remembered: a
// nonce is the time at which it was made and a MAC over it, so that every replica with
// the same keys accepts what another gave out, and nobody without a key can tell what the
// nonces of a later time will be. The first key makes nonces and all recognise them: a new
// key is put first, and an old one is dropped when the last nonce that it made has ended.
type NonceKeys struct {
	all [][]byte
}

// ParseKeys reads a list of keys, separated by commas or white space: each is exactly 32
// bytes in base64 or base64url, with or without padding. The error is [ErrNonceKeys].
func ParseKeys(list string) (*NonceKeys, error) {
	keys, ok := keylist.Parse(list)
	if !ok {
		return nil, ErrNonceKeys
	}
	return &NonceKeys{keys}, nil
}

// A nonce is base64url of: seconds since 1970 (8 bytes, big endian), then the first 16
// bytes of the MAC. So it has only characters of NQCHAR, as RFC 9449 §8.1 demands.
const (
	timeSize  = 8
	macSize   = 16 // 128 bits, of which there is one guess for each request
	nonceSize = (timeSize + macSize) * 4 / 3
)

// Issue makes the nonce of this second: 32 characters.
func (k *NonceKeys) Issue(now time.Time) string {
	nonce := binary.BigEndian.AppendUint64(nil, uint64(now.Unix()))
	nonce = append(nonce, mac(k.all[0], nonce)...)
	return base64.RawURLEncoding.EncodeToString(nonce)
}

// Valid reports whether nonce was made by one of the keys, at a time since when no more
// than lifetime has passed. As for "iat", skew widens both ends: the clock of the replica
// that made it may be ahead or behind.
func (k *NonceKeys) Valid(nonce string, now time.Time, lifetime, skew time.Duration) bool {
	made, _, ok := k.open(nonce)
	age := now.Sub(made)
	return ok && -skew <= age && age <= lifetime+skew
}

// Renew reports whether a client that used this nonce should get a new one along with a
// good answer (RFC 9449 §8.2): half of its lifetime is over, or it is not from the first
// key.
func (k *NonceKeys) Renew(nonce string, now time.Time, lifetime time.Duration) bool {
	made, first, ok := k.open(nonce)
	return !ok || !first || now.Sub(made) > lifetime/2
}

// open returns when a nonce was made, and whether by the first key.
func (k *NonceKeys) open(nonce string) (made time.Time, first, ok bool) {
	if len(nonce) != nonceSize {
		return time.Time{}, false, false
	}
	data, ok := base64url.Decode(nonce)
	if !ok {
		return time.Time{}, false, false
	}
	seconds := binary.BigEndian.Uint64(data)
	for i, key := range k.all {
		if hmac.Equal(data[timeSize:], mac(key, data[:timeSize])) {
			return time.Unix(int64(seconds), 0), i == 0, true
		}
	}
	return time.Time{}, false, false
}

// mac is HMAC-SHA256, cut to macSize. The label keeps it apart from whatever else a key
// might be used for.
func mac(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("holdfast DPoP nonce\x00"))
	h.Write(text)
	return h.Sum(nil)[:macSize]
}
