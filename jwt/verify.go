package jwt

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
)

// Verify checks the token's signature with this key, over the bytes that were
// sent (RFC 7515 §5.2). The error is [ErrSignature], also when the token's
// algorithm is not one of the key's.
func (k *Key) Verify(t *Token) error { return k.VerifyWith(t, Tables{}) }

// VerifyWith is [Key.Verify], and is faster where the tables are of use: with an
// ES256 key. The outcome is the same with any tables.
func (k *Key) VerifyWith(t *Token, tables Tables) error {
	return k.verifySignature(t.Header().Algorithm, t.signingInput, t.signature, tables)
}

// verifySignature is VerifyWith without a token around it.
func (k *Key) verifySignature(a Algorithm, signingInput string, signature []byte, tables Tables) error {
	if !k.Fits(a) || !k.public.verify(a, signingInput, signature, tables) {
		return ErrSignature
	}
	return nil
}

// digest hashes input with the hash of the algorithm. EdDSA has none of its own.
func digest(a Algorithm, input string) (crypto.Hash, []byte) {
	switch a {
	case ES256, RS256, PS256:
		sum := sha256.Sum256([]byte(input))
		return crypto.SHA256, sum[:]
	case ES384, RS384, PS384:
		sum := sha512.Sum384([]byte(input))
		return crypto.SHA384, sum[:]
	default:
		sum := sha512.Sum512([]byte(input))
		return crypto.SHA512, sum[:]
	}
}

// rsaKey verifies RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 7518 §3.3, §3.5).
type rsaKey struct {
	public rsa.PublicKey
}

func (k *rsaKey) fits(a Algorithm) bool { return RS256 <= a && a <= PS512 }

func (k *rsaKey) verify(a Algorithm, signingInput string, signature []byte, _ Tables) bool {
	if len(signature) != k.public.Size() { // RFC 8017 §8.1.2, §8.2.2
		return false
	}
	hash, sum := digest(a, signingInput)
	if a < PS256 {
		return rsa.VerifyPKCS1v15(&k.public, hash, sum, signature) == nil
	}
	// RFC 7518 §3.5: the salt is as long as the hash. Go's default takes any.
	options := rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
	return rsa.VerifyPSS(&k.public, hash, sum, signature, &options) == nil
}

// edKey verifies Ed25519 (RFC 8037 §3.1).
type edKey ed25519.PublicKey

func (k edKey) fits(a Algorithm) bool { return a == EdDSA }

func (k edKey) verify(_ Algorithm, signingInput string, signature []byte, _ Tables) bool {
	// ed25519.Verify panics on a key of another length; parseEd25519 lets none in.
	return ed25519.Verify(ed25519.PublicKey(k), []byte(signingInput), signature)
}
