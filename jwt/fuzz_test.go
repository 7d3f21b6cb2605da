package jwt

import (
	"errors"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"holdfast/internal/base64url"
	"holdfast/strictjson"
)

// FuzzParse shows that every text gives a token or one of the four errors, that what is
// taken has one spelling and is never taken for opaque, and that a Parser, whatever it
// has parsed before, says the same.
func FuzzParse(f *testing.F) {
	is := newIssuer(ES256)
	good := is.compact(is.header(), goodClaims)
	for _, seed := range []string{
		"", ".", "..", "...", "....", good, good + "=", good + ".", good + ".AA.AA", rfc7515TokenA2, rfc7515TokenA3,
		strings.Repeat(".", 1000), "e30.e30.AA", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJFUzI1NiJ9.e30.AA", "eyJhbGciOiJFUzI1NiJ9.e30.AB",
		"eyJhbGciOiJFUzI1NiJ9.e31.AA", "eyJhbGciOiJFUzI1NiJ9\n.e30.AA", "ey\rJhbGciOiJFUzI1NiJ9.e30.AA",
		is.compact(is.header(`,"crit":[]`), goodClaims), is.compact(is.header(`,"enc":"A"`), goodClaims), is.compact(is.header(`,"alg":"none"`), goodClaims),
		is.compact(`{"alg":"ES256","kid":"\ud800"}`, "{}"), is.compact(strings.Repeat(`{"a":`, 40), "{}"), is.compact(is.header(), "[]"),
	} {
		f.Add(seed)
	}
	keys := is.keySet(f)
	var parser Parser
	f.Fuzz(func(t *testing.T, compact string) {
		token, err := Parse(compact)
		for range 2 { // an unknown header, and then a known one
			if again, andErr := parser.Parse(compact); andErr != err || !reflect.DeepEqual(again, token) {
				t.Fatalf("a Parser says %+v, %v", again, andErr)
			}
		}
		if err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrEncrypted) && !errors.Is(err, ErrAlgorithm) && !errors.Is(err, ErrCritical) {
				t.Fatalf("error %v", err)
			}
			if token != nil {
				t.Fatal("a token beside an error")
			}
			return
		}
		if !IsJWT(compact) {
			t.Fatal("Parse takes what IsJWT calls opaque")
		}
		dot := strings.LastIndexByte(compact, '.')
		if token.signingInput != compact[:dot] || encodeURL(token.signature) != compact[dot+1:] {
			t.Fatal("the parts are not what was sent")
		}
		payload, _ := base64url.Decode(token.PayloadSegment())
		if encodeURL(payload) != token.PayloadSegment() {
			t.Fatal("two spellings of a payload")
		}
		if token.Header().Algorithm == 0 || len(token.Header().KeyID) > maxKeyID {
			t.Fatalf("header %+v", token.Header())
		}
		if key, err := keys.Find(token.Header()); err == nil && key.Verify(token) == nil && compact != good && compact != rfc7515TokenA3 {
			// ECDSA signatures are random, so only the seed itself can be good.
			t.Fatal("a forgery")
		}
		_ = testPolicy().CheckHeader(token.Header())
		_ = testPolicy().CheckClaims(token.Claims(), testNow)
	})
}

// FuzzParseKeySet shows that every key that is kept can be asked, and panics at
// nothing.
func FuzzParseKeySet(f *testing.F) {
	for _, a := range []Algorithm{ES256, ES384, ES512, RS256, EdDSA} {
		is := newIssuer(a)
		f.Add(`{"keys":[` + is.jwk(`,"kid":"1","use":"sig","alg":"`, a.String(), `","key_ops":["verify"]`) + `]}`)
	}
	for _, seed := range []string{
		``, `{}`, `{"keys":[]}`, `{"keys":[{}]}`, `{"keys":[null]}`, `{"keys":[` + rfc7515RSA + `,` + rfc7515P256 + `,` + rfc7515P521 + `]}`,
		`{"keys":[{"kty":"oct","k":"AA"}]}`, `{"keys":[{"kty":"RSA","n":"AA","e":"AA"}]}`, `{"keys":[{"kty":"EC","crv":"P-256","x":"","y":""}]}`,
		`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`, `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA"}]}`,
	} {
		f.Add(seed)
	}
	signature := make([]byte, 1024)
	f.Fuzz(func(t *testing.T, doc string) {
		keys, err := ParseKeySet(doc)
		if err != nil {
			if keys != nil || !errors.Is(err, ErrKeySet) && !errors.Is(err, ErrNoUsableKey) {
				t.Fatalf("%v, %v", keys, err)
			}
			return
		}
		if keys.Len() == 0 || keys.Len() > maxKeys {
			t.Fatalf("%d keys", keys.Len())
		}
		for i := range keys.keys {
			key := &keys.keys[i]
			fits := 0
			for _, a := range allAlgorithms {
				if !key.Fits(a) {
					continue
				}
				fits++
				for _, length := range []int{0, 1, 64, 96, 132, 256, 512, 1024} {
					// Ed25519 keys of small order take many signatures, and whoever
					// publishes one has chosen so.
					if key.verifySignature(a, "text", signature[:length], Tables{}) == nil && a != EdDSA {
						t.Fatalf("%v takes zeros", a)
					}
				}
			}
			if fits == 0 {
				t.Fatal("a key that fits nothing")
			}
			_, _ = keys.Find(Header{Algorithm: key.algorithm, KeyID: key.id, HasKeyID: key.hasID})
		}
	})
}

