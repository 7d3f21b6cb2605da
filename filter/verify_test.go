package filter_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"holdfast/filter"
	"holdfast/filter/filtertest"
	"holdfast/jwt"
)

// What a host says about a signature. Those that lie, or know only a part, are told
// by their names.
type says func(jwt.X509Signature) (bool, error)

var (
	honest    says = filtertest.GoCrypto
	alwaysYes says = func(jwt.X509Signature) (bool, error) { return true, nil }
	alwaysNo  says = func(jwt.X509Signature) (bool, error) { return false, nil }
	fails     says = func(jwt.X509Signature) (bool, error) { return false, errHost }
)

// unlike is the honest host where the question is not special.
func unlike(special says, is func(jwt.X509Signature) bool) says {
	return func(s jwt.X509Signature) (bool, error) {
		if is(s) {
			return special(s)
		}
		return honest(s)
	}
}

func ofRSA(s jwt.X509Signature) bool    { return len(s.PublicKey) > 200 }
func ofSHA384(s jwt.X509Signature) bool { return s.Hash == "sha384" }

// blindTo is a host that remembers what it found good, and says so again when only
// one thing about the question is another.
func blindTo(part func(*jwt.X509Signature)) says {
	good := map[string]bool{}
	return func(s jwt.X509Signature) (bool, error) {
		valid, err := honest(s)
		part(&s)
		seen := fmt.Sprint(s)
		good[seen] = good[seen] || valid
		return good[seen], err
	}
}

// startVerifying starts a worker of a proxy with this crypto library, nil for none.
func startVerifying(t *testing.T, host says, change string) *worker {
	t.Helper()
	proxy := filtertest.NewProxy()
	proxy.Verifier = host
	return startIn(t, proxy, configure(t, change))
}

const everyAlgorithm = `["ES256","ES384","ES512","RS256","RS384","RS512","PS256","PS384","PS512","EdDSA"]`

// Contract §1, "verification", and §6: who verifies is found out at start, and said.
// The known answers are good ones by Go's own crypto: the honest host has no other.
func TestContract1_VerificationIsProbed(t *testing.T) {
	t.Parallel()
	algorithms := func(list string) string { return `"issuer":{"algorithms":` + list + `}` }
	const allFive = "host:ES256,ES384,RS256,RS384,RS512"
	for _, tt := range []struct {
		name           string
		host           says
		change         string
		auto, strictly string // what the line at start says; of "host", what a refused start does
		log            string
	}{
		{"no such function", nil, `"realm":"r"`, "sandbox", "refused ES256: the host verifies no signatures", ""},
		{"honest", honest, `"realm":"r"`, "host:ES256,RS256", "host:ES256,RS256", ""},
		{"honest, every algorithm", honest, algorithms(everyAlgorithm), allFive, allFive, ""},
		{"honest, one algorithm", honest, algorithms(`["RS384","PS256"]`), "host:RS384", "host:RS384", ""},
		{"honest, nothing to do", honest, algorithms(`["PS256","EdDSA","ES512"]`), "sandbox", "refused no algorithm", ""},
		{"honest, for proofs", honest, algorithms(`["EdDSA"]`) + `,"proof_of_possession":{"methods":["dpop"],"dpop":{"origin":["https://api.example.com"],"algorithms":["ES384"]}}`,
			"host:ES384", "host:ES384", ""},
		{"always yes", alwaysYes, `"realm":"r"`, "sandbox", "refused ES256: it takes", "not used for ES256"},
		{"always no", alwaysNo, `"realm":"r"`, "sandbox", "refused ES256: it takes", "not used for RS256"},
		{"fails", fails, `"realm":"r"`, "sandbox", "refused ES256: " + errHost.Error(), ""},
		{"blind to the text", blindTo(func(s *jwt.X509Signature) { s.Input = "" }), `"realm":"r"`, "sandbox", "refused ES256: it takes", "not used for ES256"},
		{"blind to the signature", blindTo(func(s *jwt.X509Signature) { s.Signature = "" }), `"realm":"r"`, "sandbox", "refused ES256: it takes", "not used for ES256"},
		{"lies about RSA", unlike(alwaysYes, ofRSA), algorithms(everyAlgorithm), "host:ES256,ES384", "refused RS256: it takes", "not used for RS512"},
		{"does not know SHA-384", unlike(alwaysNo, ofSHA384), algorithms(everyAlgorithm), "host:ES256,RS256,RS512", "refused ES384: it takes", "not used for RS384"},
		{"fails with RSA", unlike(fails, ofRSA), `"realm":"r"`, "host:ES256", "refused RS256: " + errHost.Error(), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := startVerifying(t, tt.host, `{`+tt.change+`}`)
			if line := w.Lines[len(w.Lines)-1]; line.Level != filter.LogInfo || !strings.HasSuffix(line.Text, " verification="+tt.auto) {
				t.Errorf("%q, want %s", line, tt.auto)
			}
			if (tt.log == "") != (len(w.Lines) == 1) || !strings.Contains(w.LogText(), tt.log) {
				t.Errorf("log %q, want %q", w.LogText(), tt.log)
			}

			proxy := filtertest.NewProxy()
			proxy.Verifier = tt.host
			strict := proxy.Worker()
			_, err := strict.Start(configure(t, `{"verification":"host",`+tt.change+`}`))
			cause, refused := strings.CutPrefix(tt.strictly, "refused ")
			last := strict.Lines[len(strict.Lines)-1].Text
			if (err != nil) != refused || len(strict.Lines) != 1 || refused && !strings.Contains(last, `verification: "host", but the host can't be used: `+cause) ||
				!refused && !strings.HasSuffix(last, " verification="+tt.strictly) {
				t.Errorf(`"host": %v, log %q, want %s`, err, last, tt.strictly)
			}
		})
	}
}

