package jwt

import (
	"math/big"

	"filippo.io/bigmod"
	"filippo.io/nistec"
)

// ECDSA verification is here, over the points of nistec and the numbers of
// bigmod, which are the ones inside Go's own crypto/ecdsa. That package itself
// brings signing, its self-tests and random number generators with it: 1.1 MB of
// wasm, which every worker would compile and keep. What makes ES256 fast is in
// table.go.

// point is what verification needs of a nistec point.
type point[P any] interface {
	Add(p1, p2 P) P
	Bytes() []byte
	BytesX() ([]byte, error)
	ScalarBaseMult(scalar []byte) (P, error)
	ScalarMult(p P, scalar []byte) (P, error)
	SetBytes([]byte) (P, error)
}

// curve is one of the curves of RFC 7518 §3.4.
type curve[P point[P]] struct {
	algorithm Algorithm
	size      int // of a coordinate and of a scalar in bytes
	newPoint  func() P
	order     *bigmod.Modulus // n of FIPS 186-5
	// combine is step 6 of verify.
	combine func(k *ecKey[P], u, v []byte, tables Tables) (P, error)
}

// The orders are those of NIST SP 800-186 §3.2.1.
var (
	p256 = curve[*nistec.P256Point]{ES256, 32, nistec.NewP256Point, modulus(
		"\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff" +
			"\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51"), combineP256}
	p384 = curve[*nistec.P384Point]{ES384, 48, nistec.NewP384Point, modulus(
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" +
			"\xff\xff\xff\xff\xff\xff\xff\xff\xc7\x63\x4d\x81\xf4\x37\x2d\xdf" +
			"\x58\x1a\x0d\xb2\x48\xb0\xa7\x7a\xec\xec\x19\x6a\xcc\xc5\x29\x73"), combine[*nistec.P384Point]}
	p521 = curve[*nistec.P521Point]{ES512, 66, nistec.NewP521Point, modulus(
		"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" +
			"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" +
			"\xff\xfa\x51\x86\x87\x83\xbf\x2f\x96\x6b\x7f\xcc\x01\x48\xf7\x09" +
			"\xa5\xd0\x3b\xb5\xc9\xb8\x89\x9c\x47\xae\xbb\x6f\xb7\x1e\x91\x38" +
			"\x64\x09"), combine[*nistec.P521Point]}
)

func modulus(bigEndian string) *bigmod.Modulus {
	m, err := bigmod.NewModulus([]byte(bigEndian))
	if err != nil {
		return nil // a test asserts that it does not happen
	}
	return m
}

// ecKey is a public key on one curve. It verifies that curve's one algorithm.
type ecKey[P point[P]] struct {
	curve  *curve[P]
	public P
	point  string // public in SEC 1 §2.3.3, uncompressed
}

// parsePoint reads the coordinates of a public key. nistec refuses a point that
// is not on the curve: with one a signature can be made up (CVE-2022-23806).
func parsePoint[P point[P]](c *curve[P], x, y []byte) (publicKey, bool) {
	if len(x) != c.size || len(y) != c.size {
		return nil, false
	}
	uncompressed := make([]byte, 0, 1+2*c.size)
	uncompressed = append(uncompressed, 4) // SEC 1 §2.3.3
	uncompressed = append(append(uncompressed, x...), y...)
	public, err := c.newPoint().SetBytes(uncompressed)
	if err != nil {
		return nil, false
	}
	return &ecKey[P]{c, public, string(uncompressed)}, true
}

func (k *ecKey[P]) fits(a Algorithm) bool { return a == k.curve.algorithm }

// verify checks the r‖s of RFC 7518 §3.4.
func (k *ecKey[P]) verify(a Algorithm, signingInput string, signature []byte, tables Tables) bool {
	_, sum := digest(a, signingInput)
	return k.verifyDigest(sum, signature, tables)
}

// verifyDigest is ECDSA signature verification, FIPS 186-5 §6.4.2. Its comments are
// the steps of the standard. Nothing in it is secret, so variable time does no harm.
func (k *ecKey[P]) verifyDigest(sum, signature []byte, tables Tables) bool {
	c := k.curve
	if len(signature) != 2*c.size {
		return false
	}
	// 1. r and s are in [1, n-1]. SetBytes refuses n and above.
	r, err := bigmod.NewNat().SetBytes(signature[:c.size], c.order)
	if err != nil || r.IsZero() == 1 {
		return false
	}
	s, err := bigmod.NewNat().SetBytes(signature[c.size:], c.order)
	if err != nil || s.IsZero() == 1 {
		return false
	}
	// 2. and 3. The digest as a number. None of the three hashes is longer than its
	// curve's order, so that no bits are cut off.
	e, err := bigmod.NewNat().SetOverflowingBytes(sum, c.order)
	if err != nil {
		return false
	}
	// 4. w = s^-1 mod n
	w, err := inverse(s, c.order)
	if err != nil {
		return false
	}
	// 5. u = e·w mod n, v = r·w mod n
	u := e.Mul(w, c.order).Bytes(c.order)
	v := w.Mul(r, c.order).Bytes(c.order)
	// 6. R1 = u·G + v·Q
	r1, err := c.combine(k, u, v, tables)
	if err != nil {
		return false
	}
	// 7. The point at infinity has no x and is refused.
	x, err := r1.BytesX()
	if err != nil {
		return false
	}
	// 8. x mod n == r
	x1, err := bigmod.NewNat().SetOverflowingBytes(x, c.order)
	return err == nil && x1.Equal(r) == 1
}

// inverse is s^-1 mod n, for a prime n and s in [1, n-1]. In a Wasm VM math/big takes
// 7 µs for it and bigmod 79, where all of an ES256 verification with tables takes 120.
func inverse(s *bigmod.Nat, order *bigmod.Modulus) (*bigmod.Nat, error) {
	n := new(big.Int).SetBytes(order.Nat().Bytes(order))
	w := new(big.Int).SetBytes(s.Bytes(order))
	return bigmod.NewNat().SetBytes(w.ModInverse(w, n).FillBytes(make([]byte, order.Size())), order)
}

// combine is u·G + v·Q without any table.
func combine[P point[P]](k *ecKey[P], u, v []byte, _ Tables) (P, error) {
	uG, err := k.curve.newPoint().ScalarBaseMult(u)
	if err != nil {
		return uG, err
	}
	vQ, err := k.curve.newPoint().ScalarMult(k.public, v)
	if err != nil {
		return vQ, err
	}
	return uG.Add(uG, vQ), nil
}
