package dpop

import (
	"crypto"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"holdfast/jwt"
)

// joseProof makes a proof with go-jose, which puts the key into the header itself.
func joseProof(t *testing.T, c *client, claims string) string {
	t.Helper()
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.SignatureAlgorithm(c.algorithm.String()), Key: c.private},
		(&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

// joseReads is what go-jose says of a proof: its claims and the thumbprint of its key.
func joseReads(compact string) (claims []byte, thumbprint string, err error) {
	algorithms := make([]jose.SignatureAlgorithm, len(allAlgorithms))
	for i, a := range allAlgorithms {
		algorithms[i] = jose.SignatureAlgorithm(a.String())
	}
	signed, err := jose.ParseSignedCompact(compact, algorithms)
	if err != nil {
		return nil, "", err
	}
	key := signed.Signatures[0].Protected.JSONWebKey
	if claims, err = signed.Verify(key); err != nil {
		return nil, "", err
	}
	print, err := key.Thumbprint(crypto.SHA256)
	return claims, encodeURL(print), err
}

// TestOracleGoJose shows that go-jose and this package agree, both ways, for every
// algorithm: on what is a proof, by which key, and on what was changed on the way.
func TestOracleGoJose(t *testing.T) {
	t.Parallel()
	for _, a := range allAlgorithms {
		t.Run(a.String(), func(t *testing.T) {
			t.Parallel()
			c := newClient(a)
			random := rand.New(rand.NewPCG(9449, uint64(a)))
			for range 10 {
				ours := c.proof(nil, M{"jti": encodeURL([]byte{byte(random.Uint32()), byte(random.Uint32())})})
				claims, thumbprint, err := joseReads(ours)
				if err != nil {
					t.Fatalf("go-jose says %v", err)
				}
				p := mustParse(t, ours)
				if p.Thumbprint().String() != thumbprint || p.token.Claims().Object().Raw() != string(claims) {
					t.Error("another key or other claims")
				}

				theirs := joseProof(t, c, string(claims))
				is(t, verdict(theirs, expected()), nil)
				if mustParse(t, theirs).Thumbprint() != p.Thumbprint() {
					t.Error("another thumbprint of the same key")
				}

				changed := []byte(theirs)
				changed[random.IntN(len(changed))] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[random.IntN(32)]
				if string(changed) == theirs {
					continue
				}
				// go-jose takes other trailing bits of the signature; we do not.
				if verdict(string(changed), expected()) == nil {
					t.Errorf("changed and accepted: %s", changed)
				}
			}
		})
	}
}

// TestOracleGoJoseRefuses: what go-jose refuses as the key of a JWS is refused here.
func TestOracleGoJoseRefuses(t *testing.T) {
	t.Parallel()
	c := newClient(jwt.ES256)
	for name, jwk := range map[string]any{
		"private": privateJWK(c), "symmetric": M{"kty": "oct", "k": "AAAA"}, "off the curve": with(c.jwk, "y", c.jwk["x"]), "short": with(c.jwk, "x", "AA"),
	} {
		compact := c.proof(M{"jwk": jwk}, nil)
		if _, _, err := joseReads(compact); err == nil {
			t.Errorf("%s: go-jose takes it", name)
		}
		is(t, verdict(compact, expected()), ErrKey)
	}
}

// readJSON decodes with encoding/json, which knows nothing of strictjson.
func readJSON(t *testing.T, text []byte) (object map[string]any) {
	t.Helper()
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatal(err)
	}
	return object
}
