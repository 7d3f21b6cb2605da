package config

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"holdfast/jwt"
)

// The example of docs/conformance.md asks for what FAPI 2.0 (Security Profile,
// 5.3.4 and 5.4.1) lets a configuration decide.
func TestFAPI2_5_3_4_Configuration(t *testing.T) {
	t.Parallel()
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(readFile(t, "../../docs/conformance.md"), -1)
	if len(blocks) != 1 {
		t.Fatalf("%d examples, want one", len(blocks))
	}
	doc := blocks[0][1]
	if err := compileSchema(t).Validate(decode(t, doc)); err != nil {
		t.Errorf("the schema refuses the example: %v", err)
	}
	c := mustParse(t, doc)
	for _, issuer := range c.Issuers {
		for _, a := range issuer.Policy.Algorithms {
			if !slices.Contains([]jwt.Algorithm{jwt.PS256, jwt.ES256, jwt.EdDSA}, a) {
				t.Errorf("5.4.1: %v", a)
			}
		}
		if issuer.Policy.ClockSkew < 10*time.Second || issuer.Policy.ClockSkew > time.Minute {
			t.Errorf("clock skew %v", issuer.Policy.ClockSkew)
		}
	}
	if !slices.Equal(c.TokenSources, []TokenSource{{Kind: TokenFromAuthorization}}) {
		t.Errorf("5.3.4, 1 and 2: tokens from %v", c.TokenSources)
	}
	if b := c.Binding; !b.MTLS || b.DPoP == nil || b.Optional || b.ReportOnly {
		t.Errorf("5.3.4, 5: binding %+v", c.Binding)
	}
	for _, issuer := range c.Issuers {
		if issuer.Introspection == nil || !issuer.Introspection.All {
			t.Errorf("5.3.4, 3: revocation is not checked: %+v", issuer)
		}
	}
	if len(c.Rules) == 0 || slices.ContainsFunc(c.Rules, func(r Rule) bool { return r.Anonymous }) {
		t.Errorf("5.3.4, 4: rules %+v", c.Rules)
	}
}
