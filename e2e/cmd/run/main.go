// Command run keeps the demo up and prints curl lines for it. With -watch it
// builds the filter again whenever a source changes, and gives it to the running
// Envoy without closing the listener.
package main

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"holdfast/e2e"
)

func main() {
	watch := flag.Bool("watch", false, "build and reload when a source changes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *watch); err != nil {
		fmt.Fprintln(os.Stderr, "run:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, watch bool) error {
	root, err := e2e.Root()
	if err != nil {
		return err
	}
	if err := os.Chdir(root); err != nil {
		return err
	}
	dir := filepath.Join("build", "run")
	if err := os.RemoveAll(dir); err != nil { // what an earlier run left
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	wasm, err := keep(os.Getenv("HOLDFAST_WASM"), dir)
	if err != nil {
		return fmt.Errorf("HOLDFAST_WASM: %w: use make run", err)
	}
	accessLog, err := filepath.Abs(filepath.Join(dir, "access.log"))
	if err != nil {
		return err
	}
	// envoy.yaml, but for the access log's file, and with sessions and DPoP switched on.
	patch := e2e.M{
		"session":             e2e.M{"key_env": "HOLDFAST_SESSION_KEY"},
		"proof_of_possession": e2e.M{"methods": []any{"mtls", "dpop"}},
	}
	setup := e2e.Setup{LDS: true, Listeners: []e2e.Listener{{Patch: patch, Edits: []e2e.Edit{{Old: "path: /dev/stdout", New: "path: " + accessLog}}}}}
	began := time.Now()
	s, err := e2e.Start(ctx, e2e.Options{Dir: dir, Wasm: wasm, Setup: setup, Progress: func(step string) {
		fmt.Printf("%5.1fs  starting: %s\n", time.Since(began).Seconds(), step)
	}})
	defer func() { s.Close() }() // after an error too: it ends what did start
	if err != nil {
		if s.Envoy != nil {
			fmt.Fprintln(os.Stderr, s.Envoy.Log())
		}
		return err
	}
	if err := writeCertificates(s.PKI, dir); err != nil {
		return err
	}
	for _, name := range []string{"dpop", "dpop-thief"} {
		if err := e2e.NewKey("", "ES256").Write(filepath.Join(dir, name+".json")); err != nil {
			return err
		}
	}
	fmt.Printf("%5.1fs  ready\n\n", time.Since(began).Seconds())
	printLines(s, dir)
	changes := make(chan struct{})
	if watch {
		fmt.Println("Watching the sources. Ctrl-C ends it.")
		go poll(ctx, changes)
	} else {
		fmt.Println("Ctrl-C ends it.")
	}
	shown := len(s.Envoy.Log())
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			shown = showLog(s.Envoy.Log(), shown)
		case <-ctx.Done():
			fmt.Println("\nstopping")
			return nil
		case <-s.Envoy.Exited():
			fmt.Fprintln(os.Stderr, s.Envoy.Log())
			return e2e.ErrEnvoyExited
		case <-changes:
			if err := reload(ctx, s, dir); err != nil {
				fmt.Println("  not reloaded, the old filter goes on:", err)
			}
		}
	}
}

// showLog prints the whole lines that Envoy and Holdfast have logged since.
func showLog(log string, shown int) int {
	end := strings.LastIndexByte(log, '\n') + 1
	if end > shown {
		fmt.Print(log[shown:end])
		return end
	}
	return shown
}

// keep copies the module to a name that follows from its content: Envoy takes
// notice of a new name, not of a new file behind the old one.
func keep(wasm, dir string) (string, error) {
	code, err := os.ReadFile(wasm)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(code)
	name := filepath.Join(dir, fmt.Sprintf("holdfast-%x.wasm", sum[:6]))
	return name, os.WriteFile(name, code, 0o644)
}

func writeCertificates(pki *e2e.PKI, dir string) error {
	for name, c := range map[string]*e2e.Certificate{"client-a": pki.A, "client-b": pki.B, "self-signed": pki.SelfSigned} {
		if _, _, err := c.Write(dir, name); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "ca.pem"), pki.CA.PEM(), 0o644)
}

