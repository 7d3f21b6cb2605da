package filter

import (
	"strings"
	"time"
)

// state is how far a request has come. It only moves forward.
type state uint8

const (
	fresh    state = iota // no callback yet
	parked                // waits for keys
	finished              // answered, continued or gone: nothing more is done
)

// Exchange is one request. Its methods are the callbacks of the host; none of
// them panics.
type Exchange struct {
	plugin *Plugin
	stream Stream
	state  state

	// settled: the host was told what becomes of the request, or the request is
	// gone. Until then a fault still has to be answered.
	settled   bool
	continued bool // the host was told to let the request go on
	request   *request
	waitFor   *keySource // while parked
	parkedAt  time.Time
	deadline  time.Time // when a parked request is refused
	seen      int       // the source's news that it was last judged by
}

// NewExchange begins a request.
func (p *Plugin) NewExchange(stream Stream) *Exchange {
	return &Exchange{plugin: p, stream: stream}
}

// OnRequestHeaders judges the request, or parks it until the keys that it needs
// are there. Unless the stream was told to continue, the host has to hold the
// request back.
func (x *Exchange) OnRequestHeaders() {
	defer x.contain()
	if x.state != fresh {
		return
	}
	headers, err := x.stream.RequestHeaders()
	if err != nil {
		x.refuse(InternalError)
		return
	}
	r, ok := readRequest(headers)
	if !ok {
		x.refuse(InternalError)
		return
	}
	x.request = r
	x.judge()
}

// judge decides, and parks the request when the decision has to wait.
func (x *Exchange) judge() {
	p := x.plugin
	now := p.host.Now()
	d := p.decider.decide(x.request, x.stream, now, x.parkedAt)
	if d.Reason != waitForKeys {
		x.conclude(d)
		return
	}
	if x.state == parked {
		return
	}
	if len(p.waiting) >= p.config.Limits.WaitingRequests {
		d.Reason = TooManyWaiting
		x.conclude(d)
		return
	}
	if !p.hurry() {
		d.Reason = KeysUnavailable // without a tick nothing would ever end the wait
		x.conclude(d)
		return
	}
	x.state, x.waitFor, x.parkedAt = parked, d.validated.waitFor, now
	x.deadline, x.seen = now.Add(x.waitFor.settings.Timeout), x.waitFor.news
	p.waiting[x] = struct{}{}
}

// refuse concludes without a decision of the decider.
func (x *Exchange) refuse(reason Reason) { x.conclude(Decision{Reason: reason}) }

// conclude carries a decision out. This is the only place in Holdfast where a
// request is let through. (After a fault of the filter contain answers, too.)
func (x *Exchange) conclude(d Decision) {
	if x.state == finished {
		return
	}
	p := x.plugin
	x.leave()
	if !d.Reason.Refuses() && d.Reason != Metadata {
		err := p.forwarder.forward(d, x.request, x.stream, func() bool { return p.decider.trustsPeer(x.stream) })
		if err != nil {
			p.host.Log(LogError, "holdfast: a request could not be edited: "+err.Error())
			d.Reason = InternalError
		}
	}
	now := p.host.Now()
	p.metrics.decided(d)
	x.leaveProperties(d)
	if d.Reason.Refuses() || d.Reported != TokenAccepted {
		p.refusals.write(d, now)
	}
	switch d.Reason {
	case TokenAccepted, Anonymous, Preflight:
		x.settled, x.continued = true, true
		if err := x.stream.Continue(); err != nil {
			x.continued = false
			// The host still holds the request back.
			p.host.Log(LogError, "holdfast: a request could not be continued: "+err.Error())
			x.respond(p.answerer.refusal(Decision{Reason: InternalError}, x.isGRPC(), time.Second))
		}
	case Metadata:
		x.respond(*p.answerer.metadata)
	default:
		retryAfter := time.Second
		if source := d.validated.waitFor; source != nil {
			retryAfter = source.retryAfter(now)
		}
		x.respond(p.answerer.refusal(d, x.isGRPC(), retryAfter))
	}
}

func (x *Exchange) respond(answer Answer) {
	x.settled = true
	if err := x.stream.Respond(answer); err != nil {
		// Nothing more can be done, and nothing goes on: the request stays held back.
		x.plugin.host.Log(LogError, "holdfast: a request could not be answered: "+err.Error())
	}
}

// isGRPC recognises a gRPC request as Envoy does: content-type application/grpc,
// alone or followed by "+" or ";".
func (x *Exchange) isGRPC() bool {
	if x.request == nil {
		return false
	}
	value, _ := x.request.field("content-type")
	rest, ok := strings.CutPrefix(value, "application/grpc")
	return ok && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// leaveProperties tells access logs and later filters what was decided. Claims
// are told of verified tokens only.
func (x *Exchange) leaveProperties(d Decision) {
	outcome := "allowed"
	if d.Reason.Refuses() {
		outcome = "denied"
	}
	x.leaveProperty("outcome", outcome)
	x.leaveProperty("reason", d.Reason.String())
	token := d.validated.token
	if token == nil {
		return
	}
	x.leaveProperty("issuer", d.validated.issuer.Policy.Issuer)
	for _, claim := range [...]string{"client_id", "sub"} {
		if text, ok := token.Claims().Get(claim).Text(); ok {
			x.leaveProperty(claim, escapeHeader(clip(text, 256), false))
		}
	}
	if !d.Reason.ofBinding() {
		x.leaveProperty("binding", bindingWords[d.proof.binding])
	} else {
		x.leaveProperty("binding", bindingWords[failed])
	}
}

func (x *Exchange) leaveProperty(name, value string) {
	if value == "" {
		return
	}
	if err := x.stream.SetProperty("holdfast."+name, value); err != nil {
		x.plugin.logOnce("holdfast: the host takes no property: " + err.Error())
	}
}

// OnRequestTrailers removes from the trailers what Holdfast sets in the headers:
// an upstream may take them for one (RFC 9110 §6.5.1 forbids that, some do it).
// When that fails they are held back, and the upstream never sees the request's end.
func (x *Exchange) OnRequestTrailers() (ok bool) {
	defer x.contain()
	if !x.continued {
		return false
	}
	if err := x.plugin.forwarder.cleanTrailers(x.stream); err != nil {
		x.plugin.host.Log(LogError, "holdfast: trailers could not be edited: "+err.Error())
		return false
	}
	return true
}

// OnDone is called once the request is over, whatever became of it. A client
// that leaves while its request waits costs nothing from here on.
func (x *Exchange) OnDone() {
	defer x.contain()
	x.settled = true
	x.leave()
}

// leave ends the exchange's part in everything that is shared.
func (x *Exchange) leave() {
	x.state = finished
	delete(x.plugin.waiting, x)
}

// contain turns a fault of the filter into a refusal: a panic that leaves an
// export ends the VM, and with it every request of the worker.
func (x *Exchange) contain() {
	if fault := recover(); fault != nil {
		x.plugin.logFault(fault)
		x.leave()
		if !x.settled {
			x.respond(x.plugin.answerer.refusal(Decision{Reason: InternalError}, false, time.Second))
		}
	}
}
