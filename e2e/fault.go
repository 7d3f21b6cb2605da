package e2e

import (
	"net/http"
	"strings"
)

// Fault changes how an [AuthServer] answers on one path.
type Fault func(next http.Handler) http.Handler

// Reply gives this answer in place of the real one. Header lines are "name:
// value".
func Reply(status int, body string, header ...string) Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for _, line := range header {
				name, value, _ := strings.Cut(line, ": ")
				w.Header().Set(name, value)
			}
			w.WriteHeader(status)
			w.Write([]byte(body))
		})
	}
}

// Reset breaks the connection in place of an answer.
func Reset() Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	}
}

// Gate holds every answer back until it is opened, and tells when somebody
// waits: no test has to sleep.
type Gate struct {
	Waiting chan struct{} // gets one value for each request that arrives
	open    chan struct{}
}

// NewGate returns a closed gate.
func NewGate() *Gate { return &Gate{Waiting: make(chan struct{}, 1000), open: make(chan struct{})} }

// Open lets everyone through from now on. It must be called once.
func (g *Gate) Open() { close(g.open) }

// Fault is the gate, to be put before a path.
func (g *Gate) Fault() Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			g.Waiting <- struct{}{}
			select {
			case <-g.open:
				next.ServeHTTP(w, r)
			case <-r.Context().Done():
			}
		})
	}
}

// CacheControl answers as usual, but for this cache-control field.
func CacheControl(value string) Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(cacheControl{w, value}, r)
		})
	}
}

type cacheControl struct {
	http.ResponseWriter
	value string
}

func (c cacheControl) WriteHeader(status int) {
	c.Header().Set("cache-control", c.value)
	c.ResponseWriter.WriteHeader(status)
}
