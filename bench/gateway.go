package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"holdfast/e2e"
)

// fixture is what all variants share.
type fixture struct {
	settings
	ctx         context.Context
	pki         *e2e.PKI
	auth        *e2e.AuthServer
	es, rs      *e2e.Key
	keys        string // the issuer's JWK Set
	dir         string
	credentials *credentials
	upstream    string // address
	self        string // this program
}

// newFixture makes keys, certificates, tokens, an authorization server and an upstream.
func newFixture(ctx context.Context, s settings) (*fixture, error) {
	f := &fixture{settings: s, ctx: ctx, pki: e2e.NewPKI(), es: e2e.NewKey("es256", "ES256"), rs: e2e.NewKey("rs256", "RS256")}
	f.keys = e2e.Set(f.es, f.rs)
	var err error
	if f.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if f.auth, err = e2e.NewAuthServer(f.pki, e2e.Issuer); err != nil {
		return nil, err
	}
	f.auth.Publish(f.es, f.rs)
	if f.upstream, err = serveUpstream(); err != nil {
		return nil, err
	}
	if f.credentials, err = makeCredentials(ctx, f.pki, f.auth, f.es, f.rs); err != nil {
		return nil, err
	}
	if f.dir, err = os.MkdirTemp("", "holdfast-bench-"); err != nil {
		return nil, err
	}
	for name, c := range map[string]*e2e.Certificate{"server": f.pki.Server, "gateway": f.pki.Gateway} {
		if _, _, err := c.Write(f.dir, name); err != nil {
			return nil, err
		}
	}
	for name, content := range map[string]string{"client-ca.pem": string(f.pki.CA.PEM()), "as-ca.pem": string(f.pki.CA.PEM()), "keys.json": f.keys} {
		if err := os.WriteFile(filepath.Join(f.dir, name), []byte(content), 0o644); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *fixture) close() {
	f.auth.Close()
	os.RemoveAll(f.dir)
}

// serveUpstream is the service behind the proxy, for -proxied.
func serveUpstream() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok")) }))
	return listener.Addr().String(), nil
}

// gateway is one Envoy and what helps it.
type gateway struct {
	f       *fixture
	variant variant
	envoy   *e2e.Envoy
	helper  *exec.Cmd // nil: none
	address string
	// started is how much CPU time Envoy had used when it was ready, and took how long that was.
	started, took time.Duration
	owner         *http.Client // client A
}

// unsupported is the error of a variant that this build of Holdfast does not have.
type unsupported struct{ why string }

func (u unsupported) Error() string { return "not supported by this build: " + u.why }

// how a gateway is started, where it is not the usual way.
type how struct {
	workers  int    // default 1
	allCores bool   // in place of the gateway's
	clients  int    // connections of client A; default [connections]
	envoy    string // the binary; default the newest
}

// start brings up a variant and checks that it does what it says.
func (f *fixture) start(v variant, h how) (*gateway, error) {
	g := &gateway{f: f, variant: v}
	if err := g.start(h); err != nil {
		g.close()
		var no unsupported
		if errors.As(err, &no) {
			return nil, err
		}
		log := ""
		if g.envoy != nil {
			log = "\n" + g.envoy.Log()
		}
		return nil, fmt.Errorf("%s: %w%s", v.Name, err, log)
	}
	return g, nil
}

func (g *gateway) start(h how) error {
	f := g.f
	port, err := freePort()
	if err != nil {
		return err
	}
	c := envoyConfig{
		places: e2e.Places{Dir: f.dir, Wasm: f.wasm, Auth: f.auth.Address, Upstream: f.upstream, Port: port},
		patch:  g.variant.patch, edits: g.variant.edits, proxied: f.Proxied,
	}
	if g.variant.filters != nil {
		filters := g.variant.filters(f)
		c.filters = &filters
	}
	if g.variant.helper != nil {
		if c.authz, err = g.startHelper(*g.variant.helper); err != nil {
			return err
		}
	}
	text, err := c.render()
	if err != nil {
		return err
	}
	bootstrap := filepath.Join(f.dir, g.variant.Name+".yaml")
	if err := os.WriteFile(bootstrap, []byte(text), 0o644); err != nil {
		return err
	}
	environment := map[string]string{"HOLDFAST_INTROSPECTION_SECRET": e2e.GatewaySecret}
	cores := []int{f.gatewayCore}
	if h.allCores {
		cores = append(cores, f.loaderCore)
	}
	maps.Copy(environment, becoming(cmp.Or(h.envoy, f.envoy), cores...))
	began := time.Now()
	if g.envoy, err = e2e.StartEnvoy(f.ctx, f.self, f.dir, bootstrap, max(1, h.workers), environment); err != nil {
		if why, ok := refused(g.envoy.Log()); ok {
			return unsupported{why}
		}
		return err
	}
	g.took = time.Since(began)
	if g.started, err = cpuTime(g.envoy.PID()); err != nil {
		return err
	}
	g.address = fmt.Sprintf("127.0.0.1:%d", port)
	g.owner = newClient(f.pki, f.pki.A, g.address, max(connections, h.clients))
	return g.check()
}

// refused finds the line by which Holdfast says that it does not have this way to
// verify.
func refused(log string) (why string, ok bool) {
	for line := range strings.Lines(log) {
		if _, why, ok := strings.Cut(line, "configuration refused: "); ok && strings.Contains(why, "verification") {
			return strings.TrimSpace(why), true
		}
	}
	return "", false
}

