package jwt

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestParseKeySetRefuses(t *testing.T) {
	good := newIssuer(ES256).jwk()
	many := strings.TrimSuffix(strings.Repeat(good+",", maxKeys+1), ",")
	for name, test := range map[string]struct {
		doc  string
		want error
	}{
		"nothing":          {``, ErrKeySet},
		"HTML":             {`<html>`, ErrKeySet},
		"an array":         {`[` + good + `]`, ErrKeySet},
		"one key":          {good, ErrKeySet},
		"no keys":          {`{}`, ErrKeySet},
		"KEYS":             {`{"KEYS":[` + good + `]}`, ErrKeySet},
		"keys is null":     {`{"keys":null}`, ErrKeySet},
		"keys is a object": {`{"keys":` + good + `}`, ErrKeySet},
		"keys twice":       {`{"keys":[` + good + `],"keys":[]}`, ErrKeySet},
		"a key is null":    {`{"keys":[` + good + `,null]}`, ErrKeySet},
		"a key is a text":  {`{"keys":["` + "x" + `"]}`, ErrKeySet},
		"member twice":     {`{"keys":[{"kty":"EC","kty":"EC"}]}`, ErrKeySet},
		"trailing bytes":   {`{"keys":[` + good + `]}}`, ErrKeySet},
		"too many":         {`{"keys":[` + many + `]}`, ErrKeySet},
		"empty":            {`{"keys":[]}`, ErrNoUsableKey},
		"empty key":        {`{"keys":[{}]}`, ErrNoUsableKey},
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := ParseKeySet(test.doc)
			if keys != nil || !errors.Is(err, test.want) {
				t.Errorf("%v, %v, want %v", keys, err, test.want)
			}
		})
	}
	if keys, err := ParseKeySet(`{"keys":[` + many[:len(many)-len(good)-1] + `]}`); err != nil || keys.Len() != maxKeys {
		t.Errorf("%d keys: %v", maxKeys, err)
	}
}

