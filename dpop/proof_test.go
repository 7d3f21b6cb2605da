package dpop

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"strings"
	"testing"

	"holdfast/jwt"
)

func TestRFC9449_11_1_Sizes(t *testing.T) {
	t.Parallel()
	c := newClient(jwt.EdDSA)
	size := len(c.proof(nil, M{"x": ""}))
	// Three characters of a claim become four of the proof.
	fill := strings.Repeat("x", (MaxSize-size)*3/4)
	largest := c.proof(nil, M{"x": fill})
	if len(largest) > MaxSize || len(largest) < MaxSize-4 {
		t.Fatalf("%d bytes", len(largest))
	}
	is(t, verdict(largest, expected()), nil)
	is(t, verdict(c.proof(nil, M{"x": fill + "xxxxx"}), expected()), ErrMalformed)
	is(t, verdict(strings.Repeat(".", 1<<20), expected()), ErrMalformed)
	is(t, verdict(c.proof(nil, M{"x": deep(40)}), expected()), ErrMalformed)
}

func deep(n int) any {
	if n == 0 {
		return 1
	}
	return []any{deep(n - 1)}
}

// TestT07_KeyInAProof: the key comes from whoever sent the request.
func TestT07_KeyInAProof(t *testing.T) {
	t.Parallel()
	ec, rs, ed := newClient(jwt.ES256), newClient(jwt.RS256), newClient(jwt.EdDSA)
	for name, test := range map[string]struct {
		client *client
		jwk    any
	}{
		"absent":                    {ec, absent},
		"null":                      {ec, nil},
		"a string":                  {ec, "key"},
		"an array":                  {ec, []any{ec.jwk}},
		"empty":                     {ec, M{}},
		"a key set":                 {ec, M{"keys": []any{ec.jwk}}},
		"only named":                {ec, M{"kid": "1"}},
		"symmetric":                 {ec, M{"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr8"}},
		"kty in another case":       {ec, with(ec.jwk, "kty", "ec")},
		"no curve":                  {ec, with(ec.jwk, "crv", nil)},
		"another curve":             {ec, with(ec.jwk, "crv", "P-384")},
		"a curve that is not taken": {ec, with(ec.jwk, "crv", "secp256k1")},
		"off the curve":             {ec, with(ec.jwk, "y", ec.jwk["x"])},
		"the point at infinity":     {ec, with(with(ec.jwk, "x", encodeURL(make([]byte, 32))), "y", encodeURL(make([]byte, 32)))},
		"x not reduced":             {ec, with(ec.jwk, "x", encodeURL(bytes.Repeat([]byte{0xff}, 32)))},
		"x short":                   {ec, with(ec.jwk, "x", encodeURL(make([]byte, 31)))},
		"x padded":                  {ec, with(ec.jwk, "x", ec.jwk["x"].(string)+"=")},
		"use enc":                   {ec, with(ec.jwk, "use", "enc")},
		"key_ops sign":              {ec, with(ec.jwk, "key_ops", []string{"sign"})},
		"alg of another type":       {ec, with(ec.jwk, "alg", "RS256")},
		"X25519":                    {ed, with(ed.jwk, "crv", "X25519")},
		"Ed25519 short":             {ed, with(ed.jwk, "x", encodeURL(make([]byte, 31)))},
		"RSA with a zero in front":  {rs, with(rs.jwk, "n", encodeURL(append([]byte{0}, rs.private.Public().(*rsa.PublicKey).N.Bytes()...)))},
		"RSA with e of 1":           {rs, with(rs.jwk, "e", "AQ")},
		"RSA with an even e":        {rs, with(rs.jwk, "e", "Ag")},
		// The type of the key has to be that of the algorithm.
		"RSA for ES256":   {ec, rs.jwk},
		"Ed25519 for RSA": {rs, ed.jwk},
		"EC for EdDSA":    {ed, ec.jwk},
		"P-384 for ES256": {ec, newClient(jwt.ES384).jwk},
		"alg of its type": {rs, with(rs.jwk, "alg", "PS256")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			is(t, verdict(test.client.proof(M{"jwk": test.jwk}, nil), expected()), ErrKey)
		})
	}
	for name, jwk := range map[string]M{
		"kid, use, alg":             with(with(with(ec.jwk, "kid", "1"), "use", "sig"), "alg", "ES256"),
		"as browsers export it":     with(with(ec.jwk, "key_ops", []string{"verify"}), "ext", true),
		"members that mean nothing": with(ec.jwk, "x5u", "https://evil.example/"),
	} {
		compact := ec.proof(M{"jwk": jwk}, nil)
		is(t, verdict(compact, expected()), nil)
		if mustParse(t, compact).Thumbprint() != mustParse(t, ec.proof(nil, nil)).Thumbprint() {
			t.Errorf("%s: another thumbprint", name)
		}
	}
}

