package jwt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"runtime"
	"strings"
	"testing"
)

// refused fails the test unless the token is refused with this error.
func refused(t *testing.T, what string, keys *KeySet, compact string, want error) {
	t.Helper()
	if err := verdict(keys, testPolicy(), compact); err == nil || !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func accepted(t *testing.T, what string, keys *KeySet, compact string) {
	t.Helper()
	if err := verdict(keys, testPolicy(), compact); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// TestGoodTokens is what the refusals below are measured against.
func TestGoodTokens(t *testing.T) {
	for _, a := range allAlgorithms {
		is := newIssuer(a)
		accepted(t, a.String(), is.keySet(t), is.compact(is.header(), goodClaims))
		accepted(t, a.String()+" with kid", is.keySet(t, `,"kid":"1","use":"sig","alg":"`, a.String(), `"`), is.compact(is.header(`,"kid":"1"`), goodClaims))
	}
}

// TestT01_HSRSConfusion signs HS256 tokens with everything that a public key could be
// mistaken for. The keys have no "alg".
func TestT01_HSRSConfusion(t *testing.T) {
	for _, a := range []Algorithm{RS256, ES256, EdDSA} {
		is := newIssuer(a)
		der, err := x509.MarshalPKIXPublicKey(is.private.Public())
		if err != nil {
			t.Fatal(err)
		}
		text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		secrets := map[string][]byte{
			"empty": {}, "DER": der, "PEM": text, "PEM with space before": append([]byte(" \n"), text...),
			"PEM trimmed": bytes.TrimSpace(text), "JWK": []byte(is.jwk()), "no header lines": []byte(encodeURL(der)),
		}
		if public, ok := is.private.Public().(*rsa.PublicKey); ok {
			secrets["n"] = public.N.Bytes()
			secrets["PKCS #1"] = x509.MarshalPKCS1PublicKey(public)
			var ssh []byte
			for _, part := range [][]byte{[]byte("ssh-rsa"), {1, 0, 1}, append([]byte{0}, public.N.Bytes()...)} {
				ssh = append(binary.BigEndian.AppendUint32(ssh, uint32(len(part))), part...)
			}
			secrets["SSH"] = ssh
			secrets["SSH line"] = []byte("ssh-rsa " + encodeURL(ssh))
		}
		for name, secret := range secrets {
			for _, alg := range []string{"HS256", "HS384", "HS512"} {
				input := encodeURL([]byte(`{"alg":"`+alg+`","typ":"at+jwt"}`)) + "." + encodeURL([]byte(goodClaims))
				mac := hmac.New(sha256.New, secret)
				mac.Write([]byte(input))
				refused(t, a.String()+" key as "+name, is.keySet(t), input+"."+encodeURL(mac.Sum(nil)), ErrAlgorithm)
			}
		}
	}
}

// TestT02_NoneAndSpelling has good signatures under names that are not the
// algorithm's.
func TestT02_NoneAndSpelling(t *testing.T) {
	is := newIssuer(ES256)
	for _, alg := range []string{
		`"none"`, `"None"`, `"NONE"`, `"nOnE"`, `""`, `null`, `0`, `true`, `[]`, `["ES256"]`, `{}`, `{"alg":"ES256"}`,
		`"es256"`, `"Es256"`, `"ES256\u0000"`, `"ES256 "`, `" ES256"`, `"ES256\n"`, `"ES256K"`, `"ES25"`, `"HS256"`, `"dir"`,
		`"RSA-OAEP"`, `"Ed25519"`, `"invalid"`,
	} {
		header := `{"alg":` + alg + `,"typ":"at+jwt"}`
		token := is.compact(header, goodClaims)
		refused(t, alg+" with a signature", is.keySet(t), token, ErrAlgorithm)
		refused(t, alg+" without", is.keySet(t), token[:strings.LastIndexByte(token, '.')+1], ErrAlgorithm)
	}
	refused(t, "no alg", is.keySet(t), is.compact(`{"typ":"at+jwt"}`, goodClaims), ErrAlgorithm)
	refused(t, "ALG", is.keySet(t), is.compact(`{"ALG":"ES256","typ":"at+jwt"}`, goodClaims), ErrAlgorithm)
}

// TestT03_ECDSAStructure has the signatures of CVE-2022-21449 and of wrong form.
func TestT03_ECDSAStructure(t *testing.T) {
	for _, a := range []Algorithm{ES256, ES384, ES512} {
		is := newIssuer(a)
		private := is.private.(*ecdsa.PrivateKey)
		curve := private.Curve
		n := curve.Params().N
		keys := is.keySet(t)
		good := is.compact(is.header(), goodClaims)
		dot := strings.LastIndexByte(good, '.') + 1
		replace := func(signature []byte) string { return good[:dot] + encodeURL(signature) }

		edges := []*big.Int{big.NewInt(0), big.NewInt(1), new(big.Int).Sub(n, big.NewInt(1)), n}
		for i, r := range edges {
			for j, s := range edges {
				refused(t, fmt.Sprintf("%v edge %d, %d", a, i, j), keys, replace(rAndS(curve, r, s)), ErrSignature)
			}
		}
		signature := is.signature(good[:dot-1])
		accepted(t, a.String(), keys, replace(signature))
		half := len(signature) / 2
		r, s := new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])
		for i, edge := range edges {
			refused(t, fmt.Sprintf("%v r and edge %d", a, i), keys, replace(rAndS(curve, r, edge)), ErrSignature)
			refused(t, fmt.Sprintf("%v s and edge %d", a, i), keys, replace(rAndS(curve, edge, s)), ErrSignature)
		}
		// Where the number still has room (always with P-521), s + n is the same
		// modulo n and yet another signature.
		for name, wrapped := range map[string][2]*big.Int{"r + n": {new(big.Int).Add(r, n), s}, "s + n": {r, new(big.Int).Add(s, n)}} {
			if wrapped[0].BitLen() <= 8*half && wrapped[1].BitLen() <= 8*half {
				refused(t, a.String()+" "+name, keys, replace(rAndS(curve, wrapped[0], wrapped[1])), ErrSignature)
			}
		}
		zeros := make([]byte, 2*half+2)
		for name, wrong := range map[string][]byte{
			"one byte less":   signature[:2*half-1],
			"one byte more":   append(bytes.Clone(signature), 0),
			"zero in front":   append([]byte{0}, signature...),
			"both padded":     append(append(append([]byte{0}, signature[:half]...), 0), signature[half:]...),
			"r only":          signature[:half],
			"one byte":        {1},
			"zeros":           zeros[:2*half],
			"zeros and more":  zeros,
			"swapped":         append(bytes.Clone(signature[half:]), signature[:half]...),
			"twice":           append(bytes.Clone(signature), signature...),
			"DER":             derSignature(t, r, s),
			"all bits set":    bytes.Repeat([]byte{0xff}, 2*half),
			"of another text": is.signature("another text"),
		} {
			refused(t, a.String()+" "+name, keys, replace(wrong), ErrSignature)
		}
		refused(t, a.String()+" empty", keys, replace(nil), ErrMalformed)
	}
}