// FuzzES256 shows that verification with tables says what crypto/ecdsa says: of a
// signature that makes it compute u·G + v·Q for a key d·G, after some of its bits and
// of its digest's were changed.
func FuzzES256(f *testing.F) {
	zero := make([]byte, 96)
	for i, d := range scalars {
		u, v := scalars[(i+1)%len(scalars)], scalars[(i+2)%len(scalars)]
		f.Add(d.Bytes(), u.Bytes(), v.Bytes(), zero)
		f.Add(d.Bytes(), new(big.Int).Sub(order, d).Bytes(), []byte{1}, zero) // infinity
		f.Add(d.Bytes(), u.Bytes(), v.Bytes(), append([]byte{1}, zero[1:]...))
	}
	f.Fuzz(func(t *testing.T, d, u, v, change []byte) {
		private, times := setBytes(d), setBytes(v)
		if len(d) > 32 || len(change) != 96 || private.Mod(private, order).Sign() == 0 || times.Mod(times, order).Sign() == 0 {
			return // nothing that could be signed with
		}
		p := newES256(t, private)
		sum, signature := p.sign(setBytes(u), times)
		for i, b := range change {
			if i < 32 {
				sum[i] ^= b
			} else {
				signature[i-32] ^= b
			}
		}
		p.agree(t, sum, signature)
	})
}

// FuzzClaims shows that no claims make a check panic, that all errors are of the
// package, and that what passes has what a policy asks for.
func FuzzClaims(f *testing.F) {
	for _, seed := range []string{
		goodClaims, `{}`, `{"exp":9223372036854775807}`, `{"exp":1e308,"iat":-1}`, `{"aud":[[]]}`, `{"cnf":{"x5t#S256":""}}`, `{"cnf":null}`,
		with(f, goodClaims, "exp", "1800003600.5"), with(f, goodClaims, "aud", `["https://api.example.com","b"]`), with(f, goodClaims, "realm_access", `{"roles":["a"]}`),
		with(f, goodClaims, "cnf", `{"jkt":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2","kid":1}`), with(f, goodClaims, "iat", "253402300800"),
	} {
		f.Add(seed, "realm_access.roles")
	}
	known := []error{
		ErrClaim, ErrMissingClaim, ErrIssuer, ErrAudience, ErrExpired, ErrNotYetValid, ErrIssuedInFuture, ErrLifetime,
	}
	f.Fuzz(func(t *testing.T, object, path string) {
		v, err := strictjson.Parse(object)
		if err != nil {
			return
		}
		c := NewClaims(v)
		policy := testPolicy()
		policy.MaxLifetime = 1 << 40
		policy.RequiredClaims = []string{path}
		err = policy.CheckClaims(c, testNow)
		if err == nil {
			exp, present, err := c.Time("exp")
			if iss, _ := c.Issuer(); iss != testIssuer || !present || err != nil || exp.Before(testNow.Add(-policy.ClockSkew)) {
				t.Fatal("passed without what was asked for")
			}
			if kind := c.Lookup(path).Kind(); kind == strictjson.Missing || kind == strictjson.Null {
				t.Fatal("passed without a required claim")
			}
		} else {
			found := false
			for _, sentinel := range known {
				found = found || errors.Is(err, sentinel)
			}
			if !found {
				t.Fatalf("error %v", err)
			}
		}
		cnf, err := c.Confirmation()
		switch {
		case err != nil:
			if !errors.Is(err, ErrConfirmation) || cnf != (Confirmation{}) {
				t.Fatalf("%+v, %v", cnf, err)
			}
		case cnf.Present != hasMember(v, "cnf"):
			t.Fatal("cnf is there or it is not")
		case (cnf.X5T != nil) != hasMember(v.Get("cnf"), "x5t#S256"), (cnf.JKT != nil) != hasMember(v.Get("cnf"), "jkt"):
			t.Fatal("a binding was lost")
		}
	})
}

// FuzzIsJWT shows that no header which names an algorithm in strict JSON is called
// opaque, whatever is around it.
func FuzzIsJWT(f *testing.F) {
	for _, seed := range []string{
		`{"alg":"ES256"}`, `{"enc":1}`, `{"\u0061lg":1}`, ` {"a":{"alg":1}}`, `{"a":"\"alg\":"}`, "\ufeff{\"alg\":1}", `{"alg"`, `{`, `{"alg\`, `}{"alg":1}`, `{"a":[]],"alg":1}`,
	} {
		f.Add(seed, "=")
	}
	f.Fuzz(func(t *testing.T, header, junk string) {
		_ = IsJWT(header)
		got := IsJWT(encodeURL([]byte(header)) + ".x.y")
		v, err := strictjson.Parse(header)
		if err == nil && (hasMember(v, "alg") || hasMember(v, "enc")) && !got {
			t.Fatal("called opaque")
		}
		if err == nil && v.Kind() != strictjson.Object && got {
			t.Fatal("called a JWT without an object")
		}
		if got && !IsJWT(encodeURL([]byte(header))+"=="+"."+junk) {
			t.Fatal("padding made it opaque")
		}
	})
}
