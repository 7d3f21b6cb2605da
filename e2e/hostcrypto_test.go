package e2e

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"holdfast/internal/wycheproof"
	"holdfast/jwt"
)

// everyHost are the Envoys that Holdfast is tested on, by their variable.
var everyHost = []string{"HOLDFAST_ENVOY_OLD", "HOLDFAST_ENVOY"}

// questions are what the host is asked, and what the sandbox says.
type questions struct {
	lines strings.Builder
	want  []byte // y or n
	names []string
}

// add asks about a signature, unless it is one that no host is asked about: that is
// for its length or its range, so it has to be a bad one.
func (q *questions) add(t *testing.T, name string, key *jwt.Key, a jwt.Algorithm, input string, signature []byte, valid bool) {
	t.Helper()
	s, ok := key.X509(a, input, signature)
	if !ok {
		if valid {
			t.Errorf("%s: a good signature, and no question", name)
		}
		return
	}
	fmt.Fprintf(&q.lines, "%s %x %x %x\n", s.Hash, s.PublicKey, s.Signature, s.Input)
	q.want, q.names = append(q.want, map[bool]byte{true: 'y', false: 'n'}[valid]), append(q.names, name)
}

// addTokens asks about a good token and changed ones. Whether they are good says the
// sandbox.
func (q *questions) addTokens(t *testing.T, name string, key *jwt.Key, compact string, changes int) {
	t.Helper()
	cut := strings.LastIndexByte(compact, '.') + 1
	signature := must(base64.RawURLEncoding.DecodeString(compact[cut:]))
	for i := range changes {
		input, changed := compact[:cut], slices.Clone(signature)
		switch i % 4 {
		case 1:
			changed[mathrand.IntN(len(changed))] ^= 1 << mathrand.IntN(8)
		case 2: // s before r
			changed = append(changed[len(changed)/2:], changed[:len(changed)/2]...)
		case 3: // other claims
			input = compact[:strings.IndexByte(compact, '.')+1] + segment([]byte(`{"other":1}`)) + "."
		}
		token, err := jwt.Parse(input + segment(changed))
		if err != nil {
			continue
		}
		valid := key.Verify(token) == nil
		if valid != (i%4 == 0) {
			t.Errorf("%s: change %d verifies: %t", name, i%4, valid)
		}
		q.add(t, fmt.Sprintf("%s, change %d", name, i%4), key, token.Header().Algorithm, token.SigningInput(), token.Signature(), valid)
	}
}

func onlyKey(t *testing.T, jwk string, a jwt.Algorithm) *jwt.Key {
	t.Helper()
	set, err := jwt.ParseKeySet(`{"keys":[` + jwk + `]}`)
	if err != nil {
		t.Fatal(err)
	}
	return must(set.Find(jwt.Header{Algorithm: a}))
}

// addWycheproof asks about every vector of a file. Package jwt shows that the sandbox
// says of each what the file says.
func (q *questions) addWycheproof(t *testing.T, file string) {
	t.Helper()
	var vectors struct {
		TestGroups []struct {
			Key       struct{ Curve, WX, WY string }
			N, E, SHA string
			KeySize   int
			Tests     []struct {
				TCID             int
				Msg, Sig, Result string
				Flags            []string
			}
		}
	}
	wycheproof.Load(t, file, &vectors)
	number := func(text string, size int) string { // hexadecimal, of any length
		b := must(hex.DecodeString(strings.Repeat("0", len(text)%2) + text))
		for len(b) > 0 && b[0] == 0 {
			b = b[1:]
		}
		return segment(append(make([]byte, max(0, size-len(b))), b...))
	}
	before := len(q.want)
	for _, g := range vectors.TestGroups {
		var jwk string
		a := map[string]jwt.Algorithm{"SHA-256": jwt.RS256, "SHA-384": jwt.RS384, "SHA-512": jwt.RS512}[g.SHA]
		switch {
		case g.N == "" && g.Key.Curve == "secp256r1" && g.SHA == "SHA-256":
			a, jwk = jwt.ES256, fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":%q,"y":%q}`, number(g.Key.WX, 32), number(g.Key.WY, 32))
		case g.N == "" && g.Key.Curve == "secp384r1" && g.SHA == "SHA-384":
			a, jwk = jwt.ES384, fmt.Sprintf(`{"kty":"EC","crv":"P-384","x":%q,"y":%q}`, number(g.Key.WX, 48), number(g.Key.WY, 48))
		case g.N != "" && g.KeySize >= 2048 && a != 0:
			jwk = fmt.Sprintf(`{"kty":"RSA","n":%q,"e":%q}`, number(g.N, 0), number(g.E, 0))
		default:
			continue
		}
		key := onlyKey(t, jwk, a)
		for _, v := range g.Tests {
			valid := v.Result == "valid" || v.Result == "acceptable" && slices.Equal(v.Flags, []string{"SmallPublicKey"})
			q.add(t, fmt.Sprintf("%s tcId %d", file, v.TCID), key, a, string(must(hex.DecodeString(v.Msg))), must(hex.DecodeString(v.Sig)), valid)
		}
	}
	if len(q.want) == before {
		t.Errorf("%s: no question", file)
	}
}

