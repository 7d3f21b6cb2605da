package e2e

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Several listeners, one vm_id, and so one VM for each worker. The second has
// another issuer, "both" has two. The third has the first one's name for an
// issuer, but gets its keys elsewhere. No key, token or verdict may cross over.
func TestListenersDoNotMix(t *testing.T) {
	const otherIssuer = "https://other-as.example.com"
	var other *AuthServer
	o := Options{Setup: Setup{Listeners: []Listener{
		{},
		{Name: "second", Patch: M{"issuers": IssuerWith(M{"issuer": otherIssuer, "jwks": M{"cluster": "other"}})}},
		{Name: "both", Patch: M{"issuers": append(IssuerWith(nil), IssuerWith(M{"issuer": otherIssuer, "jwks": M{"cluster": "other"}, "introspection": nil})...)}},
		{Name: "third", Patch: M{"issuers": IssuerWith(M{"jwks": M{"cluster": "other"}})}},
	}}}
	o.Prepare = func(s *Stack) (err error) {
		if other, err = NewAuthServer(s.PKI, otherIssuer); err != nil {
			return err
		}
		t.Cleanup(other.Close)
		s.options.Edits = []Edit{secondCluster(other.Address, s.Dir)}
		return nil
	}
	f := start(t, o)
	if f.Auth.Key().ID != other.Key().ID {
		t.Fatal("the two servers should use one kid for two keys")
	}
	header := func(issuer string, k *Key) string {
		return f.mintWith(k, M{"iss": issuer})
	}
	for range 3 { // the second and third time with everything cached
		for _, test := range []struct {
			listener string
			token    string
			ok       bool
		}{
			{"", header(Issuer, f.Auth.Key()), true},
			{"", header(Issuer, other.Key()), false},
			{"", header(otherIssuer, other.Key()), false},
			{"", header(otherIssuer, f.Auth.Key()), false},
			{"second", header(otherIssuer, other.Key()), true},
			{"second", header(otherIssuer, f.Auth.Key()), false},
			{"second", header(Issuer, f.Auth.Key()), false},
			{"both", header(Issuer, f.Auth.Key()), true},
			{"both", header(otherIssuer, other.Key()), true},
			{"both", header(Issuer, other.Key()), false},
			{"both", header(otherIssuer, f.Auth.Key()), false},
			{"third", header(Issuer, other.Key()), true},
			{"third", header(Issuer, f.Auth.Key()), false},
		} {
			for range 4 { // connections of their own, for both workers
				a := f.ClientOf(test.listener, Caller{Certificate: f.PKI.A, Reconnect: true}).Get(path, test.token)
				if test.ok {
					passed(t, a)
				} else {
					f.refused(t, a, 401, "invalid_token")
				}
			}
		}
	}
	if n := must(f.Envoy.Stats())["wasm.envoy.wasm.runtime.v8.active"]; n > 4 {
		t.Errorf("%d VMs, so the listeners do not share theirs and nothing was shown", n)
	}
}

func (f *fixture) mintWith(k *Key, claims M) string {
	return "authorization: Bearer " + f.Auth.Mint(f.PKI.A).With(claims).Sign(k)
}

// secondCluster copies the cluster "as" under the name "other" with another
// address.
func secondCluster(address, dir string) Edit {
	const next = "\n  - name: upstream\n"
	text := must(ReadConfig())
	block := text[strings.Index(text, "\n  - name: as\n"):strings.Index(text, next)]
	block = must(applyAll(block, []Edit{
		{"\n  - name: as\n", "\n  - name: other\n"},
		{"{ address: as.example.com, port_value: 443 }", socketAddress(address)},
		{"/etc/holdfast/as-ca.pem", dir + "/as-ca.pem"},
	}))
	return Edit{next, block + next}
}

// A configuration with five mistakes: five problems by path, and no Envoy.
func TestFiveMistakes(t *testing.T) {
	o := one(M{
		"issuers": []any{M{
			"issuer": "https://as.example.com", "audiences": []any{}, "algorithms": []any{"HS256"},
			"clock_skew": "2m", "jwks": M{"uri": "https://as.example.com/jwks"},
		}},
		"proof_of_possession": M{"mode": "strickt"},
	})
	s, err := Start(context.Background(), o)
	log := envoyLog(s, 0)
	s.Close()
	if err == nil || !strings.Contains(err.Error(), ErrEnvoyExited.Error()) {
		t.Errorf("got %v, want an Envoy that does not start", err)
	}
	for line := range strings.Lines(log) {
		found := 0
		for _, path := range []string{"issuers[0].audiences", "issuers[0].algorithms[0]", "issuers[0].clock_skew", "issuers[0].jwks.cluster", "proof_of_possession.mode"} {
			if strings.Contains(line, path) {
				found++
			}
		}
		if found == 5 {
			return
		}
	}
	t.Errorf("no line names all five problems:\n%s", log)
}

