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

	"filippo.io/bigmod"
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

func unhexed(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The detailed example, of another curve: its first two candidates are too large.
func TestRFC6979_A_1_2_FurtherCandidates(t *testing.T) {
	t.Parallel()
	nonces := newNonces(unhexed(t, "009A4D6792295A7F730FC3F2B49CBC0F62E862272F"), unhexed(t, "01795EDF0D54DB760F156D0DAC04C0322B3A204224"))
	for i, want := range []string{
		"9305A46DE7FF8EB107194DEBD3FD48AA20D5E7656CBE0EA69D2A8D4E7C67314A",
		"C70C78608A3B5BE9289BE90EF6E81A9E2C1516D5751D2F75F50033E45F73BDEB",
		"475E80E992140567FCC3A50DAB90FE84BCD7BB03638E9C4656A06F37F6508A7C",
	} {
		if got := nonces.next(); !bytes.Equal(got, unhexed(t, want)) {
			t.Errorf("candidate %d is %X", i, got)
		}
	}
}

// A k outside of [1, n-1] signs nothing.
func TestRFC6979_3_2_NoCandidate(t *testing.T) {
	t.Parallel()
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	digest := sha256.Sum256(nil)
	e, err := bigmod.NewNat().SetOverflowingBytes(digest[:], modulus)
	if err != nil {
		t.Fatal(err)
	}
	one := append(make([]byte, 31), 1)
	for name, tt := range map[string]struct {
		k    []byte
		good bool
	}{
		"one": {one, true}, "n-1": {[]byte(order[:31] + "\x50"), true}, "zero": {make([]byte, 32), false}, "n": {[]byte(order), false},
		"n+1": {[]byte(order[:31] + "\x52"), false}, "the largest": {bytes.Repeat([]byte{0xff}, 32), false}, "short": {one[1:], false}, "long": {append([]byte{0}, one...), false},
	} {
		signature, ok := keyOf(t, key).signWith(tt.k, e)
		if ok != tt.good || ok && !ecdsa.Verify(&key.PublicKey, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
			t.Errorf("%s: %x", name, signature)
		}
	}
	if _, ok := keyOf(t, key).sign(bytes.Repeat([]byte{0xff}, 33)); ok {
		t.Error("a digest of 33 bytes is signed")
	}
}

// The test vectors for P-256 with SHA-256.
func TestRFC6979_A_2_5_Vectors(t *testing.T) {
	t.Parallel()
	unhex := func(s string) []byte { return unhexed(t, s) }
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
