package jwt

import (
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"math/big"
	"math/bits"

	"holdfast/internal/base64url"
	"holdfast/strictjson"
)

// Key is a public key that can verify tokens. [KeySet.Find] hands it out, and for
// DPoP proofs [ParseKey]. It is immutable and safe for concurrent use.
type Key struct {
	id        string
	hasID     bool
	algorithm Algorithm // the one algorithm it is for; 0 when any of its type
	public    publicKey
	spki      string // public in the form of X.509; empty when that has no use
}

// publicKey is the material of a key, one implementation for each key type.
type publicKey interface {
	// fits reports whether the algorithm is one of this key's type and curve.
	fits(Algorithm) bool
	// verify checks a signature with an algorithm that fits. The outcome is the same
	// with any tables.
	verify(a Algorithm, signingInput string, signature []byte, tables Tables) bool
	// equal reports whether the other is the same material.
	equal(publicKey) bool
}

// Fits reports whether the key is of this algorithm's type and curve, and not reserved
// for another algorithm by its "alg".
func (k *Key) Fits(a Algorithm) bool {
	return k.public != nil && k.public.fits(a) && (k.algorithm == 0 || k.algorithm == a)
}

// The sizes of RSA keys in bits. NIST SP 800-131A and RFC 7518 §3.3 set the lower
// one. Above the upper one a signature costs more CPU than anyone needs
// (CVE-2023-29409).
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// privateMembers are the JWK members that only a private or a shared key has
// (RFC 7518 §6). Whoever publishes one has lost the key.
var privateMembers = [...]string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// parseKey reads one JWK (RFC 7517 §4). ok is false for a key that cannot, may not
// or should not verify tokens.
func parseKey(jwk strictjson.Value) (key Key, ok bool) {
	for _, name := range privateMembers {
		if hasMember(jwk, name) {
			return Key{}, false
		}
	}
	if !isForVerifying(jwk) {
		return Key{}, false
	}
	if kid := jwk.Get("kid"); kid.Kind() != strictjson.Missing {
		key.id, key.hasID = kid.Text()
		if !key.hasID {
			return Key{}, false
		}
	}
	kty, _ := jwk.Get("kty").Text()
	switch kty {
	case "EC":
		key.public, ok = parseEC(jwk)
	case "RSA":
		key.public, ok = parseRSA(jwk)
	case "OKP":
		key.public, ok = parseEd25519(jwk)
	}
	if !ok {
		return Key{}, false
	}
	if alg := jwk.Get("alg"); alg.Kind() != strictjson.Missing {
		name, _ := alg.Text()
		key.algorithm, ok = ParseAlgorithm(name)
		if !ok || !key.public.fits(key.algorithm) {
			return Key{}, false
		}
	}
	key.spki = subjectPublicKeyInfo(key.public)
	return key, true
}

// isForVerifying reads "use" and "key_ops" (RFC 7517 §4.2, §4.3). Both may be
// absent; what is there has to allow verifying.
func isForVerifying(jwk strictjson.Value) bool {
	if use := jwk.Get("use"); use.Kind() != strictjson.Missing {
		if text, _ := use.Text(); text != "sig" {
			return false
		}
	}
	operations := jwk.Get("key_ops")
	if operations.Kind() == strictjson.Missing {
		return true
	}
	elements, _ := operations.Array()
	for _, element := range elements {
		if text, _ := element.Text(); text == "verify" {
			return true
		}
	}
	return false
}

// bytesOf decodes a base64url member of a JWK of at most max bytes.
func bytesOf(jwk strictjson.Value, name string, max int) (data []byte, ok bool) {
	text, ok := jwk.Get(name).Text()
	if !ok || len(text) > base64.RawURLEncoding.EncodedLen(max) {
		return nil, false
	}
	return base64url.Decode(text)
}

// parseEC reads an EC key (RFC 7518 §6.2.1).
func parseEC(jwk strictjson.Value) (publicKey, bool) {
	x, okX := bytesOf(jwk, "x", maxCoordinate)
	y, okY := bytesOf(jwk, "y", maxCoordinate)
	if !okX || !okY {
		return nil, false
	}
	switch crv, _ := jwk.Get("crv").Text(); crv {
	case "P-256":
		return parsePoint(&p256, x, y)
	case "P-384":
		return parsePoint(&p384, x, y)
	case "P-521":
		return parsePoint(&p521, x, y)
	}
	return nil, false
}

// maxCoordinate is the size of a P-521 coordinate in bytes.
const maxCoordinate = 66

// parseRSA reads an RSA key (RFC 7518 §6.3.1).
func parseRSA(jwk strictjson.Value) (publicKey, bool) {
	n, okN := bytesOf(jwk, "n", maxRSABits/8)
	e, okE := bytesOf(jwk, "e", 4)
	if !okN || !okE || !isUint(n) || !isUint(e) {
		return nil, false
	}
	exponent := uint64(0)
	for _, b := range e {
		exponent = exponent<<8 | uint64(b)
	}
	// 1 makes every message its own signature. An even one has no private key.
	// crypto/rsa takes none beyond 31 bits.
	if exponent < 3 || exponent%2 == 0 || exponent > 1<<31-1 {
		return nil, false
	}
	size := len(n)*8 - bits.LeadingZeros8(n[0])
	if size < minRSABits || n[len(n)-1]%2 == 0 {
		return nil, false
	}
	return &rsaKey{rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent)}}, true
}

// isUint reports whether data is a Base64urlUInt (RFC 7518 §2) above zero: no
// leading zero byte, so that a key has one form and its thumbprint one value.
func isUint(data []byte) bool { return len(data) > 0 && data[0] != 0 }

// parseEd25519 reads an Ed25519 key (RFC 8037 §2).
func parseEd25519(jwk strictjson.Value) (publicKey, bool) {
	if crv, _ := jwk.Get("crv").Text(); crv != "Ed25519" {
		return nil, false
	}
	x, ok := bytesOf(jwk, "x", ed25519.PublicKeySize)
	if !ok || len(x) != ed25519.PublicKeySize {
		return nil, false
	}
	return edKey(x), true
}
