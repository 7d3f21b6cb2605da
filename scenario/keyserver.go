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

// server plays the key server of one Holdfast. It is safe for several goroutines.
type server struct {
	world *world

	mu       sync.Mutex
	current  KeyServer
	requests map[string]int
	changed  chan struct{} // closed when the behaviour changes
}

func newServer(w *world, behaviour KeyServer) *server {
	s := &server{world: w, requests: map[string]int{}, changed: make(chan struct{})}
	s.current = KeyServer{"jwks": {Keys: []any{"main"}}, "oauth": {Status: 404}, "openid": {Status: 404}}
	s.change(behaviour)
	return s
}

func (s *server) change(behaviour KeyServer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, e := range behaviour {
		s.current[name] = e
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
func (s *server) count(endpoint string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[endpoint]++
}

func (s *server) fetches() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests["jwks"]
}

// reply answers, and says when to ask again for one that is held.
func (s *server) reply(endpoint string) (reply, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.current[endpoint]
	if e == nil {
		return reply{Status: 404}, s.changed
	}
	body, err := s.body(e)
	if err != nil {
		body = "scenario: " + err.Error()
	}
	return reply{or(e.Status, 200), e.Headers, body, time.Duration(e.Delay), e.Reset, e.Hold}, s.changed
}

func (s *server) body(e *Endpoint) (string, error) {
	if e.Body != "" {
		return s.world.text(e.Body)
	}
	v, err := s.world.expand(e.JSON)
	if e.Keys != nil {
		v, err = jwks(e.Keys)
	}
	if err != nil || v == nil {
		return "", err
	}
	text, err := json.Marshal(v)
	return string(text), err
}

// checkKeyServers finds mistakes before anything runs.
func checkKeyServers(behaviour KeyServer) error {
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
	return nil
}

func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}
