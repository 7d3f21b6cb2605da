package introspection

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// members are those of a JWK.
type members = map[string]any

func octet(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func number(n *big.Int) string { return octet(n.Bytes()) }

// ecJWK is a new private key on P-256, and what go-jose needs to verify with it.
func ecJWK(t testing.TB) (members, *ecdsa.PublicKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d, _ := key.Bytes()
	point, _ := key.PublicKey.Bytes()
	return members{"kty": "EC", "crv": "P-256", "x": octet(point[1:33]), "y": octet(point[33:]), "d": octet(d)}, &key.PublicKey
}

// rsaKeys are made once: they are slow to make.
var rsaKeys = struct {
	sync.Mutex
	bySize map[int]*rsa.PrivateKey
}{bySize: map[int]*rsa.PrivateKey{}}

func rsaKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	rsaKeys.Lock()
	defer rsaKeys.Unlock()
	if rsaKeys.bySize[bits] == nil {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		rsaKeys.bySize[bits] = key
	}
	return rsaKeys.bySize[bits]
}

func rsaJWK(key *rsa.PrivateKey) members {
	return members{
		"kty": "RSA", "n": number(key.N), "e": number(big.NewInt(int64(key.E))), "d": number(key.D),
		"p": number(key.Primes[0]), "q": number(key.Primes[1]),
		"dp": number(key.Precomputed.Dp), "dq": number(key.Precomputed.Dq), "qi": number(key.Precomputed.Qinv),
	}
}

// changed is a copy with a member set, or removed with nil.
func changed(m members, name string, value any) members {
	c := members{}
	for k, v := range m {
		c[k] = v
	}
	if c[name] = value; value == nil {
		delete(c, name)
	}
	return c
}

func text(t testing.TB, m members) string {
	t.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func refused(t *testing.T, name, jwk string) {
	t.Helper()
	key, err := ParseSigningKey(jwk)
	if key != nil || err != ErrSigningKey {
		t.Errorf("%s: %v", name, err)
	}
}

// go-jose writes private JWKs of both types, as others do.
func TestRFC7518_6_KeysOfGoJose(t *testing.T) {
	t.Parallel()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for algorithm, key := range map[jose.SignatureAlgorithm]any{jose.ES256: ec, jose.PS256: rsaKey(t, 2048)} {
		jwk, err := json.Marshal(jose.JSONWebKey{Key: key, KeyID: "k", Use: "sig", Algorithm: string(algorithm)})
		if err != nil {
			t.Fatal(err)
		}
		ours, err := ParseSigningKey(string(jwk))
		if err != nil || ours.algorithm != string(algorithm) || ours.id != "k" {
			t.Errorf("%s: %+v, %v", algorithm, ours, err)
		}
	}
}

// The private key of RFC 7517's appendix, whose p, q and the rest are printed there.
func TestRFC7517_A_2_Keys(t *testing.T) {
	t.Parallel()
	ec := `{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",` +
		`"d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE","use":"%","kid":"1"}`
	// The appendix has it for encryption: that is honoured.
	refused(t, "use enc", strings.Replace(ec, "%", "enc", 1))
	if key, err := ParseSigningKey(strings.Replace(ec, "%", "sig", 1)); err != nil || key.id != "1" {
		t.Error(err)
	}
}

func TestRFC7518_6_2_2_ECKeys(t *testing.T) {
	t.Parallel()
	good, _ := ecJWK(t)
	other, _ := ecJWK(t)
	if _, err := ParseSigningKey(text(t, good)); err != nil {
		t.Fatal(err)
	}
	d := good["d"].(string)
	decoded, _ := base64.RawURLEncoding.DecodeString(d)
	for name, m := range map[string]members{
		"no d":                changed(good, "d", nil),
		"no x":                changed(good, "x", nil),
		"no y":                changed(good, "y", nil),
		"no crv":              changed(good, "crv", nil),
		"no kty":              changed(good, "kty", nil),
		"kty in small":        changed(good, "kty", "ec"),
		"kty OKP":             changed(good, "kty", "OKP"),
		"kty oct":             changed(good, "kty", "oct"),
		"another curve":       changed(good, "crv", "P-384"),
		"secp256k1":           changed(good, "crv", "secp256k1"),
		"another d":           changed(good, "d", other["d"]),
		"another x":           changed(good, "x", other["x"]),
		"another y":           changed(good, "y", other["y"]),
		"x and y swapped":     changed(changed(good, "x", good["y"]), "y", good["x"]),
		"d of another type":   changed(good, "d", 1),
		"d padded":            changed(good, "d", d+"="),
		"d with a line break": changed(good, "d", d+"\n"),
		"d in two lines":      changed(good, "d", d[:20]+"\r\n"+d[20:]),
		"d with a space":      changed(good, "d", " "+d),
		"d of 31 bytes":       changed(good, "d", octet(decoded[1:])),
		"d of 33 bytes":       changed(good, "d", octet(append([]byte{0}, decoded...))),
		"d in another base64": changed(good, "d", base64.StdEncoding.EncodeToString(decoded)),
		"d zero":              changed(good, "d", octet(make([]byte, 32))),
		"d the order":         changed(good, "d", octet([]byte(order))),
		"d beyond":            changed(good, "d", octet(bytes.Repeat([]byte{0xff}, 32))),
		"d with more bits":    changed(good, "d", d[:42]+nextDigit(d[42])),
	} {
		refused(t, name, text(t, m))
	}
}

// nextDigit is a digit of base64url that decodes to the same byte where only its
// first four bits count.
func nextDigit(digit byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, digit)+1])
}

