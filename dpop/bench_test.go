package dpop

import (
	"bytes"
	"testing"
	"time"

	"holdfast/jwt"
)

// BenchmarkProof is what a proof costs a request from its header field to the end: all
// twelve checks with the nonce, but for the memory of proofs.
func BenchmarkProof(b *testing.B) {
	keys := mustParseKeys(b, keyA)
	e := expected()
	e.Nonce = func(nonce string) bool { return keys.Valid(nonce, e.Now, 5*time.Minute, e.ClockSkew) }
	for _, a := range allAlgorithms {
		compact := newClient(a).proof(nil, M{"nonce": keys.Issue(testNow)})
		b.Run(a.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := verdict(compact, e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkProofWithoutSignature is the same without what the key has to compute.
func BenchmarkProofWithoutSignature(b *testing.B) {
	compact, e := newClient(jwt.ES256).proof(nil, nil), expected()
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Parse(compact); err != nil {
				b.Fatal(err)
			}
		}
	})
	p := mustParse(b, compact)
	b.Run("check", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := p.Check(e); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkWorstKey is the most that a client can make a signature cost: the largest
// modulus and exponent that are taken (T07b).
func BenchmarkWorstKey(b *testing.B) {
	c := newClient(jwt.PS256)
	jwk := M{"kty": "RSA", "n": encodeURL(bytes.Repeat([]byte{0xff}, 512)), "e": "____"}
	header, payload, _ := cut3(c.proof(M{"jwk": jwk}, nil))
	compact := header + "." + payload + "." + encodeURL(bytes.Repeat([]byte{0x7f}, 512))
	b.ReportAllocs()
	for b.Loop() {
		if err := verdict(compact, expected()); err != ErrSignature {
			b.Fatal(err)
		}
	}
}