// "sandbox" asks no host anything.
func TestContract1_VerificationInTheSandbox(t *testing.T) {
	t.Parallel()
	asked := 0
	w := startVerifying(t, func(s jwt.X509Signature) (bool, error) { asked++; return honest(s) }, `{"verification":"sandbox"}`)
	w.expect(get(good()), "token_accepted")
	if asked != 0 || !strings.HasSuffix(w.LogText(), " verification=sandbox\n") {
		t.Errorf("asked %d times, log %q", asked, w.LogText())
	}
}

// signers have a key for each algorithm, and RSA keys of other forms.
var signers = sync.OnceValue(func() map[string]jose.SigningKey {
	must := func(key crypto.Signer, err error) crypto.Signer {
		if err != nil {
			panic(err)
		}
		return key
	}
	generateRSA := func(bits int) crypto.Signer {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		return must(key, err)
	}
	generateEC := func(curve elliptic.Curve) crypto.Signer {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		return must(key, err)
	}
	ofRSA := generateRSA(2048)
	return map[string]jose.SigningKey{
		"ES256": {Algorithm: jose.ES256, Key: generateEC(elliptic.P256())},
		"ES384": {Algorithm: jose.ES384, Key: generateEC(elliptic.P384())},
		"ES512": {Algorithm: jose.ES512, Key: generateEC(elliptic.P521())},
		"RS256": {Algorithm: jose.RS256, Key: ofRSA}, "RS384": {Algorithm: jose.RS384, Key: ofRSA}, "RS512": {Algorithm: jose.RS512, Key: ofRSA},
		"PS256": {Algorithm: jose.PS256, Key: ofRSA}, "RS256 of 3072 bits": {Algorithm: jose.RS256, Key: generateRSA(3072)},
	}
})

// signedBy is a configuration that takes the tokens of every one of signers, and a
// token of each.
func signedBy(t *testing.T, change string) (configuration string, tokens map[string]string) {
	t.Helper()
	var set jose.JSONWebKeySet
	tokens = map[string]string{}
	for name, key := range signers() {
		kid := strings.ReplaceAll(name, " ", "-")
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Key.(crypto.Signer).Public(), KeyID: kid})
		signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("at+jwt").WithHeader("kid", kid))
		if err != nil {
			t.Fatal(err)
		}
		claims := object{"iss": issuerURL, "aud": audience, "sub": "alice", "exp": seconds(1e12)}
		cnf(certA)(nil, claims)
		signed, err := signer.Sign([]byte(marshal(claims)))
		if err != nil {
			t.Fatal(err)
		}
		if tokens[name], err = signed.CompactSerialize(); err != nil {
			t.Fatal(err)
		}
	}
	return configure(t, `{`+change+`"issuer":{"algorithms":`+everyAlgorithm+`,"jwks":{"inline":`+marshal(set)+`}}}`), tokens
}

// byHost are those of signers that a host is asked about.
func byHost(name string) bool { return name[0] != 'P' && name != "ES512" }

