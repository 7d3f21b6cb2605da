package dpop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/jwt"
)

// M is a JSON object. The value absent stands for a member that is not there.
type M map[string]any

var absent = new(int)

var encodeURL = base64.RawURLEncoding.EncodeToString

// client is who makes proofs: independent of the code under test, with the standard
// library only.
type client struct {
	algorithm jwt.Algorithm
	private   crypto.Signer
	jwk       M
}

var allAlgorithms = []jwt.Algorithm{
	jwt.ES256, jwt.ES384, jwt.ES512, jwt.RS256, jwt.RS384, jwt.RS512, jwt.PS256, jwt.PS384, jwt.PS512, jwt.EdDSA,
}

// clients are made once: RSA keys take their time.
var clients = sync.OnceValue(func() map[jwt.Algorithm]*client {
	all := map[jwt.Algorithm]*client{}
	for a, curve := range map[jwt.Algorithm]elliptic.Curve{
		jwt.ES256: elliptic.P256(), jwt.ES384: elliptic.P384(), jwt.ES512: elliptic.P521(),
	} {
		all[a] = newECClient(a, curve)
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	for a := jwt.RS256; a <= jwt.PS512; a++ {
		all[a] = &client{a, private, M{"kty": "RSA", "n": encodeURL(private.N.Bytes()), "e": "AQAB"}}
	}
	public, secret, err := ed25519.GenerateKey(rand.Reader)
	must(err)
	all[jwt.EdDSA] = &client{jwt.EdDSA, secret, M{"kty": "OKP", "crv": "Ed25519", "x": encodeURL(public)}}
	return all
})

func newECClient(a jwt.Algorithm, curve elliptic.Curve) *client {
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	must(err)
	point, err := private.PublicKey.Bytes()
	must(err)
	half := (len(point) - 1) / 2
	return &client{a, private, M{
		"kty": "EC", "crv": curve.Params().Name, "x": encodeURL(point[1 : 1+half]), "y": encodeURL(point[1+half:]),
	}}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func newClient(a jwt.Algorithm) *client { return clients()[a] }

// hashOf is the algorithm's hash, 0 for EdDSA.
func hashOf(a jwt.Algorithm) crypto.Hash {
	switch a {
	case jwt.ES256, jwt.RS256, jwt.PS256:
		return crypto.SHA256
	case jwt.ES384, jwt.RS384, jwt.PS384:
		return crypto.SHA384
	case jwt.EdDSA:
		return 0
	}
	return crypto.SHA512
}

// signature signs input the way the algorithm asks for.
func (c *client) signature(input string) []byte {
	hash, message := hashOf(c.algorithm), []byte(input)
	if hash != 0 {
		h := hash.New()
		h.Write(message)
		message = h.Sum(nil)
	}
	switch private := c.private.(type) {
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, private, message)
		must(err)
		return rAndS(private.Curve, r, s)
	case *rsa.PrivateKey:
		var options crypto.SignerOpts = hash
		if c.algorithm >= jwt.PS256 {
			options = &rsa.PSSOptions{SaltLength: hash.Size(), Hash: hash}
		}
		signature, err := private.Sign(rand.Reader, message, options)
		must(err)
		return signature
	}
	signature, err := c.private.Sign(nil, message, hash)
	must(err)
	return signature
}

// rAndS writes both numbers with the full length of the curve.
func rAndS(curve elliptic.Curve, r, s *big.Int) []byte {
	size := (curve.Params().BitSize + 7) / 8
	signature := make([]byte, 2*size)
	r.FillBytes(signature[:size])
	s.FillBytes(signature[size:])
	return signature
}

// sign makes a compact JWS of two JSON texts, good or not.
func (c *client) sign(header, payload string) string {
	input := encodeURL([]byte(header)) + "." + encodeURL([]byte(payload))
	return input + "." + encodeURL(c.signature(input))
}

// proof makes a proof that verdict finds good, but for the changes.
func (c *client) proof(header, claims M) string {
	return c.sign(
		text(M{"typ": "dpop+jwt", "alg": c.algorithm.String(), "jwk": c.jwk}, header),
		text(M{"jti": "e1j3V_bKic8-LAEB", "htm": "GET", "htu": testOrigin + testPath, "iat": testNow.Unix(), "ath": hashOfToken(testToken)}, claims))
}

// text is an object with changes as JSON.
func text(object, changes M) string {
	object = maps.Clone(object)
	maps.Copy(object, changes)
	maps.DeleteFunc(object, func(_ string, value any) bool { return value == absent })
	data, err := json.Marshal(object)
	must(err)
	return string(data)
}

// with is an object with one more member.
func with(object M, name string, value any) M {
	object = maps.Clone(object)
	object[name] = value
	return object
}

func hashOfToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return encodeURL(sum[:])
}

const (
	testOrigin = "https://api.example.com"
	testPath   = "/accounts/1"
	testToken  = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
)

// testNow is the time at which the tests' proofs are made and sent.
var testNow = time.Unix(1_800_000_000, 0)

// expected is the request that proofs are for.
func expected() Expected {
	return Expected{
		Method: "GET", Origins: []string{testOrigin}, Path: testPath, Token: testToken,
		Now: testNow, Lifetime: time.Minute, ClockSkew: 10 * time.Second,
	}
}

// fapi2 is what FAPI 2.0 Security Profile §5.4 allows.
var fapi2 = []jwt.Algorithm{jwt.PS256, jwt.ES256, jwt.EdDSA}

// verdict takes a proof through the steps of the package comment.
func verdict(compact string, e Expected) error { return verdictOf(compact, e, allAlgorithms) }

func verdictOf(compact string, e Expected, algorithms []jwt.Algorithm) error {
	p, err := Parse(compact)
	if err != nil {
		return err
	}
	if err := p.Verify(algorithms, (*jwt.Key).Verify); err != nil {
		return err
	}
	return p.Check(e)
}

// judged is one case of a table: changes to a good proof and to the request, and what is
// to come of it.
type judged struct {
	name           string
	header, claims M
	request        func(*Expected)
	want           error
}

// judge runs a table with ES256.
func judge(t *testing.T, tests []judged) {
	t.Helper()
	c := newClient(jwt.ES256)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := expected()
			if test.request != nil {
				test.request(&e)
			}
			is(t, verdict(c.proof(test.header, test.claims), e), test.want)
		})
	}
}

// sentinels are all errors of a proof.
var sentinels = []error{
	ErrMalformed, ErrType, ErrAlgorithm, ErrKey, ErrSignature, ErrMethod, ErrURI, ErrNonce, ErrTooOld, ErrInFuture, ErrToken,
}

// is compares an error with the one sentinel that it should be, and no other.
func is(t *testing.T, err, want error) {
	t.Helper()
	if want == nil && err != nil {
		t.Errorf("refused: %v", err)
	}
	for _, sentinel := range sentinels {
		if errors.Is(err, sentinel) != (sentinel == want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

// mustParse reads a proof that has to be well-formed.
func mustParse(t testing.TB, compact string) *Proof {
	t.Helper()
	p, err := Parse(compact)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// unwrapped takes the line breaks out of an RFC's example (RFC 8792).
func unwrapped(s string) string { return strings.Join(strings.Fields(s), "") }
