package jwt

import (
	"strings"
	"testing"
)

// A key set that is fetched again has keys that are equal to the ones before, and to no
// others.
func TestKeyEqual(t *testing.T) {
	t.Parallel()
	rs := newIssuer(RS256)
	all := []string{
		newIssuer(ES256).jwk(), newIssuer(ES384).jwk(), newIssuer(ES512).jwk(), newIssuer(EdDSA).jwk(),
		`{"kty":"OKP","crv":"Ed25519","x":"` + encodeURL(make([]byte, 32)) + `"}`,
		strings.Replace(rs.jwk(), `"AQAB"`, `"Aw"`, 1),
		// The same numbers without an id, with one, with another, and for one algorithm only.
		rs.jwk(), rs.jwk(`,"kid":"1"`), rs.jwk(`,"kid":"2"`), rs.jwk(`,"kid":"1","alg":"PS256"`),
	}
	one, again := mustKeySet(t, all...), mustKeySet(t, all...)
	if one.Len() != len(all) {
		t.Fatalf("%d keys of %d", one.Len(), len(all))
	}
	for i := range one.keys {
		for j := range again.keys {
			if got := one.keys[i].Equal(&again.keys[j]); got != (i == j) {
				t.Errorf("%s and %s: %v", all[i], all[j], got)
			}
		}
		if !one.keys[i].Equal(&one.keys[i]) {
			t.Errorf("%s is not itself", all[i])
		}
	}
}
