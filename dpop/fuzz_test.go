package dpop

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"holdfast/jwt"
)

// FuzzParse shows that every text gives a proof or one of four errors, that a proof has
// what encoding/json finds in it, and that go-jose verifies what this package does.
func FuzzParse(f *testing.F) {
	for _, example := range []string{rfc9449Figure2, rfc9449Figure7, rfc9449Figure13} {
		f.Add(unwrapped(example))
	}
	for _, a := range allAlgorithms {
		f.Add(newClient(a).proof(nil, M{"exp": testNow.Unix() + 1, "nbf": 1.5, "nonce": "n"}))
	}
	c := newClient(jwt.ES256)
	for _, header := range []M{{"jwk": privateJWK(c)}, {"jwk": M{"kty": "oct", "k": "AA"}}, {"jwk": newClient(jwt.RS256).jwk}, {"crit": []any{}}} {
		f.Add(c.proof(header, nil))
	}
	for _, claims := range []M{{"htu": "https://[::1]:443/%2e%2e/a%2fb?x#y"}, {"iat": 1e300}, {"jti": strings.Repeat("é", 300)}} {
		f.Add(c.proof(nil, claims))
	}
	f.Add("")
	f.Add("..")
	f.Fuzz(func(t *testing.T, compact string) {
		p, err := Parse(compact)
		if err != nil {
			if p != nil || !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrType) && !errors.Is(err, ErrAlgorithm) && !errors.Is(err, ErrKey) {
				t.Fatalf("%v, %v", p, err)
			}
			return
		}
		if len(compact) > MaxSize || p.ID() == "" || len(p.ID()) > MaxID || p.IssuedAt().IsZero() {
			t.Fatalf("%+v", p)
		}
		header, payload := segments(t, compact)
		claims := readJSON(t, payload)
		if claims["jti"] != p.ID() || claims["htm"] != p.method {
			t.Fatal("other claims than were sent")
		}
		if htu, _ := claims["htu"].(string); htu == "" {
			t.Fatal("no htu")
		} else if uri, _ := ParseURI(htu); uri != p.URI() {
			t.Fatalf("%q became %q", htu, p.URI())
		}
		if jwk, ok := readJSON(t, header)["jwk"].(map[string]any); !ok || jwk["d"] != nil || jwk["k"] != nil {
			t.Fatal("the key is none, or private")
		}
		again, err := Parse(compact)
		if err != nil || again.Thumbprint() != p.Thumbprint() || again.URI() != p.URI() || again.ID() != p.ID() {
			t.Fatalf("read again: %v", err)
		}
		e := expected()
		e.Nonce = func(string) bool { return true }
		if err := p.Check(e); err == nil && (p.URI() != URI{testOrigin, testPath} || claims["ath"] != hashOfToken(testToken)) {
			t.Fatal("passed for a request that it is not about")
		}
		if p.Verify(allAlgorithms, (*jwt.Key).Verify) == nil {
			if _, thumbprint, err := joseReads(compact); err != nil || thumbprint != p.Thumbprint().String() {
				t.Fatalf("go-jose says %v, %s", err, thumbprint)
			}
		}
	})
}

// segments decodes header and payload.
func segments(t *testing.T, compact string) (header, payload []byte) {
	t.Helper()
	parts := strings.Split(compact, ".")
	var err error
	if header, err = base64.RawURLEncoding.DecodeString(parts[0]); err != nil {
		t.Fatal(err)
	}
	if payload, err = base64.RawURLEncoding.DecodeString(parts[1]); err != nil {
		t.Fatal(err)
	}
	return header, payload
}
