package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// fixture is a running stack and the callers that most tests need, all of them
// on HTTP/1.1 and TLS 1.3.
type fixture struct {
	*Stack
	A, B, None *Client
}

func newFixture(t *testing.T, s *Stack) *fixture {
	f := &fixture{Stack: s, A: s.Client(Caller{Certificate: s.PKI.A}), B: s.Client(Caller{Certificate: s.PKI.B}), None: s.Client(Caller{})}
	t.Cleanup(func() {
		for _, c := range []*Client{f.A, f.B, f.None} {
			c.Close()
		}
	})
	return f
}

// path is one that asks for accounts:read under the rules of envoy.yaml.
const path = "/accounts"

// bearer is the header line with a good token of the holder of c.
func (f *fixture) bearer(t *testing.T, c *Certificate) string {
	t.Helper()
	token, err := f.Token(c)
	if err != nil {
		t.Fatal(err)
	}
	return "authorization: Bearer " + token
}

// mint is the header line with a token for c with other claims, signed with the
// server's own key.
func (f *fixture) mint(c *Certificate, claims M) string {
	return "authorization: Bearer " + f.Auth.Mint(c).With(claims).Sign(f.Auth.Key())
}

// passed asserts that the request reached the upstream, and returns what it saw.
func passed(t *testing.T, a *Answer) *Seen {
	t.Helper()
	if a.Err != nil || a.Status != 200 || a.Seen == nil {
		t.Fatalf("got %v, want 200 from the upstream", describe(a))
	}
	return a.Seen
}

// refused asserts everything that a refusal owes: the status, the error in body
// and challenge, an upstream that saw nothing, no token in the answer, and a
// filter that still lets the next good request through. An empty code means that
// neither body nor challenge may name an error.
func (f *fixture) refused(t *testing.T, a *Answer, status int, code string) {
	t.Helper()
	if a.Err != nil || a.Status != status || a.Code() != code {
		t.Errorf("got %v, want %d %q", describe(a), status, code)
		return
	}
	if a.Seen != nil {
		t.Error("the upstream saw the request")
	}
	for name, want := range map[string]string{"content-type": "application/json", "cache-control": "no-store"} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	checkChallenge(t, a, code)
	if leak := f.secrets.leaked(a.Body + strings.Join(a.Header.Values("www-authenticate"), "\n")); leak != "" {
		t.Errorf("the answer holds a part of the token: %s", leak)
	}
	f.stillServes(t)
}

// stillServes asserts that the next good request passes.
func (f *fixture) stillServes(t *testing.T) {
	t.Helper()
	if next := f.A.Get("/next", f.mint(f.PKI.A, nil)); next.Status != 200 {
		t.Errorf("the next good request got %v, want 200", describe(next))
	}
}

func checkChallenge(t *testing.T, a *Answer, code string) {
	t.Helper()
	got := a.Header.Values("www-authenticate")
	if a.Status == 503 || a.Status == 421 {
		if len(got) != 0 {
			t.Errorf("www-authenticate is %q, want none", got)
		}
		return
	}
	if len(got) != 1 || !strings.HasPrefix(got[0], `Bearer realm="payments"`) && !strings.HasPrefix(got[0], `DPoP realm="payments"`) {
		t.Errorf("www-authenticate is %q, want one that begins with a scheme and realm", got)
		return
	}
	want := `error="` + code + `"`
	if code == "" {
		want = "error"
	}
	if strings.Contains(got[0], want) != (code != "") {
		t.Errorf("www-authenticate is %q, want error %q", got[0], code)
	}
	if !strings.Contains(got[0], `resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"`) {
		t.Errorf("www-authenticate is %q, want resource_metadata", got[0])
	}
}

func describe(a *Answer) string {
	if a.Err != nil {
		return "no answer: " + a.Err.Error()
	}
	if a.Seen != nil {
		return fmt.Sprintf("%s %d from the upstream", a.Proto, a.Status)
	}
	return strings.TrimSpace(fmt.Sprintf("%s %d %.200s", a.Proto, a.Status, a.Body))
}

// eventually waits for something that another thread does. The limit is for a
// machine under load; nothing here asserts how fast it happens.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}
