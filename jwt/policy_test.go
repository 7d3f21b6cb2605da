package jwt

import (
	"errors"
	"holdfast/strictjson"
	"testing"
	"time"
)

func TestCheckHeader(t *testing.T) {
	good := Header{Algorithm: ES256, Type: "at+jwt"}
	if err := testPolicy().CheckHeader(good); err != nil {
		t.Fatal(err)
	}
	policy := testPolicy()
	policy.Algorithms = []Algorithm{PS256, EdDSA}
	for _, a := range allAlgorithms {
		err := policy.CheckHeader(Header{Algorithm: a, Type: "at+jwt"})
		if allowed := a == PS256 || a == EdDSA; allowed != (err == nil) || !allowed && !errors.Is(err, ErrAlgorithmNotAllowed) {
			t.Errorf("%v: %v", a, err)
		}
	}
}

// TestEmptyPolicyAllowsNothing shows that no check can be turned off by leaving its
// value out.
func TestEmptyPolicyAllowsNothing(t *testing.T) {
	good := Header{Algorithm: ES256, Type: "at+jwt"}
	for name, test := range map[string]struct {
		change func(*Policy)
		header Header
		claims string
		want   error
	}{
		"no algorithms":            {func(p *Policy) { p.Algorithms = nil }, good, goodClaims, ErrAlgorithmNotAllowed},
		"the zero algorithm":       {func(p *Policy) { p.Algorithms = []Algorithm{0} }, Header{Type: "at+jwt"}, goodClaims, ErrAlgorithmNotAllowed},
		"no types":                 {func(p *Policy) { p.Types = nil }, good, goodClaims, ErrType},
		"no types and no typ":      {func(p *Policy) { p.Types = nil }, Header{Algorithm: ES256}, goodClaims, ErrType},
		"no issuer":                {func(p *Policy) { p.Issuer = "" }, good, goodClaims, ErrIssuer},
		"no issuer and empty iss":  {func(p *Policy) { p.Issuer = "" }, good, with(t, goodClaims, "iss", `""`), ErrIssuer},
		"no audiences":             {func(p *Policy) { p.Audiences = nil }, good, goodClaims, ErrAudience},
		"empty audience and aud":   {func(p *Policy) { p.Audiences = []string{""} }, good, with(t, goodClaims, "aud", `""`), ErrAudience},
		"empty audience and array": {func(p *Policy) { p.Audiences = []string{""} }, good, with(t, goodClaims, "aud", `[""]`), ErrAudience},
	} {
		t.Run(name, func(t *testing.T) {
			policy := testPolicy()
			test.change(policy)
			err := policy.CheckHeader(test.header)
			if err == nil {
				err = policy.CheckClaims(mustClaims(t, test.claims), testNow)
			}
			if !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}

// TestT18_TypeConfusion shows that tokens of other kinds are no access tokens.
func TestT18_TypeConfusion(t *testing.T) {
	for _, test := range []struct {
		types  []string
		typ    string
		accept bool
	}{
		{[]string{"at+jwt"}, "at+jwt", true},
		{[]string{"at+jwt"}, "AT+JWT", true},
		{[]string{"at+jwt"}, "application/at+jwt", true},
		{[]string{"at+jwt"}, "APPLICATION/At+JWT", true},
		{[]string{"at+jwt"}, "", false},
		{[]string{"at+jwt"}, "JWT", false},        // ID token
		{[]string{"at+jwt"}, "logout+jwt", false}, // back-channel logout
		{[]string{"at+jwt"}, "dpop+jwt", false},   // DPoP proof
		{[]string{"at+jwt"}, "secevent+jwt", false},
		{[]string{"at+jwt"}, "client-authentication+jwt", false},
		{[]string{"at+jwt"}, "token-introspection+jwt", false},
		{[]string{"at+jwt"}, "at+jwt ", false},
		{[]string{"at+jwt"}, " at+jwt", false},
		{[]string{"at+jwt"}, "at+jwt\x00", false},
		{[]string{"at+jwt"}, "at+jwtx", false},
		{[]string{"at+jwt"}, "text/at+jwt", false},
		{[]string{"at+jwt"}, "application/application/at+jwt", false},
		{[]string{"at+jwt"}, "application/", false},
		{[]string{"at+jwt"}, "application/at+jwt; charset=utf-8", false},
		{[]string{"at+jwt", "jwt"}, "JWT", true},
		{[]string{"jwt"}, "application/jwt", true},
		{[]string{""}, "", true},
		{[]string{""}, "at+jwt", false},
		{[]string{""}, "application/", false},
		{[]string{"sk+jwt"}, "\u017f\u212a+jwt", false}, // Unicode would fold both
		{[]string{"sk+jwt"}, "SK+JWT", true},
	} {
		policy := testPolicy()
		policy.Types = test.types
		err := policy.CheckHeader(Header{Algorithm: ES256, Type: test.typ})
		if test.accept != (err == nil) || !test.accept && !errors.Is(err, ErrType) {
			t.Errorf("types %q, typ %q: %v", test.types, test.typ, err)
		}
	}
}

func TestCheckClaims(t *testing.T) {
	lifetime := func(d time.Duration) func(*Policy) { return func(p *Policy) { p.MaxLifetime = d } }
	required := func(names ...string) func(*Policy) { return func(p *Policy) { p.RequiredClaims = names } }
	for _, test := range []struct {
		name         string
		change       func(*Policy)
		claim, value string
		want         error
	}{
		{"good", nil, "", "", nil},

		{"expired within the skew", nil, "exp", "1799999991", nil},
		{"expired at the skew", nil, "exp", "1799999990", ErrExpired},
		{"expired beyond the skew", nil, "exp", "1799999989", ErrExpired},
		{"not yet valid within the skew", nil, "nbf", "1800000010", nil},
		{"not yet valid beyond the skew", nil, "nbf", "1800000011", ErrNotYetValid},
		{"no nbf", nil, "nbf", "", nil},
		{"nbf zero", nil, "nbf", "0", nil},
		{"nbf negative", nil, "nbf", "-1", ErrClaim},
		{"nbf a string", nil, "nbf", `"1799999900"`, ErrClaim},
		{"nbf null", nil, "nbf", `null`, ErrClaim},
		{"nbf never", nil, "nbf", "9223372036854775807", ErrNotYetValid},
		{"issued in the future within the skew", nil, "iat", "1800000010", nil},
		{"issued in the future beyond the skew", nil, "iat", "1800000010.5", ErrIssuedInFuture},
		{"no iat", nil, "iat", "", nil},
		{"iat zero", nil, "iat", "0", nil},
		{"iat negative", nil, "iat", "-1", ErrClaim},
		{"iat a string", nil, "iat", `"0"`, ErrClaim},

		{"lifetime just right", lifetime(400 * time.Second), "", "", nil},
		{"lifetime too long", lifetime(399 * time.Second), "", "", ErrLifetime},
		{"lifetime without iat", lifetime(time.Hour), "iat", "", ErrMissingClaim},
		{"lifetime with iat zero", lifetime(24 * time.Hour), "iat", "0", ErrLifetime},
		{"lifetime without end", lifetime(1 << 62), "exp", "9223372036854775807", ErrLifetime},
		{"lifetime with iat ahead", lifetime(time.Hour), "iat", "1800000299", ErrIssuedInFuture},

		{"required there", required("sub", "jti", "cnf.x5t#S256"), "", "", nil},
		{"required missing", required("sub", "tenant"), "", "", ErrMissingClaim},
		{"required null", required("tenant"), "tenant", "null", ErrMissingClaim},
		{"required false", required("tenant"), "tenant", "false", nil},
		{"required in another case", required("tenant"), "Tenant", `"a"`, ErrMissingClaim},
		{"required below, missing", required("cnf.jkt"), "", "", ErrMissingClaim},

		{"no iss", nil, "iss", "", ErrMissingClaim},
		{"no aud", nil, "aud", "", ErrMissingClaim},
		{"no exp", nil, "exp", "", ErrMissingClaim},
	} {
		t.Run(test.name, func(t *testing.T) {
			policy := testPolicy()
			if test.change != nil {
				test.change(policy)
			}
			claims := goodClaims
			if test.claim != "" {
				claims = with(t, claims, test.claim, test.value)
			}
			if err := policy.CheckClaims(mustClaims(t, claims), testNow); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}

// TestT10_Expiry is T10 as a decision.
func TestT10_Expiry(t *testing.T) {
	for value, want := range map[string]error{
		``: ErrMissingClaim, `"1800000300"`: ErrClaim, `null`: ErrClaim, `true`: ErrClaim, `[1800000300]`: ErrClaim,
		`{"a":1800000300}`: ErrClaim, `0`: ErrExpired, `-0`: ErrExpired, `-1`: ErrClaim, `2.001e206`: ErrClaim,
		`18446744075509551916`: ErrClaim, `1e999`: ErrClaim, `1799999000`: ErrExpired,
		`9223372036854775807`: nil, `1800003600.5`: nil, `1.8000036e9`: nil,
	} {
		if err := testPolicy().CheckClaims(mustClaims(t, with(t, goodClaims, "exp", value)), testNow); !errors.Is(err, want) {
			t.Errorf("exp %s: %v, want %v", value, err, want)
		}
	}
}

// TestT11_AudienceAndIssuer shows that both are compared whole and by type.
func TestT11_AudienceAndIssuer(t *testing.T) {
	for _, test := range []struct {
		claim, value string
		want         error
	}{
		{"aud", `"https://api.example.com"`, nil},
		{"aud", `["https://other.example.com","https://api.example.com"]`, nil},
		{"aud", `[]`, ErrAudience},
		{"aud", `""`, ErrAudience},
		{"aud", `[""]`, ErrAudience},
		{"aud", `null`, ErrClaim},
		{"aud", `1`, ErrClaim},
		{"aud", `{}`, ErrClaim},
		{"aud", `{"https://api.example.com":true}`, ErrClaim},
		{"aud", `[["https://api.example.com"]]`, ErrClaim},
		{"aud", `["https://api.example.com",1]`, ErrClaim},
		{"aud", `["https://api.example.com",{"a":1}]`, ErrClaim},
		{"aud", `"https://api.example.com/"`, ErrAudience},
		{"aud", `"https://api.example.co"`, ErrAudience},
		{"aud", `"https://api.example.com.evil.example"`, ErrAudience},
		{"aud", `"HTTPS://API.EXAMPLE.COM"`, ErrAudience},
		{"aud", `"api.example.com"`, ErrAudience},
		{"aud", `"http://api.example.com"`, ErrAudience},
		{"aud", `"https://a.example.com https://api.example.com"`, ErrAudience},
		{"aud", `"https://api.example.com\u0000"`, ErrAudience},

		{"iss", `["https://as.example.com"]`, ErrClaim},
		{"iss", `{"a":"https://as.example.com"}`, ErrClaim},
		{"iss", `null`, ErrClaim},
		{"iss", `1`, ErrClaim},
		{"iss", `""`, ErrIssuer},
		{"iss", `"https://as.example.com/"`, ErrIssuer},
		{"iss", `"https://as.example.co"`, ErrIssuer},
		{"iss", `"https://as.example.com.evil.example"`, ErrIssuer},
		{"iss", `"https://AS.example.com"`, ErrIssuer},
		{"iss", `"as.example.com"`, ErrIssuer},
		{"iss", `"https://as.example.com\u0000"`, ErrIssuer},
	} {
		err := testPolicy().CheckClaims(mustClaims(t, with(t, goodClaims, test.claim, test.value)), testNow)
		if !errors.Is(err, test.want) {
			t.Errorf("%s %s: %v, want %v", test.claim, test.value, err, test.want)
		}
	}
}

// TestT09_CaseOfNames shows that a claim under a name of another case is no claim.
func TestT09_CaseOfNames(t *testing.T) {
	for claim, other := range map[string][]string{
		"iss": {"ISS", "Iss", "i\u017fs"}, "aud": {"AUD", "Aud"}, "exp": {"EXP", "Exp"},
	} {
		for _, name := range other {
			c := mustClaims(t, goodClaims)
			claims := with(t, with(t, goodClaims, claim, ""), name, c.Get(claim).Raw())
			if err := testPolicy().CheckClaims(mustClaims(t, claims), testNow); !errors.Is(err, ErrMissingClaim) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	const other = `{"x5t#S256":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`
	for _, name := range []string{"CNF", "Cnf", "cnF"} {
		cnf, err := mustClaims(t, with(t, goodClaims, name, other)).Confirmation()
		if err != nil || cnf.X5T == nil || cnf.X5T[0] == 0 {
			t.Errorf("%s took the place of cnf: %+v, %v", name, cnf, err)
		}
	}
	if cnf, err := mustClaims(t, with(t, with(t, goodClaims, "cnf", ""), "CNF", other)).Confirmation(); cnf.Present || err != nil {
		t.Errorf("CNF is taken for cnf: %+v, %v", cnf, err)
	}
}

// Validity is when CheckTimes accepts, to the nanosecond.
func TestValidityIsWhenTheTimesAreAccepted(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_700_000_000, 0)
	for _, skew := range []time.Duration{0, 10 * time.Second} {
		p := Policy{ClockSkew: skew}
		for _, text := range []string{
			`{"exp":1700000100}`, `{"exp":1700000100,"nbf":1700000000}`, `{"exp":1700000100,"iat":1700000000.5}`,
			`{"exp":1700000100,"nbf":1699999990,"iat":1700000050}`, `{"exp":1700000100,"nbf":1700000050,"iat":1699999990}`,
		} {
			object, err := strictjson.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			claims := NewClaims(object)
			from, until := p.Validity(claims)
			for _, now := range []time.Time{at, from, from.Add(-1), until, until.Add(-1), at.Add(time.Hour), at.Add(-time.Hour)} {
				if now.Year() < 1 {
					continue // before the zero time, which is before every time
				}
				if got, want := !now.Before(from) && now.Before(until), p.CheckTimes(claims, now) == nil; got != want {
					t.Errorf("%s at %v: %v", text, now, got)
				}
			}
		}
	}
}