// TestRFC7517_5_UnusableKeysAreLeftOut shows that a key which cannot be used does no
// harm to its neighbours.
func TestRFC7517_5_UnusableKeysAreLeftOut(t *testing.T) {
	ec, rs, ed := newIssuer(ES256), newIssuer(RS256), newIssuer(EdDSA)
	replace := func(is *issuer, old, new string) string {
		jwk := is.jwk()
		if !strings.Contains(jwk, old) {
			t.Fatalf("no %s", old)
		}
		return strings.Replace(jwk, old, new, 1)
	}
	good := mustKeySet(t, ec.jwk(), rs.jwk(), ed.jwk())
	if good.Len() != 3 {
		t.Fatalf("%d keys", good.Len())
	}
	for name, jwk := range map[string]string{
		"no kty":            `{"crv":"P-256"}`,
		"kty a number":      replace(ec, `"kty":"EC"`, `"kty":1`),
		"kty ec":            replace(ec, `"kty":"EC"`, `"kty":"ec"`),
		"private EC":        ec.jwk(`,"d":"AA"`),
		"private RSA":       rs.jwk(`,"d":"AA"`),
		"private RSA, p":    rs.jwk(`,"p":"AA"`),
		"private RSA, oth":  rs.jwk(`,"oth":[]`),
		"private Ed25519":   ed.jwk(`,"d":"AA"`),
		"d is null":         ec.jwk(`,"d":null`),
		"k beside EC":       ec.jwk(`,"k":"AA"`),
		"kid a number":      ec.jwk(`,"kid":1`),
		"kid null":          ec.jwk(`,"kid":null`),
		"crv missing":       replace(ec, `"crv":"P-256",`, ``),
		"crv secp256k1":     replace(ec, "P-256", "secp256k1"),
		"crv p-256":         replace(ec, "P-256", "p-256"),
		"x missing":         replace(ec, `"x"`, `"X"`),
		"y missing":         replace(ec, `"y"`, `"Y"`),
		"x short":           `{"kty":"EC","crv":"P-256","x":"AA","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`,
		"x long":            `{"kty":"EC","crv":"P-256","x":"AH_NzidyzT9sRdQYPL7m_bS3tYBzM1e-nvE7rPbjx70RVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`,
		"x padded":          `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU=","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`,
		"x with other bits": `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEV","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`,
		"infinity":          `{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`,
		"n missing":         replace(rs, `"n"`, `"N"`),
		"n empty":           `{"kty":"RSA","n":"","e":"AQAB"}`,
		"n even":            `{"kty":"RSA","e":"AQAB","n":"` + encodeURL(append([]byte{0x80}, make([]byte, 255)...)) + `"}`,
		"n zero in front":   `{"kty":"RSA","e":"AQAB","n":"` + encodeURL(append(append([]byte{0, 0x80}, make([]byte, 254)...), 1)) + `"}`,
		"n of 2047 bits":    `{"kty":"RSA","e":"AQAB","n":"` + encodeURL(append(append([]byte{0x7f}, make([]byte, 254)...), 1)) + `"}`,
		"e missing":         replace(rs, `"e"`, `"E"`),
		"e empty":           replace(rs, "AQAB", ""),
		"e zero":            replace(rs, "AQAB", "AA"),
		"e one":             replace(rs, "AQAB", "AQ"),
		"e two":             replace(rs, "AQAB", "Ag"),
		"e even":            replace(rs, "AQAB", "AQAA"),
		"e zero in front":   replace(rs, "AQAB", "AAEAAQ"),
		"e of 32 bits":      replace(rs, "AQAB", "gAAAAQ"),
		"e a number":        replace(rs, `"AQAB"`, "65537"),
		"Ed448":             replace(ed, "Ed25519", "Ed448"),
		"X25519":            replace(ed, "Ed25519", "X25519"),
		"Ed25519 short":     `{"kty":"OKP","crv":"Ed25519","x":"AAAA"}`,
		"Ed25519 as EC":     `{"kty":"EC","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if keys, err := ParseKeySet(`{"keys":[` + jwk + `]}`); !errors.Is(err, ErrNoUsableKey) {
				t.Errorf("alone: %v, %v", keys, err)
			}
			if keys := mustKeySet(t, ec.jwk(), jwk, ed.jwk()); keys.Len() != 2 {
				t.Errorf("%d keys beside it", keys.Len())
			}
		})
	}
	for name, e := range map[string]string{"3": "Aw", "17": "EQ", "65537": "AQAB", "2^31 - 1": "f____w"} {
		if _, err := ParseKeySet(`{"keys":[` + replace(rs, "AQAB", e) + `]}`); err != nil {
			t.Errorf("e of %s: %v", name, err)
		}
	}
}

func TestFind(t *testing.T) {
	keys := mustKeySet(t,
		newIssuer(ES256).jwk(`,"kid":"1"`),
		newIssuer(ES384).jwk(`,"kid":"1"`),
		newIssuer(RS256).jwk(`,"kid":"2"`),
		newIssuer(RS256).jwk(`,"kid":"3","alg":"PS256"`),
		newIssuer(EdDSA).jwk(),
		newIssuer(ES512).jwk(`,"kid":""`),
	)
	for _, test := range []struct {
		header Header
		want   int // index of the key, -1 unknown, -2 ambiguous
	}{
		{Header{Algorithm: ES256, KeyID: "1", HasKeyID: true}, 0},
		{Header{Algorithm: ES384, KeyID: "1", HasKeyID: true}, 1},
		{Header{Algorithm: ES512, KeyID: "1", HasKeyID: true}, -1},
		{Header{Algorithm: RS256, KeyID: "2", HasKeyID: true}, 2},
		{Header{Algorithm: PS256, KeyID: "2", HasKeyID: true}, 2},
		{Header{Algorithm: RS256, KeyID: "3", HasKeyID: true}, -1},
		{Header{Algorithm: PS256, KeyID: "3", HasKeyID: true}, 3},
		{Header{Algorithm: RS256}, 2},
		{Header{Algorithm: PS256}, -2},
		{Header{Algorithm: ES256}, 0},
		{Header{Algorithm: EdDSA}, 4},
		{Header{Algorithm: EdDSA, KeyID: "1", HasKeyID: true}, -1},
		{Header{Algorithm: EdDSA, HasKeyID: true}, -1}, // a key without kid has not the kid ""
		{Header{Algorithm: ES512, HasKeyID: true}, 5},
		{Header{Algorithm: ES512}, 5},
		{Header{}, -1},
		{Header{Algorithm: 200}, -1},
	} {
		t.Run(fmt.Sprintf("%v %q %v", test.header.Algorithm, test.header.KeyID, test.header.HasKeyID), func(t *testing.T) {
			key, err := keys.Find(test.header)
			switch {
			case test.want >= 0 && (err != nil || key != &keys.keys[test.want]):
				t.Errorf("%v, %v", key, err)
			case test.want == -1 && (key != nil || !errors.Is(err, ErrKeyUnknown)):
				t.Errorf("%v, %v", key, err)
			case test.want == -2 && (key != nil || !errors.Is(err, ErrKeyAmbiguous)):
				t.Errorf("%v, %v", key, err)
			}
		})
	}
	for _, empty := range []*KeySet{nil, {}} {
		if _, err := empty.Find(Header{Algorithm: ES256}); !errors.Is(err, ErrKeyUnknown) || empty.Len() != 0 {
			t.Errorf("empty set: %v", err)
		}
	}
}

// TestVerifyChecksTheKey shows that Verify does not rest on Find: a key verifies only
// what it is for.
func TestVerifyChecksTheKey(t *testing.T) {
	is := newIssuer(RS256)
	token, err := Parse(is.compact(is.header(), goodClaims))
	if err != nil {
		t.Fatal(err)
	}
	pinned, err := is.keySet(t, `,"alg":"PS256"`).Find(Header{Algorithm: PS256})
	if err != nil {
		t.Fatal(err)
	}
	other, err := newIssuer(EdDSA).keySet(t).Find(Header{Algorithm: EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]*Key{"for another algorithm": pinned, "of another type": other, "zero": new(Key)} {
		if err := key.Verify(token); !errors.Is(err, ErrSignature) {
			t.Errorf("key %s: %v", name, err)
		}
	}
	if err := pinned.Verify(new(Token)); !errors.Is(err, ErrSignature) {
		t.Errorf("zero token: %v", err)
	}
}
