package jwt

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/wycheproof"
)

// hexBytes is a byte string that JSON writes in hexadecimal.
type hexBytes []byte

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

// base64url encodes the bytes the way JWKs and tokens do.
func encodeURL(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

type wycheproofVectors struct {
	NumberOfTests int
	TestGroups    []struct {
		Key struct {
			Curve        string
			Uncompressed hexBytes // EC point
			PK           hexBytes // Ed25519 key
		}
		N, E    hexBytes
		KeySize int
		SHA     string
		MGFSHA  string
		SLen    int
		Tests   []struct {
			TCID    int
			Comment string
			Msg     hexBytes
			Sig     hexBytes
			Result  string
			Flags   []string
		}
	}
}

var curveNames = map[string]string{"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}

// runWycheproof runs all vectors of a file. algorithm names what a group's
// signatures are verified with, 0 when the package has nothing for the group;
// accepts says whether the vectors of the group that are good must pass.
func runWycheproof(t *testing.T, file string, good int, jwk func(i int, v *wycheproofVectors) string,
	algorithm func(i int, v *wycheproofVectors) (a Algorithm, accepts bool)) {
	t.Helper()
	var vectors wycheproofVectors
	wycheproof.Load(t, file, &vectors)
	ran, passed := 0, 0
	for i, group := range vectors.TestGroups {
		ran += len(group.Tests)
		a, accepts := algorithm(i, &vectors)
		if a == 0 {
			continue
		}
		keys, err := ParseKeySet(`{"keys":[` + jwk(i, &vectors) + `]}`)
		if group.KeySize != 0 && group.KeySize < minRSABits {
			if !errors.Is(err, ErrNoUsableKey) {
				t.Errorf("group %d: a key of %d bits: %v", i, group.KeySize, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("group %d: %v", i, err)
		}
		key, err := keys.Find(Header{Algorithm: a})
		if err != nil {
			t.Fatalf("group %d: %v", i, err)
		}
		tables := Tables{Generator: generatorTable()}
		if b := key.NewTable(); b != nil {
			tables.Key = wholeTable(b)
		}
		for _, test := range group.Tests {
			// "acceptable" is what a verifier may choose: a small exponent is no
			// fault, everything else is refused.
			valid := test.Result == "valid" || test.Result == "acceptable" && slices.Equal(test.Flags, []string{"SmallPublicKey"})
			err := key.verifySignature(a, string(test.Msg), test.Sig, Tables{})
			if with := key.verifySignature(a, string(test.Msg), test.Sig, tables); with != err {
				t.Errorf("tcId %d (%s): %v with tables, %v without", test.TCID, test.Comment, with, err)
			}
			// Where the salt is too short by design, one vector has the length that
			// is wrong there and right here.
			saltRight := a == PS256 && group.SHA == "SHA-256" && group.SLen == 0 && test.Comment == "s_len changed to 32"
			want := valid && accepts || saltRight
			if want != (err == nil) {
				t.Errorf("tcId %d (%s, %s %v): %v", test.TCID, test.Comment, test.Result, test.Flags, err)
			}
			if err == nil {
				passed++
			}
			agrees(t, key, a, string(test.Msg), test.Sig)
		}
	}
	if ran != vectors.NumberOfTests || passed != good {
		t.Errorf("%d of %d vectors seen, %d passed, want %d", ran, vectors.NumberOfTests, passed, good)
	}
}

func TestWycheproofECDSA(t *testing.T) {
	jwk := func(i int, v *wycheproofVectors) string {
		key := v.TestGroups[i].Key
		point := key.Uncompressed[1:]
		return fmt.Sprintf(`{"kty":"EC","crv":%q,"x":%q,"y":%q}`, curveNames[key.Curve],
			encodeURL(point[:len(point)/2]), encodeURL(point[len(point)/2:]))
	}
	own := map[string]struct {
		hash string
		a    Algorithm
	}{"secp256r1": {"SHA-256", ES256}, "secp384r1": {"SHA-384", ES384}, "secp521r1": {"SHA-512", ES512}}
	algorithm := func(i int, v *wycheproofVectors) (Algorithm, bool) {
		pair := own[v.TestGroups[i].Key.Curve] // secp256k1 has none
		return pair.a, pair.hash == v.TestGroups[i].SHA
	}
	for _, test := range []struct {
		file string
		good int
	}{
		{"ecdsa_secp256r1_sha256_p1363_test.json", 146},
		{"ecdsa_secp384r1_sha384_p1363_test.json", 167},
		{"ecdsa_secp521r1_sha512_p1363_test.json", 205},
		{"ecdsa_webcrypto_test.json", 248}, // the others are secp256k1
		// A hash that is not the algorithm's, and DER in place of r || s.
		{"ecdsa_secp256r1_sha512_p1363_test.json", 0},
		{"ecdsa_secp384r1_sha512_p1363_test.json", 0},
		{"ecdsa_secp256r1_sha256_test.json", 0},
		{"ecdsa_secp384r1_sha384_test.json", 0},
		{"ecdsa_secp521r1_sha512_test.json", 0},
	} {
		t.Run(test.file, func(t *testing.T) {
			der := !strings.Contains(test.file, "p1363") && !strings.Contains(test.file, "webcrypto")
			runWycheproof(t, test.file, test.good, jwk, func(i int, v *wycheproofVectors) (Algorithm, bool) {
				a, accepts := algorithm(i, v)
				return a, accepts && !der
			})
		})
	}
}

func rsaJWK(i int, v *wycheproofVectors) string {
	group := v.TestGroups[i]
	trim := func(b []byte) string { return encodeURL([]byte(strings.TrimLeft(string(b), "\x00"))) }
	return fmt.Sprintf(`{"kty":"RSA","n":%q,"e":%q}`, trim(group.N), trim(group.E))
}

// TestWycheproofRSA also is T03b: every malformed encoded message of Bleichenbacher
// and after is among the vectors.
func TestWycheproofRSA(t *testing.T) {
	own := map[string]Algorithm{"SHA-256": RS256, "SHA-384": RS384, "SHA-512": RS512}
	for _, test := range []struct {
		file string
		good int
	}{
		{"rsa_signature_2048_sha256_test.json", 9},
		{"rsa_signature_3072_sha256_test.json", 8},
		{"rsa_signature_2048_sha384_test.json", 7},
		{"rsa_signature_3072_sha384_test.json", 7},
		{"rsa_signature_4096_sha384_test.json", 7},
		{"rsa_signature_2048_sha512_test.json", 8},
		{"rsa_signature_3072_sha512_test.json", 8},
		{"rsa_signature_4096_sha512_test.json", 7},
		{"rsa_signature_test.json", 89},
		{"rsa_sig_gen_misc_test.json", 77},
	} {
		t.Run(test.file, func(t *testing.T) {
			runWycheproof(t, test.file, test.good, rsaJWK, func(i int, v *wycheproofVectors) (Algorithm, bool) {
				return own[v.TestGroups[i].SHA], true
			})
		})
	}
}

func TestWycheproofPSS(t *testing.T) {
	own := map[string]struct {
		a    Algorithm
		salt int
	}{"SHA-256": {PS256, 32}, "SHA-384": {PS384, 48}, "SHA-512": {PS512, 64}}
	for _, test := range []struct {
		file string
		good int
	}{
		{"rsa_pss_2048_sha256_mgf1_32_test.json", 63},
		{"rsa_pss_3072_sha256_mgf1_32_test.json", 63},
		{"rsa_pss_4096_sha256_mgf1_32_test.json", 63},
		{"rsa_pss_2048_sha256_mgf1_0_test.json", 1},  // no salt; one vector has the right one
		{"rsa_pss_4096_sha512_mgf1_32_test.json", 0}, // salt of another length
		{"rsa_pss_2048_sha1_mgf1_20_test.json", 0},   // SHA-1
		{"rsa_pss_2048_sha512_256_mgf1_28_test.json", 0},
		{"rsa_pss_2048_sha512_256_mgf1_32_test.json", 0},
		{"rsa_pss_misc_test.json", 3}, // every salt, hash and MGF1 hash; one each of PS256, PS384, PS512
	} {
		t.Run(test.file, func(t *testing.T) {
			runWycheproof(t, test.file, test.good, rsaJWK, func(i int, v *wycheproofVectors) (Algorithm, bool) {
				group := v.TestGroups[i]
				pair, ok := own[group.SHA]
				if !ok {
					return PS256, false
				}
				return pair.a, group.MGFSHA == group.SHA && group.SLen == pair.salt
			})
		})
	}
}

func TestWycheproofEdDSA(t *testing.T) {
	runWycheproof(t, "eddsa_test.json", 84, func(i int, v *wycheproofVectors) string {
		return fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","x":%q}`, encodeURL(v.TestGroups[i].Key.PK))
	}, func(int, *wycheproofVectors) (Algorithm, bool) { return EdDSA, true })
}