// largestKey is an RSA key of the most bits and the largest exponent that Holdfast
// takes, with a token of it.
//
//go:embed testdata/largestkey.json
var largestKey []byte

func allQuestions(t *testing.T) *questions {
	t.Helper()
	q := new(questions)
	for _, file := range []string{
		"ecdsa_secp256r1_sha256_p1363_test.json", "ecdsa_secp384r1_sha384_p1363_test.json", "ecdsa_webcrypto_test.json",
		"rsa_signature_2048_sha256_test.json", "rsa_signature_3072_sha256_test.json",
		"rsa_signature_2048_sha384_test.json", "rsa_signature_3072_sha384_test.json", "rsa_signature_4096_sha384_test.json",
		"rsa_signature_2048_sha512_test.json", "rsa_signature_3072_sha512_test.json", "rsa_signature_4096_sha512_test.json",
		"rsa_signature_test.json", "rsa_sig_gen_misc_test.json",
	} {
		q.addWycheproof(t, file)
	}
	ofRSA := []*rsa.PrivateKey{must(rsa.GenerateKey(rand.Reader, 2048)), must(rsa.GenerateKey(rand.Reader, 2056))}
	for i := range 60 {
		for a, private := range map[jose.SignatureAlgorithm]crypto.Signer{
			jose.ES256: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), jose.ES384: must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
			jose.RS256: ofRSA[i%2], jose.RS384: ofRSA[i%2], jose.RS512: ofRSA[i%2],
		} {
			signer := must(jose.NewSigner(jose.SigningKey{Algorithm: a, Key: private}, nil))
			token := must(must(signer.Sign([]byte(fmt.Sprintf(`{"jti":%q}`, rand.Text())))).CompactSerialize())
			known, _ := jwt.ParseAlgorithm(string(a))
			q.addTokens(t, string(a), onlyKey(t, string(must(json.Marshal(jose.JSONWebKey{Key: private.Public()}))), known), token, 8)
		}
	}
	var largest struct {
		JWK   json.RawMessage
		Token string
	}
	if err := json.Unmarshal(largestKey, &largest); err != nil {
		t.Fatal(err)
	}
	q.addTokens(t, "largest key", onlyKey(t, string(largest.JWK), jwt.RS256), largest.Token, 4)
	return q
}

// Issue: whatever the host answers, the two agree. Envoy's own crypto and the sandbox
// say the same about every Wycheproof vector and about random tokens, good and changed,
// asked the way the filter asks.
func TestHostAgreesWithSandbox(t *testing.T) {
	q := allQuestions(t)
	if yes := strings.Count(string(q.want), "y"); len(q.want) < 4000 || yes < 700 {
		t.Fatalf("%d questions, %d good: this test shows nothing", len(q.want), yes)
	}
	wasm := filepath.Join(t.TempDir(), "asker.wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-o", wasm, "./filter/proxywasm/testdata/asker")
	build.Dir = must(Root())
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for _, host := range everyHost {
		t.Run(host, func(t *testing.T) {
			answers := q.ask(t, os.Getenv(host), wasm)
			if len(answers) != len(q.want) {
				t.Fatalf("%d answers to %d questions", len(answers), len(q.want))
			}
			for i, want := range q.want {
				if answers[i] != want {
					t.Errorf("%s: the host says %c, the sandbox %c", q.names[i], answers[i], want)
				}
			}
			t.Logf("%d questions, %d of them about good signatures", len(answers), strings.Count(answers, "y"))
		})
	}
}

var answersLine = regexp.MustCompile(`answers: ([yne]*)\.`)

// ask starts an Envoy that does nothing else, and returns its answers.
func (q *questions) ask(t *testing.T, envoy, wasm string) string {
	t.Helper()
	dir := t.TempDir()
	bootstrap := filepath.Join(dir, "bootstrap.json")
	config := must(json.Marshal(M{
		"admin": M{"address": M{"socket_address": M{"address": "127.0.0.1", "port_value": 0}}},
		"bootstrap_extensions": []any{M{"name": "envoy.bootstrap.wasm", "typed_config": M{
			"@type": "type.googleapis.com/envoy.extensions.wasm.v3.WasmService", "singleton": true,
			"config": M{
				"configuration": M{"@type": "type.googleapis.com/google.protobuf.StringValue", "value": q.lines.String()},
				"vm_config": M{
					"runtime": "envoy.wasm.runtime.v8", "code": M{"local": M{"filename": wasm}},
					// The module is built by an ordinary Go, which the oldest Envoy
					// does not survive a collection of.
					"environment_variables": M{"key_values": M{"GOGC": "off"}},
				},
			},
		}}},
	}))
	if err := os.WriteFile(bootstrap, config, 0o644); err != nil {
		t.Fatal(err)
	}
	e, err := StartEnvoy(context.Background(), envoy, dir, bootstrap, 1, nil)
	defer e.Stop()
	if err != nil {
		t.Fatalf("%v\n%s", err, e.Log())
	}
	found := answersLine.FindStringSubmatch(e.Log())
	if found == nil {
		t.Fatalf("no answers\n%s", e.Log())
	}
	return found[1]
}
