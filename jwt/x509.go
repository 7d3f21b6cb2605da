package jwt

import (
	"math/big"
	"strings"

	"filippo.io/bigmod"
	"filippo.io/nistec"
)

// X509Signature is a signature with its key in the forms of X.509, which crypto
// libraries that know nothing of JOSE take: a host's, for one.
type X509Signature struct {
	Hash      string // of Input: "sha256", "sha384" or "sha512"
	PublicKey string // DER of SubjectPublicKeyInfo: RFC 5480 §2, RFC 3279 §2.3.1
	Signature string // ECDSA: DER of Ecdsa-Sig-Value, RFC 3279 §2.2.3; RSA: RFC 8017 §8.2
	Input     string // the bytes that were signed, RFC 7515 §5.2
}

// X509 is the question whether this key made the signature, in the forms of X.509,
// for the algorithms ES256, ES384, RS256, RS384 and RS512.
//
// ok is false when there is no such question: with another algorithm, with one that
// the key is not for, and with a signature that [Key.Verify] refuses for its length
// or its range alone. Then Verify is the one to ask.
func (k *Key) X509(a Algorithm, input string, signature []byte) (s X509Signature, ok bool) {
	if !k.Fits(a) {
		return X509Signature{}, false
	}
	s = X509Signature{PublicKey: k.spki, Input: input}
	switch a {
	case ES256:
		s.Signature, ok = ecdsaDER(signature, p256.order)
	case ES384:
		s.Signature, ok = ecdsaDER(signature, p384.order)
	case RS256, RS384, RS512:
		s.Signature, ok = string(signature), len(signature) == k.public.(*rsaKey).public.Size() // RFC 8017 §8.2.2
	}
	if !ok {
		return X509Signature{}, false
	}
	s.Hash = hashNames[a]
	return s, true
}

var hashNames = [...]string{ES256: "sha256", ES384: "sha384", RS256: "sha256", RS384: "sha384", RS512: "sha512"}

// ecdsaDER turns the r‖s of RFC 7518 §3.4 into an Ecdsa-Sig-Value. Both have to be
// in [1, n-1], as FIPS 186-5 §6.4.2 begins.
func ecdsaDER(signature []byte, order *bigmod.Modulus) (der string, ok bool) {
	size := order.Size()
	if len(signature) != 2*size {
		return "", false
	}
	for _, half := range [][]byte{signature[:size], signature[size:]} {
		number, err := bigmod.NewNat().SetBytes(half, order)
		if err != nil || number.IsZero() == 1 {
			return "", false
		}
	}
	return derElement(derSequence, derUint(signature[:size]), derUint(signature[size:])), true
}

// Tags of DER (X.690 §8).
const (
	derInteger   = "\x02"
	derBitString = "\x03"
	derSequence  = "\x30"
)

// AlgorithmIdentifiers, each a whole SEQUENCE.
const (
	// RFC 5480 §2.1.1: id-ecPublicKey with secp256r1 and with secp384r1.
	algorithmP256 = "\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
	algorithmP384 = "\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22"
	// RFC 3279 §2.3.1: rsaEncryption with NULL.
	algorithmRSA = "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"
)

// subjectPublicKeyInfo is the key as X.509 has it; empty for a key that [Key.X509] has
// no use for.
func subjectPublicKeyInfo(key publicKey) string {
	var algorithm, content string
	switch key := key.(type) {
	case *ecKey[*nistec.P256Point]:
		algorithm, content = algorithmP256, key.point // RFC 5480 §2.2: uncompressed
	case *ecKey[*nistec.P384Point]:
		algorithm, content = algorithmP384, key.point
	case *rsaKey: // RFC 8017 A.1.1
		e := big.NewInt(int64(key.public.E)).Bytes()
		algorithm, content = algorithmRSA, derElement(derSequence, derUint(key.public.N.Bytes()), derUint(e))
	default:
		return ""
	}
	const allBitsUsed = "\x00"
	return derElement(derSequence, algorithm, derElement(derBitString, allBitsUsed, content))
}

// derUint is an INTEGER above zero: the shortest form, and no sign.
func derUint(bigEndian []byte) string {
	for bigEndian[0] == 0 {
		bigEndian = bigEndian[1:]
	}
	sign := ""
	if bigEndian[0] >= 0x80 {
		sign = "\x00"
	}
	return derElement(derInteger, sign, string(bigEndian))
}

// derElement is one element of less than 64 KiB (X.690 §8.1.3, §10.1).
func derElement(tag string, parts ...string) string {
	length := 0
	for _, part := range parts {
		length += len(part)
	}
	var b strings.Builder
	b.Grow(len(tag) + 3 + length)
	b.WriteString(tag)
	switch {
	case length >= 0x100:
		b.WriteByte(0x82)
		b.WriteByte(byte(length >> 8))
	case length >= 0x80:
		b.WriteByte(0x81)
	}
	b.WriteByte(byte(length))
	for _, part := range parts {
		b.WriteString(part)
	}
	return b.String()
}
