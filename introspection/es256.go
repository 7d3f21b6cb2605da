package introspection

import (
	"crypto/hmac"
	"crypto/sha256"

	"filippo.io/bigmod"
	"filippo.io/nistec"
)

// es256Key signs with ECDSA on P-256, over the points of nistec and the numbers of
// bigmod, both of which take the same time whatever the secret. crypto/ecdsa, which
// is made of the same parts, would bring 1.1 MB of wasm with it for four curves.
type es256Key struct {
	d []byte // the private number, in [1, n-1]
}

const scalarSize = 32

// The order n of P-256 (NIST SP 800-186 §3.2.1.3), and n - 2, the exponent of the
// inverse by Fermat's little theorem: bigmod's InverseVarTime is not for secrets.
const (
	order = "\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff" +
		"\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51"
	orderLess2 = "\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff" +
		"\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x4f"
)

var modulus = func() *bigmod.Modulus {
	m, err := bigmod.NewModulus([]byte(order))
	if err != nil {
		return nil // a test asserts that it does not happen
	}
	return m
}()

// newES256Key takes a private number and the public point that belongs to it.
func newES256Key(d, x, y []byte) (*es256Key, bool) {
	if len(d) != scalarSize || len(x) != scalarSize || len(y) != scalarSize {
		return nil, false
	}
	number, err := new(bigmod.Nat).SetBytes(d, modulus)
	if err != nil || number.IsZero() == 1 {
		return nil, false
	}
	point, err := nistec.NewP256Point().ScalarBaseMult(d)
	public := append(append([]byte{4}, x...), y...) // SEC 1 §2.3.3
	return &es256Key{d}, err == nil && string(point.Bytes()) == string(public)
}

// sign is FIPS 186-5 §6.4.1, deterministic: k comes from the key and the digest (RFC
// 6979 §3.2), so that bad randomness cannot give the key away. It returns r‖s.
func (key *es256Key) sign(digest []byte) (signature []byte, ok bool) {
	e, err := new(bigmod.Nat).SetOverflowingBytes(digest, modulus)
	if err != nil {
		return nil, false
	}
	nonces := newNonces(key.d, e.Bytes(modulus))
	for tries := 0; !ok && tries < 100; tries++ { // each fails with a chance of about 2^-32
		signature, ok = key.signWith(nonces.next(), e)
	}
	return signature, ok
}

// signWith signs with a k, if it is one. A number that is used again would give the
// key away.
func (key *es256Key) signWith(candidate []byte, e *bigmod.Nat) ([]byte, bool) {
	k, errK := new(bigmod.Nat).SetBytes(candidate, modulus)
	d, errD := new(bigmod.Nat).SetBytes(key.d, modulus)
	point, errP := nistec.NewP256Point().ScalarBaseMult(candidate)
	if errK != nil || errD != nil || errP != nil || k.IsZero() == 1 {
		return nil, false
	}
	x, errX := point.BytesX()
	r, errR := new(bigmod.Nat).SetOverflowingBytes(x, modulus)
	if errX != nil || errR != nil {
		return nil, false
	}
	// s = k^-1 · (e + d·r) mod n
	s := new(bigmod.Nat).Exp(k, []byte(orderLess2), modulus)
	s.Mul(d.Mul(r, modulus).Add(e, modulus), modulus)
	return append(r.Bytes(modulus), s.Bytes(modulus)...), r.IsZero() == 0 && s.IsZero() == 0
}

// nonces is the generator of RFC 6979 §3.2 with HMAC-SHA-256, for an order and a
// hash of the same length.
type nonces struct {
	k, v  []byte
	again bool
}

func newNonces(private, digest []byte) *nonces {
	g := &nonces{k: make([]byte, sha256.Size), v: make([]byte, sha256.Size)}
	for i := range g.v {
		g.v[i] = 1
	}
	for _, separator := range []byte{0, 1} { // steps d to g
		g.k = g.mac(g.v, []byte{separator}, private, digest)
		g.v = g.mac(g.v)
	}
	return g
}

// next is step h: a candidate that the caller has to check.
func (g *nonces) next() []byte {
	if g.again {
		g.k = g.mac(g.v, []byte{0})
		g.v = g.mac(g.v)
	}
	g.again = true
	g.v = g.mac(g.v)
	return g.v
}

func (g *nonces) mac(parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, g.k)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil)
}
