package jwt

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// go-jose is the oracle: an independent implementation that signs for us and
// verifies what we take. For PS384 and PS512 it stands in for the vectors that
// Wycheproof has only few of.

var joseAlgorithms = []jose.SignatureAlgorithm{
	jose.ES256, jose.ES384, jose.ES512, jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.EdDSA,
}

// joseSign signs a token with go-jose.
func joseSign(t *testing.T, is *issuer, kid, payload string) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithType("at+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{
		Algorithm: jose.SignatureAlgorithm(is.algorithm.String()),
		Key:       jose.JSONWebKey{Key: is.private, KeyID: kid},
	}, options)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

// joseVerify asks go-jose about a token. It has the public key from the JWK text that
// our own parser reads too.
func joseVerify(t *testing.T, is *issuer, compact string) (payload []byte, err error) {
	t.Helper()
	var key jose.JSONWebKey
	if err := json.Unmarshal([]byte(is.jwk()), &key); err != nil {
		t.Fatal(err)
	}
	parsed, err := jose.ParseSignedCompact(compact, joseAlgorithms)
	if err != nil {
		return nil, err
	}
	return parsed.Verify(key)
}

// randomClaims makes claims that are good for testPolicy and otherwise of any shape.
func randomClaims(r *rand.Rand) string {
	var b strings.Builder
	b.WriteString(goodClaims[:len(goodClaims)-1])
	for i := range r.IntN(20) {
		name := fmt.Sprintf("claim %d é\n", i)
		value := []any{nil, r.Int64(), r.Float64(), strings.Repeat("\u20ac\"\\", r.IntN(20)), []int{1, 2}, map[string]any{"a": true}}[r.IntN(6)]
		n, _ := json.Marshal(name)
		v, _ := json.Marshal(value)
		fmt.Fprintf(&b, ",%s:%s", n, v)
	}
	b.WriteString("}")
	return b.String()
}

// TestOracleGoJose shows that go-jose and this package agree, both ways, for every
// algorithm: each verifies what the other side signed, and each refuses what was
// changed on the way.
func TestOracleGoJose(t *testing.T) {
	for _, a := range allAlgorithms {
		t.Run(a.String(), func(t *testing.T) {
			is := newIssuer(a)
			random := rand.New(rand.NewPCG(1, uint64(a)))
			set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
				{Key: is.private.Public(), KeyID: "k", Use: "sig", Algorithm: a.String()},
			}})
			if err != nil {
				t.Fatal(err)
			}
			keys, err := ParseKeySet(string(set))
			if err != nil {
				t.Fatalf("go-jose's key set: %v", err)
			}
			for range 20 {
				claims := randomClaims(random)

				theirs := joseSign(t, is, "k", claims)
				accepted(t, "theirs", keys, theirs)
				token, err := Parse(theirs)
				if err != nil {
					t.Fatal(err)
				}
				if h := token.Header(); h != (Header{Algorithm: a, KeyID: "k", HasKeyID: true, Type: "at+jwt"}) {
					t.Errorf("header %+v", h)
				}
				if token.Claims().Object().Raw() != claims {
					t.Error("the claims are not what was signed")
				}

				ours := is.compact(is.header(`,"kid":"k"`), claims)
				accepted(t, "ours", keys, ours)
				if payload, err := joseVerify(t, is, ours); err != nil || string(payload) != claims {
					t.Errorf("go-jose says %v", err)
				}

				changed := []byte(ours)
				at := random.IntN(len(changed))
				changed[at] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[random.IntN(32)]
				if string(changed) == ours {
					continue
				}
				// go-jose takes other trailing bits of the signature; we do not.
				if verdict(keys, testPolicy(), string(changed)) == nil {
					t.Errorf("changed at %d and accepted", at)
				}
			}
		})
	}
}