// TestT03b_RSAPadding has forged encoded messages; the vectors of
// TestWycheproofRSA have every other malformation.
func TestT03b_RSAPadding(t *testing.T) {
	for _, a := range []Algorithm{RS256, PS256} {
		is := newIssuer(a)
		private := is.private.(*rsa.PrivateKey)
		good := is.compact(is.header(), goodClaims)
		dot := strings.LastIndexByte(good, '.') + 1
		signature := is.signature(good[:dot-1])
		value := new(big.Int).SetBytes(signature)
		for name, wrong := range map[string][]byte{
			"zero":          make([]byte, len(signature)),
			"one":           append(make([]byte, len(signature)-1), 1),
			"n":             private.N.Bytes(),
			"n - 1":         new(big.Int).Sub(private.N, big.NewInt(1)).Bytes(),
			"s + n":         new(big.Int).Add(value, private.N).Bytes(),
			"zero in front": append([]byte{0}, signature...),
			"zero behind":   append(bytes.Clone(signature), 0),
			"shorter":       signature[1:],
			"one byte":      {1},
			"negated":       new(big.Int).Sub(private.N, value).Bytes(),
			"very long":     bytes.Repeat(signature, 20),
		} {
			refused(t, a.String()+" "+name, is.keySet(t), good[:dot]+encodeURL(wrong), ErrSignature)
		}
	}
}

