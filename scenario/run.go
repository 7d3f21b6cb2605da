package scenario

import (
	"errors"
	"fmt"
	"maps"
	"slices"
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
	// jump sets the clock, where that can be done.
	jump(d time.Duration)
	// breakMethods lets methods of the host fail from now on, where that can be done.
	breakMethods(methods []string)
	// serverChanged tells that the server behaves differently from now on.
	serverChanged()
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
	at                           string // "" or the name of another Holdfast
	method, authority, path, sni string
	fields                       []filter.Header
	certificate                  *e2e.Certificate // nil for none
	properties                   map[string]*string
	token                        string
	proofs                       []string
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
	host           string
	proxy          proxy
	world          *world
	server         *server
	configurations map[string]string // of the Holdfasts, by name
	env            map[string]string

	waiting map[string]*waiter
	tokens  []string          // that were sent, and proofs
	counted map[string]uint64 // metrics when the scenario began
}

type waiter struct {
	exchange exchange
	request  *request
	keep     string
}

// secrets are what no answer and no log may hold.
func (p *play) secrets() []string {
	all := append(slices.Clone(p.tokens), slices.Collect(maps.Values(p.world.tokens))...)
	for _, cookie := range p.world.cookies {
		_, v, _ := strings.Cut(cookie, "=")
		all = append(all, v)
	}
	for _, v := range p.env {
		all = append(all, strings.FieldsFunc(v, func(c rune) bool { return strings.ContainsRune(`", {}:`, c) })...)
	}
	questions, _ := p.server.asked()
	for _, list := range questions {
		for _, q := range list {
			all = append(all, q.secrets()...)
		}
	}
	return all
}

// patience bounds how long a decision may take. It is generous: the machine may
// be busy, and nothing here is about speed.
const patience = 30 * time.Second

// run plays all steps, up to the first that goes wrong.
func (p *play) run(s *Scenario) error {
	p.waiting, p.counted = map[string]*waiter{}, map[string]uint64{}
	p.world = p.world.begin()
	p.server.begin(p.world, s)
	for _, step := range s.Steps {
		if step.Want != nil {
			for name := range step.Want.Metrics {
				p.counted[name] = p.proxy.metric("holdfast." + name)
			}
		}
	}
	for i, step := range s.Steps {
		if err := p.take(step); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	questions, _ := p.server.asked()
	for _, list := range questions {
		for _, q := range list {
			if err := q.check(); err != nil {
				return fmt.Errorf("introspection: %w", err)
			}
		}
	}
	return nil
}

func (p *play) take(s *Step) error {
	switch {
	case s.Pass > 0:
		p.proxy.pass(time.Duration(s.Pass))
		return nil
	case s.Jump != 0:
		p.proxy.jump(time.Duration(s.Jump))
		return nil
	case s.changesServer():
		p.server.change(s.KeyServer, s.Introspection, s.Introspection2)
		p.proxy.serverChanged()
		return nil
	case s.Broken != nil:
		p.proxy.breakMethods(*s.Broken)
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
		return p.conclude(w.exchange, w.request, s.Want, w.keep)
	}
	return p.request(s)
}

func (p *play) request(s *Step) error {
	deadline := p.proxy.now().Add(time.Duration(s.Eventually))
	for tries := 1; ; tries++ {
		r, err := p.build(s)
		if err != nil {
			return err
		}
		x, err := p.proxy.send(r, s.As != "")
		if err != nil {
			return err
		}
		if s.As != "" {
			err = p.park(s.As, x, r, s.Keep)
		} else {
			err = p.conclude(x, r, s.Want, s.Keep)
		}
		switch {
		case err == nil:
			return nil
		case tries < s.Tries:
		case p.proxy.now().Before(deadline):
			p.proxy.pass(250 * time.Millisecond)
		default:
			return err
		}
	}
}

// park keeps a request that has to wait.
func (p *play) park(name string, x exchange, r *request, keep string) error {
	if o := x.outcome(); o != nil {
		return fmt.Errorf("the request did not wait: it got %s", o.describe())
	}
	p.waiting[name] = &waiter{x, r, keep}
	return nil
}

// conclude waits for the outcome and compares. It keeps the session that was
// started under a name, if there is one.
func (p *play) conclude(x exchange, r *request, want *Want, keep string) error {
	for deadline := p.proxy.now().Add(patience); ; p.proxy.pass(10 * time.Millisecond) {
		if o := x.outcome(); o != nil {
			if err := p.check(o, r, want); err != nil {
				return fmt.Errorf("%w\n  got: %s", err, o.describe())
			}
			if keep != "" {
				p.keep(keep, r, o)
			}
			p.keepNonce(o)
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
	_, w.answer = p.server.asked()
	r := &request{
		at:     s.At,
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
		if w.token, err = w.mint(s.Token, s.isDPoP()); err != nil {
			return nil, err
		}
		r.token = w.token
		p.tokens = append(p.tokens, w.token)
		sent = strings.Contains(s.Path, "${token}")
	}
	if r.path, err = w.text(or(s.Path, "/accounts")); err != nil {
		return nil, err
	}
	proven, err := p.prove(s, &w, r)
	if err != nil {
		return nil, err
	}
	for _, h := range s.Headers {
		sent = sent || strings.Contains(h[1], "${token}")
		proven = proven || strings.Contains(h[1], "${proof}")
		text, err := w.text(h[1])
		if err != nil {
			return nil, err
		}
		r.fields = append(r.fields, filter.Header{Name: h[0], Value: text})
	}
	switch {
	case s.Token != nil && !sent:
		r.fields = append(r.fields, filter.Header{Name: "authorization", Value: or(s.Scheme, "Bearer") + " " + w.token})
	case s.Scheme != "":
		return nil, errors.New("a scheme beside ${token} says nothing")
	}
	if !proven {
		for _, proof := range r.proofs {
			r.fields = append(r.fields, filter.Header{Name: "DPoP", Value: proof})
		}
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

// prove makes the proofs of a request. It reports whether there are none to send.
func (p *play) prove(s *Step, w *world, r *request) (none bool, err error) {
	for _, proof := range s.Proof {
		text, err := w.prove(proof, r.method, r.path)
		if err != nil {
			return false, err
		}
		r.proofs = append(r.proofs, text)
	}
	p.tokens = append(p.tokens, r.proofs...)
	if len(r.proofs) == 1 {
		w.proof = r.proofs[0]
	}
	return len(r.proofs) == 0, nil
}

// unreadable marks a property that the host fails to read.
const unreadable = "${error}"

const issuerHost = "https://as.example.com"

// newWorld makes what a Holdfast of its own needs: an issuer that no other has.
func newWorld(pki *e2e.PKI, id string) *world {
	w := &world{pki: pki, issuer: issuerHost + "/" + id, now: time.Now()}
	return w.begin()
}

// configurations are those of a scenario's Holdfasts, ready for them: its own
// under "", and the others by name.
func (w *world) configurations(f *File, s *Scenario) (map[string]string, error) {
	configurations := map[string]string{}
	for _, name := range append(slices.Collect(maps.Keys(s.Others)), "") {
		merged, err := f.mergedConfig(s, name)
		if err != nil {
			return nil, err
		}
		if configurations[name], err = w.json(merged, ""); err != nil {
			return nil, err
		}
	}
	return configurations, nil
}

// environment expands the environment of the scenarios.
func (w *world) environment(raw map[string]string) (map[string]string, error) {
	env := map[string]string{}
	for name, v := range raw {
		var err error
		if env[name], err = w.text(v); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return env, nil
}
