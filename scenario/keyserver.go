package scenario

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"
)

// KeyServer says how the authorization server behaves, by endpoint: "jwks",
// "oauth" (RFC 8414 metadata) and "openid" (OpenID's). Without a word about it
// jwks serves the key "main", and the others are not there.
type KeyServer map[string]*Endpoint

// Endpoint is the behaviour of one of them.
type Endpoint struct {
	Status  int         `json:"status"` // default 200
	Headers [][2]string `json:"headers"`
	Keys    []any       `json:"keys"` // the body is a JWK set, see jwks
	JSON    any         `json:"json"` // the body is this
	Body    string      `json:"body"` // the body is this text
	Delay   Duration    `json:"delay"`
	Reset   bool        `json:"reset"` // the connection breaks
	Hold    bool        `json:"hold"`  // no answer until the behaviour changes
}

// server plays the authorization server of one scenario's Holdfasts: keys and
// introspection. It is safe for several goroutines.
type server struct {
	now func() time.Time // of the host

	mu        sync.Mutex
	world     *world
	current   KeyServer
	answers   [2]Introspection // of the endpoints "introspect" and "introspect2"
	requests  map[string]int   // by endpoint, since Holdfast started
	questions [2][]*question   // since the scenario began
	answer    string           // the last body of an introspection endpoint
	changed   chan struct{}    // closed when the behaviour changes
}

func newServer(w *world, behaviour KeyServer) *server {
	s := &server{now: time.Now, world: w, requests: map[string]int{}, changed: make(chan struct{})}
	s.current = KeyServer{"jwks": {Keys: []any{"main"}}, "oauth": {Status: 404}, "openid": {Status: 404}}
	s.change(behaviour, nil, nil)
	return s
}

// begin begins a scenario: nothing was asked so far.
func (s *server) begin(w *world, scenario *Scenario) {
	s.mu.Lock()
	s.world = w
	s.answers = [2]Introspection{defaultAnswers(), defaultAnswers()}
	s.questions = [2][]*question{}
	s.mu.Unlock()
	s.change(nil, scenario.Introspection, scenario.Introspection2)
}

// change changes what is named, and leaves the rest.
func (s *server) change(behaviour KeyServer, answers, answers2 Introspection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, e := range behaviour {
		s.current[name] = e
	}
	for i, change := range []Introspection{answers, answers2} {
		for name, a := range change {
			s.answers[i][name] = a
		}
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// paths are the paths of the endpoints.
func (s *server) paths() map[string]string {
	suffix := strings.TrimPrefix(s.world.issuer, issuerHost)
	return map[string]string{
		suffix + "/jwks": "jwks",
		"/.well-known/oauth-authorization-server" + suffix: "oauth",
		suffix + "/.well-known/openid-configuration":       "openid",
		suffix + "/introspect":                             "introspect",
		suffix + "/two/introspect":                         "introspect2",
	}
}

// reply is what an endpoint does with one request.
type reply struct {
	Status      int
	Headers     [][2]string
	Body        string
	Delay       time.Duration
	Reset, Hold bool
}

// count notes a request for an endpoint.
func (s *server) count(endpoint string, q *question) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[endpoint]++
	switch endpoint {
	case "introspect":
		s.questions[0] = append(s.questions[0], q)
	case "introspect2":
		s.questions[1] = append(s.questions[1], q)
	}
}

func (s *server) fetches() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests["jwks"]
}

// asked are the questions of the scenario, by introspection endpoint, and the last
// answer of either.
func (s *server) asked() (questions [2][]*question, answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.questions, s.answer
}

// reply answers, and says when to ask again for one that is held.
func (s *server) reply(endpoint string, q *question) (reply, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := *s.world
	w.now = s.now()
	var r reply
	var err error
	switch endpoint {
	case "introspect":
		r, err = s.answers[0].reply(&w, w.issuer, q)
		s.answer = r.Body
	case "introspect2":
		r, err = s.answers[1].reply(&w, w.issuer2(), q)
		s.answer = r.Body
	default:
		r, err = s.current[endpoint].reply(&w)
	}
	if err != nil {
		r.Body = "scenario: " + err.Error()
	}
	return r, s.changed
}

// reply is the endpoint's behaviour. One that is nil is not there.
func (e *Endpoint) reply(w *world) (reply, error) {
	if e == nil {
		return reply{Status: 404}, nil
	}
	body, err := e.body(w)
	return reply{or(e.Status, 200), e.Headers, body, time.Duration(e.Delay), e.Reset, e.Hold}, err
}

func (e *Endpoint) body(w *world) (string, error) {
	if e.Body != "" {
		return w.text(e.Body)
	}
	v, err := w.expand(e.JSON)
	if e.Keys != nil {
		v, err = jwks(e.Keys)
	}
	if err != nil || v == nil {
		return "", err
	}
	text, err := json.Marshal(v)
	return string(text), err
}

// checkServers finds mistakes before anything runs.
func checkServers(behaviour KeyServer, answers ...Introspection) error {
	for name, e := range behaviour {
		if name != "jwks" && name != "oauth" && name != "openid" {
			return fmt.Errorf("the key server has no endpoint %q", name)
		}
		if e == nil {
			return fmt.Errorf("%s: null", name)
		}
		if _, err := jwks(e.Keys); err != nil {
			return err
		}
	}
	for _, a := range answers {
		if err := a.check(); err != nil {
			return err
		}
	}
	return nil
}

func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}
