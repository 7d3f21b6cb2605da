package session

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"holdfast/internal/base64url"
)

// Session is what a cookie holds.
type Session struct {
	Token string    // the access token as the client sent it
	Ends  time.Time // in whole seconds
}

// NonceSize is the size of a nonce in bytes: 96 bits, NIST SP 800-38D §8.2.2.
const NonceSize = 12

// MaxValue is the longest value that [Keys.Open] reads, in bytes.
const MaxValue = 4096

// ErrSession is the error of [Keys.Open]. Which of the reasons it was tells nobody
// anything: the cookie is not one of ours.
var ErrSession = errors.New("session: the cookie cannot be opened")

// A value is base64url of: version, key id, nonce, then what AES-256-GCM makes of
// the end (seconds since 1970, 8 bytes, big endian) and the token.
const (
	version    = 1
	headSize   = 1 + idSize
	endSize    = 8
	sealedFrom = headSize + NonceSize
)

// Seal returns the value of a cookie. The nonce has to be random: one that comes
// twice with the same key breaks the seal, which is why a key is good for 2^32 cookies
// (NIST SP 800-38D §8.3). settings is not in the value; it has to be the same when
// the value is opened.
func (k *Keys) Seal(s Session, settings []byte, nonce [NonceSize]byte) string {
	first := &k.all[0]
	value := append([]byte{version}, first.id[:]...)
	associated := associate(value, settings)
	value = append(value, nonce[:]...)
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, endSize+len(s.Token)), uint64(s.Ends.Unix()))
	plain = append(plain, s.Token...)
	return base64.RawURLEncoding.EncodeToString(first.aead.Seal(value, nonce[:], plain, associated))
}

// Open reads the value of a cookie that was sealed by any of the keys with the same
// settings. It does not look at the time. The error is [ErrSession].
func (k *Keys) Open(value string, settings []byte) (Session, error) {
	if len(value) > MaxValue {
		return Session{}, ErrSession
	}
	sealed, ok := base64url.Decode(value)
	if !ok || len(sealed) < sealedFrom || sealed[0] != version {
		return Session{}, ErrSession
	}
	head := sealed[:headSize]
	for i := range k.all {
		if !slices.Equal(k.all[i].id[:], head[1:]) {
			continue
		}
		plain, err := k.all[i].aead.Open(nil, sealed[headSize:sealedFrom], sealed[sealedFrom:], associate(head, settings))
		if err != nil || len(plain) <= endSize {
			continue
		}
		seconds := binary.BigEndian.Uint64(plain)
		if seconds > lastSecond {
			continue
		}
		return Session{Token: string(plain[endSize:]), Ends: time.Unix(int64(seconds), 0)}, nil
	}
	return Session{}, ErrSession
}

// lastSecond is the end of the year 9999.
const lastSecond = 253402300799

// associate makes the associated data. The head has a fixed size, so that head and
// settings cannot run into each other.
func associate(head, settings []byte) []byte {
	return append(slices.Clone(head), settings...)
}