// TestT03c_PSSSalt shows that only a salt of the hash's length passes. No salt and
// MGF1 with another hash are among the vectors of TestWycheproofPSS.
func TestT03c_PSSSalt(t *testing.T) {
	for _, a := range []Algorithm{PS256, PS384, PS512} {
		is := newIssuer(a)
		private := is.private.(*rsa.PrivateKey)
		hash := hashOf(a)
		input := encodeURL([]byte(is.header())) + "." + encodeURL([]byte(goodClaims))
		h := hash.New()
		h.Write([]byte(input))
		longest := private.Size() - 2 - hash.Size()
		for _, salt := range []int{1, 20, 28, 32, 48, 64, longest} { // SignPSS reads 0 as "longest"
			signature, err := rsa.SignPSS(rand.Reader, private, hash, h.Sum(nil), &rsa.PSSOptions{SaltLength: salt})
			if err != nil {
				t.Fatal(err)
			}
			token := input + "." + encodeURL(signature)
			if salt == hash.Size() {
				accepted(t, fmt.Sprintf("%v salt %d", a, salt), is.keySet(t), token)
			} else {
				refused(t, fmt.Sprintf("%v salt %d", a, salt), is.keySet(t), token, ErrSignature)
			}
		}
		// A PKCS #1 signature under a PSS name, and the other way round.
		signature, err := rsa.SignPKCS1v15(nil, private, hash, h.Sum(nil))
		if err != nil {
			t.Fatal(err)
		}
		refused(t, a.String()+" with PKCS #1", is.keySet(t), input+"."+encodeURL(signature), ErrSignature)
		plain := newIssuer(a - PS256 + RS256)
		input = encodeURL([]byte(plain.header())) + "." + encodeURL([]byte(goodClaims))
		refused(t, plain.algorithm.String()+" with PSS", is.keySet(t), input+"."+encodeURL(is.signature(input)), ErrSignature)
	}
}

// newAttacker returns an issuer with a key of its own.
func newAttacker(t *testing.T) *issuer {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{ES256, private, fmt.Sprintf(`"kty":"EC","crv":"P-256","x":%q,"y":%q`, encodeURL(point[1:33]), encodeURL(point[33:]))}
}

// TestT04_EmbeddedKey shows that a key which a token brings along counts for nothing:
// the attacker's token is refused, the issuer's passes with any junk beside.
func TestT04_EmbeddedKey(t *testing.T) {
	is, attacker := newIssuer(ES256), newAttacker(t)
	keys := is.keySet(t, `,"kid":"1"`)
	for _, member := range []string{
		`,"jwk":` + attacker.jwk(), `,"jwk":` + attacker.jwk(`,"kid":"1"`), `,"jwk":` + attacker.jwk(`,"kid":"2"`),
		`,"x5c":["MIIB"]`, `,"x5c":"junk"`, `,"x5c":[]`, `,"jwk":null`, `,"jwk":"junk"`, `,"x5t":"junk"`, `,"x5t#S256":1`,
	} {
		refused(t, "attacker, no kid"+member, keys, attacker.compact(attacker.header(member), goodClaims), ErrSignature)
		refused(t, "attacker, known kid"+member, keys, attacker.compact(attacker.header(`,"kid":"1"`, member), goodClaims), ErrSignature)
		refused(t, "attacker, unknown kid"+member, keys, attacker.compact(attacker.header(`,"kid":"2"`, member), goodClaims), ErrKeyUnknown)
		accepted(t, "issuer"+member, keys, is.compact(is.header(`,"kid":"1"`, member), goodClaims))
	}
}

// TestT05_KeyAddress shows that an address in a token changes nothing. The package
// has no way to fetch anything.
func TestT05_KeyAddress(t *testing.T) {
	is, attacker := newIssuer(ES256), newAttacker(t)
	for _, name := range []string{"jku", "x5u"} {
		for _, address := range []string{"http://127.0.0.1/jwks", "http://169.254.169.254/latest", "https://evil.example/jwks", "file:///etc/passwd", ""} {
			member := `,"` + name + `":"` + address + `"`
			refused(t, member, is.keySet(t), attacker.compact(attacker.header(member), goodClaims), ErrSignature)
			accepted(t, member, is.keySet(t), is.compact(is.header(member), goodClaims))
		}
	}
}

