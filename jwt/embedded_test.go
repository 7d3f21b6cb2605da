package jwt

import (
	"testing"

	"holdfast/strictjson"
)

func mustJSON(t testing.TB, text string) strictjson.Value {
	t.Helper()
	v, err := strictjson.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestRFC9449_4_2_KeyInTheHeader takes a key out of the header that it verifies.
func TestRFC9449_4_2_KeyInTheHeader(t *testing.T) {
	for _, a := range allAlgorithms {
		is := newIssuer(a)
		token, err := Parse(is.compact(is.header(`,"jwk":`+is.jwk()), "{}"))
		if err != nil {
			t.Fatal(err)
		}
		key, err := ParseKey(token.HeaderParameter("jwk"))
		if err != nil {
			t.Fatalf("%v: %v", a, err)
		}
		if err := key.Verify(token); err != nil {
			t.Errorf("%v: %v", a, err)
		}
		for _, other := range allAlgorithms {
			sameType := RS256 <= a && a <= PS512 && RS256 <= other && other <= PS512
			if key.Fits(other) != (other == a || sameType) {
				t.Errorf("a key for %v and %v", a, other)
			}
		}
	}
}

func TestHeaderParameter(t *testing.T) {
	is := newIssuer(ES256)
	token, err := Parse(is.compact(is.header(`,"a":{"b":1},"a.b":2`), `{"c":3}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"alg": `"ES256"`, "a": `{"b":1}`, "a.b": "2", "A": "", "b": "", "c": "", "jwk": ""} {
		if got := token.HeaderParameter(name).Raw(); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestParseKeyRefuses takes what ParseKeySet would leave out.
func TestParseKeyRefuses(t *testing.T) {
	ec := newIssuer(ES256)
	for name, jwk := range map[string]string{
		"no object":      `"key"`,
		"null":           `null`,
		"an array":       `[` + ec.jwk() + `]`,
		"empty":          `{}`,
		"a key set":      `{"keys":[` + ec.jwk() + `]}`,
		"private":        ec.jwk(`,"d":"AA"`),
		"symmetric":      `{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr8"}`,
		"for encryption": ec.jwk(`,"use":"enc"`),
		"for RS256":      ec.jwk(`,"alg":"RS256"`),
		"off the curve":  `{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`,
	} {
		if key, err := ParseKey(mustJSON(t, jwk)); key != nil || err != ErrNoUsableKey {
			t.Errorf("%s: %v, %v", name, key, err)
		}
	}
	if key, err := ParseKey(strictjson.Value{}); key != nil || err != ErrNoUsableKey {
		t.Errorf("missing: %v, %v", key, err)
	}
}

func TestRFC7515_4_1_9_HasType(t *testing.T) {
	for typ, want := range map[string]bool{
		"dpop+jwt": true, "DPoP+JWT": true, "application/dpop+jwt": true, "Application/DPOP+jwt": true,
		"": false, "jwt": false, "dpop+jwt ": false, "dpop+jwt+x": false, "text/dpop+jwt": false, "application/": false,
		"application/application/dpop+jwt": false, "dpop+\u017Fwt": false,
	} {
		if got := (Header{Type: typ}).HasType("dpop+jwt"); got != want {
			t.Errorf("%q: %v", typ, got)
		}
	}
	if !(Header{}).HasType("") || (Header{Type: "application/"}).HasType("") {
		t.Error("the absent type")
	}
}
