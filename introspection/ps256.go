package introspection

import (
	"crypto/sha256"
	"encoding/binary"

	"filippo.io/bigmod"
)

// ps256Key signs with RSASSA-PSS, over the numbers of bigmod, which take the same
// time whatever the secret. Signing with crypto/rsa, which is made of the same
// parts, would bring Go's random number generators into the module, and with them
// a timer and the import of fd_read.
type ps256Key struct {
	n, p, q *bigmod.Modulus
	e       uint
	// The private key as the Chinese remainder theorem wants it, which is four
	// times as fast as the private exponent (RFC 8017 §3.2).
	dp, dq []byte
	qInv   *bigmod.Nat
}

// newPS256Key takes the numbers of a JWK (RFC 7518 §6.3.1, §6.3.2), big endian.
// Whether they belong together shows when they sign: sign checks what it made.
func newPS256Key(n, e, p, q, dp, dq, qi []byte) (*ps256Key, bool) {
	k := new(ps256Key)
	if len(e) > 4 {
		return nil, false
	}
	for _, b := range e {
		k.e = k.e<<8 | uint(b)
	}
	if k.e < 3 || k.e&1 == 0 || k.e > 1<<31-1 {
		return nil, false
	}
	var ok [3]bool
	k.n, ok[0] = oddModulus(n)
	k.p, ok[1] = oddModulus(p)
	k.q, ok[2] = oddModulus(q)
	if ok != [3]bool{true, true, true} || k.n.BitLen() < minRSABits || k.n.BitLen() > maxRSABits {
		return nil, false
	}
	product, err := bigmod.NewModulusProduct(p, q)
	if err != nil || product.BitLen() != k.n.BitLen() || product.Nat().Equal(k.n.Nat()) != 1 {
		return nil, false
	}
	// Below their primes, and stored as long as those: how long an exponent is can be
	// seen in the time that it takes.
	forP, errP := new(bigmod.Nat).SetBytes(dp, k.p)
	forQ, errQ := new(bigmod.Nat).SetBytes(dq, k.q)
	inverse, errI := new(bigmod.Nat).SetBytes(qi, k.p)
	if errP != nil || errQ != nil || errI != nil {
		return nil, false
	}
	k.dp, k.dq, k.qInv = forP.Bytes(k.p), forQ.Bytes(k.q), inverse
	digest := sha256.Sum256([]byte("do these numbers belong together?"))
	_, signs := k.sign(digest[:], digest[:])
	return k, signs
}

// oddModulus: the arithmetic needs odd numbers, and primes are.
func oddModulus(b []byte) (*bigmod.Modulus, bool) {
	if len(b) == 0 || b[len(b)-1]&1 == 0 {
		return nil, false
	}
	m, err := bigmod.NewModulus(b)
	return m, err == nil
}

// sign is RSASSA-PSS-SIGN with SHA-256 and a salt of 32 bytes (RFC 8017 §8.1.1, RFC
// 7518 §3.5).
func (k *ps256Key) sign(digest, salt []byte) ([]byte, bool) {
	encoded := encodePSS(digest, salt, k.n.BitLen()-1)
	m, err := new(bigmod.Nat).SetBytes(encoded, k.n)
	if err != nil {
		return nil, false
	}
	// RSASP1 with the Chinese remainder theorem (RFC 8017 §5.2.1, step 2.b):
	// s1 = m^dP mod p, s2 = m^dQ mod q, h = (s1 - s2)·qInv mod p, s = s2 + q·h.
	scratch := new(bigmod.Nat)
	h := new(bigmod.Nat).Exp(scratch.Mod(m, k.p), k.dp, k.p)
	s2 := new(bigmod.Nat).Exp(scratch.Mod(m, k.q), k.dq, k.q)
	h.Sub(scratch.Mod(s2, k.p), k.p).Mul(k.qInv, k.p)
	s := h.ExpandFor(k.n).Mul(scratch.Mod(k.q.Nat(), k.n), k.n).Add(s2.ExpandFor(k.n), k.n)
	// A fault in any of it would give a prime away (Boneh, DeMillo, Lipton).
	if new(bigmod.Nat).ExpShortVarTime(s, k.e, k.n).Equal(m) != 1 {
		return nil, false
	}
	return s.Bytes(k.n), true
}

// saltSize is the length of the salt: that of the hash.
const saltSize = sha256.Size

// encodePSS is EMSA-PSS-ENCODE (RFC 8017 §9.1.1) with SHA-256 and MGF1.
func encodePSS(digest, salt []byte, bits int) []byte {
	size := (bits + 7) / 8
	hash := sha256.New()
	hash.Write(make([]byte, 8)) // steps 5 and 6
	hash.Write(digest)
	hash.Write(salt)
	h := hash.Sum(nil)
	encoded := make([]byte, size)
	db := encoded[:size-sha256.Size-1] // steps 7 and 8: zeros, 0x01, salt
	db[len(db)-saltSize-1] = 1
	copy(db[len(db)-saltSize:], salt)
	mask(db, h)                        // steps 9 and 10
	db[0] &= 0xff >> uint(8*size-bits) // step 11
	copy(encoded[len(db):], h)
	encoded[size-1] = 0xbc
	return encoded
}

// mask adds MGF1 of a seed (RFC 8017 B.2.1) to b.
func mask(b, seed []byte) {
	for counter := uint32(0); len(b) > 0; counter++ {
		block := sha256.Sum256(binary.BigEndian.AppendUint32(append([]byte(nil), seed...), counter))
		n := min(len(b), len(block))
		for i := range n {
			b[i] ^= block[i]
		}
		b = b[n:]
	}
}
