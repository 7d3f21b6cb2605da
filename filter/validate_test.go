package filter_test

import (
	"strings"
	"testing"
	"time"
)

// Step 2: each reason, by a token that differs from a good one in one thing.
func TestContract2_2_Validity(t *testing.T) {
	t.Parallel()
	w := start(t, `{"issuer":{"max_lifetime":"24h","required_claims":["sub","tenant"],"algorithms":["ES256","RS256"],"clock_skew":"10s",
		"jwks":{"inline":`+strings.Replace(jwks("k1", "twin", "k2"), `"kid":"twin"`, `"kid":"k2"`, 1)+`}}}`)
	tenant := claim("tenant", "a")
	mint := func(edits ...edit) string { return mint("k1", append([]edit{tenant}, edits...)...) }
	at := func(d time.Duration) any { return seconds(d) }
	fine := mint()
	segments := strings.Split(fine, ".")
	tests := []struct{ name, token, reason string }{
		{"good", fine, "token_accepted"},
		{"RFC9068_2.1 typ with application/ and in another case", mint(param("typ", "Application/AT+JWT")), "token_accepted"},
		{"audience among others", mint(claim("aud", []any{"x", audience})), "token_accepted"},
		{"no iat needed but for max_lifetime", mint(claim("iat", nil)), "claim_missing"},
		{"within the skew", mint(claim("exp", at(-9*time.Second)), claim("nbf", at(9*time.Second)), claim("iat", at(9*time.Second))), "token_accepted"},
		{"T04 embedded key is ignored", mint(param("jwk", object{"kty": "EC"}), param("x5c", []any{"AAAA"}), param("jku", "http://169.254.169.254/"), param("x5u", "file:///")), "token_accepted"},

		{"opaque", "2YotnFZFEjr1zCsicMWpAA", "token_not_jwt"},
		{"RFC9449 opaque with two dots", "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU", "token_not_jwt"},
		{"two segments", segments[0] + "." + segments[1], "token_malformed"},
		{"no signature", segments[0] + "." + segments[1] + ".", "token_malformed"},
		{"T20 padding", fine + "=", "token_malformed"},
		{"T08 duplicate claim", sign("k1", `{"alg":"ES256","typ":"at+jwt","kid":"k1"}`, `{"iss":"`+issuerURL+`","iss":"`+issuerURL+`"}`), "token_malformed"},
		{"T16 five parts", fine + ".AA.AA", "token_encrypted"},
		{"T16 enc in a JWS", mint(param("enc", "A128GCM")), "token_encrypted"},
		{"crit", mint(param("crit", []any{"x"}), param("x", 1)), "critical_header"},
		{"b64", mint(param("b64", false)), "critical_header"},
		{"T02 none", mint(param("alg", "none")), "algorithm_not_allowed"},
		{"T01 HS256", mint(param("alg", "HS256")), "algorithm_not_allowed"},
		{"T02 alg missing", mint(param("alg", nil), param("enc", nil)), "token_not_jwt"},
		{"T02 alg a number", mint(param("alg", 1)), "algorithm_not_allowed"},
		{"not on the issuer's list", mint(param("alg", "ES512")), "algorithm_not_allowed"},
		{"T18 typ missing", mint(param("typ", nil)), "token_type_not_allowed"},
		{"T18 ID token", mint(param("typ", "JWT")), "token_type_not_allowed"},
		{"T18 DPoP proof", mint(param("typ", "dpop+jwt")), "token_type_not_allowed"},
		{"T06 kid is a number", mint(param("kid", 1)), "token_malformed"},

		{"iss missing", mint(claim("iss", nil)), "claim_missing"},
		{"T11 iss array", mint(claim("iss", []any{issuerURL})), "claim_malformed"},
		{"T11 iss with a slash", mint(claim("iss", issuerURL+"/")), "issuer_unknown"},
		{"T11 iss prefix", mint(claim("iss", "https://as.example")), "issuer_unknown"},
		{"T11 iss empty", mint(claim("iss", "")), "issuer_unknown"},
		{"T09 ISS only", mint(claim("iss", nil), claim("ISS", issuerURL)), "claim_missing"},
		{"aud missing", mint(claim("aud", nil)), "claim_missing"},
		{"T11 aud other", mint(claim("aud", audience+"/")), "audience_mismatch"},
		{"T11 aud empty array", mint(claim("aud", []any{})), "audience_mismatch"},
		{"T11 aud object", mint(claim("aud", object{audience: 1})), "claim_malformed"},
		{"exp missing", mint(claim("exp", nil)), "claim_missing"},
		{"T10 exp string", mint(claim("exp", "4102444800")), "claim_malformed"},
		{"expired", mint(claim("exp", at(-time.Minute)), claim("iat", at(-time.Hour))), "expired"},
		{"expired by the skew to the second", mint(claim("exp", at(-10*time.Second))), "expired"},
		{"not yet valid", mint(claim("nbf", at(11*time.Second))), "not_yet_valid"},
		{"issued in the future", mint(claim("iat", at(11*time.Second))), "issued_in_future"},
		{"lives too long", mint(claim("iat", at(0)), claim("exp", at(24*time.Hour+time.Second))), "lifetime_too_long"},
		{"lives just long enough", mint(claim("iat", at(0)), claim("exp", at(24*time.Hour))), "token_accepted"},
		{"required claim missing", mint(claim("tenant", nil)), "claim_missing"},
		{"required claim null", sign("k1", `{"alg":"ES256","typ":"at+jwt","kid":"k1"}`, marshalWithNull("tenant")), "claim_missing"},

		{"unknown kid", mint(param("kid", "k9")), "key_unknown"},
		{"T06 kid in another case", mint(param("kid", "K1")), "key_unknown"},
		{"T06 kid as a path", mint(param("kid", "../../k1")), "key_unknown"},
		{"no kid, several keys", mint(param("kid", nil)), "key_ambiguous"},
		{"kid of two keys", mint(param("kid", "k2")), "key_ambiguous"},
		{"T07 key of another type", mint(param("alg", "RS256")), "key_unknown"},
		{"signed by another key", strings.Join([]string{segments[0], segments[1], strings.Split(sign("evil", "{}", "{}"), ".")[2]}, "."), "signature_invalid"},
		{"payload of another token", segments[0] + "." + strings.Split(mint(claim("sub", "bob")), ".")[1] + "." + segments[2], "signature_invalid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { w.t = t; w.expect(get(tt.token), tt.reason) })
	}
	if n := len(w.Recorded("holdfast.verify_us")); n == 0 {
		t.Error("no signature was timed")
	}
}

// marshalWithNull is the payload of a good token in which this claim is null.
func marshalWithNull(name string) string {
	return `{"iss":"` + issuerURL + `","aud":"` + audience + `","exp":4000000000,"` + name + `":null}`
}

// Cheap checks come before keys: a hopeless token causes no fetch.
func TestT06_HopelessTokensFetchNothing(t *testing.T) {
	t.Parallel()
	w := start(t, withURI)
	w.proxy.Server = keysFrom("k1")
	w.proxy.Advance(time.Second)
	before := len(w.Dispatched)
	for _, token := range []string{
		mint("k2", claim("aud", "x")), mint("k2", claim("exp", 1)), mint("k2", claim("iss", "x")), mint("k2", param("typ", "JWT")),
	} {
		w.judge(get(token))
	}
	w.proxy.Advance(time.Second)
	if n := len(w.Dispatched) - before; n != 0 {
		t.Errorf("%d fetches", n)
	}
}

// Only keys of the token's own issuer are tried (threat T22c).
func TestContract2_2_KeysOfThatIssuerOnly(t *testing.T) {
	t.Parallel()
	issuer := func(name, key string) string {
		return `{"issuer":"https://` + name + `.example","audiences":["` + audience + `"],"jwks":{"inline":` + jwks(key) + `}}`
	}
	w := start(t, `{"issuers":[`+issuer("a", "ka")+`,`+issuer("b", "kb")+`]}`)
	w.expect(get(mint("ka", claim("iss", "https://a.example"))), "token_accepted")
	w.expect(get(mint("kb", claim("iss", "https://b.example"))), "token_accepted")
	w.expect(get(mint("ka", claim("iss", "https://b.example"))), "key_unknown")
	w.expect(get(mint("ka", claim("iss", "https://b.example"), param("kid", nil))), "signature_invalid")
}
