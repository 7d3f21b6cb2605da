package config

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"holdfast/jwt"
)

func TestDPoPDefaults(t *testing.T) {
	t.Parallel()
	got := mustParse(t, withDPoP("")).Binding
	want := Binding{MTLS: true, DPoP: &DPoP{
		ProofLifetime: time.Minute, ClockSkew: 10 * time.Second, NonceLifetime: time.Minute,
		Algorithms: []jwt.Algorithm{jwt.ES256, jwt.PS256, jwt.EdDSA, jwt.RS256},
		Origins:    []string{"https://api.example.com"},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestDPoPEveryKey(t *testing.T) {
	t.Parallel()
	got := mustParse(t, fullDocuments()["every key of dpop"])
	want := Binding{DPoP: &DPoP{
		ProofLifetime: 30 * time.Second, NonceKeyEnv: "NONCES", NonceLifetime: 5 * time.Minute,
		Algorithms: []jwt.Algorithm{jwt.ES384, jwt.EdDSA}, PerWorker: true,
		Origins: []string{"https://api.example.com:8443", "http://localhost"},
	}}
	if !reflect.DeepEqual(got.Binding, want) || got.Forward.Token != ForwardBearer {
		t.Errorf("got  %+v, %v\nwant %+v", got.Binding, got.Forward.Token, want)
	}
	if off := mustParse(t, withDPoP(`"nonce_key_env":"NONCES"`)).Binding.DPoP; off.NonceKeyEnv != "" {
		t.Errorf("nonces are required, and off: %+v", off)
	}
	resource := mustParse(t, fullDocuments()["the origin of the resource"])
	if !slices.Equal(resource.Binding.DPoP.Origins, []string{"https://api.example.com"}) {
		t.Errorf("origins %q", resource.Binding.DPoP.Origins)
	}
}

func TestDPoPBounds(t *testing.T) {
	t.Parallel()
	const path = "proof_of_possession.dpop."
	for doc, want := range map[string]string{
		`"proof_lifetime":"999ms"`:                     path + "proof_lifetime: between 1s and 10m0s",
		`"proof_lifetime":"10m1s"`:                     path + "proof_lifetime: between 1s and 10m0s",
		`"clock_skew":"61s"`:                           path + "clock_skew: between 0s and 1m0s",
		`"nonce_lifetime":"1s"`:                        path + "nonce_lifetime: between 2s and 24h0m0s",
		`"nonce_lifetime":"25h"`:                       path + "nonce_lifetime: between 2s and 24h0m0s",
		`"nonce":"required","nonce_lifetime":"5m"`:     path + "nonce_key_env: is required",
		`"algorithms":["ES256","ES256"],"nonce":"off"`: path + "algorithms[1]: is listed twice",
	} {
		checkProblems(t, withDPoP(doc), want)
	}
}

// What the profile sets where nothing is said (contract §5).
func TestFAPI2Defaults(t *testing.T) {
	t.Parallel()
	c := mustParse(t, fullDocuments()["fapi2 with dpop"])
	want := []jwt.Algorithm{jwt.ES256, jwt.PS256, jwt.EdDSA}
	i := &c.Issuers[0]
	if !c.FAPI2 || !slices.Equal(i.Policy.Algorithms, want) || !slices.Equal(c.Binding.DPoP.Algorithms, want) ||
		!i.Introspection.All || c.Binding.Optional || c.Binding.ReportOnly {
		t.Errorf("%+v", c)
	}
	for doc, want := range map[string]string{
		fapi2(`,"clock_skew":"9s"`, "", ""):  "issuers[0].clock_skew: between 10s and 1m0s",
		fapi2(`,"clock_skew":"61s"`, "", ""): "issuers[0].clock_skew: between 10s and 1m0s",
		fapi2("", "", `"proof_of_possession":{"methods":["dpop"],"dpop":{"origin":["https://api.example.com"],"clock_skew":"0s"}}`): "proof_of_possession.dpop.clock_skew: between 10s and 1m0s",
	} {
		checkProblems(t, doc, want)
	}
}
