package thumbprint

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"

	"holdfast/internal/base64url"
)

// Thumbprint is a SHA-256 digest, as 32 bytes. Comparing bytes and not text
// makes every legal spelling of a digest equal.
type Thumbprint [32]byte

const (
	hexLength = 64 // digits that encode 32 bytes
	x5tLength = 43 // base64url characters that encode 32 bytes
	logLength = 8  // characters that a log line shows
)

// String is t as 43 base64url characters without padding, the form of
// x5t#S256 (RFC 8705 §3.1) and jkt (RFC 9449 §6.1).
func (t Thumbprint) String() string {
	return base64.RawURLEncoding.EncodeToString(t[:])
}

// Short is the first 8 characters of String: enough to find a certificate in a
// log, too little to be one.
func (t Thumbprint) Short() string {
	return t.String()[:logLength]
}

// Equal reports, in constant time, whether t and other are the same digest.
func (t Thumbprint) Equal(other Thumbprint) bool {
	return subtle.ConstantTimeCompare(t[:], other[:]) == 1
}

// ParseHex reads exactly 64 hexadecimal digits of either case, the form in
// which Envoy tells a certificate's digest. Anything else is ErrEncoding.
func ParseHex[T string | []byte](s T) (Thumbprint, error) {
	var t Thumbprint
	if len(s) != hexLength {
		return Thumbprint{}, ErrEncoding
	}
	if _, err := hex.Decode(t[:], []byte(s)); err != nil {
		return Thumbprint{}, ErrEncoding
	}
	return t, nil
}

// ParseX5T reads exactly 43 base64url characters, the value of x5t#S256 (RFC
// 8705 §3.1) or jkt (RFC 9449 §6.1). The two bits beyond the 32nd byte may be
// anything: RFC 8705's own example sets them. Anything else is ErrEncoding.
func ParseX5T(s string) (Thumbprint, error) {
	var t Thumbprint
	if len(s) != x5tLength {
		return Thumbprint{}, ErrEncoding
	}
	if _, ok := base64url.AppendDecodeLoose(t[:0], s); !ok {
		return Thumbprint{}, ErrEncoding
	}
	return t, nil
}
