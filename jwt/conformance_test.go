package jwt

import (
	"errors"
	"strings"
	"testing"
)

// The clauses that no other test of this package is named after, for
// docs/conformance.md.

// TestRFC7515_4_HeaderParameters goes through the header parameters by their
// clause. The key has the kid "1".
func TestRFC7515_4_HeaderParameters(t *testing.T) {
	is, attacker := newIssuer(ES256), newAttacker(t)
	keys := is.keySet(t, `,"kid":"1"`)
	for _, test := range []struct {
		clause, header string
		want           error
	}{
		{"4.1.1 alg", is.header(), nil},
		{"4.1.1 alg missing", `{"typ":"at+jwt"}`, ErrAlgorithm},
		{"4.1.1 alg of another case", `{"alg":"es256","typ":"at+jwt"}`, ErrAlgorithm},
		{"4.1.2 jku", is.header(`,"jku":"https://evil.example/jwks"`), nil},
		{"4.1.3 jwk", is.header(`,"jwk":` + attacker.jwk()), nil},
		{"4.1.4 kid", is.header(`,"kid":"1"`), nil},
		{"4.1.4 kid of no key", is.header(`,"kid":"2"`), ErrKeyUnknown},
		{"4.1.4 kid no string", is.header(`,"kid":1`), ErrMalformed},
		{"4.1.5 x5u", is.header(`,"x5u":"https://evil.example/chain.pem"`), nil},
		{"4.1.6 x5c", is.header(`,"x5c":["MIIB"]`), nil},
		{"4.1.7 x5t", is.header(`,"x5t":"2jmj7l5rSw0yVb_vlWAYkK_YBwk"`), nil},
		{"4.1.8 x5t#S256", is.header(`,"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"`), nil},
		{"4.1.9 typ with application/", `{"alg":"ES256","typ":"application/at+jwt"}`, nil},
		{"4.1.9 typ missing", `{"alg":"ES256"}`, ErrType},
		{"4.1.10 cty", is.header(`,"cty":"JWT"`), nil},
		{"4.1.11 crit", is.header(`,"crit":["x"],"x":1`), ErrCritical},
		{"4.2 public name", is.header(`,"https://example.com/x":true`), nil},
		{"4.3 private name", is.header(`,"x":{"y":[1,null]}`), nil},
	} {
		t.Run(test.clause, func(t *testing.T) {
			if err := verdict(keys, testPolicy(), is.compact(test.header, goodClaims)); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}

// TestRFC7515_5_2_ValidationSteps fails a good token at each step of §5.2 in turn.
// Steps 9 and 10 are about the JSON serialisation.
func TestRFC7515_5_2_ValidationSteps(t *testing.T) {
	is := newIssuer(ES256)
	keys := is.keySet(t)
	good := is.compact(is.header(), goodClaims)
	parts := strings.Split(good, ".")
	join := func(header, payload, signature string) string { return header + "." + payload + "." + signature }
	accepted(t, "good", keys, good)
	for _, test := range []struct {
		step, token string
		want        error
	}{
		{"1 three parts", parts[0] + "." + parts[1], ErrMalformed},
		{"2 header is base64url", join("\n"+parts[0], parts[1], parts[2]), ErrMalformed},
		{"3 header is UTF-8", is.compact("{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"x\":\"\xff\"}", goodClaims), ErrMalformed},
		{"3 header is an object", is.compact(`["alg","ES256"]`, goodClaims), ErrMalformed},
		{"4 no name twice", is.compact(`{"alg":"ES256","typ":"at+jwt","alg":"ES256"}`, goodClaims), ErrMalformed},
		{"5 all is understood", is.compact(is.header(`,"crit":["exp"],"exp":1`), goodClaims), ErrCritical},
		{"6 payload is base64url", join(parts[0], parts[1]+"=", parts[2]), ErrMalformed},
		{"7 signature is base64url", join(parts[0], parts[1], parts[2]+" "), ErrMalformed},
		{"8 signature is good", join(parts[0], encodeURL([]byte(goodClaims+" ")), parts[2]), ErrSignature},
	} {
		t.Run(test.step, func(t *testing.T) { refused(t, test.step, keys, test.token, test.want) })
	}
	// The last paragraph: the application says which algorithms it accepts.
	policy := testPolicy()
	policy.Algorithms = []Algorithm{PS256}
	if err := verdict(keys, policy, good); !errors.Is(err, ErrAlgorithmNotAllowed) {
		t.Errorf("an algorithm that is not accepted: %v", err)
	}
}

// TestRFC7515_10_6_HashOfTheAlgorithm signs with the right key and another hash
// than the one that "alg" names.
func TestRFC7515_10_6_HashOfTheAlgorithm(t *testing.T) {
	for _, family := range [][]Algorithm{{RS256, RS384, RS512}, {PS256, PS384, PS512}} {
		for _, named := range family {
			is := newIssuer(named)
			input := encodeURL([]byte(is.header())) + "." + encodeURL([]byte(goodClaims))
			for _, used := range family {
				token := input + "." + encodeURL(newIssuer(used).signature(input))
				if used == named {
					accepted(t, named.String(), is.keySet(t), token)
				} else {
					refused(t, named.String()+" signed as "+used.String(), is.keySet(t), token, ErrSignature)
				}
			}
		}
	}
	// The key of P-256 with the hash of ES384.
	is := newIssuer(ES256)
	input := encodeURL([]byte(is.header())) + "." + encodeURL([]byte(goodClaims))
	mixed := &issuer{ES384, is.private, is.members}
	refused(t, "ES256 with SHA-384", is.keySet(t), input+"."+encodeURL(mixed.signature(input)), ErrSignature)
}

// TestRFC7515_10_13_UnicodeComparison shows that texts are compared character by
// character after JSON's escapes are undone, and by nothing else.
func TestRFC7515_10_13_UnicodeComparison(t *testing.T) {
	is := newIssuer(ES256)
	for _, test := range []struct {
		name, key, token string
		want             error
	}{
		{"beyond the basic plane, escaped here", `\ud83d\udd11`, "\U0001f511", nil},
		{"beyond the basic plane, escaped there", "\U0001f511", `\ud83d\udd11`, nil},
		{"no normalisation", "\u00e9", `e\u0301`, ErrKeyUnknown},
		{"no case folding", "k", "\u212a", ErrKeyUnknown},
		{"no width folding", "k", "\uff4b", ErrKeyUnknown},
	} {
		keys := is.keySet(t, `,"kid":"`, test.key, `"`)
		err := verdict(keys, testPolicy(), is.compact(is.header(`,"kid":"`, test.token, `"`), goodClaims))
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
	accepted(t, "alg escaped", is.keySet(t), is.compact(`{"\u0061lg":"\u0045S256","typ":"at+jwt"}`, goodClaims))
}

// TestRFC7517_4_KeyMembers shows what the members of a key do that say nothing
// about the key itself.
func TestRFC7517_4_KeyMembers(t *testing.T) {
	is, attacker := newIssuer(ES256), newAttacker(t)
	good := is.compact(is.header(), goodClaims)
	for _, test := range []struct{ clause, member string }{
		{"4 unknown member", `,"ext":{"y":1}`},
		{"4.2 use", `,"use":"sig"`},
		{"4.3 key_ops", `,"key_ops":["verify"]`},
		{"4.4 alg", `,"alg":"ES256"`},
		{"4.5 kid", `,"kid":"1"`},
		{"4.6 x5u", `,"x5u":"https://evil.example/chain.pem"`},
		{"4.7 x5c", `,"x5c":["MIIB"]`},
		{"4.8 x5t", `,"x5t":"2jmj7l5rSw0yVb_vlWAYkK_YBwk"`},
		{"4.9 x5t#S256", `,"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"`},
	} {
		t.Run(test.clause, func(t *testing.T) {
			keys := is.keySet(t, test.member)
			accepted(t, "the issuer", keys, good)
			refused(t, "someone else", keys, attacker.compact(attacker.header(), goodClaims), ErrSignature)
		})
	}
	set, err := ParseKeySet(`{"x":[{}],"keys":[` + is.jwk() + `],"y":null}`)
	if err != nil {
		t.Fatalf("5: unknown members of a set: %v", err)
	}
	accepted(t, "5: unknown members of a set", set, good)
}

// TestRFC9068_4_Validation goes through what a resource server must verify.
func TestRFC9068_4_Validation(t *testing.T) {
	is := newIssuer(ES256)
	keys := is.keySet(t)
	accepted(t, "good", keys, is.compact(is.header(), goodClaims))
	claims := func(name, value string) string { return is.compact(is.header(), with(t, goodClaims, name, value)) }
	for _, test := range []struct {
		name, token string
		want        error
	}{
		{"typ", is.compact(`{"alg":"ES256","typ":"JWT"}`, goodClaims), ErrType},
		{"typ missing", is.compact(`{"alg":"ES256"}`, goodClaims), ErrType},
		{"encrypted", encodeURL([]byte(`{"alg":"RSA-OAEP","enc":"A256GCM","typ":"at+jwt"}`)) + ".AA.AA.AA.AA", ErrEncrypted},
		{"iss", claims("iss", `"https://as.example.com/"`), ErrIssuer},
		{"aud", claims("aud", `["https://other.example.com"]`), ErrAudience},
		{"signature", newAttacker(t).compact(is.header(), goodClaims), ErrSignature},
		{"alg none", is.compact(`{"alg":"none","typ":"at+jwt"}`, goodClaims), ErrAlgorithm},
		{"exp", claims("exp", "1799999990"), ErrExpired},
	} {
		t.Run(test.name, func(t *testing.T) { refused(t, test.name, keys, test.token, test.want) })
	}
}

// TestRFC9068_2_2_RequiredClaims: whoever wants all that the profile makes issuers
// put in asks for it, and then nothing of it may be missing.
func TestRFC9068_2_2_RequiredClaims(t *testing.T) {
	names := []string{"iss", "exp", "aud", "sub", "client_id", "iat", "jti"}
	policy := testPolicy()
	policy.RequiredClaims = names
	all := with(t, goodClaims, "client_id", `"client-a"`)
	if err := policy.CheckClaims(mustClaims(t, all), testNow); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := policy.CheckClaims(mustClaims(t, with(t, all, name, "")), testNow); !errors.Is(err, ErrMissingClaim) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}
