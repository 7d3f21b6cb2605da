package filter

import (
	"strings"
	"time"
)

// state is how far a request has come. It only moves forward.
type state uint8

const (
	fresh    state = iota // no callback yet
	parked                // waits, see waiting.go
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
	continued bool    // the host was told to let the request go on
	request   request // empty once concluded: it keeps the whole header block, and a stream may last for days
	wait      wait    // what it waits for while parked, and waited for last
	cookie    string  // the Set-Cookie of the response; empty for none
	starts    bool    // cookie starts a session
	nonce     string  // the DPoP-Nonce of the response; empty for none
	exposed   bool    // scripts of another origin may read it
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
	if reason := x.admit(headers); reason != TokenAccepted {
		x.refuse(reason)
		return
	}
	x.judge()
}

// admit refuses what this kind of host could not let go on as it has to.
func (x *Exchange) admit(headers []Header) Reason {
	kind := x.plugin.kind
	if kind.complete != nil {
		if reason := kind.complete(&x.request, x.stream); reason != TokenAccepted {
			return reason
		}
	}
	switch {
	case kind.maxHeaders != 0 && len(headers) >= kind.maxHeaders:
		return TooManyHeaders
	case kind.keepsHeaders && x.plugin.forwarder.inTheWay(&x.request):
		return HeaderNotAllowed
	}
	return TokenAccepted
}

// judge decides, and parks the request when the decision has to wait.
func (x *Exchange) judge() {
	now := x.plugin.host.Now()
	d := x.plugin.decider.decide(&x.request, x.stream, now, &x.wait)
	if on := d.validated.waitFor; d.Reason == waitForMore {
		if x.state == parked && x.wait.on == on {
			return
		}
		if d.Reason = x.park(on, now); d.Reason == waitForMore {
			return
		}
	}
	x.conclude(d, now)
}

// refuse concludes without a decision of the decider.
func (x *Exchange) refuse(reason Reason) {
	x.conclude(Decision{Reason: reason}, x.plugin.host.Now())
}

// conclude carries a decision out. This is the only place in Holdfast where a
// request is let through. (After a fault of the filter contain answers, too.)
func (x *Exchange) conclude(d Decision, now time.Time) {
	if x.state == finished {
		return
	}
	p := x.plugin
	x.leave()
	if d.validated.accepted {
		d.identity = d.validated.tells(p.config)
	}
	if !d.Reason.Refuses() && d.Reason != Metadata {
		err := p.forwarder.forward(d, &x.request, x.stream, func() bool { return p.decider.trustsPeer(x.stream) })
		if err != nil {
			p.host.Log(LogError, "holdfast: a request could not be edited: "+err.Error())
			d.Reason = InternalError
		}
	}
	p.metrics.decided(d)
	x.cookie, x.starts = p.decider.sessions.cookieFor(d, &x.request, now)
	x.nonce = p.decider.nonces.answer(d, now)
	x.exposed = x.exposes()
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
		if on := d.validated.waitFor; on != nil {
			retryAfter = on.retryAfter(now)
		}
		answer := p.answerer.refusal(d, x.isGRPC(), retryAfter)
		if x.cookie != "" {
			answer.Headers = append(answer.Headers, Header{"set-cookie", x.cookie})
		}
		if x.nonce != "" {
			answer.Headers = append(answer.Headers, Header{"dpop-nonce", x.nonce})
		}
		if d.Reason.class().challenge && x.exposed {
			answer.Headers = append(answer.Headers, exposed)
		}
		x.respond(answer)
	}
	x.request = request{}
}

func (x *Exchange) respond(answer Answer) {
	x.settled = true
	if !x.plugin.kind.details {
		answer.Details = "" // it would become the reason phrase of the status line
	}
	if err := x.stream.Respond(answer); err != nil {
		// Nothing more can be done, and nothing goes on: the request stays held back.
		x.plugin.host.Log(LogError, "holdfast: a request could not be answered: "+err.Error())
	}
}

// isGRPC recognises a gRPC request as Envoy does: content-type application/grpc,
// alone or followed by "+" or ";".
func (x *Exchange) isGRPC() bool {
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
	x.leaveProperty("holdfast.outcome", outcome)
	x.leaveProperty("holdfast.reason", d.Reason.String())
	if !d.validated.accepted {
		return
	}
	x.leaveProperty("holdfast.issuer", d.validated.issuer.Policy.Issuer)
	x.leaveProperty("holdfast.client_id", d.identity.clientID)
	x.leaveProperty("holdfast.sub", d.identity.subject)
	if !d.Reason.ofBinding() {
		x.leaveProperty("holdfast.binding", d.proof.binding.word())
	} else {
		x.leaveProperty("holdfast.binding", failed.word())
	}
}

func (x *Exchange) leaveProperty(name, value string) {
	if value == "" || !x.plugin.kind.properties {
		return
	}
	if err := x.stream.SetProperty(name, value); err != nil {
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

// exposed lets scripts read what Holdfast says in an answer of another origin
// (RFC 9449 §8.2, §9). It stands beside what others expose.
var exposed = Header{"access-control-expose-headers", "WWW-Authenticate, DPoP-Nonce"}

// exposes: with DPoP, and to a request that the Fetch standard calls a CORS one.
// Whether its answer may be read at all is for who answers CORS to say.
func (x *Exchange) exposes() bool {
	if x.plugin.config.Binding.DPoP == nil {
		return false
	}
	_, fields := x.request.field("origin")
	return fields > 0
}

// OnResponseHeaders starts a session with the upstream's response, or ends one, and
// hands out the next DPoP nonce. Caches must not keep such a response: it is one
// client's own (RFC 9449 §8.2).
func (x *Exchange) OnResponseHeaders() {
	defer x.contain()
	if !x.continued {
		return
	}
	if x.plugin.decider.nonces != nil && x.nonce == "" {
		// The upstream sees no proof. Its nonce would cost the client a round trip.
		if err := x.stream.RemoveResponseHeader("dpop-nonce"); err != nil {
			x.plugin.logOnce("holdfast: a response could not be edited: " + err.Error())
		}
	}
	if x.cookie == "" && x.nonce == "" {
		return
	}
	err := x.stream.SetResponseHeader("cache-control", "private, no-store")
	if err == nil && x.cookie != "" {
		err = x.stream.AddResponseHeader("set-cookie", x.cookie)
	}
	if err == nil && x.nonce != "" {
		err = x.stream.SetResponseHeader("dpop-nonce", x.nonce)
	}
	if err == nil && x.nonce != "" && x.exposed {
		err = x.stream.AddResponseHeader(exposed.Name, exposed.Value)
	}
	if err != nil {
		x.plugin.logOnce("holdfast: a response could not be edited: " + err.Error())
		return
	}
	if x.starts {
		x.plugin.host.Add(x.plugin.metrics.session.started, 1)
	}
}

// OnDone is called once the request is over, whatever became of it. A client
// that leaves while its request waits costs nothing from here on.
func (x *Exchange) OnDone() {
	defer x.contain()
	x.settled = true
	x.leave()
	x.request = request{} // a call of its own may hold on to the exchange
}

// leave ends the exchange's part in everything that is shared.
func (x *Exchange) leave() {
	if x.state == parked {
		x.wait.on.leave()
		delete(x.plugin.waiting, x)
	}
	x.state, x.wait = finished, wait{}
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
