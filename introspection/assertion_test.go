package introspection

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
)

var assertion = Assertion{
	ClientID: "s6BhdRkqt3", Audience: "https://as.example.com/", ID: "0123456789abcdef",
	IssuedAt: time.Unix(1700000000, 999), Lifetime: time.Minute,
}

func random(b []byte) error {
	_, err := rand.Read(b)
	return err
}

// signs is a key and what go-jose verifies its signatures with.
type signs struct {
	key    *SigningKey
	public any
}

func bothKeys(t testing.TB, kid string) map[jose.SignatureAlgorithm]signs {
	t.Helper()
	ec, ecPublic := ecJWK(t)
	rsa := rsaJWK(rsaKey(t, 2048))
	keys := map[jose.SignatureAlgorithm]signs{jose.ES256: {nil, ecPublic}, jose.PS256: {nil, &rsaKey(t, 2048).PublicKey}}
	for algorithm, m := range map[jose.SignatureAlgorithm]members{jose.ES256: ec, jose.PS256: rsa} {
		if kid != "" {
			m = changed(m, "kid", kid)
		}
		key, err := ParseSigningKey(text(t, m))
		if err != nil {
			t.Fatal(err)
		}
		keys[algorithm] = signs{key, keys[algorithm].public}
	}
	return keys
}

// go-jose reads and verifies what is signed here, with only this algorithm allowed.
func TestRFC7523_3_OracleGoJose(t *testing.T) {
	t.Parallel()
	for algorithm, s := range bothKeys(t, "key 1") {
		compact, err := s.key.Sign(assertion, random)
		if err != nil {
			t.Fatal(err)
		}
		token, err := josejwt.ParseSigned(compact, []jose.SignatureAlgorithm{algorithm})
		if err != nil {
			t.Fatal(err)
		}
		var claims josejwt.Claims
		if err := token.Claims(s.public, &claims); err != nil {
			t.Fatalf("%s: %v", algorithm, err)
		}
		// The six claims of RFC 7523 §3 that an authorization server looks at.
		err = claims.ValidateWithLeeway(josejwt.Expected{
			Issuer: "s6BhdRkqt3", Subject: "s6BhdRkqt3", AnyAudience: josejwt.Audience{"https://as.example.com/"}, ID: "0123456789abcdef", Time: time.Unix(1700000059, 0),
		}, 0)
		if err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
		if claims.IssuedAt.Time().Unix() != 1700000000 || claims.Expiry.Time().Unix() != 1700000060 {
			t.Errorf("%s: from %v to %v", algorithm, claims.IssuedAt.Time(), claims.Expiry.Time())
		}
		if h := token.Headers[0]; h.KeyID != "key 1" || h.ExtraHeaders["typ"] != "JWT" {
			t.Errorf("%s: %+v", algorithm, h)
		}
	}
}

// What stands in the JWT, to the letter: nothing is there that nobody asked for.
func TestRFC7523_3_Members(t *testing.T) {
	t.Parallel()
	for algorithm, s := range bothKeys(t, "") {
		compact, err := s.key.Sign(assertion, random)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(compact, ".")
		if len(parts) != 3 || strings.ContainsAny(compact, "=+/ \n") {
			t.Fatal(compact)
		}
		want := [2]string{
			`{"alg":"` + string(algorithm) + `","typ":"JWT"}`,
			`{"iss":"s6BhdRkqt3","sub":"s6BhdRkqt3","aud":"https://as.example.com/","jti":"0123456789abcdef","iat":1700000000,"exp":1700000060}`,
		}
		for i := range want {
			if want := encodeURL(want[i]); parts[i] != want {
				t.Errorf("%s: part %d is %s, want %s", algorithm, i, parts[i], want)
			}
		}
	}
}

// Whatever the configuration and the key say, they say nothing more than that.
func TestRFC7523_3_TextIsQuoted(t *testing.T) {
	t.Parallel()
	nasty := "a\",\"admin\":true,\"b\":\"\\\n\x00é\u2028"
	for algorithm, s := range bothKeys(t, nasty) {
		compact, err := s.key.Sign(Assertion{ClientID: nasty, Audience: nasty, ID: nasty, IssuedAt: time.Unix(0, 0), Lifetime: 1500 * time.Millisecond}, random)
		if err != nil {
			t.Fatal(err)
		}
		object, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{algorithm})
		if err != nil {
			t.Fatal(err)
		}
		payload, err := object.Verify(s.public)
		if err != nil {
			t.Fatal(err)
		}
		var claims map[string]any
		if err := json.Unmarshal(payload, &claims); err != nil {
			t.Fatal(err)
		}
		if want := map[string]any{"iss": nasty, "sub": nasty, "aud": nasty, "jti": nasty, "iat": 0.0, "exp": 1.0}; fmt.Sprint(claims) != fmt.Sprint(want) {
			t.Errorf("%q", claims)
		}
		if object.Signatures[0].Header.KeyID != nasty {
			t.Errorf("%q", object.Signatures[0].Header.KeyID)
		}
	}
}

// PS256 takes a new salt each time; ES256 is deterministic, and asks for none.
func TestRFC7518_3_5_Salt(t *testing.T) {
	t.Parallel()
	keys := bothKeys(t, "")
	failing := errors.New("no randomness")
	fail := func([]byte) error { return failing }
	if compact, err := keys[jose.PS256].key.Sign(assertion, fail); err != failing || compact != "" {
		t.Errorf("%q, %v", compact, err)
	}
	if _, err := keys[jose.ES256].key.Sign(assertion, fail); err != nil {
		t.Error(err)
	}
	var asked []int
	a, _ := keys[jose.PS256].key.Sign(assertion, func(b []byte) error { asked = append(asked, len(b)); return random(b) })
	b, _ := keys[jose.PS256].key.Sign(assertion, random)
	if a == b || fmt.Sprint(asked) != "[32]" {
		t.Errorf("asked for %v", asked)
	}
}

// A key that stopped to be one gives no signature that would give it away.
func TestPS256_FaultsAreNotSigned(t *testing.T) {
	t.Parallel()
	key := bothKeys(t, "")[jose.PS256].key
	key.rsa.dp[3] ^= 1
	if compact, err := key.Sign(assertion, random); err != errSign || compact != "" {
		t.Errorf("%q, %v", compact, err)
	}
}

func BenchmarkSign(b *testing.B) {
	for _, bits := range []int{0, 2048, 3072, 4096} {
		name, m := "ES256", members(nil)
		if bits == 0 {
			m, _ = ecJWK(b)
		} else {
			name, m = fmt.Sprint("PS256/", bits), rsaJWK(rsaKey(b, bits))
		}
		b.Run(name, func(b *testing.B) {
			key, err := ParseSigningKey(text(b, m))
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := key.Sign(assertion, random); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