func TestRFC7518_6_3_2_RSAKeys(t *testing.T) {
	t.Parallel()
	for _, bits := range []int{2048, 3072} {
		if _, err := ParseSigningKey(text(t, rsaJWK(rsaKey(t, bits)))); err != nil {
			t.Errorf("%d bits: %v", bits, err)
		}
	}
	key := rsaKey(t, 2048)
	good, other := rsaJWK(key), rsaJWK(rsaKey(t, 3072))
	pMinus1, qMinus1 := minusOne(key.Primes[0]), minusOne(key.Primes[1])
	// The primes may come in any order, as long as the rest follows.
	swapped := members{
		"kty": "RSA", "n": good["n"], "e": good["e"], "p": good["q"], "q": good["p"], "dp": good["dq"], "dq": good["dp"],
		"qi": number(new(big.Int).ModInverse(key.Primes[0], key.Primes[1])),
	}
	if _, err := ParseSigningKey(text(t, swapped)); err != nil {
		t.Errorf("the primes in the other order: %v", err)
	}
	cases := map[string]members{
		"e 1":                       changed(good, "e", "AQ"),
		"e 1, and all that follows": changed(changed(changed(good, "e", "AQ"), "dp", "AQ"), "dq", "AQ"),
		"e 2":                       changed(good, "e", "Ag"),
		"e 3, which is another key": changed(good, "e", "Aw"),
		"e even":                    changed(good, "e", "AQAA"),
		"e of 33 bits":              changed(good, "e", "AQAAAAE"),
		"e of 32 bits":              changed(good, "e", "gAAAAQ"),
		"p and q swapped":           changed(changed(good, "p", good["q"]), "q", good["p"]),
		"primes swapped, not qi":    changed(swapped, "qi", good["qi"]),
		"dp and dq swapped":         changed(changed(good, "dp", good["dq"]), "dq", good["dp"]),
		"p twice":                   changed(good, "q", good["p"]),
		"n as p":                    changed(good, "p", good["n"]),
		"p is 1, q is n":            changed(changed(good, "p", "AQ"), "q", good["n"]),
		"dp unreduced":              changed(good, "dp", number(new(big.Int).Add(key.Precomputed.Dp, pMinus1))),
		"dq unreduced":              changed(good, "dq", number(new(big.Int).Add(key.Precomputed.Dq, qMinus1))),
		"qi unreduced":              changed(good, "qi", number(new(big.Int).Add(key.Precomputed.Qinv, key.Primes[0]))),
		"dp is d":                   changed(good, "dp", good["d"]),
		"three primes":              changed(good, "oth", []any{members{"r": "AQ", "d": "AQ", "t": "AQ"}}),
		"oth empty":                 changed(good, "oth", []any{}),
		"oth null":                  withNull(good, "oth"),
		"kty EC":                    changed(good, "kty", "EC"),
		"only n, e and d": {
			"kty": "RSA", "n": good["n"], "e": good["e"], "d": good["d"],
		},
		"public": {"kty": "RSA", "n": good["n"], "e": good["e"]},
	}
	for _, name := range []string{"n", "e", "p", "q", "dp", "dq", "qi"} {
		value := good[name].(string)
		decoded, _ := base64.RawURLEncoding.DecodeString(value)
		cases["no "+name] = changed(good, name, nil)
		cases[name+" empty"] = changed(good, name, "")
		cases[name+" zero"] = changed(good, name, "AA")
		cases[name+" of another type"] = changed(good, name, 65537)
		cases[name+" padded"] = changed(good, name, value+"=")
		cases[name+" with a line break"] = changed(good, name, value[:1]+"\n"+value[1:])
		cases[name+" with a zero in front"] = changed(good, name, octet(append([]byte{0}, decoded...)))
		cases[name+" longer than any"] = changed(good, name, octet(bytes.Repeat([]byte{0xff}, maxRSABits/8+1)))
		cases[name+" as long as can be"] = changed(good, name, octet(bytes.Repeat([]byte{0xff}, maxRSABits/8)))
		if name != "e" {
			cases[name+" of another key"] = changed(good, name, other[name])
		}
	}
	for name, m := range cases {
		refused(t, name, text(t, m))
	}
}

func minusOne(n *big.Int) *big.Int { return new(big.Int).Sub(n, big.NewInt(1)) }

// withNull has a member that is null.
func withNull(m members, name string) members {
	c := changed(m, name, 0)
	c[name] = nil
	return c
}

