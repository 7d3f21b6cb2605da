package jwt

import "testing"

// typicalClaims is what an authorization server puts into an access token of some
// 700 bytes beside the signature.
const typicalClaims = `{"iss":"https://as.example.com","sub":"3b1c9a52-7a0c-4f0b-a3a3-0c2b1ad5e2fd",` +
	`"aud":["https://api.example.com","https://other.example.com"],"exp":1800000300,"nbf":1799999900,"iat":1799999900,` +
	`"jti":"b0f1c7f8a2d94c6e","client_id":"client-1","azp":"client-1","acr":"1","scope":"accounts:read payments:write",` +
	`"realm_access":{"roles":["user","auditor"]},"cnf":{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}}`

// BenchmarkNewToken is what a JWT that was not seen before costs beside its signature,
// in the steps of the filter.
func BenchmarkNewToken(b *testing.B) {
	is := newIssuer(RS256)
	compact := is.compact(is.header(`,"kid":"k1-2026-01"`), typicalClaims)
	keys := is.keySet(b, `,"kid":"k1-2026-01"`)
	policy := testPolicy()
	var parser Parser
	b.ReportAllocs()
	b.SetBytes(int64(len(compact)))
	for b.Loop() {
		token, err := parser.Parse(compact)
		if err != nil {
			b.Fatal(err)
		}
		if issuer, err := token.Claims().Issuer(); err != nil || issuer != testIssuer {
			b.Fatal(err)
		}
		if err := policy.CheckHeader(token.Header()); err != nil {
			b.Fatal(err)
		}
		if err := policy.CheckClaims(token.Claims(), testNow); err != nil {
			b.Fatal(err)
		}
		if _, err := keys.Find(token.Header()); err != nil {
			b.Fatal(err)
		}
		policy.Validity(token.Claims())
		if _, err := token.Claims().Confirmation(); err != nil {
			b.Fatal(err)
		}
		if scope, _ := token.Claims().Lookup("scope").Text(); scope == "" {
			b.Fatal("no scope")
		}
	}
}

func BenchmarkParse(b *testing.B) {
	is := newIssuer(ES256)
	compact := is.compact(is.header(`,"kid":"1"`), goodClaims)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(compact); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckClaims(b *testing.B) {
	claims := mustClaims(b, goodClaims)
	policy := testPolicy()
	b.ReportAllocs()
	for b.Loop() {
		if err := policy.CheckClaims(claims, testNow); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIsJWT(b *testing.B) {
	is := newIssuer(ES256)
	compact := is.compact(is.header(`,"kid":"1"`), goodClaims)
	b.ReportAllocs()
	for b.Loop() {
		if !IsJWT(compact) {
			b.Fatal("opaque")
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, a := range allAlgorithms {
		is := newIssuer(a)
		token, err := Parse(is.compact(is.header(), goodClaims))
		if err != nil {
			b.Fatal(err)
		}
		key, err := is.keySet(b).Find(token.Header())
		if err != nil {
			b.Fatal(err)
		}
		b.Run(a.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := key.Verify(token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseKeySet(b *testing.B) {
	doc := `{"keys":[` + rfc7515RSA + `,` + rfc7515P256 + `,` + rfc7515P521 + `]}`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseKeySet(doc); err != nil {
			b.Fatal(err)
		}
	}
}
