package jwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"math/big"
	"slices"
	"testing"
)

// x509Algorithms are those that X509 has a question for.
var x509Algorithms = []Algorithm{ES256, ES384, RS256, RS384, RS512}

// standardVerdict is what the standard library says to a question.
func standardVerdict(t testing.TB, a Algorithm, s X509Signature) bool {
	t.Helper()
	public, err := x509.ParsePKIXPublicKey([]byte(s.PublicKey))
	if err != nil {
		t.Fatalf("%v: the key: %v", a, err)
	}
	hash, sum := digest(a, s.Input)
	if want := map[string]int{"sha256": 32, "sha384": 48, "sha512": 64}[s.Hash]; want != len(sum) {
		t.Fatalf("%v: hash %q", a, s.Hash)
	}
	if public, ok := public.(*rsa.PublicKey); ok {
		return rsa.VerifyPKCS1v15(public, hash, sum, []byte(s.Signature)) == nil
	}
	return ecdsa.VerifyASN1(public.(*ecdsa.PublicKey), sum, []byte(s.Signature))
}

// agrees asserts that the standard library, asked by way of X509, says what
// verifySignature says.
func agrees(t testing.TB, key *Key, a Algorithm, input string, signature []byte) {
	t.Helper()
	want := key.verifySignature(a, input, signature, Tables{}) == nil
	s, ok := key.X509(a, input, signature)
	switch {
	case ok && standardVerdict(t, a, s) != want:
		t.Errorf("%v %q, %x: want %t", a, input, signature, want)
	case !ok && want && slices.Contains(x509Algorithms, a):
		t.Errorf("%v %q, %x: no question about a good signature", a, input, signature)
	}
}

// RFC 5480 §2 and RFC 3279 §2.3.1: keys of every size and form as crypto/x509 writes
// them.
func TestRFC5480_2_RFC3279_2_3_PublicKeys(t *testing.T) {
	test := func(name, jwk string, public any) {
		want, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			t.Fatal(err)
		}
		if got := mustKeySet(t, jwk).keys[0].spki; got != string(want) {
			t.Errorf("%s: %x, want %x", name, got, want)
		}
	}
	for range 50 {
		for crv, curve := range map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384()} {
			private, err := ecdsa.GenerateKey(curve, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			point, err := private.PublicKey.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			half := len(point) / 2
			test(crv, fmt.Sprintf(`{"kty":"EC","crv":%q,"x":%q,"y":%q}`, crv, encodeURL(point[1:1+half]), encodeURL(point[1+half:])), &private.PublicKey)
		}
	}
	for _, size := range []int{2048, 2049, 2055, 3072, 4096, 8192} {
		for _, e := range []int{3, 127, 129, 65537, 1<<31 - 1} {
			n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(size)))
			if err != nil {
				t.Fatal(err)
			}
			n.SetBit(n.SetBit(n, 0, 1), size-1, 1)
			test(fmt.Sprint("RSA ", size, e), fmt.Sprintf(`{"kty":"RSA","n":%q,"e":%q}`,
				encodeURL(n.Bytes()), encodeURL(big.NewInt(int64(e)).Bytes())), &rsa.PublicKey{N: n, E: e})
		}
	}
	for _, a := range []Algorithm{ES512, EdDSA} {
		if spki := newIssuer(a).keySet(t).keys[0].spki; spki != "" {
			t.Errorf("%v: %x", a, spki)
		}
	}
}

// RFC 3279 §2.2.3: signatures, good ones and others, are the same question.
func TestRFC3279_2_2_Signatures(t *testing.T) {
	for _, a := range x509Algorithms {
		is := newIssuer(a)
		key := &is.keySet(t).keys[0]
		for i := range 100 {
			input := fmt.Sprint("input ", i)
			signature := is.signature(input)
			agrees(t, key, a, input, signature)
			agrees(t, key, a, input+"x", signature)
			signature[i%len(signature)] ^= 1 << (i % 8)
			agrees(t, key, a, input, signature)
		}
	}
}

// r and s of every length have the one DER form.
func TestRFC3279_2_2_NumbersOfEveryLength(t *testing.T) {
	for _, bits := range []int{1, 7, 8, 9, 15, 16, 17, 127, 128, 247, 248, 249, 255} {
		r := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
		s := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(bits)), big.NewInt(1))
		got, ok := ecdsaDER(rAndS(elliptic.P256(), r, s), p256.order)
		if want := derSignature(t, r, s); !ok || got != string(want) {
			t.Errorf("%d bits: %x, want %x", bits, got, want)
		}
	}
}

// FIPS 186-5 §6.4.2 and RFC 8017 §8.2.2: what is refused for its length or its range is
// no question for anybody else; Verify refuses it.
func TestX509KeepsBadSignaturesBack(t *testing.T) {
	refused := func(key *Key, a Algorithm, name string, signature []byte) {
		t.Helper()
		if s, ok := key.X509(a, "input", signature); ok {
			t.Errorf("%v, %s: %+v", a, name, s)
		}
		if key.verifySignature(a, "input", signature, Tables{}) == nil {
			t.Errorf("%v, %s: verified", a, name)
		}
	}
	for _, a := range x509Algorithms {
		is := newIssuer(a)
		key := &is.keySet(t).keys[0]
		good := is.signature("input")
		refused(key, a, "empty", nil)
		refused(key, a, "short", good[1:])
		refused(key, a, "long", append([]byte{0}, good...))
		private, ok := is.private.(*ecdsa.PrivateKey)
		if !ok {
			continue
		}
		n, one := private.Params().N, big.NewInt(1)
		for name, number := range map[string]*big.Int{"0": new(big.Int), "n": n, "n+1": new(big.Int).Add(n, one),
			"all ones": new(big.Int).Sub(new(big.Int).Lsh(one, uint(n.BitLen())), one)} {
			refused(key, a, "r is "+name, rAndS(private.Curve, number, one))
			refused(key, a, "s is "+name, rAndS(private.Curve, one, number))
		}
		refused(key, a, "DER", derSignature(t, one, one))
	}
}

// A key is asked about only for what it is for, as in [TestVerifyChecksTheKey].
func TestX509ChecksTheKey(t *testing.T) {
	for _, a := range allAlgorithms {
		signature := newIssuer(a).signature("input")
		for _, other := range allAlgorithms {
			key := &newIssuer(other).keySet(t, `,"alg":"`+other.String()+`"`).keys[0]
			if _, ok := key.X509(a, "input", signature); ok != (a == other && slices.Contains(x509Algorithms, a)) {
				t.Errorf("%v with a key for %v: %t", a, other, ok)
			}
		}
		if _, ok := new(Key).X509(a, "input", signature); ok {
			t.Errorf("%v with no key", a)
		}
	}
	if _, ok := newIssuer(EdDSA).keySet(t).keys[0].X509(0, "", make([]byte, ed25519.SignatureSize)); ok {
		t.Error("no algorithm")
	}
}

// What a token shows is what was signed.
func TestX509OfAToken(t *testing.T) {
	is := newIssuer(RS256)
	token, err := Parse(is.compact(is.header(), goodClaims))
	if err != nil {
		t.Fatal(err)
	}
	s, ok := is.keySet(t).keys[0].X509(token.Header().Algorithm, token.SigningInput(), token.Signature())
	if !ok || !standardVerdict(t, RS256, s) {
		t.Errorf("%t, %+v", ok, s)
	}
}
