package scenario

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"holdfast/e2e"
	"holdfast/filter"
)

// proxy is a running Holdfast, whatever runs it.
type proxy interface {
	now() time.Time
	// send begins a request. waits says that it is meant to wait for keys, so a
	// host on other threads comes back only when the request has arrived.
	send(r *request, waits bool) (exchange, error)
	// pass lets time pass.
	pass(d time.Duration)
	// keysChanged tells that the key server behaves differently from now on.
	keysChanged()
	// metric is one of Holdfast's counters, by its full name.
	metric(name string) uint64
}

// exchange is one request under way.
type exchange interface {
	outcome() *outcome // nil while the request waits
	leave()            // the client hangs up
}

// request is what a client sends and what the host knows about its connection.
type request struct {
	method, authority, path, sni string
	fields                       []filter.Header
	certificate                  *e2e.Certificate // nil for none
	properties                   map[string]*string
	token                        string
}

// isGRPC recognises what Envoy answers with grpc-status.
func (r *request) isGRPC() bool {
	for _, f := range r.fields {
		if rest, ok := strings.CutPrefix(f.Value, "application/grpc"); ok && f.Name == "content-type" {
			return rest == "" || rest[0] == '+' || rest[0] == ';'
		}
	}
	return false
}

// outcome is what became of a request.
type outcome struct {
	status   int
	headers  []filter.Header // of the answer
	body     string
	passed   bool
	upstream []filter.Header // what the upstream got, when it passed

	details    string            // the response code details
	properties map[string]string // that Holdfast left, without "holdfast."
}

// values are all values of a header field.
func values(headers []filter.Header, name string) []string {
	var out []string
	for _, h := range headers {
		if strings.EqualFold(h.Name, name) {
			out = append(out, h.Value)
		}
	}
	return out
}

// play is one scenario being played.
type play struct {
	host    string
	proxy   proxy
	world   *world
	server  *server
	realm   string
	waiting map[string]*waiter
}

type waiter struct {
	exchange exchange
	request  *request
}

// patience bounds how long a decision may take. It is generous: the machine may
// be busy, and nothing here is about speed.
const patience = 30 * time.Second

// run plays all steps, up to the first that goes wrong.
func (p *play) run(s *Scenario) error {
	p.waiting = map[string]*waiter{}
	for i, step := range s.Steps {
		if err := p.take(step); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}

func (p *play) take(s *Step) error {
	switch {
	case s.Pass > 0:
		p.proxy.pass(time.Duration(s.Pass))
		return nil
	case s.KeyServer != nil:
		p.server.change(s.KeyServer)
		p.proxy.keysChanged()
		return nil
	case s.Leave != "" || s.Await != "":
		name := or(s.Leave, s.Await)
		w := p.waiting[name]
		if w == nil {
			return fmt.Errorf("no request %q waits", name)
		}
		delete(p.waiting, name)
		if s.Leave != "" {
			w.exchange.leave()
			return nil
		}
		return p.conclude(w.exchange, w.request, s.Want)
	}
	return p.request(s)
}

func (p *play) request(s *Step) error {
	deadline := p.proxy.now().Add(time.Duration(s.Eventually))
	for {
		r, err := p.build(s)
		if err != nil {
			return err
		}
		x, err := p.proxy.send(r, s.As != "")
		if err != nil {
			return err
		}
		if s.As != "" {
			err = p.park(s.As, x, r)
		} else {
			err = p.conclude(x, r, s.Want)
		}
		if err == nil || !p.proxy.now().Before(deadline) {
			return err
		}
		p.proxy.pass(250 * time.Millisecond)
	}
}

// park keeps a request that has to wait.
func (p *play) park(name string, x exchange, r *request) error {
	if o := x.outcome(); o != nil {
		return fmt.Errorf("the request did not wait: it got %s", o.describe())
	}
	p.waiting[name] = &waiter{x, r}
	return nil
}

// conclude waits for the outcome and compares.
func (p *play) conclude(x exchange, r *request, want *Want) error {
	for deadline := p.proxy.now().Add(patience); ; p.proxy.pass(10 * time.Millisecond) {
		if o := x.outcome(); o != nil {
			if err := p.check(o, r, want); err != nil {
				return fmt.Errorf("%w\n  got: %s", err, o.describe())
			}
			return nil
		}
		if p.proxy.now().After(deadline) {
			return errors.New("no decision")
		}
	}
}

// build makes the request that a step describes.
func (p *play) build(s *Step) (*request, error) {
	w := *p.world
	w.now = p.proxy.now()
	r := &request{
		method: or(s.Method, "GET"), authority: or(s.Authority, "api.example.com"), sni: "api.example.com",
		properties: map[string]*string{},
	}
	if s.SNI != nil {
		r.sni = *s.SNI
	}
	var err error
	if r.certificate, err = certificate(w.pki, s.Certificate); err != nil {
		return nil, err
	}
	sent := false
	if s.Token != nil {
		if w.token, err = w.mint(s.Token); err != nil {
			return nil, err
		}
		r.token = w.token
		sent = strings.Contains(s.Path, "${token}")
	}
	if r.path, err = w.text(or(s.Path, "/accounts")); err != nil {
		return nil, err
	}
	for _, h := range s.Headers {
		sent = sent || strings.Contains(h[1], "${token}")
		text, err := w.text(h[1])
		if err != nil {
			return nil, err
		}
		r.fields = append(r.fields, filter.Header{Name: h[0], Value: text})
	}
	if s.Token != nil && !sent {
		r.fields = append(r.fields, filter.Header{Name: "authorization", Value: "Bearer " + w.token})
	}
	for name, v := range s.Properties {
		if v != nil && *v != unreadable {
			text, err := w.text(*v)
			if err != nil {
				return nil, err
			}
			v = &text
		}
		r.properties[name] = v
	}
	return r, nil
}

// unreadable marks a property that the host fails to read.
const unreadable = "${error}"

const issuerHost = "https://as.example.com"

// newWorld makes what a Holdfast of its own needs: an issuer that no other has.
func newWorld(pki *e2e.PKI, id string) *world {
	return &world{pki: pki, issuer: issuerHost + "/" + id, now: time.Now()}
}

// configuration is the configuration of a scenario, ready for Holdfast. A nil
// scenario gives the file's own.
func (w *world) configuration(f *File, s *Scenario) (string, error) {
	merged, err := f.mergedConfig(s)
	if err != nil {
		return "", err
	}
	expanded, err := w.expand(merged)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(expanded)
	return string(text), err
}

// realmOf is the realm that challenges name.
func realmOf(configuration string) string {
	var c struct{ Realm string }
	json.Unmarshal([]byte(configuration), &c)
	return or(c.Realm, "holdfast")
}
