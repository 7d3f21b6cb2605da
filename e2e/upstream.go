package e2e

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

// TagHeader marks every request that a [Client] sends, so that the upstream can
// tell which of them it saw.
const TagHeader = "x-e2e-request"

// ResponseHeader asks the upstream for a field of its response, "name: value".
const ResponseHeader = "x-e2e-response"

// Seen is one request as the upstream got it. Header names are canonical, as
// net/http makes them.
type Seen struct {
	Method string      `json:"method"`
	URI    string      `json:"uri"` // exactly as sent
	Host   string      `json:"host"`
	Proto  string      `json:"proto"`
	Header http.Header `json:"header"`
	Body   string      `json:"body,omitempty"`
	// Trailer is what came after the body. Envoy passes trailers on over HTTP/2.
	Trailer http.Header `json:"trailer,omitempty"`
}

// Upstream is the service behind the proxy. It answers 200 with what it saw, as
// JSON, and remembers it. It speaks HTTP/1.1 and HTTP/2 without TLS.
type Upstream struct {
	Address string // host:port

	server *http.Server
	mu     sync.Mutex
	seen   map[string]*Seen
	total  int
}

// NewUpstream starts an upstream on a free port.
func NewUpstream() (*Upstream, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	u := &Upstream{Address: listener.Addr().String(), seen: map[string]*Seen{}}
	u.server = &http.Server{Handler: u, Protocols: new(http.Protocols)}
	u.server.Protocols.SetHTTP1(true)
	u.server.Protocols.SetUnencryptedHTTP2(true)
	go u.server.Serve(listener)
	return u, nil
}

// ServeHTTP records the request and echoes it.
func (u *Upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	seen := &Seen{Method: r.Method, URI: r.RequestURI, Host: r.Host, Proto: r.Proto, Header: r.Header.Clone()}
	// Recorded before the body: the start of a request that never ends counts.
	u.mu.Lock()
	u.total++
	u.seen[r.Header.Get(TagHeader)] = seen
	u.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	u.mu.Lock()
	seen.Body, seen.Trailer = string(body), r.Trailer.Clone()
	u.mu.Unlock()
	w.Header().Set("content-type", "application/json")
	for _, line := range r.Header.Values(ResponseHeader) {
		name, value, _ := strings.Cut(line, ": ")
		w.Header().Add(name, value)
	}
	json.NewEncoder(w).Encode(seen)
}

// Saw returns the request with this tag, nil when it never came.
func (u *Upstream) Saw(tag string) *Seen {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.seen[tag]
}

// Forget drops what was recorded, for runs of very many requests.
func (u *Upstream) Forget() {
	u.mu.Lock()
	defer u.mu.Unlock()
	clear(u.seen)
}

// Total is how many requests ever came.
func (u *Upstream) Total() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.total
}

// Close ends the upstream.
func (u *Upstream) Close() { u.server.Close() }
