package e2e

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Options says what [Start] brings up.
type Options struct {
	Setup

	Envoy       string // the binary; default $HOLDFAST_ENVOY
	Wasm        string // default $HOLDFAST_WASM
	Concurrency int    // worker threads; default 2
	PKI         *PKI   // default a new one
	// Environment is added to Envoy's own, over what [Stack.Environment] has.
	Environment map[string]string
	Dir         string // for files; default a temporary one, removed at the end

	// Prepare runs when all but Envoy is up: to stop the authorization server, or
	// to put a fault before it.
	Prepare func(*Stack) error
	// Progress gets a line before each step that takes time.
	Progress func(string)
}

// Stack is everything, running.
type Stack struct {
	PKI      *PKI
	Auth     *AuthServer
	Upstream *Upstream
	Envoy    *Envoy
	Dir      string
	// Environment holds the secrets that Envoy passes on to Holdfast.
	Environment map[string]string

	options     Options
	places      Places
	authAddress string // of another authorization server in place of Auth
	listeners   map[string]string
	secrets     secrets
	removeDir   bool

	mu     sync.Mutex
	tokens map[tokenKey]string
}

// tokenKey is what a token that is kept for several tests is good for.
type tokenKey struct {
	certificate *Certificate
	opaque      bool
}

// Start brings up an authorization server, an upstream, and an Envoy with
// Holdfast between client and upstream. Even after an error the returned Stack
// is to be closed; its Envoy's log tells why.
func Start(ctx context.Context, o Options) (s *Stack, err error) {
	s = &Stack{PKI: o.PKI, Dir: o.Dir, options: o, tokens: map[tokenKey]string{}, secrets: secrets{all: map[string]bool{ClientSecret: true, GatewaySecret: true}}}
	if s.options.Envoy, err = fromEnvironment(o.Envoy, "HOLDFAST_ENVOY"); err != nil {
		return s, err
	}
	if s.options.Wasm, err = fromEnvironment(o.Wasm, "HOLDFAST_WASM"); err != nil {
		return s, err
	}
	if o.Concurrency == 0 {
		s.options.Concurrency = 2
	}
	s.progress("certificates")
	if s.PKI == nil {
		s.PKI = NewPKI()
	}
	if s.Dir == "" {
		s.removeDir = true
		if s.Dir, err = os.MkdirTemp("", "holdfast-"); err != nil {
			return s, err
		}
	}
	s.progress("authorization server and upstream")
	if s.Auth, err = NewAuthServer(s.PKI, Issuer); err != nil {
		return s, err
	}
	if s.Upstream, err = NewUpstream(); err != nil {
		return s, err
	}
	s.Environment = s.environment()
	maps.Copy(s.Environment, o.Environment)
	if o.Prepare != nil {
		if err := o.Prepare(s); err != nil {
			return s, err
		}
	}
	return s, s.startEnvoy(ctx)
}

// environment makes the secrets: the password and the keys by which Holdfast asks
// about tokens, a key for cookies, and one for DPoP nonces.
func (s *Stack) environment() map[string]string {
	environment := map[string]string{"HOLDFAST_INTROSPECTION_SECRET": GatewaySecret}
	for _, name := range []string{"HOLDFAST_SESSION_KEY", "HOLDFAST_NONCE_KEY"} {
		key := make([]byte, 32)
		rand.Read(key)
		environment[name] = base64.StdEncoding.EncodeToString(key)
		s.secrets.all[environment[name]] = true
	}
	for name, key := range map[string]*Key{"HOLDFAST_INTROSPECTION_KEY": s.Auth.GatewayKey, "HOLDFAST_INTROSPECTION_RSA_KEY": s.Auth.GatewayRSAKey} {
		jwk := key.JWK()
		environment[name] = string(must(json.Marshal(jwk)))
		var private struct{ D string }
		json.Unmarshal([]byte(environment[name]), &private)
		s.secrets.all[private.D] = true
	}
	return environment
}

func (s *Stack) progress(line string) {
	if s.options.Progress != nil {
		s.options.Progress(line)
	}
}

func fromEnvironment(value, name string) (string, error) {
	if value == "" {
		value = os.Getenv(name)
	}
	if value == "" {
		return "", fmt.Errorf("%s is not set: run make test", name)
	}
	if _, err := os.Stat(value); err != nil {
		return "", fmt.Errorf("%s: %w: run make test", name, err)
	}
	return value, nil
}

func (s *Stack) startEnvoy(ctx context.Context) error {
	for name, c := range map[string]*Certificate{"server": s.PKI.Server, "gateway": s.PKI.Gateway} {
		if _, _, err := c.Write(s.Dir, name); err != nil {
			return err
		}
	}
	for _, name := range []string{"client-ca.pem", "as-ca.pem"} {
		if err := os.WriteFile(filepath.Join(s.Dir, name), s.PKI.CA.PEM(), 0o644); err != nil {
			return err
		}
	}
	s.places = Places{Dir: s.Dir, Wasm: s.options.Wasm, Auth: or(s.authAddress, s.Auth.Address), Upstream: s.Upstream.Address}
	if s.options.LDS {
		// A listener that is replaced has to keep its port.
		s.places.Port = freePort()
	}
	bootstrap, err := s.write(s.options.Setup)
	if err != nil {
		return err
	}
	s.progress("Envoy, which compiles the filter")
	if s.Envoy, err = StartEnvoy(ctx, s.options.Envoy, s.Dir, bootstrap, s.options.Concurrency, s.Environment); err != nil {
		return err
	}
	want := max(1, len(s.options.Listeners))
	return s.Envoy.poll(ctx, startLimit, "listening", func() bool {
		s.listeners, err = s.Envoy.listeners()
		return err == nil && len(s.listeners) == want
	})
}