// The contract takes the configuration as a google.protobuf.Struct as well,
// which Envoy hands over in another shape.
func TestStructConfiguration(t *testing.T) {
	f := start(t, one(nil, Edit{"google.protobuf.StringValue\n                  value: |", "google.protobuf.Struct\n                  value:"}))
	passed(t, f.A.Get(path, f.bearer(t, f.PKI.A)))
	f.refused(t, f.B.Get(path, f.bearer(t, f.PKI.A)), 401, "invalid_token")
	f.refused(t, f.A.Get(path), 401, "")
}

// Requests go on through reloads of configuration and module: no good one fails,
// no bad one passes.
func TestReloadUnderLoad(t *testing.T) {
	f := start(t, Options{Setup: Setup{LDS: true}})
	token := f.bearer(t, f.PKI.A)
	forged := "authorization: Bearer " + f.Auth.Mint(f.PKI.B).Sign(NewKey(f.Auth.Key().ID, "ES256"))
	var done atomic.Bool
	var good, bad atomic.Int64
	var wait sync.WaitGroup
	for i := range 4 {
		own := f.Client(Caller{Certificate: f.PKI.A, HTTP2: i%2 == 1, Reconnect: i < 2})
		thief := f.Client(Caller{Certificate: f.PKI.B, HTTP2: i%2 == 1, Reconnect: i < 2})
		wait.Go(func() {
			for !done.Load() {
				if a := own.Get(path, token); a.Status != 200 {
					t.Errorf("a good request got %s", describe(a))
				}
				good.Add(1)
				for _, header := range []string{token, forged} {
					if a := thief.Get(path, header); a.Status != 401 || a.Seen != nil {
						t.Errorf("a bad request got %s", describe(a))
					}
					bad.Add(1)
				}
			}
		})
	}
	copied := filepath.Join(f.Dir, "copy.wasm")
	if err := os.WriteFile(copied, must(os.ReadFile(f.options.Wasm)), 0o644); err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		wasm := f.options.Wasm
		if i%2 == 0 {
			wasm = copied // the name of the file changes, as with make watch
		}
		setup := Setup{Listeners: []Listener{{Patch: M{"forward": M{"payload_header": "x-claims-" + strconv.Itoa(i)}}}}}
		if err := f.Reload(t.Context(), setup, wasm); err != nil {
			t.Fatal(err)
		}
		seen := good.Load()
		eventually(t, "requests go on", func() bool { return good.Load() > seen+20 })
	}
	// A configuration that is refused changes nothing.
	err := f.Reload(t.Context(), Setup{Listeners: []Listener{{Patch: M{"realm": 1}}}}, "")
	if err == nil || !strings.Contains(err.Error(), "realm") {
		t.Errorf("a configuration with a mistake: got %v, want a refusal that names it", err)
	}
	done.Store(true)
	wait.Wait()
	t.Logf("%d good and %d bad requests through 6 reloads", good.Load(), bad.Load())
	seen := passed(t, f.A.Get(path, token))
	if seen.Header.Get("x-claims-5") == "" {
		t.Error("the last good configuration is not in force")
	}
}

// What is shipped is valid on the oldest and the newest Envoy, and the test of
// it runs the filter's own check too.
func TestEnvoyYAMLValidates(t *testing.T) {
	f := standard.use(t)
	for _, name := range Envoys() {
		if out, err := f.validate(os.Getenv(name), "HOLDFAST_INTROSPECTION_SECRET="+GatewaySecret); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	out, err := f.validate(os.Getenv("HOLDFAST_ENVOY"))
	if err == nil || !strings.Contains(out, "issuers[0].introspection.client_secret_env: ") {
		t.Errorf("without its secret: %v\n%s", err, out)
	}
}

// validate has an Envoy check the configuration that is in use.
func (f *fixture) validate(envoy string, environment ...string) (output string, err error) {
	cmd := exec.Command(envoy, "--mode", "validate", "--use-dynamic-base-id", "-c", filepath.Join(f.Dir, "envoy.yaml"))
	cmd.Env = append(os.Environ(), environment...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// A listener without the filter would let everything through: this shows that
// the tests would notice.
func TestHarnessNoticesAMissingFilter(t *testing.T) {
	f := start(t, one(nil, Edit{"          - name: holdfast\n            typed_config:", "          - name: holdfast\n            disabled: true\n            typed_config:"}))
	if a := f.None.Get(path); a.Status != http.StatusOK || a.Seen == nil {
		t.Errorf("got %s, want 200: is the filter off?", describe(a))
	}
}
