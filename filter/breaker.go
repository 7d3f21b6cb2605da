package filter

import "time"

// breaker keeps an authorization server that is out of reach from being asked by
// every request: after a few failures in a row nobody asks for a moment, and then
// one call at a time tries, until one succeeds.
type breaker struct {
	failures  int // in a row
	openUntil time.Time
}

const (
	breakerFailures = 3
	breakerPause    = time.Second // doubles with each further failure
	breakerLongest  = 10 * time.Second
)

// open reports whether nobody may ask now. A pause that is longer than any can be
// means that the clock was set back.
func (b *breaker) open(now time.Time) bool {
	left := b.openUntil.Sub(now)
	return 0 < left && left <= breakerLongest
}

// tries reports whether only one call at a time may go out.
func (b *breaker) tries() bool { return b.failures >= breakerFailures }

// failed counts a failure. Calls that were under way when the breaker opened say
// nothing new.
func (b *breaker) failed(now time.Time) {
	if b.open(now) {
		return
	}
	b.failures = min(b.failures+1, 16)
	if b.tries() {
		b.openUntil = now.Add(min(breakerPause<<(b.failures-breakerFailures), breakerLongest))
	}
}

func (b *breaker) succeeded() { *b = breaker{} }

// retryAfter is what a client is told while the server is out of reach.
func (b *breaker) retryAfter(now time.Time) time.Duration {
	if !b.open(now) {
		return time.Second
	}
	return b.openUntil.Sub(now)
}
