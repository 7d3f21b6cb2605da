package introspection

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"testing"
)

// keyOf is the key of crypto/ecdsa as one of ours.
func keyOf(t testing.TB, key *ecdsa.PrivateKey) *es256Key {
	t.Helper()
	d, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	ours, ok := newES256Key(d, point[1:33], point[33:])
	if !ok {
		t.Fatal("refused")
	}
	return ours
}

// The test vectors for P-256 with SHA-256.
func TestRFC6979_A_2_5_Vectors(t *testing.T) {
	t.Parallel()
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	key, ok := newES256Key(unhex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721"),
		unhex("60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"),
		unhex("7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299"))
	if !ok {
		t.Fatal("the key is refused")
	}
	for message, want := range map[string]string{
		"sample": "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716" + "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
		"test":   "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367" + "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
	} {
		digest := sha256.Sum256([]byte(message))
		got, ok := key.sign(digest[:])
		if !ok || !bytes.Equal(got, unhex(want)) {
			t.Errorf("%s: %X", message, got)
		}
	}
}

// crypto/ecdsa signs the same deterministically, and verifies it.
func TestES256AgreesWithTheStandardLibrary(t *testing.T) {
	t.Parallel()
	for range 200 {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		var digest [32]byte
		rand.Read(digest[:])
		ours, ok := keyOf(t, key).sign(digest[:])
		if !ok {
			t.Fatal("not signed")
		}
		der, err := key.Sign(nil, digest[:], crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		var theirs struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(der, &theirs); err != nil {
			t.Fatal(err)
		}
		r, s := new(big.Int).SetBytes(ours[:32]), new(big.Int).SetBytes(ours[32:])
		if r.Cmp(theirs.R) != 0 || s.Cmp(theirs.S) != 0 || !ecdsa.Verify(&key.PublicKey, digest[:], r, s) {
			t.Fatalf("%x, want %x", ours, der)
		}
	}
}

func TestES256_Keys(t *testing.T) {
	t.Parallel()
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	other, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	d, _ := key.Bytes()
	point, _ := key.PublicKey.Bytes()
	elsewhere, _ := other.PublicKey.Bytes()
	x, y := point[1:33], point[33:]
	for name, tt := range map[string][3][]byte{
		"zero":               {make([]byte, 32), x, y},
		"the order":          {[]byte(order), x, y},
		"short":              {d[:31], x, y},
		"long":               {append([]byte{0}, d...), x, y},
		"none":               {nil, nil, nil},
		"another's point":    {d, elsewhere[1:33], elsewhere[33:]},
		"half a point":       {d, x, nil},
		"coordinates joined": {d, append(bytes.Clone(x), y...), nil},
	} {
		if _, ok := newES256Key(tt[0], tt[1], tt[2]); ok {
			t.Errorf("%s is taken", name)
		}
	}
}