// Issue: whatever the host answers, the two agree. Good tokens and changed ones get
// from an honest host the reason that they get without one.
func TestHostAndSandboxAgree(t *testing.T) {
	t.Parallel()
	configuration, tokens := signedBy(t, "")
	proxy := filtertest.NewProxy()
	proxy.Verifier = honest
	hosted, sandboxed := startIn(t, proxy, configuration), startIn(t, filtertest.NewProxy(), configuration)
	questions := uint64(0)
	for name, token := range tokens {
		input, signature := token[:strings.LastIndexByte(token, '.')+1], token[strings.LastIndexByte(token, '.')+1:]
		raw, err := base64.RawURLEncoding.DecodeString(signature)
		if err != nil {
			t.Fatal(err)
		}
		forms := map[string]string{"good": token, "no signature": input, "short": input + encode(raw[1:]), "long": input + encode(append(raw, 0)),
			"all zero": input + encode(make([]byte, len(raw))), "all ones": input + encode(slices.Repeat([]byte{255}, len(raw)))}
		for i := range 64 {
			changed := slices.Clone(raw)
			changed[i*len(raw)/64] ^= 1 << (i % 8)
			forms[fmt.Sprint("bit ", i)] = input + encode(changed)
		}
		for form, token := range forms {
			want := sandboxed.judge(get(token))
			if (want == "token_accepted") != (form == "good") {
				t.Errorf("%s, %s: %s in the sandbox", name, form, want)
			}
			before := hosted.Metric("holdfast.verification.host")
			hosted.expect(get(token), want)
			asked := hosted.Metric("holdfast.verification.host") - before
			if questions += asked; form == "good" && (asked == 1) != byHost(name) {
				t.Errorf("%s: the host was asked %d times", name, asked)
			}
		}
	}
	if questions < 6*50 || sandboxed.Metric("holdfast.verification.host") != 0 {
		t.Errorf("%d questions: this test shows nothing", questions)
	}
	if all := hosted.Metric("holdfast.verification.host") + hosted.Metric("holdfast.verification.sandbox"); all != sandboxed.Metric("holdfast.verification.sandbox") {
		t.Errorf("%d signatures, of %d", all, sandboxed.Metric("holdfast.verification.sandbox"))
	}
}

// A host that fails later is left alone for that one signature; where it has to be
// used, nobody can tell, and the request is refused for want of an answer. Either way
// the log says so, once.
func TestT23_HostFailsToVerify(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{"auto": "token_accepted", "host": "internal_error"} {
		w := startVerifying(t, honest, `{"verification":"`+setting+`"}`)
		w.Faults = filtertest.FailOn(errHost, "VerifySignature")
		for range 3 {
			w.expect(get(mint("k1")), want)
		}
		w.expect(get(mint("k2", param("kid", "k1"))), map[string]string{"auto": "signature_invalid", "host": "internal_error"}[setting])
		if n := strings.Count(w.LogText(), "did not verify a signature: "+errHost.Error()); n != 1 {
			t.Errorf("%s: %d lines", setting, n)
		}
		w.Faults = nil
		w.expect(get(mint("k1")), "token_accepted")
		if n := w.Metric("holdfast.verification.host"); n != 1 {
			t.Errorf("%s: %d by the host", setting, n)
		}
	}
}

// A host that begins to say no is believed: closed, not open.
func TestHostThatSaysNoIsBelieved(t *testing.T) {
	t.Parallel()
	w := startVerifying(t, honest, ``)
	w.proxy.Verifier = alwaysNo
	w.expect(get(good()), "signature_invalid")
}

// Signed answers (RFC 9701) come the same way.
func TestHostVerifiesSignedAnswers(t *testing.T) {
	t.Parallel()
	w := startVerifying(t, honest, asksSigned())
	w.proxy.Server = always(saidSigned("k1"))
	w.expectSettled(get("opaque"), "token_accepted")
	if n := w.Metric("holdfast.verification.host"); n != 1 {
		t.Errorf("%d by the host", n)
	}
	w.proxy.Server = always(saidSigned("k2", param("kid", "k1")))
	w.expectSettled(get("forged"), "introspection_unavailable")
}

// And so do proofs (RFC 9449 §4.3, 6). A proof that a host could not verify, where it
// has to be used, counts as one with a bad signature.
func TestHostVerifiesProofs(t *testing.T) {
	t.Parallel()
	w := startVerifying(t, honest, `{"verification":"host",`+dpopOnly+`}`)
	token := mint("k1", toKey("c1"))
	w.expect(dpopGet(token, proofOf("c1", token)), "token_accepted")
	if n := w.Metric("holdfast.verification.host"); n != 2 {
		t.Errorf("%d by the host", n)
	}
	forged := proofOf("c1", token, claim("jti", "two"))
	other := proofOf("c2", token, claim("jti", "two"))
	forged = forged[:strings.LastIndexByte(forged, '.')] + other[strings.LastIndexByte(other, '.'):]
	w.expect(dpopGet(token, forged), "dpop_signature_invalid")
	w.Faults = filtertest.FailOn(errHost, "VerifySignature")
	w.expect(dpopGet(token, proofOf("c1", token, claim("jti", "three"))), "dpop_signature_invalid")
}
