package kong

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast/e2e"
)

// The calls of the page, word for word, with the certificates, the token and the
// configuration of try.sh, and an Envoy in the place of Kong: what the page says of each
// answer is so. It is also the way that the page has for Kong 3.11.
func TestKongCallsOnEnvoy(t *testing.T) {
	try, dir := t.TempDir(), t.TempDir()
	if out, err := exec.CommandContext(t.Context(), filepath.Join(deploy, "try.sh"), try).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var settings e2e.M
	if err := json.Unmarshal([]byte(filterConfig(t, try)), &settings); err != nil {
		t.Fatal(err)
	}
	settings["host"], settings["resource_metadata"] = nil, nil // one is Kong's, the other envoy.yaml's
	file := func(dir, name string) string { return "filename: " + filepath.Join(dir, name) + " }" }
	stack, err := e2e.Start(context.Background(), e2e.Options{Dir: dir, Setup: e2e.Setup{Listeners: []e2e.Listener{{Patch: settings, Edits: []e2e.Edit{
		{Old: file(dir, "server.pem"), New: file(try, "server.pem")},
		{Old: file(dir, "server-key.pem"), New: file(try, "server-key.pem")},
		{Old: file(dir, "client-ca.pem"), New: file(dir, "client-ca.pem") + "\n              trust_chain_verification: ACCEPT_UNTRUSTED"},
	}}}}})
	t.Cleanup(func() {
		if err := stack.Close(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}

	page, err := os.ReadFile(filepath.Join(deploy, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	here := strings.NewReplacer("build/kong", try, "127.0.0.1:8443", stack.Address(""))
	var function string
	var said []string
	for line := range strings.Lines(string(page)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "call() ") {
			function = here.Replace(line)
		}
		call, comment, ok := strings.Cut(line, "# ")
		if !ok || !strings.HasPrefix(line, "call ") {
			continue
		}
		said = append(said, comment)
		out, err := exec.CommandContext(t.Context(), "sh", "-c", function+"\n"+here.Replace(call)).CombinedOutput()
		if status, _, _ := strings.Cut(comment, ","); err != nil || !strings.HasPrefix(string(out), "HTTP/2 "+status) {
			t.Errorf("%s: %v, %s, want %s", call, err, out, comment)
		}
		_, reason, _ := strings.Cut(strings.TrimSuffix(comment, " in the log"), ", ")
		if strings.HasPrefix(comment, "200") {
			continue
		}
		// Another thread writes the log.
		deadline := time.Now().Add(30 * time.Second)
		for !strings.Contains(stack.Envoy.Log(), "denied reason="+reason+" ") {
			if time.Now().After(deadline) {
				t.Fatalf("%s: the log has no %s:\n%s", call, reason, stack.Envoy.Log())
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	if len(said) != 3 {
		t.Errorf("the page has the calls %q, want three", said)
	}
}
