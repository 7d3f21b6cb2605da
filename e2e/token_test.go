package e2e

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"
)

// Tokens that are not valid. The package tests of jwt go much further; here each
// kind of fault is seen through to the answer of a real Envoy.
func TestInvalidTokens(t *testing.T) {
	f := standard.use(t)
	key, c, now := f.Auth.Key(), f.PKI.A, time.Now().Unix()
	good := f.Auth.Mint(c)
	signed := good.Sign(key)
	passed(t, f.A.Get(path, "authorization: Bearer "+signed))

	spki := must(x509.MarshalPKIXPublicKey(key.Private.Public()))
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})
	evil := NewKey(key.ID, "ES256")
	evilJWK := evil.JWK()
	parts := strings.Split(signed, ".")
	other := strings.Split(good.With(M{"scope": "admin"}).Sign(key), ".")

	for name, token := range map[string]string{
		"expired":                      good.With(M{"exp": now - 60}).Sign(key),
		"not yet valid":                good.With(M{"nbf": now + 600}).Sign(key),
		"issued in the future":         good.With(M{"iat": now + 600}).Sign(key),
		"T10 exp as a string":          good.With(M{"exp": "9999999999"}).Sign(key),
		"no exp":                       good.With(M{"exp": nil}).Sign(key),
		"wrong audience":               good.With(M{"aud": "https://other.example.com"}).Sign(key),
		"T11 audience with a slash":    good.With(M{"aud": Resource + "/"}).Sign(key),
		"no audience":                  good.With(M{"aud": nil}).Sign(key),
		"T19b unknown issuer":          good.With(M{"iss": "https://evil.example"}).Sign(key),
		"T11 issuer in an array":       good.With(M{"iss": []any{Issuer}}).Sign(key),
		"T18 typ of an ID token":       good.WithHeader(M{"typ": "JWT"}).Sign(key),
		"T18 typ of a DPoP proof":      good.WithHeader(M{"typ": "dpop+jwt"}).Sign(key),
		"no typ":                       good.WithHeader(M{"typ": nil}).Sign(key),
		"T02 alg none":                 good.Unsigned(),
		"T02 alg none, real signature": good.WithHeader(M{"alg": "none"}).Sign(key),
		"T02 alg in another case":      good.WithHeader(M{"alg": "es256"}).Sign(key),
		"T01 HS256 with the PEM":       good.HMAC(asPEM),
		"T01 HS256 with the DER":       good.HMAC(spki),
		"T01 HS256 with the empty key": good.HMAC(nil),
		"algorithm not on the list":    good.WithHeader(M{"alg": "RS256"}).Sign(NewKey(key.ID, "RS256")),
		"signed by someone else":       good.Sign(evil),
		"T03 psychic signature":        parts[0] + "." + parts[1] + "." + segment(make([]byte, 64)),
		"T04 embedded jwk":             good.WithHeader(M{"jwk": evilJWK.Public()}).Sign(evil),
		"crit":                         good.WithHeader(M{"crit": []any{"exp"}}).Sign(key),
		"RFC 7797 b64":                 good.WithHeader(M{"crit": []any{"b64"}, "b64": false}).Sign(key),
		"T16 enc in a JWS":             good.WithHeader(M{"enc": "A256GCM"}).Sign(key),
		"T16 five parts":               signed + ".e30.e30",
		"T16 JSON serialisation":       segment([]byte(`{"payload":"`+parts[1]+`"}`)) + "..",
		"tampered payload":             parts[0] + "." + other[1] + "." + parts[2],
		"tampered signature":           parts[0] + "." + parts[1] + "." + other[2],
		"no signature":                 parts[0] + "." + parts[1] + ".",
		"T20 padded":                   signed + "==",
		"T08 duplicate member":         SignJSON(key, encode(good.Header), strings.Replace(encode(good.Claims), "{", `{"aud":"x",`, 1)),
		"T09 cnf in another case":      good.With(M{"cnf": nil, "CNF": M{"x5t#S256": c.X5T()}}).Sign(key),
		"T09 exp in another case":      good.With(M{"exp": nil, "EXP": now + 600}).Sign(key),
		"T17 3000 levels":              SignJSON(key, encode(good.Header), `{"a":`+strings.Repeat("[", 3000)+strings.Repeat("]", 3000)+"}"),
		"T06 kid of another case":      good.WithHeader(M{"kid": strings.ToUpper(key.ID)}).Sign(key),
		"T06 kid as a path":            good.WithHeader(M{"kid": "../../" + key.ID}).Sign(key),
		"T06 kid as SQL":               good.WithHeader(M{"kid": "' OR 1=1 --"}).Sign(key),
		"T06 kid with NUL":             good.WithHeader(M{"kid": key.ID + "\x00"}).Sign(key),
		"T06 kid as a number":          good.WithHeader(M{"kid": 1}).Sign(key),
		"T06 kid of 10 kB":             good.WithHeader(M{"kid": strings.Repeat("k", 10000)}).Sign(key),
		"T24 line break in kid":        good.WithHeader(M{"kid": "x\r\n[critical] forged"}).Sign(key),
		"opaque":                       "2YotnFZFEjr1zCsicMWpAA",
		"an empty object":              "e30.e30.AA",
	} {
		t.Run(name, func(t *testing.T) {
			f.refused(t, f.A.Get(path, "authorization: Bearer "+token), 401, "invalid_token")
		})
	}
	if strings.Contains(f.Envoy.Log()+f.Envoy.AccessLog(), "\n[critical] forged") {
		t.Error("a kid wrote a line of its own into the log")
	}
}

