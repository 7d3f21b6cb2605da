package filter

import "time"

// answersAtOnce bounds how many parked requests one callback ends. Envoy queues
// local replies until the callback returns, and each of them calls back into the
// VM on top of the one before: some 300 of them exhaust the VM's stack and crash
// it (measured on 1.36 and 1.40). It bounds how long a callback takes, too.
const answersAtOnce = 64

// wake has the requests judged again that wait for this source: at the next tick.
func (p *Plugin) wake(source *keySource) {
	source.news++
	if len(p.waiting) > 0 {
		p.hurry()
	}
}

// serveWaiting judges the parked requests whose source has news, and refuses
// those that have waited for too long. It reports whether some are left over for
// the next tick.
func (p *Plugin) serveWaiting(now time.Time) (more bool) {
	served := 0
	for x := range p.waiting {
		news, late := x.seen != x.waitFor.news, x.late(now)
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
	if news {
		x.seen = x.waitFor.news
		x.judge()
	}
	if late && x.state == parked {
		x.conclude(Decision{Reason: KeysUnavailable, validated: validated{waitFor: x.waitFor}})
	}
}

// late reports whether a parked request has waited for its whole time; also when
// more than that is left, because the clock was set back.
func (x *Exchange) late(now time.Time) bool {
	left := x.deadline.Sub(now)
	return left <= 0 || left > x.waitFor.settings.Timeout
}
