package filter

import (
	"strings"
	"time"
)

// askByItself is park where nothing wakes a request but the answer to a call of its
// own: it asks about its token in that call, together with no other. Keys it does not
// wait for: the next tick fetches them.
func (x *Exchange) askByItself(on awaited, now time.Time) Reason {
	p := x.plugin
	in, asks := on.(*inquiry)
	switch {
	case !asks || x.state == parked:
		return on.unavailable()
	case len(p.waiting) >= min(p.config.Limits.WaitingRequests, p.config.Limits.IntrospectionCalls):
		return TooManyWaiting
	}
	in.token = strings.Clone(in.token) // as in join: keep nothing else of the header block
	call, ok := in.begin(now)
	if !ok {
		return in.unavailable()
	}
	if err := x.stream.Dispatch(call, func(result CallResult) { x.answered(in, result) }); err != nil {
		in.notSent(err)
		return in.unavailable()
	}
	in.requests++
	x.state = parked
	x.wait = wait{on: in, since: now, times: 1}
	p.waiting[x] = struct{}{}
	return waitForMore
}

// answered decides with the answer to the request's own call: afterwards the host
// would let the request go on.
func (x *Exchange) answered(in *inquiry, result CallResult) {
	defer x.contain()
	if x.state != parked {
		return
	}
	in.take(result)
	x.judge()
	if x.state == parked {
		x.conclude(Decision{Reason: in.unavailable(), validated: validated{waitFor: in}}, x.plugin.host.Now())
	}
}
