package dpop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"strings"
	"testing"

	"holdfast/jwt"
)

// The blocks of the OpenID Foundation's FAPI 2.0 tests that send a DPoP proof to a
// resource server, under the titles that its log shows: the modules
// fapi2-security-profile-final-dpop-negative-tests, -check-dpop-proof-nbf-exp and
// -ensure-dpopproof-with-iat-10seconds-before- and -after-succeeds. What is left to the
// caller (the field's name in upper case, a second field, a missing proof, a proof with
// Bearer, the second use of a jti) is not here, but for what it does with the proof.
// As in the suite's default, the client signs with ES256 or PS256.

// TestOIDF_DPoPNegativeTests has the blocks that must be refused.
func TestOIDF_DPoPNegativeTests(t *testing.T) {
	t.Parallel()
	c := newClient(jwt.ES256)
	good := c.proof(nil, nil)
	header, payload, signature := cut3(good)
	hour := int64(3600)
	for title, block := range map[string]struct {
		compact string
		want    error
	}{
		"more than one DPoP in the header":              {good + "," + c.proof(nil, M{"jti": "2"}), ErrMalformed},
		"not well-formed JWT":                           {header + "." + payload, ErrMalformed},
		"'typ' is missing in header":                    {c.proof(M{"typ": absent}, nil), ErrType},
		"'alg' is missing":                              {c.proof(M{"alg": absent, "alg2": "ES256"}, nil), ErrAlgorithm},
		"'jwk' is missing":                              {c.proof(M{"jwk": absent}, nil), ErrKey},
		"'jti' is missing":                              {c.proof(nil, M{"jti": absent}), ErrMalformed},
		"'htm' is missing":                              {c.proof(nil, M{"htm": absent}), ErrMalformed},
		"'htu' is missing":                              {c.proof(nil, M{"htu": absent}), ErrMalformed},
		"'iat' is missing":                              {c.proof(nil, M{"iat": absent}), ErrMalformed},
		"'ath' is missing":                              {c.proof(nil, M{"ath": absent}), ErrToken},
		"invalid 'typ' in header":                       {c.proof(M{"typ": "dpop+jwt+wrongyousee"}, nil), ErrType},
		"signed using RS256":                            {newClient(jwt.RS256).proof(nil, nil), ErrAlgorithm},
		"none alg":                                      {encodeURL([]byte(`{"alg": "none", "typ": "dpop+jwt"}`)) + "." + payload + ".", ErrAlgorithm},
		"invalid signature":                             {header + "." + payload + "." + invalidated(signature), ErrSignature},
		"jwk header incorrectly containing private key": {c.proof(M{"jwk": privateJWK(c)}, nil), ErrKey},
		"incorrect 'htm'":                               {c.proof(nil, M{"htm": "PUT"}), ErrMethod},
		"'htu' is a different url":                      {c.proof(nil, M{"htu": testOrigin + testPath + "ohnonotagain"}), ErrURI},
		"'iat' is one hour in the future":               {c.proof(nil, M{"iat": testNow.Unix() + hour}), ErrInFuture},
		"'iat' is one hour in the past":                 {c.proof(nil, M{"iat": testNow.Unix() - hour}), ErrTooOld},
		"'ath' is incorrect":                            {c.proof(nil, M{"ath": hashOfToken(testToken + "1")}), ErrToken},
		"resource access without DPoP proof":            {"", ErrMalformed},
		"signed with a different key, with the jwk of the token's": {newECClient(jwt.ES256, elliptic.P256()).proof(M{"jwk": c.jwk}, nil), ErrSignature},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			is(t, verdictOf(block.compact, expected(), fapi2), block.want)
		})
	}
	t.Run("signed with a different key", func(t *testing.T) {
		t.Parallel()
		bound, other := mustParse(t, good), mustParse(t, newECClient(jwt.ES256, elliptic.P256()).proof(nil, nil))
		if other.Thumbprint().Equal(bound.Thumbprint()) {
			t.Error("it has the thumbprint that the token is bound to")
		}
	})
	t.Run("second use of the same jti", func(t *testing.T) {
		t.Parallel()
		one, two := mustParse(t, good), mustParse(t, c.proof(nil, M{"htu": "HTTPS://api.example.com:443/./accounts/%31?x"}))
		if one.ID() != two.ID() || one.URI() != two.URI() || one.Thumbprint() != two.Thumbprint() {
			t.Errorf("not seen as the same: %+v, %+v", one, two)
		}
	})
}

// TestOIDF_DPoPNegativeTestsAccepted has the blocks of the same module that must pass.
func TestOIDF_DPoPNegativeTestsAccepted(t *testing.T) {
	t.Parallel()
	upper := func(s string) string { return strings.ToUpper(s) }
	for title, block := range map[string]struct{ header, claims M }{
		"'htu' has a query/fragment": {nil, M{"htu": testOrigin + testPath +
			"?allthedoorsonthisspaceshiphavebeen#programmedtohaveacheeryandsunnydisposition"}},
		"'htu' does not contain the query/fragment":               {nil, M{"htu": testOrigin + testPath}},
		"first use of jti":                                        {nil, M{"jti": "aB3dE6gH9jK2mN5"}},
		"extra claims on header and claims":                       {M{"tx_id": testNow.Unix() + 3600}, M{"tx_id_key": testNow.Unix() + 3600}},
		"compare scheme and hostname using case independent mode": {nil, M{"htu": upper(testOrigin) + testPath}},
		"the port is not considered if that is the default":       {nil, M{"htu": testOrigin + ":443" + testPath}},
		"a correct DPoP proof still works":                        {nil, nil},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			for _, a := range fapi2 {
				e := expected()
				e.Path += "?a=b" // the resource's URL may have a query
				is(t, verdictOf(newClient(a).proof(block.header, block.claims), e, fapi2), nil)
			}
		})
	}
}

// TestOIDF_CheckDPoPProofNbfExp: nbf now, exp in five minutes.
func TestOIDF_CheckDPoPProofNbfExp(t *testing.T) {
	t.Parallel()
	compact := newClient(jwt.PS256).proof(nil, M{"nbf": testNow.Unix(), "exp": testNow.Unix() + 300})
	is(t, verdictOf(compact, expected(), fapi2), nil)
}

// TestOIDF_DPoPProofWithIat10Seconds: ten seconds before and after now succeed.
func TestOIDF_DPoPProofWithIat10Seconds(t *testing.T) {
	t.Parallel()
	for _, seconds := range []int64{-10, 10} {
		is(t, verdictOf(newClient(jwt.PS256).proof(nil, M{"iat": testNow.Unix() + seconds}), expected(), fapi2), nil)
	}
}

// invalidated changes a signature as the suite does: all bits of a byte in it.
func invalidated(signature string) string {
	first := "A"
	if signature[0] == 'A' {
		first = "_"
	}
	return first + signature[1:]
}

// privateJWK is the jwk of a client with its private part.
func privateJWK(c *client) M {
	d, err := c.private.(*ecdsa.PrivateKey).Bytes()
	must(err)
	return with(c.jwk, "d", encodeURL(d))
}
