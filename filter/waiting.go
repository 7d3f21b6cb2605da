package filter

import "time"

// awaited is what a parked request waits for: an issuer's keys or the answer to
// an [inquiry].
type awaited interface {
	join()                                  // one more request waits
	leave()                                 // one waits no longer
	news() int                              // changes when a waiting request may be decided otherwise
	timeout() time.Duration                 // how long a request waits at most
	unavailable() Reason                    // why it is refused then
	retryAfter(now time.Time) time.Duration // what the client is told then
}

// wait is what an exchange knows of its own waiting. The zero value has not
// waited.
type wait struct {
	on       awaited
	since    time.Time
	deadline time.Time // when the request is refused
	seen     int       // the news that the request was last judged by
	times    int       // how often it began to wait
}

// mostWaits bounds how often one request may wait: for the keys, for the answer,
// and for keys again that came to be unknown in between.
const mostWaits = 3

// inquiry is the inquiry that was waited for, if it was one.
func (w *wait) inquiry() *inquiry {
	in, _ := w.on.(*inquiry)
	return in
}

// park lets a request wait. The reason is waitForMore when it does.
func (x *Exchange) park(on awaited, now time.Time) Reason {
	p := x.plugin
	switch {
	case p.kind.ownCalls:
		return x.askByItself(on, now)
	case x.state == parked && x.wait.times == mostWaits:
		return on.unavailable()
	case x.state != parked && len(p.waiting) >= p.config.Limits.WaitingRequests:
		return TooManyWaiting
	case !p.hurry():
		return on.unavailable() // without a tick nothing would ever end the wait
	}
	if x.state == parked {
		x.wait.on.leave()
	}
	on.join()
	x.state = parked
	x.wait = wait{on, now, now.Add(on.timeout()), on.news(), x.wait.times + 1}
	p.waiting[x] = struct{}{}
	return waitForMore
}

// answersAtOnce bounds how many parked requests one callback ends. Envoy queues
// local replies until the callback returns, and each of them calls back into the
// VM on top of the one before: some 300 of them exhaust the VM's stack and crash
// it (measured on 1.36 and 1.40). It bounds how long a callback takes, too.
const answersAtOnce = 64

// wake has waiting requests judged again that have news: at the next tick.
func (p *Plugin) wake() {
	if len(p.waiting) > 0 {
		p.hurry()
	}
}

// serveWaiting judges the parked requests that have news, and refuses those that
// have waited for too long. It reports whether some are left over for the next
// tick.
func (p *Plugin) serveWaiting(now time.Time) (more bool) {
	if p.kind.ownCalls {
		return false
	}
	served := 0
	for x := range p.waiting {
		news, late := x.wait.seen != x.wait.on.news(), x.wait.late(now)
		if !news && !late {
			continue
		}
		if served == answersAtOnce {
			return true
		}
		served++
		x.serve(news, late)
	}
	return false
}

// serve contains a fault of one request, so that the others still get their turn.
func (x *Exchange) serve(news, late bool) {
	defer x.contain()
	on := x.wait.on
	if news {
		x.wait.seen = on.news()
		x.judge()
	}
	if late && x.state == parked && x.wait.on == on {
		x.conclude(Decision{Reason: on.unavailable(), validated: validated{waitFor: on}}, x.plugin.host.Now())
	}
}

// late reports whether a parked request has waited for its whole time; also when
// more than that is left, because the clock was set back.
func (w *wait) late(now time.Time) bool {
	left := w.deadline.Sub(now)
	return left <= 0 || left > w.on.timeout()
}