// TestT06_KeyIDInjection shows that "kid" is only ever compared.
func TestT06_KeyIDInjection(t *testing.T) {
	is := newIssuer(ES256)
	keys := is.keySet(t, `,"kid":"key-1"`)
	accepted(t, "its kid", keys, is.compact(is.header(`,"kid":"key-1"`), goodClaims))
	accepted(t, "its kid, escaped", keys, is.compact(is.header(`,"kid":"\u006bey-1"`), goodClaims))
	for _, kid := range []string{
		`""`, `"KEY-1"`, `"key-1 "`, `" key-1"`, `"key-1\u0000"`, `"\u0000"`, `"../../../../dev/null"`, `"/dev/null"`, `"*"`, `"key-?"`,
		`"' OR '1'='1"`, `"key-1' UNION SELECT 'x"`, `"key-1|ls"`, `"#"`, `"@this"`, `"key\u002d2"`, `"` + strings.Repeat("k", maxKeyID) + `"`,
	} {
		refused(t, "kid "+kid, keys, is.compact(is.header(`,"kid":`+kid), goodClaims), ErrKeyUnknown)
	}
	for _, kid := range []string{
		`1`, `null`, `true`, `[]`, `["key-1"]`, `{}`, `{"kid":"key-1"}`, `"` + strings.Repeat("k", maxKeyID+1) + `"`, `"` + strings.Repeat("k", 10_000) + `"`,
	} {
		refused(t, "kid "+kid[:min(len(kid), 20)], keys, is.compact(is.header(`,"kid":`+kid), goodClaims), ErrMalformed)
	}
}

