package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/strictjson"
)

// allAlgorithms is every algorithm there is.
var allAlgorithms = []Algorithm{ES256, ES384, ES512, RS256, RS384, RS512, PS256, PS384, PS512, EdDSA}

// issuer is an authorization server with one key, independent of the code under
// test: it signs with the standard library only.
type issuer struct {
	algorithm Algorithm
	private   crypto.Signer
	members   string // of the public JWK, without braces
}

// testKeys are made once: RSA keys take their time.
var testKeys = sync.OnceValue(func() map[Algorithm]*issuer {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	issuers := map[Algorithm]*issuer{}
	for a, curve := range map[Algorithm]elliptic.Curve{ES256: elliptic.P256(), ES384: elliptic.P384(), ES512: elliptic.P521()} {
		private, err := ecdsa.GenerateKey(curve, rand.Reader)
		must(err)
		point, err := private.PublicKey.Bytes()
		must(err)
		half := (len(point) - 1) / 2
		issuers[a] = &issuer{a, private, fmt.Sprintf(`"kty":"EC","crv":%q,"x":%q,"y":%q`,
			curve.Params().Name, encodeURL(point[1:1+half]), encodeURL(point[1+half:]))}
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	members := fmt.Sprintf(`"kty":"RSA","n":%q,"e":"AQAB"`, encodeURL(private.N.Bytes()))
	for _, a := range []Algorithm{RS256, RS384, RS512, PS256, PS384, PS512} {
		issuers[a] = &issuer{a, private, members}
	}
	public, secret, err := ed25519.GenerateKey(rand.Reader)
	must(err)
	issuers[EdDSA] = &issuer{EdDSA, secret, fmt.Sprintf(`"kty":"OKP","crv":"Ed25519","x":%q`, encodeURL(public))}
	return issuers
})

func newIssuer(a Algorithm) *issuer { return testKeys()[a] }

// jwk returns the public key with further members, such as `,"kid":"1"`.
func (is *issuer) jwk(more ...string) string { return "{" + is.members + strings.Join(more, "") + "}" }

// keySet returns the set of this one key.
func (is *issuer) keySet(t testing.TB, more ...string) *KeySet {
	t.Helper()
	return mustKeySet(t, is.jwk(more...))
}

func mustKeySet(t testing.TB, jwks ...string) *KeySet {
	t.Helper()
	set, err := ParseKeySet(`{"keys":[` + strings.Join(jwks, ",") + `]}`)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// hashOf is the algorithm's hash.
func hashOf(a Algorithm) crypto.Hash {
	switch a {
	case ES256, RS256, PS256:
		return crypto.SHA256
	case ES384, RS384, PS384:
		return crypto.SHA384
	case EdDSA:
		return 0
	}
	return crypto.SHA512
}

// signature signs input the way the algorithm asks for.
func (is *issuer) signature(input string) []byte {
	hash := hashOf(is.algorithm)
	message := []byte(input)
	if hash != 0 {
		h := hash.New()
		h.Write(message)
		message = h.Sum(nil)
	}
	var err error
	var signature []byte
	switch private := is.private.(type) {
	case *ecdsa.PrivateKey:
		var r, s *big.Int
		if r, s, err = ecdsa.Sign(rand.Reader, private, message); err == nil {
			signature = rAndS(private.Curve, r, s)
		}
	case *rsa.PrivateKey:
		if PS256 <= is.algorithm && is.algorithm <= PS512 {
			signature, err = rsa.SignPSS(rand.Reader, private, hash, message, &rsa.PSSOptions{SaltLength: hash.Size()})
		} else {
			signature, err = rsa.SignPKCS1v15(nil, private, hash, message)
		}
	default:
		signature, err = private.Sign(nil, message, hash)
	}
	if err != nil {
		panic(err)
	}
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

// header is a good header with further members, such as `,"kid":"1"`.
func (is *issuer) header(more ...string) string {
	return `{"alg":"` + is.algorithm.String() + `","typ":"at+jwt"` + strings.Join(more, "") + "}"
}

// compact signs a token of these two JSON texts, good or not.
func (is *issuer) compact(header, payload string) string {
	input := encodeURL([]byte(header)) + "." + encodeURL([]byte(payload))
	return input + "." + encodeURL(is.signature(input))
}

const (
	testIssuer   = "https://as.example.com"
	testAudience = "https://api.example.com"
)

// testNow is the time at which the tests' tokens are good.
var testNow = time.Unix(1_800_000_000, 0)

// goodClaims are claims that testPolicy takes at testNow.
const goodClaims = `{"iss":"https://as.example.com","sub":"alice","aud":"https://api.example.com",` +
	`"exp":1800000300,"nbf":1799999900,"iat":1799999900,"jti":"1","scope":"a b",` +
	`"cnf":{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}}`

func testPolicy() *Policy {
	return &Policy{
		Issuer:     testIssuer,
		Audiences:  []string{testAudience},
		Algorithms: allAlgorithms,
		Types:      []string{"at+jwt"},
		ClockSkew:  10 * time.Second,
	}
}

// verdict takes a token through all five steps, as the package comment has them.
func verdict(keys *KeySet, policy *Policy, compact string) error {
	token, err := Parse(compact)
	if err != nil {
		return err
	}
	if err := policy.CheckHeader(token.Header()); err != nil {
		return err
	}
	key, err := keys.Find(token.Header())
	if err != nil {
		return err
	}
	if err := key.Verify(token); err != nil {
		return err
	}
	return policy.CheckClaims(token.Claims(), testNow)
}

// quotedJSON is s as a JSON string, for s without anything to escape.
func quotedJSON(s string) string { return `"` + s + `"` }

// with returns an object with the value of one member changed, or without the
// member when value is empty.
func with(t testing.TB, object, name, value string) string {
	t.Helper()
	parsed, err := strictjson.Parse(object)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	members, _ := parsed.Members()
	for _, member := range members {
		if member.Name != name {
			texts = append(texts, quotedJSON(member.Name)+":"+member.Value.Raw())
		}
	}
	if value != "" {
		texts = append(texts, quotedJSON(name)+":"+value)
	}
	return "{" + strings.Join(texts, ",") + "}"
}
