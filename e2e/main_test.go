package e2e

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
)

// TestMain refuses to begin without the binaries: a run that tested nothing must
// not look like a good one. At the end it closes the fixtures that tests share,
// which is when crashed VMs and leaked tokens come to light.
func TestMain(m *testing.M) {
	for _, name := range []string{"HOLDFAST_ENVOY", "HOLDFAST_ENVOY_OLD", "HOLDFAST_WASM"} {
		if _, err := fromEnvironment("", name); err != nil {
			fmt.Fprintln(os.Stderr, "e2e:", err)
			os.Exit(1)
		}
	}
	code := m.Run()
	for _, shared := range []*sharedFixture{standard, relaxed, variants, asking, proving} {
		if err := shared.close(); err != nil {
			fmt.Fprintf(os.Stderr, "e2e: %s: %v\n", shared.name, err)
			code = 1
		}
	}
	os.Exit(code)
}

// standard is the envoy.yaml that users copy, to the letter.
var standard = &sharedFixture{name: "standard"}

// relaxed is an Envoy that leaves more to Holdfast: headers with underscores
// pass, a whole tree is anonymous, and there is more to forward.
var relaxed = &sharedFixture{name: "relaxed", options: Options{Setup: Setup{Listeners: []Listener{{
	Edits: []Edit{{"headers_with_underscores_action: REJECT_REQUEST", "headers_with_underscores_action: ALLOW"}},
	Patch: M{
		"rules": []any{
			M{"match": M{"path_prefix": "/public/"}, "access": "anonymous"},
			M{"match": M{"path": "/payments", "methods": []any{"POST"}}, "scopes": []any{"payments:write"}},
			M{"match": M{"path": "/deep"}, "scopes": []any{"accounts:read", "admin"}},
		},
		"cors_preflight": "bypass",
		"forward": M{
			"token": "strip", "payload_header": "x-auth-claims", "thumbprint_header": "x-auth-cert-thumbprint",
			"claims":      []any{M{"claim": "sub", "header": "x-auth-sub"}, M{"claim": "realm_access.roles", "header": "x-auth-roles"}},
			"certificate": []any{M{"field": "subject", "header": "x-client-dn"}},
		},
	},
}}}}}

// sharedFixture is a stack that several tests use, started by the first.
type sharedFixture struct {
	name    string
	options Options
	once    sync.Once
	stack   *Stack
	err     error
}

func (s *sharedFixture) use(t *testing.T) *fixture {
	t.Helper()
	s.once.Do(func() { s.stack, s.err = Start(context.Background(), s.options) })
	if s.err != nil {
		t.Fatalf("%v\n%s", s.err, envoyLog(s.stack, 0))
	}
	begin := len(envoyLog(s.stack, 0))
	t.Cleanup(func() { showLog(t, s.stack, begin) })
	return newFixture(t, s.stack)
}

func (s *sharedFixture) close() error {
	if s.stack == nil {
		return nil
	}
	return s.stack.Close()
}

// start brings up a stack for one test and ends it with the test.
func start(t *testing.T, o Options) *fixture {
	t.Helper()
	s, err := Start(context.Background(), o)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		showLog(t, s, 0)
	})
	if err != nil {
		t.Fatal(err)
	}
	return newFixture(t, s)
}

// one is an Options with one changed listener.
func one(patch M, edits ...Edit) Options {
	return Options{Setup: Setup{Listeners: []Listener{{Patch: patch, Edits: edits}}}}
}

func showLog(t *testing.T, s *Stack, begin int) {
	if t.Failed() {
		t.Logf("Envoy's log:\n%s", envoyLog(s, begin))
	}
}

func envoyLog(s *Stack, begin int) string {
	if s.Envoy == nil {
		return ""
	}
	return s.Envoy.Log()[begin:]
}