// TestT07b_OversizedKeyInAProof: no number of a key is made that would cost much CPU.
func TestT07b_OversizedKeyInAProof(t *testing.T) {
	t.Parallel()
	number := func(bits int) string { return encodeURL(bytes.Repeat([]byte{0xff}, bits/8)) }
	c := newClient(jwt.RS256)
	for name, jwk := range map[string]M{
		"n of 1024 bits":   with(c.jwk, "n", number(1024)),
		"n of 4104 bits":   with(c.jwk, "n", number(4104)),
		"n of 8192 bits":   with(c.jwk, "n", number(8192)),
		"n of 16384 bits":  with(c.jwk, "n", number(16384)),
		"e of 2048 bits":   with(c.jwk, "e", number(2048)),
		"e of 32 bits":     with(c.jwk, "e", number(32)),
		"e of 25 bits":     with(c.jwk, "e", "AQAAAQ"),
		"Ed25519 of 4 KB":  {"kty": "OKP", "crv": "Ed25519", "x": number(8 << 12)},
		"x of 4 KB":        {"kty": "EC", "crv": "P-256", "x": number(8 << 12), "y": "AA"},
		"unknown and huge": {"kty": "huge", "x": number(8 << 12)},
	} {
		t.Run(name, func(t *testing.T) {
			is(t, verdict(c.proof(M{"jwk": jwk}, nil), expected()), ErrKey)
		})
	}
}

// TestLargestKeyFits: a proof with the largest key that is taken is far from MaxSize.
func TestLargestKeyFits(t *testing.T) {
	t.Parallel()
	c := newClient(jwt.PS512)
	header, payload, _ := cut3(c.proof(M{"jwk": M{"kty": "RSA", "n": encodeURL(bytes.Repeat([]byte{0xff}, 512)), "e": "____"}}, nil))
	compact := header + "." + payload + "." + encodeURL(make([]byte, 512))
	mustParse(t, compact)
	if len(compact) > MaxSize/2 {
		t.Errorf("%d bytes", len(compact))
	}
}

// TestVerifyIsTheCallers: the list comes first, and every error of verify refuses.
func TestVerifyIsTheCallers(t *testing.T) {
	t.Parallel()
	p := mustParse(t, newClient(jwt.ES256).proof(nil, nil))
	called := 0
	verify := func(key *jwt.Key, token *jwt.Token) error {
		called++
		return key.Verify(token)
	}
	if err := p.Verify([]jwt.Algorithm{jwt.PS256}, verify); err != ErrAlgorithm || called != 0 {
		t.Errorf("%v after %d calls", err, called)
	}
	if err := p.Verify([]jwt.Algorithm{jwt.PS256, jwt.ES256}, verify); err != nil || called != 1 {
		t.Errorf("%v after %d calls", err, called)
	}
	failing := func(*jwt.Key, *jwt.Token) error { return errors.New("the host is out of order") }
	if err := p.Verify(allAlgorithms, failing); err != ErrSignature {
		t.Error(err)
	}
}

// TestT24_ErrorsHoldNothingOfAProof puts a marker everywhere in bad proofs.
func TestT24_ErrorsHoldNothingOfAProof(t *testing.T) {
	t.Parallel()
	const marker = "mArKeR"
	c := newClient(jwt.ES256)
	proofs := []string{marker, marker + "." + marker + "." + marker, c.sign(marker, marker), c.sign(`{"alg":"ES256"}`, marker)}
	for _, header := range []M{{"typ": marker}, {"alg": marker}, {"kid": []string{marker}}, {"jwk": marker}, {"jwk": M{"kty": marker}}, {"crit": marker}} {
		proofs = append(proofs, c.proof(header, nil))
	}
	for _, claims := range []M{
		{"jti": strings.Repeat(marker, 100)}, {"jti": []string{marker}}, {"htm": marker}, {"htm": M{marker: 1}}, {"htu": marker}, {"htu": []string{marker}},
		{"iat": marker}, {"exp": marker}, {"nbf": marker}, {"ath": marker}, {"nonce": marker},
	} {
		proofs = append(proofs, c.proof(nil, claims))
	}
	e := expected()
	e.Nonce = func(nonce string) bool { return nonce == "" }
	for _, compact := range proofs {
		err := verdict(compact, e)
		if err == nil || strings.Contains(err.Error(), marker) {
			t.Errorf("%v", err)
		}
	}
}
