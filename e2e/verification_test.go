package e2e

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// verificationKeys has a key for each algorithm that a host verifies, and one for
// some that it does not.
func verificationKeys() map[jose.SignatureAlgorithm]crypto.Signer {
	ofRSA := must(rsa.GenerateKey(rand.Reader, 2048))
	return map[jose.SignatureAlgorithm]crypto.Signer{
		jose.ES256: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), jose.ES384: must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
		jose.RS256: ofRSA, jose.RS384: ofRSA, jose.RS512: ofRSA,
		jose.ES512: must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)), jose.PS256: ofRSA,
	}
}

func signWith(algorithm jose.SignatureAlgorithm, key crypto.Signer, t *Token) string {
	options := (&jose.SignerOptions{}).WithType("at+jwt").WithHeader("kid", string(algorithm))
	signer := must(jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options))
	return must(must(signer.Sign([]byte(encode(t.Claims)))).CompactSerialize())
}

// "verification", on the oldest and the newest Envoy: the line at start and the metric
// say who verifies, and whoever does, good tokens pass and others do not.
func TestVerification(t *testing.T) {
	const fromHost = "host:ES256,ES384,RS256,RS384,RS512"
	keys := verificationKeys()
	var set jose.JSONWebKeySet
	var algorithms []any
	for algorithm, key := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: string(algorithm), Algorithm: string(algorithm)})
		algorithms = append(algorithms, string(algorithm))
	}
	issuers := IssuerWith(M{"algorithms": algorithms, "introspection": nil, "jwks": M{"uri": nil, "cluster": nil, "inline": set}})
	var listeners []Listener
	for _, verification := range []string{"auto", "host", "sandbox"} {
		listeners = append(listeners, Listener{Name: verification, Patch: M{"issuers": issuers, "verification": verification}})
	}
	for _, host := range everyHost {
		t.Run(host, func(t *testing.T) {
			f := start(t, Options{Setup: Setup{Listeners: listeners}, Envoy: os.Getenv(host)})
			for verification, want := range map[string]string{fromHost: "auto and host", "sandbox": "sandbox"} {
				if !strings.Contains(f.Envoy.Log(), "verification="+verification+"\n") {
					t.Errorf("no line at start with verification=%s, for %s", verification, want)
				}
			}
			for algorithm, key := range keys {
				good := signWith(algorithm, key, f.Auth.Mint(f.PKI.A))
				cut := strings.LastIndexByte(good, '.') + 1
				others := []string{
					good[:cut] + segment(make([]byte, 64)), good[:len(good)-8] + "AAAAAAAA",
					signWith(algorithm, key, f.Auth.Mint(f.PKI.B))[:cut-1] + good[cut-1:],
				}
				for _, l := range listeners {
					byHost, bySandbox := f.Envoy.Metric("holdfast.verification.host"), f.Envoy.Metric("holdfast.verification.sandbox")
					c := f.at(l.Name, f.PKI.A)
					passed(t, c.Get(path, "authorization: Bearer "+good))
					byHost, bySandbox = f.Envoy.Metric("holdfast.verification.host")-byHost, f.Envoy.Metric("holdfast.verification.sandbox")-bySandbox
					want := "0 1"
					if l.Name != "sandbox" && strings.Contains(fromHost, string(algorithm)) {
						want = "1 0"
					}
					if got := fmt.Sprint(byHost, " ", bySandbox); got != want {
						t.Errorf("%s, %s: verified by host and sandbox %s times, want %s", l.Name, algorithm, got, want)
					}
					for i, bad := range others {
						if a := c.Get(path, "authorization: Bearer "+bad); a.Status != 401 || a.Seen != nil {
							t.Errorf("%s, %s, bad token %d: %s", l.Name, algorithm, i, describe(a))
						}
					}
				}
			}
		})
	}
}