// Tokens with unusual and good looks pass.
func TestValidTokens(t *testing.T) {
	f := standard.use(t)
	good, key := f.Auth.Mint(f.PKI.A), f.Auth.Key()
	for name, token := range map[string]*Token{
		"RFC 9068 typ with prefix":  good.WithHeader(M{"typ": "application/at+jwt"}),
		"RFC 9068 typ in upper":     good.WithHeader(M{"typ": "AT+JWT"}),
		"audience in an array":      good.With(M{"aud": []any{"x", Resource}}),
		"T10 exp with a fraction":   good.With(M{"exp": float64(time.Now().Unix()) + 3600.5}),
		"scope in an unusual order": good.With(M{"scope": "x accounts:read"}),
		"no kid, one key":           good.WithHeader(M{"kid": nil}),
		"T04 x5c that is junk":      good.WithHeader(M{"x5c": []any{"AA=="}}),
		"expired within the skew":   good.With(M{"exp": time.Now().Unix() - 1}),
	} {
		t.Run(name, func(t *testing.T) { passed(t, f.A.Get(path, "authorization: Bearer "+token.Sign(key))) })
	}
}

// T05: an address in a token is never called.
func TestT05TokenNamesAKeyURL(t *testing.T) {
	f := standard.use(t)
	evil := NewKey("evil", "ES256")
	url := "http://" + f.Upstream.Address + "/evil.json"
	for _, member := range []string{"jku", "x5u"} {
		before := f.Upstream.Total()
		a := f.A.Get(path, "authorization: Bearer "+f.Auth.Mint(f.PKI.A).WithHeader(M{member: url, "kid": f.Auth.Key().ID}).Sign(evil))
		if after := f.Upstream.Total(); after != before {
			t.Errorf("%s: %d requests went out", member, after-before)
		}
		f.refused(t, a, 401, "invalid_token")
	}
}

// T06: a flood of invented kids costs one fetch for each unknown_kid_interval,
// which is 30 s here, over all workers.
func TestT06FloodOfKids(t *testing.T) {
	f := standard.use(t)
	passed(t, f.A.Get(path, f.bearer(t, f.PKI.A)))
	before, began := f.Auth.Requests("/jwks"), time.Now()
	evil := NewKey("evil", "ES256")
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 25 {
				token := f.Auth.Mint(f.PKI.A).WithHeader(M{"kid": thumbprintOf([]byte(time.Now().String()))}).Sign(evil)
				if a := f.A.Get(path, "authorization: Bearer "+token); a.Status != 401 || a.Seen != nil {
					t.Errorf("got %s, want 401", describe(a))
				}
			}
		})
	}
	wait.Wait()
	allowed := 2 + int(time.Since(began)/(20*time.Second)) // one for the kids, one that was due anyway
	if got := f.Auth.Requests("/jwks") - before; got > allowed {
		t.Errorf("%d fetches for 200 invented kids, want at most %d", got, allowed)
	}
	f.stillServes(t)
}

// Every algorithm of the contract, with keys from the configuration itself.
func TestInlineKeysAndAlgorithms(t *testing.T) {
	keys := []*Key{NewKey("es", "ES256"), NewKey("rs", "RS256"), NewKey("ps", "PS256"), NewKey("ed", "EdDSA")}
	f := start(t, one(M{"issuers": IssuerWith(M{
		"algorithms": nil, "jwks": M{"uri": nil, "cluster": nil, "inline": rawJSON(Set(keys...))},
	})}))
	f.Auth.Publish(keys...)
	for _, k := range keys {
		token := f.Auth.Mint(f.PKI.A).WithHeader(M{"alg": k.Algorithm, "kid": k.ID})
		passed(t, f.A.Get(path, "authorization: Bearer "+token.Sign(k)))
		f.refused(t, f.A.Get(path, "authorization: Bearer "+token.Sign(NewKey(k.ID, k.Algorithm))), 401, "invalid_token")
	}
	// T07: each key only under its own algorithm.
	f.refused(t, f.A.Get(path, "authorization: Bearer "+f.Auth.Mint(f.PKI.A).WithHeader(M{"alg": "PS256", "kid": "rs"}).Sign(&Key{Algorithm: "PS256", Private: keys[1].Private})), 401, "invalid_token")
	if n := f.Auth.Requests("/jwks"); n != 0 {
		t.Errorf("%d fetches, although the keys are in the configuration", n)
	}
}