// printLines prints commands that work when pasted into a shell at the project's
// top level. The names are those of envoy.yaml; --connect-to leads them here.
func printLines(s *e2e.Stack, dir string) {
	cert := func(name string) string {
		return fmt.Sprintf("--cert %s/%s.pem --key %s/%s-key.pem", dir, name, dir, name)
	}
	curl := func(address string) string {
		return fmt.Sprintf("curl -sS --cacert %s/ca.pem --connect-to ::%s", dir, address)
	}
	as, api := curl(s.Auth.Address), curl(s.Address(""))+` -i -w '\n' -H "authorization: Bearer $TOKEN"`
	fmt.Print("Paste these into another terminal, in this folder, from the first to the last.\n\n")
	fmt.Println("# 1. client A gets a token, over mutual TLS")
	fmt.Printf("TOKEN=$(%s %s %s/token \\\n  -d grant_type=client_credentials -d client_id=%s -d 'scope=accounts:read payments:write' -d resource=%s \\\n  | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n\n",
		as, cert("client-a"), e2e.Issuer, e2e.ClientA, e2e.Resource)
	fmt.Println("# 2. client A calls the API: 200, and the upstream shows what it was told")
	fmt.Printf("%s %s %s/accounts\n\n", api, cert("client-a"), e2e.Resource)
	fmt.Println("# 3. a thief has the token, but no certificate, or only its own: 401")
	fmt.Printf("%s %s/accounts\n", api, e2e.Resource)
	fmt.Printf("%s %s %s/accounts\n\n", api, cert("client-b"), e2e.Resource)
	fmt.Println("# 4. a self-signed certificate with client A's name: no connection")
	fmt.Printf("%s %s %s/accounts\n\n", api, cert("self-signed"), e2e.Resource)
	fmt.Println("# 5. an opaque token, which only the authorization server can read: 200, and 401 for the thief")
	fmt.Printf("OPAQUE=$(%s %s %s/token \\\n  -d grant_type=client_credentials -d client_id=%s-opaque -d 'scope=accounts:read' -d resource=%s \\\n  | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n",
		as, cert("client-a"), e2e.Issuer, e2e.ClientA, e2e.Resource)
	plain := curl(s.Address("")) + ` -i -w '\n'`
	fmt.Printf("%s -H \"authorization: Bearer $OPAQUE\" %s %s/accounts\n", plain, cert("client-a"), e2e.Resource)
	fmt.Printf("%s -H \"authorization: Bearer $OPAQUE\" %s %s/accounts\n\n", plain, cert("client-b"), e2e.Resource)
	fmt.Println("# 6. a session: the first line keeps the cookie that an answer sets, and prints nothing;")
	fmt.Println("#    the cookie without a token is 200 for client A, and 401 for the thief")
	fmt.Printf("%s -c %s/jar -o %s/first %s %s/accounts\n", api, dir, dir, cert("client-a"), e2e.Resource)
	fmt.Printf("%s -b %s/jar %s %s/accounts\n", plain, dir, cert("client-a"), e2e.Resource)
	fmt.Printf("%s -b %s/jar %s %s/accounts\n\n", plain, dir, cert("client-b"), e2e.Resource)
	fmt.Println("# 7. a token that is bound to a DPoP key: 200 without a certificate, 401 for a thief's key and without a proof")
	proof := func(key, rest string) string {
		return fmt.Sprintf("-H \"dpop: $(go run ./e2e/cmd/proof -key %s/%s.json %s)\"", dir, key, rest)
	}
	fmt.Printf("BOUND=$(%s %s \\\n  %s/token \\\n  -d grant_type=client_credentials -d client_id=%s -d 'client_secret=%s' -d 'scope=accounts:read' -d resource=%s \\\n  | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n",
		as, proof("dpop", "POST "+e2e.Issuer+"/token"), e2e.Issuer, e2e.ClientDPoP, e2e.ClientSecret, e2e.Resource)
	withProof := plain + ` -H "authorization: DPoP $BOUND"`
	fmt.Printf("%s %s %s/accounts\n", withProof, proof("dpop", `-token "$BOUND" GET `+e2e.Resource+"/accounts"), e2e.Resource)
	fmt.Printf("%s %s %s/accounts\n", withProof, proof("dpop-thief", `-token "$BOUND" GET `+e2e.Resource+"/accounts"), e2e.Resource)
	fmt.Printf("%s %s/accounts\n\n", withProof, e2e.Resource)
	fmt.Println("# 8. what Holdfast counted")
	fmt.Printf("curl -sS '%s/stats?filter=holdfast&usedonly'\n\n", s.Envoy.Admin)
	fmt.Println("# 9. what was decided, a line of JSON for each request")
	fmt.Printf("cat %s/access.log\n\n", dir)
}