// TestT07_KeyPinning shows what a key in a set may be used for.
func TestT07_KeyPinning(t *testing.T) {
	p384 := strings.Replace(newIssuer(ES256).jwk(), "P-256", "P-384", 1)
	offCurve := `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a4"}`
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	weakJWK := fmt.Sprintf(`{"kty":"RSA","e":"AQAB","n":%q}`, encodeURL(weak.N.Bytes()))
	unit := strings.Replace(newIssuer(RS256).jwk(), "AQAB", "AQ", 1)
	oct := `{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}`

	for _, test := range []struct {
		name string
		a    Algorithm
		jwks []string
		want error
	}{
		{"RS256 token, key for PS256", RS256, []string{newIssuer(RS256).jwk(`,"alg":"PS256"`)}, ErrKeyUnknown},
		{"PS256 token, key for RS256", PS256, []string{newIssuer(PS256).jwk(`,"alg":"RS256"`)}, ErrKeyUnknown},
		{"RS512 token, key for RS256", RS512, []string{newIssuer(RS512).jwk(`,"alg":"RS256"`)}, ErrKeyUnknown},
		{"RS256 token, key for RS256", RS256, []string{newIssuer(RS256).jwk(`,"alg":"RS256"`)}, nil},
		{"ES256 token, RSA key", ES256, []string{newIssuer(RS256).jwk()}, ErrKeyUnknown},
		{"EdDSA token, EC key", EdDSA, []string{newIssuer(ES256).jwk()}, ErrKeyUnknown},
		{"ES384 token, P-256 key", ES384, []string{newIssuer(ES256).jwk()}, ErrKeyUnknown},
		{"use enc", ES256, []string{newIssuer(ES256).jwk(`,"use":"enc"`)}, ErrNoUsableKey},
		{"use a number", ES256, []string{newIssuer(ES256).jwk(`,"use":1`)}, ErrNoUsableKey},
		{"use null", ES256, []string{newIssuer(ES256).jwk(`,"use":null`)}, ErrNoUsableKey},
		{"key_ops encrypt", ES256, []string{newIssuer(ES256).jwk(`,"key_ops":["encrypt"]`)}, ErrNoUsableKey},
		{"key_ops sign", ES256, []string{newIssuer(ES256).jwk(`,"key_ops":["sign"]`)}, ErrNoUsableKey},
		{"key_ops empty", ES256, []string{newIssuer(ES256).jwk(`,"key_ops":[]`)}, ErrNoUsableKey},
		{"key_ops a string", ES256, []string{newIssuer(ES256).jwk(`,"key_ops":"verify"`)}, ErrNoUsableKey},
		{"key_ops verify", ES256, []string{newIssuer(ES256).jwk(`,"key_ops":["sign","verify"],"use":"sig"`)}, nil},
		{"use enc beside key_ops verify", ES256, []string{newIssuer(ES256).jwk(`,"key_ops":["verify"],"use":"enc"`)}, ErrNoUsableKey},
		{"P-256 point called P-384", ES384, []string{p384}, ErrNoUsableKey},
		{"off the curve", ES256, []string{offCurve}, ErrNoUsableKey},
		{"RSA 1024", RS256, []string{weakJWK}, ErrNoUsableKey},
		{"e is 1", RS256, []string{unit}, ErrNoUsableKey},
		{"oct alone", RS256, []string{oct}, ErrNoUsableKey},
		{"oct beside RSA", RS256, []string{oct, newIssuer(RS256).jwk()}, nil},
		{"weak beside RSA, same kid", RS256, []string{weakJWK, newIssuer(RS256).jwk()}, nil},
		{"alg of another type", RS256, []string{newIssuer(RS256).jwk(`,"alg":"ES256"`)}, ErrNoUsableKey},
		{"alg HS256", RS256, []string{newIssuer(RS256).jwk(`,"alg":"HS256"`)}, ErrNoUsableKey},
		{"alg RSA-OAEP", RS256, []string{newIssuer(RS256).jwk(`,"alg":"RSA-OAEP"`)}, ErrNoUsableKey},
		{"alg null", RS256, []string{newIssuer(RS256).jwk(`,"alg":null`)}, ErrNoUsableKey},
		{"two that fit", ES256, []string{newIssuer(ES256).jwk(`,"kid":"1"`), newAttacker(t).jwk(`,"kid":"2"`)}, ErrKeyAmbiguous},
		{"the same twice", ES256, []string{newIssuer(ES256).jwk(), newIssuer(ES256).jwk()}, ErrKeyAmbiguous},
		{"one for each algorithm", RS256, []string{newIssuer(RS256).jwk(`,"alg":"RS256"`), newIssuer(RS256).jwk(`,"alg":"PS256"`), newIssuer(ES256).jwk(), newIssuer(EdDSA).jwk()}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			is := newIssuer(test.a)
			keys, err := ParseKeySet(`{"keys":[` + strings.Join(test.jwks, ",") + `]}`)
			if err == nil {
				err = verdict(keys, testPolicy(), is.compact(is.header(), goodClaims))
			}
			if !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}

// TestT07b_OversizedKeys shows that a key too large to be cheap is left out before any
// number of it is made, and that its neighbours stay.
func TestT07b_OversizedKeys(t *testing.T) {
	number := func(bits int) string {
		data := bytes.Repeat([]byte{0xff}, bits/8)
		return encodeURL(data)
	}
	modulus := encodeURL(newIssuer(RS256).private.(*rsa.PrivateKey).N.Bytes())
	for name, jwk := range map[string]string{
		"n of 16384 bits":  `{"kty":"RSA","e":"AQAB","n":"` + number(16384) + `"}`,
		"n of 8200 bits":   `{"kty":"RSA","e":"AQAB","n":"` + number(8200) + `"}`,
		"n of 1 MB":        `{"kty":"RSA","e":"AQAB","n":"` + number(8<<20) + `"}`,
		"e of 2048 bits":   `{"kty":"RSA","e":"` + number(2048) + `","n":"` + modulus + `"}`,
		"e of 40 bits":     `{"kty":"RSA","e":"` + number(40) + `","n":"` + modulus + `"}`,
		"e of 32 bits":     `{"kty":"RSA","e":"_____w","n":"` + modulus + `"}`,
		"x of 1 MB":        `{"kty":"EC","crv":"P-256","x":"` + number(8<<20) + `","y":"AA"}`,
		"Ed25519 of 1 MB":  `{"kty":"OKP","crv":"Ed25519","x":"` + number(8<<20) + `"}`,
		"unknown and huge": `{"kty":"huge","x":"` + number(8<<20) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if keys, err := ParseKeySet(`{"keys":[` + jwk + `]}`); !errors.Is(err, ErrNoUsableKey) {
				t.Errorf("%v, %v", keys, err)
			}
			is := newIssuer(ES256)
			keys := mustKeySet(t, jwk, is.jwk())
			if keys.Len() != 1 {
				t.Errorf("%d keys", keys.Len())
			}
			accepted(t, "the neighbour", keys, is.compact(is.header(), goodClaims))
		})
	}
	for _, bits := range []int{2048, 8192} {
		if mustKeySet(t, `{"kty":"RSA","e":"AQAB","n":"`+number(bits)+`"}`).Len() != 1 {
			t.Errorf("%d bits are refused", bits)
		}
	}
}

