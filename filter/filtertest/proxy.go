package filtertest

import (
	"errors"
	"fmt"
	"time"

	"holdfast/filter"
	"holdfast/jwt"
)

// Proxy is one process: a clock, a store of shared data, and the workers that
// see both.
type Proxy struct {
	// Server answers the calls of all workers. Without it, and for what it holds,
	// a call stays open until a test answers it or its time is up.
	Server func(filter.Call) Reply
	// Verifier is the proxy's crypto library, such as [GoCrypto]; nil for a proxy
	// that offers none.
	Verifier func(jwt.X509Signature) (valid bool, err error)
	// Violations are what no host would stand for, in order.
	Violations []string

	now     time.Time
	shared  map[string]sharedValue
	cas     uint32
	workers []*Host
	calls   []*Call // open ones, in the order of their dispatch
}

// Epoch is when the clock of a new [Proxy] starts.
var Epoch = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// NewProxy returns a proxy without workers.
func NewProxy() *Proxy { return &Proxy{now: Epoch, shared: map[string]sharedValue{}} }

// Worker adds a worker.
func (p *Proxy) Worker() *Host {
	h := &Host{Proxy: p}
	p.workers = append(p.workers, h)
	return h
}

// Now is what the clock shows.
func (p *Proxy) Now() time.Time { return p.now }

// Jump moves the clock without letting anything happen on the way, as when
// somebody sets the wall clock. A negative d moves it back. Timers do not follow
// the wall clock: what is due in a second still is.
func (p *Proxy) Jump(d time.Duration) {
	p.now = p.now.Add(d)
	for _, h := range p.workers {
		h.nextTick = h.nextTick.Add(d)
	}
	for _, c := range p.calls {
		c.due, c.limit = c.due.Add(d), c.limit.Add(d)
	}
}

// Advance lets time pass, and everything happen that is due on the way: ticks,
// answers to calls, timeouts.
func (p *Proxy) Advance(d time.Duration) {
	for end := p.now.Add(d); ; {
		at, event := p.next()
		if event == nil || at.After(end) {
			p.now = end
			return
		}
		if at.After(p.now) {
			p.now = at
		}
		event()
	}
}

// next is the earliest event that will happen by itself.
func (p *Proxy) next() (at time.Time, event func()) {
	for _, c := range p.calls {
		if event == nil || c.due.Before(at) {
			at, event = c.due, c.finish
		}
	}
	for _, h := range p.workers {
		if h.period > 0 && h.Plugin != nil && (event == nil || h.nextTick.Before(at)) {
			at, event = h.nextTick, h.Tick
		}
	}
	return at, event
}

// Calls are the open calls of all workers, oldest first.
func (p *Proxy) Calls() []*Call { return append([]*Call(nil), p.calls...) }

// Release asks Server again about the calls that it holds.
func (p *Proxy) Release() {
	for _, c := range p.Calls() {
		if c.held {
			c.ask()
		}
	}
}

// Reply is what a server does with a call. The zero value holds it.
type Reply struct {
	Result filter.CallResult
	Delay  time.Duration // until the answer; the caller's timeout counts on
	Reset  bool          // no answer at all: the connection broke
	Refuse bool          // the host does not even send it: Dispatch fails
}

// Call is a call that a worker has dispatched.
type Call struct {
	filter.Call

	host   *Host
	done   func(filter.CallResult)
	held   bool
	over   bool
	due    time.Time
	limit  time.Time // when the caller's timeout is over
	result filter.CallResult
}

// timeout is how Envoy tells of one: an answer that the upstream never gave.
var timeout = filter.CallResult{Status: 504, Body: []byte("upstream request timeout")}

var errNotSent = errors.New("the call could not be sent")

func (p *Proxy) dispatch(h *Host, call filter.Call, done func(filter.CallResult)) error {
	c := &Call{Call: call, host: h, done: done, limit: p.now.Add(call.Timeout)}
	if !c.ask() {
		return errNotSent
	}
	p.calls = append(p.calls, c)
	h.Dispatched = append(h.Dispatched, c)
	return nil
}

// ask puts the question to the server, and reports whether the call was sent.
func (c *Call) ask() bool {
	c.held, c.due, c.result = true, c.limit, timeout
	if c.host.Proxy.Server == nil {
		return true
	}
	reply := c.host.Proxy.Server(c.Call)
	if reply.Refuse {
		return false
	}
	if reply.Reset || reply.Result.Status != 0 {
		c.held = false
		if at := c.host.Proxy.now.Add(reply.Delay); !at.After(c.limit) {
			c.due, c.result = at, reply.Result
		}
	}
	return true
}

// Answer ends the call with this result, now. A second answer is ignored.
func (c *Call) Answer(result filter.CallResult) {
	if c.over {
		return
	}
	c.Lose()
	if len(result.Body) > c.MaxBody {
		result.Body, result.TooLarge = nil, true
	}
	c.host.within(func() { c.done(result) })
}

// From is the worker that sent the call.
func (c *Call) From() *Host { return c.host }

// Open reports whether the call was neither answered nor lost.
func (c *Call) Open() bool { return !c.over }

// Lose drops the call: it is never answered, not even with a timeout.
func (c *Call) Lose() {
	c.over = true
	p := c.host.Proxy
	for i := range p.calls {
		if p.calls[i] == c {
			p.calls = append(p.calls[:i], p.calls[i+1:]...)
			return
		}
	}
}

func (c *Call) finish() { c.Answer(c.result) }

func (p *Proxy) violation(format string, args ...any) {
	p.Violations = append(p.Violations, fmt.Sprintf(format, args...))
}