// write renders the configuration into files; that of the listeners last and at
// once, because Envoy watches it.
func (s *Stack) write(setup Setup) (bootstrap string, err error) {
	text, err := ReadConfig()
	if err != nil {
		return "", err
	}
	ldsPath := filepath.Join(s.Dir, "listeners.yaml")
	static, lds, err := Render(text, s.places, setup, ldsPath)
	if err != nil {
		return "", err
	}
	bootstrap = filepath.Join(s.Dir, "envoy.yaml")
	if err := os.WriteFile(bootstrap, []byte(static), 0o644); err != nil {
		return "", err
	}
	if lds == "" {
		return bootstrap, nil
	}
	if err := os.WriteFile(ldsPath+".new", []byte(lds), 0o644); err != nil {
		return "", err
	}
	return bootstrap, os.Rename(ldsPath+".new", ldsPath)
}

// Reload replaces the listeners of a running Envoy and waits until it has taken
// them. wasm names another module; "" keeps the one in use. Envoy keeps the old
// listeners when it refuses the new ones, and that is the error.
func (s *Stack) Reload(ctx context.Context, setup Setup, wasm string) error {
	if !s.options.LDS {
		return errors.New("this Envoy has no LDS")
	}
	if wasm != "" {
		s.places.Wasm = wasm
	}
	setup.LDS = true
	before, err := s.Envoy.Stats()
	if err != nil {
		return err
	}
	logged := len(s.Envoy.Log())
	if _, err := s.write(setup); err != nil {
		return err
	}
	var after map[string]uint64
	const success, rejected, failed = "listener_manager.lds.update_success", "listener_manager.lds.update_rejected", "listener_manager.lds.update_failure"
	if err := s.Envoy.poll(ctx, startLimit, "reloaded", func() bool {
		after, err = s.Envoy.Stats()
		return err == nil && after[success]+after[rejected]+after[failed] > before[success]+before[rejected]+before[failed] &&
			after["listener_manager.total_listeners_warming"] == 0
	}); err != nil {
		return err
	}
	if after[success] > before[success] {
		return nil
	}
	why := ""
	if err := s.Envoy.poll(ctx, 10*time.Second, "explained", func() bool { // the log comes through a pipe
		why = refusal(s.Envoy.Log()[logged:])
		return why != ""
	}); err != nil {
		why = "the log does not say why"
	}
	return fmt.Errorf("envoy refused the new listeners: %s", why)
}

// refusal finds the line that says why: Holdfast's own, if it was Holdfast; empty
// when there is none yet.
func refusal(log string) string {
	for _, sign := range []string{"configuration refused: ", "update failure: ", "error"} {
		for line := range strings.Lines(log) {
			if _, why, ok := strings.Cut(line, sign); ok {
				return strings.TrimSpace(why)
			}
		}
	}
	return ""
}

func freePort() int {
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Address is where a listener listens; "" means the only one, "api".
func (s *Stack) Address(listener string) string { return s.listeners[or(listener, "api")] }

// Client makes a client of the listener "api".
func (s *Stack) Client(c Caller) *Client { return s.ClientOf("", c) }

// ClientOf makes a client of a listener.
func (s *Stack) ClientOf(listener string, c Caller) *Client {
	return newClient(s.Address(listener), s.PKI.CA.Pool(), s.Upstream, c, s.secrets.add)
}

// Token is a good token of the client that c belongs to, straight from the
// authorization server; one for each certificate. A nil c asks for an unbound
// bearer token.
func (s *Stack) Token(c *Certificate) (string, error) { return s.token(c, false) }

// OpaqueToken is the same, but one that only the authorization server can read.
func (s *Stack) OpaqueToken(c *Certificate) (string, error) { return s.token(c, true) }

func (s *Stack) token(c *Certificate, opaque bool) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := tokenKey{c, opaque}
	if token := s.tokens[key]; token != "" {
		return token, nil
	}
	token, err := s.NewToken(c, opaque)
	if err == nil {
		s.tokens[key] = token
	}
	return token, err
}

// NewToken is a token that nobody else uses.
func (s *Stack) NewToken(c *Certificate, opaque bool) (string, error) {
	return s.TokenFor(Request{Client: clientOf(c), Certificate: c, Opaque: opaque})
}

// TokenFor is a new token that answers r.
func (s *Stack) TokenFor(r Request) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	token, err := s.Auth.Token(ctx, r)
	if err == nil {
		s.secrets.add(token)
	}
	return token, err
}

// Revoke ends a token that NewToken got.
func (s *Stack) Revoke(c *Certificate, opaque bool, token string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return s.Auth.Revoke(ctx, Request{Client: clientOf(c), Certificate: c, Opaque: opaque}, token)
}

func clientOf(c *Certificate) string {
	if c == nil {
		return ClientBearer
	}
	return c.Leaf.Subject.CommonName
}

// Close ends everything. Its error tells of a VM that crashed, or of a token in
// a log, at any time since Start.
func (s *Stack) Close() error {
	var err error
	if s.Envoy != nil {
		if s.listeners != nil {
			err = s.Envoy.CheckVM()
		}
		s.Envoy.Stop()
		if leak := s.secrets.leaked(s.Envoy.Log() + s.Envoy.AccessLog()); leak != "" {
			err = errors.Join(err, fmt.Errorf("envoy's log holds a secret: %.12s…", leak))
		}
	}
	if s.Upstream != nil {
		s.Upstream.Close()
	}
	if s.Auth != nil {
		s.Auth.Close()
	}
	if s.removeDir {
		os.RemoveAll(s.Dir)
	}
	return err
}