// TestT16_EncryptedAndPolyglot shows that nothing which could be read as a JWE or as a
// JSON serialisation passes, whatever its signature.
func TestT16_EncryptedAndPolyglot(t *testing.T) {
	is := newIssuer(ES256)
	keys := is.keySet(t)
	good := is.compact(is.header(), goodClaims)
	for _, member := range []string{
		`,"enc":"A128GCM"`, `,"enc":null`, `,"zip":"DEF"`, `,"p2c":2147483648`, `,"p2s":"AA"`, `,"epk":{}`, `,"alg2":0,"\u0065nc":"A128GCM"`,
	} {
		refused(t, member, keys, is.compact(is.header(member), goodClaims), ErrEncrypted)
	}
	for _, header := range []string{
		`{"alg":"RSA-OAEP","enc":"A256GCM"}`, `{"alg":"dir","enc":"A256GCM"}`, `{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483648,"p2s":"AA"}`,
	} {
		five := encodeURL([]byte(header)) + ".AA.AA.AA.AA"
		refused(t, "five parts", keys, five, ErrEncrypted)
		if !IsJWT(five) {
			t.Errorf("a JWE is no JWT: %s", header)
		}
	}
	refused(t, "five parts with a good token", keys, good+".AA.AA", ErrEncrypted)
	refused(t, "two tokens", keys, good+","+good, ErrEncrypted) // four dots as well
	refused(t, "four parts", keys, good+".AA", ErrMalformed)
	refused(t, "six parts", keys, good+".AA.AA.AA", ErrMalformed)
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"JSON":              fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2]),
		"polyglot":          fmt.Sprintf(`{" %s":"","protected":%q,"payload":%q,"signature":%q}`, good, parts[0], parts[1], parts[2]),
		"polyglot in parts": parts[0] + `.` + parts[1] + `.{"protected":"` + parts[0] + `"}`,
		"prefix":            "Bearer " + good,
	} {
		refused(t, name, keys, token, ErrMalformed)
	}
}

// TestCrit_RefusedAlways shows that no "crit" passes, whatever it says, and no "b64".
func TestCrit_RefusedAlways(t *testing.T) {
	is := newIssuer(ES256)
	for _, member := range []string{
		`,"crit":["exp"],"exp":1`, `,"crit":["exp"]`, `,"crit":[]`, `,"crit":null`, `,"crit":"exp"`, `,"crit":{}`, `,"crit":[1]`, `,"crit":["alg"]`,
		`,"crit":["b64"],"b64":false`, `,"crit":["b64"],"b64":true`, `,"b64":false`, `,"b64":true`, `,"\u0063rit":["x"]`, `,"crit":["http://example.com/x"],"http://example.com/x":true`,
	} {
		refused(t, member, is.keySet(t), is.compact(is.header(member), goodClaims), ErrCritical)
	}
}

// TestT08_DuplicateMembers shows that no member of a token may be there twice, in
// either order and in any spelling.
func TestT08_DuplicateMembers(t *testing.T) {
	is := newIssuer(ES256)
	keys := is.keySet(t, `,"kid":"1"`)
	for _, header := range []string{
		`{"alg":"none","alg":"ES256","typ":"at+jwt"}`, `{"alg":"ES256","alg":"none","typ":"at+jwt"}`, `{"alg":"ES256","alg":"ES256","typ":"at+jwt"}`,
		`{"alg":"ES256","\u0061lg":"none","typ":"at+jwt"}`, `{"alg":"ES256","typ":"at+jwt","kid":"1","kid":"2"}`, `{"alg":"ES256","typ":"at+jwt","typ":"JWT"}`,
		`{"alg":"ES256","typ":"at+jwt","x":{"a":1,"a":2}}`,
	} {
		refused(t, header, keys, is.compact(header, goodClaims), ErrMalformed)
	}
	for _, member := range []string{
		`"aud":"x"`, `"exp":9999999999`, `"iss":"x"`, `"cnf":{}`, `"sub":"bob"`, `"\u0061ud":"x"`, `"x":{"y":[{"z":1,"z":1}]}`,
	} {
		refused(t, member+" last", keys, is.compact(is.header(), goodClaims[:len(goodClaims)-1]+","+member+"}"), ErrMalformed)
		refused(t, member+" first", keys, is.compact(is.header(), "{"+member+","+goodClaims[1:]), ErrMalformed)
	}
	inner := strings.Replace(goodClaims, `"cnf":{`, `"cnf":{"x5t#S256":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",`, 1)
	refused(t, "in cnf", keys, is.compact(is.header(), inner), ErrMalformed)
}

