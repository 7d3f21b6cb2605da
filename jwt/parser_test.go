package jwt

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// TestParserIsParse shows that what a Parser has seen before has no influence on what
// it says, of good tokens and of bad ones.
func TestParserIsParse(t *testing.T) {
	t.Parallel()
	is := newIssuer(ES256)
	segments := []string{"", ".", "e30", "e31", "eyJhbGciOiJFUzI1NiJ9", "eyJhbGciOiJFUzI1NiJ9=", "eyJhbGciOiJub25lIn0"}
	for _, header := range []string{
		is.header(), is.header(`,"kid":"1"`), is.header(`,"kid":"2"`), is.header(`,"kid":1`), is.header(`,"typ":"JWT"`),
		is.header(`,"crit":["exp"]`), is.header(`,"enc":"A128GCM"`), is.header(`,"jwk":{}`), is.header(`,"kid":"` + strings.Repeat("k", maxKeyID) + `"`),
		`{"typ":"at+jwt"}`, `{"alg":"none"}`, `{"alg":"EdDSA"}`, `[]`, `{`, is.header(`,"a":"` + strings.Repeat("a", 2*maxKeptHeader) + `"`),
	} {
		segments = append(segments, encodeURL([]byte(header)))
	}
	var p Parser
	for range 3 {
		for _, segment := range segments {
			for _, rest := range []string{"." + encodeURL([]byte(goodClaims)) + ".AA", ".e30.AA", ".e30.", ".e30.AA.AA.AA", ".W10.AA", ""} {
				want, wantErr := Parse(segment + rest)
				got, err := p.Parse(segment + rest)
				if err != wantErr || !reflect.DeepEqual(got, want) {
					t.Errorf("%.80s%s: %+v, %v; Parse says %+v, %v", segment, rest, got, err, want, wantErr)
				}
			}
		}
	}
}

// TestT17_ParserKeepsLittle shows that no sequence of tokens makes a Parser keep more
// than a few short headers, and that the newest are among them.
func TestT17_ParserKeepsLittle(t *testing.T) {
	t.Parallel()
	is := newIssuer(ES256)
	token := func(header string) string { return encodeURL([]byte(header)) + ".e30.AA" }
	var p Parser
	for i := range 100 {
		if _, err := p.Parse(token(is.header(`,"kid":"` + strconv.Itoa(i) + `"`))); err != nil {
			t.Fatal(err)
		}
	}
	before := p
	for _, header := range []string{
		is.header(`,"kid":"99"`), is.header(`,"kid":"92"`), is.header(`,"a":"` + strings.Repeat("a", maxKeptHeader) + `"`), `{"alg":"none"}`,
	} {
		_, _ = p.Parse(token(header))
	}
	if !reflect.DeepEqual(p, before) {
		t.Error("what was known, too long or bad took the place of something")
	}
	for _, kept := range p.kept {
		if kid := kept.read.header.KeyID; len(kid) != 2 || kid[0] != '9' || kid < "92" {
			t.Errorf("kept kid %q, not one of the last 8", kid)
		}
	}
}
