package jwt

import "testing"

// BenchmarkCheck is what every request costs beside the signature: reading the token,
// its header, its claims and its binding.
func BenchmarkCheck(b *testing.B) {
	is := newIssuer(ES256)
	keys := is.keySet(b, `,"kid":"1"`)
	compact := is.compact(is.header(`,"kid":"1"`), goodClaims)
	policy := testPolicy()
	policy.RequiredClaims = []string{"sub"}
	b.ReportAllocs()
	for b.Loop() {
		if !IsJWT(compact) {
			b.Fatal("opaque")
		}
		token, err := Parse(compact)
		if err != nil {
			b.Fatal(err)
		}
		if err := policy.CheckHeader(token.Header()); err != nil {
			b.Fatal(err)
		}
		if _, err := keys.Find(token.Header()); err != nil {
			b.Fatal(err)
		}
		if err := policy.CheckClaims(token.Claims(), testNow); err != nil {
			b.Fatal(err)
		}
		if _, err := token.Claims().Confirmation(); err != nil {
			b.Fatal(err)
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