// startHelper runs ext_authz's service on the gateway's core: what a gateway needs, it
// has to have there.
func (g *gateway) startHelper(entries int) (address string, err error) {
	port, err := freePort()
	if err != nil {
		return "", err
	}
	address = fmt.Sprintf("127.0.0.1:%d", port)
	g.helper = exec.Command(g.f.self, authzCommand, "-listen", address, "-keys", filepath.Join(g.f.dir, "keys.json"), "-cache", strconv.Itoa(entries))
	g.helper.Env = os.Environ()
	for name, value := range becoming(g.f.self, g.f.gatewayCore) {
		g.helper.Env = append(g.helper.Env, name+"="+value)
	}
	g.helper.Stderr = os.Stderr
	if _, err = g.helper.StdinPipe(); err == nil {
		err = g.helper.Start()
	}
	if err != nil {
		g.helper = nil
		return "", err
	}
	return address, within(20*time.Second, func() error {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err
	})
}

// within tries until it succeeds or time is up.
func within(limit time.Duration, try func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := try()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// check is an error unless the variant does what it says.
func (g *gateway) check() error {
	c, v := g.f.credentials, g.variant
	thief := newClient(g.f.pki, g.f.pki.B, g.address, 1)
	defer thief.CloseIdleConnections()
	good, ok := v.carry(c, 1)()
	if !ok {
		return errors.New("nothing to send")
	}
	refusedIf := func(refuses bool) int {
		if refuses {
			return http.StatusUnauthorized
		}
		return http.StatusOK
	}
	// Holdfast may still be fetching the keys, and says so with 503.
	if err := within(20*time.Second, func() error { return answers(g.owner, good, http.StatusOK) }); err != nil {
		return fmt.Errorf("a good token: %w", err)
	}
	if v.proofs {
		other, err := newProver()
		if err != nil {
			return err
		}
		good = c.proven(c.client)
		for _, row := range []struct {
			what   string
			header http.Header
			want   int
		}{
			{"a proof", good, http.StatusOK},
			{"the same proof again", good, http.StatusUnauthorized},
			{"a proof by another key", c.proven(other), http.StatusUnauthorized},
			{"no proof", http.Header{"Authorization": good["Authorization"]}, http.StatusUnauthorized},
		} {
			if err := answers(g.owner, row.header, row.want); err != nil {
				return fmt.Errorf("%s: %w", row.what, err)
			}
		}
	} else if err := answers(thief, good, refusedIf(v.binds)); err != nil {
		return fmt.Errorf("the token of another certificate: %w", err)
	}
	for _, forged := range c.forged.headers[:3] {
		if err := answers(g.owner, forged, refusedIf(v.verifies)); err != nil {
			return fmt.Errorf("a forged token: %w", err)
		}
	}
	if err := answers(g.owner, nil, refusedIf(v.verifies)); err != nil {
		return fmt.Errorf("no token: %w", err)
	}
	if !strings.Contains(g.envoy.Log(), v.logs) {
		return fmt.Errorf("the log of Envoy does not say %q", v.logs)
	}
	return nil
}

// answers is an error unless a request gets this status.
func answers(client *http.Client, header http.Header, want int) error {
	request, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	if header != nil {
		request.Header = header.Clone()
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != want {
		return fmt.Errorf("got %d, want %d", response.StatusCode, want)
	}
	return nil
}

// usage is what a gateway used.
type usage struct{ Envoy, Helper time.Duration }

func (u usage) total() time.Duration { return u.Envoy + u.Helper }

// during measures what a gateway uses while something runs.
func (g *gateway) during(run func()) (usage, error) {
	before, err := g.used()
	if err != nil {
		return usage{}, err
	}
	run()
	after, err := g.used()
	return usage{after.Envoy - before.Envoy, after.Helper - before.Helper}, err
}

func (g *gateway) used() (u usage, err error) {
	if u.Envoy, err = cpuTime(g.envoy.PID()); err != nil {
		return u, err
	}
	if g.helper != nil {
		u.Helper, err = cpuTime(g.helper.Process.Pid)
	}
	return u, err
}

// memory is what all of its processes hold, in bytes.
func (g *gateway) memory() (int, error) {
	bytes, err := resident(g.envoy.PID())
	if err == nil && g.helper != nil {
		var more int
		more, err = resident(g.helper.Process.Pid)
		bytes += more
	}
	return bytes, err
}

// good sends requests and tells what they cost. It is an error unless all got 200 and
// each of the variant's counters moved by one for nearly every one.
func (g *gateway) good(send func() load) (l load, used usage, err error) {
	before, err := g.envoy.Stats()
	if err != nil {
		return l, used, err
	}
	if used, err = g.during(func() { l = send() }); err != nil {
		return l, used, err
	}
	if err := l.only(http.StatusOK); err != nil {
		return l, used, err
	}
	after, err := g.envoy.Stats()
	if err != nil {
		return l, used, err
	}
	for _, name := range g.variant.counts {
		if moved := int(after[name] - before[name]); moved < l.Requests*99/100 {
			return l, used, fmt.Errorf("%d requests moved %s by %d: this is not the way that %q is named after", l.Requests, name, moved, g.variant.Name)
		}
	}
	return l, used, nil
}

func (g *gateway) close() {
	if g.owner != nil {
		g.owner.CloseIdleConnections()
	}
	if g.envoy != nil {
		g.envoy.Stop()
	}
	if g.helper != nil {
		g.helper.Process.Kill()
		g.helper.Wait()
	}
}