// NIST SP 800-131A, RFC 7518 §3.5: at least 2048 bits. 2047 are too few, too.
func TestRFC7518_3_5_RSAKeySize(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0") // the standard library would not make the smallest
	for _, bits := range []int{512, 1024, 2047} {
		refused(t, "small", text(t, rsaJWK(rsaKey(t, bits))))
	}
	//lint:ignore SA1019 such keys are what has to be refused
	three, err := rsa.GenerateMultiPrimeKey(rand.Reader, 3, 2048)
	if err != nil {
		t.Fatal(err)
	}
	m := rsaJWK(three)
	refused(t, "three primes, two of them told", text(t, m))
	p, q, r := three.Primes[0], three.Primes[1], three.Primes[2]
	m["oth"] = []any{members{"r": number(r), "d": number(new(big.Int).Mod(three.D, minusOne(r))), "t": number(new(big.Int).ModInverse(new(big.Int).Mul(p, q), r))}}
	refused(t, "three primes", text(t, m))
}

// RFC 7517 §4.2 to §4.5.
func TestRFC7517_4_WhatAKeyMayBeUsedFor(t *testing.T) {
	t.Parallel()
	ec, _ := ecJWK(t)
	rsa := rsaJWK(rsaKey(t, 2048))
	for _, tt := range []struct {
		member string
		value  any
		ec     bool
		rsa    bool
	}{
		{"alg", "ES256", true, false}, {"alg", "PS256", false, true}, {"alg", "RS256", false, false}, {"alg", "es256", false, false},
		{"alg", "", false, false}, {"alg", 1, false, false}, {"alg", "none", false, false},
		{"use", "sig", true, true}, {"use", "enc", false, false}, {"use", "", false, false}, {"use", []any{"sig"}, false, false},
		{"key_ops", []any{"sign"}, true, true}, {"key_ops", []any{"verify", "sign"}, true, true}, {"key_ops", []any{"verify"}, false, false},
		{"key_ops", []any{}, false, false}, {"key_ops", "sign", false, false}, {"key_ops", []any{1, nil}, false, false},
		{"kid", "k", true, true}, {"kid", "", true, true}, {"kid", 1, false, false}, {"kid", []any{"k"}, false, false},
		{"x5t", "whatever", true, true}, {"ext", true, true, true},
	} {
		for _, key := range []struct {
			m    members
			good bool
		}{{ec, tt.ec}, {rsa, tt.rsa}} {
			if _, err := ParseSigningKey(text(t, changed(key.m, tt.member, tt.value))); (err == nil) != key.good {
				t.Errorf("%s, %s %v: %v", key.m["kty"], tt.member, tt.value, err)
			}
		}
	}
	for _, member := range []string{"alg", "use", "key_ops", "kid"} {
		refused(t, member+" null", text(t, withNull(ec, member)))
	}
}

// T24: what went wrong is told without anything of the key.
func TestT24_NotAKey(t *testing.T) {
	t.Parallel()
	m, _ := ecJWK(t)
	good := text(t, m)
	for name, jwk := range map[string]string{
		"nothing":       "",
		"a PEM file":    "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----\n",
		"no object":     "[" + good + "]",
		"a set":         `{"keys":[` + good + `]}`,
		"cut":           good[:len(good)-1],
		"two":           good + good,
		"a member more": strings.Replace(good, `{`, `{"d":"AA",`, 1),
		"null":          "null",
		"base64":        octet([]byte(good)),
	} {
		refused(t, name, jwk)
	}
	if strings.Contains(ErrSigningKey.Error(), m["d"].(string)) || !strings.Contains(ErrSigningKey.Error(), "dp, dq, qi") {
		t.Error(ErrSigningKey)
	}
	var err error = ErrSigningKey
	if errors.Unwrap(err) != nil {
		t.Error("it wraps something")
	}
}

// FuzzParseSigningKey shows that every text gives a key that signs, or ErrSigningKey.
func FuzzParseSigningKey(f *testing.F) {
	ec, _ := ecJWK(f)
	rsa := rsaJWK(rsaKey(f, 2048))
	for _, m := range []members{
		ec, rsa, changed(ec, "kid", "k\n\"\\"), changed(ec, "alg", "ES256"), changed(ec, "key_ops", []any{"sign"}), changed(ec, "d", nil),
		changed(rsa, "e", "AQ"), changed(rsa, "p", "Aw"), changed(rsa, "n", "AQ"), changed(rsa, "oth", []any{}), changed(rsa, "dp", "AQAB"), changed(rsa, "q", rsa["p"]), {"kty": "RSA"}, {},
	} {
		f.Add(text(f, m))
	}
	f.Add(`{"kty":"EC","kty":"EC"}`)
	f.Fuzz(func(t *testing.T, jwk string) {
		key, err := ParseSigningKey(jwk)
		if err != nil {
			if key != nil || err != ErrSigningKey {
				t.Fatalf("%v, %v", key, err)
			}
			return
		}
		compact, err := key.Sign(assertion, func(b []byte) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.ES256, jose.PS256}); err != nil {
			t.Fatal(err)
		}
	})
}
