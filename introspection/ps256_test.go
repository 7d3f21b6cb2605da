package introspection

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"testing"
)

func ps256Of(t testing.TB, key *rsa.PrivateKey) *ps256Key {
	t.Helper()
	key.Precompute()
	e := binary.BigEndian.AppendUint32(nil, uint32(key.E))
	ours, ok := newPS256Key(key.N.Bytes(), e, key.Primes[0].Bytes(), key.Primes[1].Bytes(),
		key.Precomputed.Dp.Bytes(), key.Precomputed.Dq.Bytes(), key.Precomputed.Qinv.Bytes())
	if !ok {
		t.Fatal("refused")
	}
	return ours
}

// crypto/rsa verifies what is signed here, and only with a salt of 32 bytes.
func TestPS256AgreesWithTheStandardLibrary(t *testing.T) {
	t.Parallel()
	for _, bits := range []int{2048, 2049, 2055, 3072} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		ours := ps256Of(t, key)
		for range 20 {
			digest := sha256.Sum256([]byte(rand.Text()))
			salt := make([]byte, saltSize)
			rand.Read(salt)
			signature, ok := ours.sign(digest[:], salt)
			if !ok || len(signature) != key.Size() {
				t.Fatalf("%d bits: not signed", bits)
			}
			if err := rsa.VerifyPSS(&key.PublicKey, crypto.SHA256, digest[:], signature, &rsa.PSSOptions{SaltLength: 32}); err != nil {
				t.Fatalf("%d bits: %v", bits, err)
			}
		}
	}
}

func TestPS256_NumbersThatDoNotBelongTogether(t *testing.T) {
	t.Parallel()
	key, _ := rsa.GenerateKey(rand.Reader, 2048)
	other, _ := rsa.GenerateKey(rand.Reader, 2048)
	numbers := func(k *rsa.PrivateKey) [7][]byte {
		k.Precompute()
		return [7][]byte{k.N.Bytes(), {1, 0, 1}, k.Primes[0].Bytes(), k.Primes[1].Bytes(),
			k.Precomputed.Dp.Bytes(), k.Precomputed.Dq.Bytes(), k.Precomputed.Qinv.Bytes()}
	}
	good, foreign := numbers(key), numbers(other)
	take := func(n [7][]byte) bool {
		_, ok := newPS256Key(n[0], n[1], n[2], n[3], n[4], n[5], n[6])
		return ok
	}
	if !take(good) {
		t.Fatal("the good key is refused")
	}
	for i := range good {
		for name, b := range map[string][]byte{
			"nothing": nil, "zero": {0}, "one": {1}, "two": {2}, "another key's": foreign[i],
			"flipped": append(bytes.Clone(good[i][:len(good[i])-1]), good[i][len(good[i])-1]^2), "even": append(bytes.Clone(good[i][:len(good[i])-1]), good[i][len(good[i])-1]&^1),
			"huge": bytes.Repeat([]byte{0xff}, 2000),
		} {
			bad := good
			bad[i] = b
			if bytes.Equal(b, good[i]) {
				continue
			}
			if take(bad) {
				t.Errorf("number %d: %s is taken", i, name)
			}
		}
	}
	small, _ := rsa.GenerateKey(rand.Reader, 1024)
	if take(numbers(small)) {
		t.Error("1024 bits are taken")
	}
}
