package jwt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"math/big"
	"testing"
)

// derSignature writes r and s as the SEQUENCE that X.509 and TLS use.
func derSignature(t testing.TB, r, s *big.Int) []byte {
	t.Helper()
	der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestECDSAOrdersAreThoseOfTheCurves(t *testing.T) {
	for a, order := range map[Algorithm][]byte{
		ES256: p256.order.Nat().Bytes(p256.order),
		ES384: p384.order.Nat().Bytes(p384.order),
		ES512: p521.order.Nat().Bytes(p521.order),
	} {
		want := stdlibCurve(a).Params().N
		if want.Cmp(new(big.Int).SetBytes(order)) != 0 {
			t.Errorf("%v: the order is %x, want %x", a, order, want)
		}
	}
}

func stdlibCurve(a Algorithm) elliptic.Curve {
	return map[Algorithm]elliptic.Curve{ES256: elliptic.P256(), ES384: elliptic.P384(), ES512: elliptic.P521()}[a]
}

// TestECDSAAgreesWithTheStandardLibrary signs with crypto/ecdsa, changes r, s or
// the message at random, and asks both for their verdict.
func TestECDSAAgreesWithTheStandardLibrary(t *testing.T) {
	for _, a := range []Algorithm{ES256, ES384, ES512} {
		private, err := ecdsa.GenerateKey(stdlibCurve(a), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		key := ecKeyOf(t, a, &private.PublicKey)
		good := 0
		for i := range 200 {
			message := []byte{byte(i), 'm'}
			_, sum := digest(a, string(message))
			r, s, err := ecdsa.Sign(rand.Reader, private, sum)
			if err != nil {
				t.Fatal(err)
			}
			switch i % 5 {
			case 1:
				r.Add(r, big.NewInt(1))
			case 2:
				s.Sub(private.Params().N, s) // the other signature of the same message, which is good too
			case 3:
				message[1] = 'n'
				_, sum = digest(a, string(message))
			case 4:
				r, s = s, r
			}
			signature := rAndS(private.Curve, r, s)
			got := key.verify(a, string(message), signature, Tables{})
			want := ecdsa.Verify(&private.PublicKey, sum, r, s)
			if got != want {
				t.Fatalf("%v: %x: %v, crypto/ecdsa says %v", a, signature, got, want)
			}
			if got {
				good++
			}
		}
		if good != 80 {
			t.Errorf("%v: %d of 200 signatures are good, want 80", a, good)
		}
	}
}

func ecKeyOf(t *testing.T, a Algorithm, public *ecdsa.PublicKey) publicKey {
	t.Helper()
	point, err := public.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	x, y := point[1:1+len(point)/2], point[1+len(point)/2:]
	for _, parse := range map[Algorithm]func() (publicKey, bool){
		ES256: func() (publicKey, bool) { return parsePoint(&p256, x, y) },
		ES384: func() (publicKey, bool) { return parsePoint(&p384, x, y) },
		ES512: func() (publicKey, bool) { return parsePoint(&p521, x, y) },
	} {
		if key, ok := parse(); ok {
			if !key.fits(a) {
				t.Fatalf("a key for %v fits another curve", a)
			}
			return key
		}
	}
	t.Fatalf("%v: the public key is refused", a)
	return nil
}

func TestECDSARefusesTheOriginAndForeignPoints(t *testing.T) {
	zero := make([]byte, 32)
	if _, ok := parsePoint(&p256, zero, zero); ok {
		t.Error("(0, 0) is taken for a point of P-256")
	}
	if _, ok := parsePoint(&p256, bytes.Repeat([]byte{0xff}, 32), zero); ok {
		t.Error("a coordinate above the field is taken")
	}
}