// TestT17_SizeAndDepth shows that what is too large or too deep is refused with a stack
// that is bounded and with memory in proportion to its length.
func TestT17_SizeAndDepth(t *testing.T) {
	is := newIssuer(ES256)
	keys := is.keySet(t)
	deep := strings.Repeat(`{"a":`, 3000) + "1" + strings.Repeat("}", 3000)
	var audiences strings.Builder
	for range 4000 {
		audiences.WriteString(`"https://other.example.com",`)
	}
	for _, test := range []struct {
		name, token string
		want        error
	}{
		{"8000 dots", strings.Repeat(".", 8000), ErrMalformed},
		{"8000 dots after a token", is.compact(is.header(), goodClaims) + strings.Repeat(".", 8000), ErrMalformed},
		{"60 kB without a dot", strings.Repeat("A", 60_000), ErrMalformed},
		{"60 kB header", strings.Repeat("A", 60_000) + ".AA.AA", ErrMalformed},
		{"60 kB payload", encodeURL([]byte(is.header())) + "." + strings.Repeat("A", 60_000) + ".AA", ErrMalformed},
		{"60 kB signature", encodeURL([]byte(is.header())) + "." + encodeURL([]byte(goodClaims)) + "." + strings.Repeat("A", 60_000), ErrSignature},
		{"deep header", is.compact(deep, goodClaims), ErrMalformed},
		{"deep header parameter", is.compact(is.header(`,"x":`, deep), goodClaims), ErrMalformed},
		{"deep claims", is.compact(is.header(), deep), ErrMalformed},
		{"deep claim", is.compact(is.header(), `{"a":`+deep+`}`), ErrMalformed},
		{"only opened", is.compact(is.header(), strings.Repeat("[", 40_000)), ErrMalformed},
		{"4000 audiences", is.compact(is.header(), with(t, goodClaims, "aud", "["+audiences.String()+quotedJSON(testAudience)+"]")), ErrClaim},
	} {
		t.Run(test.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			refused(t, test.name, keys, test.token, test.want)
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > uint64(10*len(test.token)+64<<10) {
				t.Errorf("%d bytes for a token of %d", used, len(test.token))
			}
		})
	}
	dots := strings.Repeat(".", 8000)
	if n := testing.AllocsPerRun(10, func() { _, _ = Parse(dots) }); n != 0 {
		t.Errorf("%v allocations for dots", n)
	}
}

// TestT20_OneSpelling shows that a token has one spelling.
func TestT20_OneSpelling(t *testing.T) {
	for _, a := range []Algorithm{ES256, RS256, EdDSA} {
		is := newIssuer(a)
		keys := is.keySet(t)
		good := is.compact(is.header(`,"x":"?>"`), goodClaims) // has both - and _
		accepted(t, "good", keys, good)
		parts := strings.Split(good, ".")
		for i := range parts {
			for name, part := range map[string]string{
				"padded":           parts[i] + "=",
				"padded twice":     parts[i] + "==",
				"line break":       parts[i][:4] + "\n" + parts[i][4:],
				"carriage return":  parts[i][:4] + "\r" + parts[i][4:],
				"line break after": parts[i] + "\n",
				"tab":              parts[i][:4] + "\t" + parts[i][4:],
				"space":            parts[i][:4] + " " + parts[i][4:],
				"space before":     " " + parts[i],
				"space after":      parts[i] + " ",
				"NUL":              parts[i] + "\x00",
				"percent":          parts[i] + "%3D",
				"one more":         parts[i] + "A",
				"empty":            "",
			} {
				changed := append([]string(nil), parts...)
				changed[i] = part
				token := strings.Join(changed, ".")
				if err := verdict(keys, testPolicy(), token); err == nil {
					t.Errorf("%v part %d %s: accepted", a, i, name)
				}
			}
			for _, pair := range []string{"-+", "_/"} {
				if at := strings.IndexByte(parts[i], pair[0]); at >= 0 {
					changed := append([]string(nil), parts...)
					changed[i] = parts[i][:at] + pair[1:] + parts[i][at+1:]
					refused(t, "standard alphabet", keys, strings.Join(changed, "."), ErrMalformed)
				}
			}
			if len(parts[i])%4 != 0 {
				for _, other := range sameBytes(parts[i]) {
					changed := append([]string(nil), parts...)
					changed[i] = other
					refused(t, "trailing bits", keys, strings.Join(changed, "."), ErrMalformed)
				}
			}
		}
		refused(t, "nothing", keys, "", ErrMalformed)
		refused(t, "one part", keys, parts[0], ErrMalformed)
		refused(t, "two parts", keys, parts[0]+"."+parts[1], ErrMalformed)
		refused(t, "no header", keys, "."+parts[1]+"."+parts[2], ErrMalformed)
	}
}

// sameBytes returns the other spellings of a segment that a lenient decoder takes for
// the same bytes: with other unused bits.
func sameBytes(segment string) (others []string) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	want, _ := decodeLast(segment)
	for _, c := range alphabet {
		other := segment[:len(segment)-1] + string(c)
		if got, ok := decodeLast(other); ok && other != segment && bytes.Equal(got, want) {
			others = append(others, other)
		}
	}
	return others
}

func decodeLast(segment string) ([]byte, bool) {
	data := appendLenient(nil, segment)
	return data, len(data) == len(segment)*6/8
}

// TestEveryBitFlipped shows for each algorithm that no token with one bit changed
// passes, wherever it is.
func TestEveryBitFlipped(t *testing.T) {
	for _, a := range allAlgorithms {
		t.Run(a.String(), func(t *testing.T) {
			t.Parallel()
			is := newIssuer(a)
			keys := is.keySet(t, `,"kid":"k"`)
			good := is.compact(is.header(`,"kid":"k"`), `{"sub":"a","exp":1}`)
			check := func(compact string) error {
				token, err := Parse(compact)
				if err != nil {
					return err
				}
				key, err := keys.Find(token.Header())
				if err != nil {
					return err
				}
				return key.Verify(token)
			}
			if err := check(good); err != nil {
				t.Fatal(err)
			}
			for i := range len(good) {
				for bit := range 8 {
					changed := []byte(good)
					changed[i] ^= 1 << bit
					if err := check(string(changed)); err == nil {
						t.Errorf("bit %d of byte %d", bit, i)
					}
				}
			}
		})
	}
}

// TestT24_ErrorsHoldNothing shows that no error quotes a token.
func TestT24_ErrorsHoldNothing(t *testing.T) {
	is := newIssuer(ES256)
	keys := is.keySet(t, `,"kid":"1"`)
	for _, header := range []string{
		is.header(`,"kid":"hunter2\r\n"`), is.header(`,"kid":["hunter2"]`), is.header(`,"crit":["hunter2"]`), `{"alg":"hunter2"}`, `{"hunter2`,
		`{"alg":"ES256","typ":"hunter2"}`, is.header(`,"hunter2":1,"hunter2":2`),
	} {
		for _, claims := range []string{goodClaims, `{"iss":"hunter2"}`, `{"hunter2`} {
			err := verdict(keys, testPolicy(), is.compact(header, claims))
			if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.ContainsAny(err.Error(), "\r\n")) {
				t.Errorf("%q", err)
			}
		}
	}
	for _, claim := range []string{"iss", "aud", "exp", "nbf", "iat", "cnf"} {
		c := mustClaims(t, with(t, goodClaims, claim, `["hunter2",{}]`))
		_, confirmation := c.Confirmation()
		for _, err := range []error{testPolicy().CheckClaims(c, testNow), confirmation} {
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q", err)
			}
		}
	}
}
