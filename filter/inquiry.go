package filter

import (
	"container/list"
	"strconv"
	"strings"
	"time"

	"holdfast/introspection"
	"holdfast/jwt"
)

// inquiry is one question to an authorization server and the requests that wait
// for its answer.
type inquiry struct {
	source   *introspector
	token    string
	stage    stage
	requests int // that wait for it

	place     *list.Element // in the queue, while queued
	calledAt  time.Time
	lostAfter time.Time // when the host can no longer be expected to answer

	// A signed answer (RFC 9701) whose key has to be fetched first.
	signed     *introspection.Signed
	signedText string
	arrivedAt  time.Time

	verdict *verdict // once answered
}

// stage is how far an inquiry has come.
type stage uint8

const (
	unasked   stage = iota // nobody waits for it yet, or nobody any more
	queued                 // waits for a free call
	called                 // the call is under way
	verifying              // waits for the key of a signed answer
	answered
)

// join has one more request wait. The first one puts the inquiry in the queue: it
// is dispatched on the next tick, because an answer to a call that a request
// started would be dropped with that request.
func (in *inquiry) join() {
	in.requests++
	p := in.source.plugin
	if in.stage != unasked {
		p.host.Add(p.metrics.introspection.coalesced, 1)
		return
	}
	// The token is a part of the header block that it came in: keep only itself.
	in.token = strings.Clone(in.token)
	in.stage = queued
	in.place = p.inquiries.queue.PushBack(in)
	in.source.open[in.token] = in
}

// leave has one request wait no longer. A call that is under way goes on without
// anybody: its answer is good for the next request. A queued one is forgotten.
func (in *inquiry) leave() {
	in.requests--
	if in.requests == 0 && in.stage == queued {
		in.unqueue()
		in.stage = unasked
		delete(in.source.open, in.token)
	}
}

func (in *inquiry) unqueue() { in.source.plugin.inquiries.queue.Remove(in.place) }

func (in *inquiry) news() int {
	if in.stage == answered {
		return 1
	}
	return 0
}

func (in *inquiry) timeout() time.Duration { return in.source.settings.Timeout }

func (in *inquiry) unavailable() Reason { return IntrospectionUnavailable }

func (in *inquiry) retryAfter(now time.Time) time.Duration {
	return max(in.source.breaker.retryAfter(now), time.Second)
}

// call asks. Exactly one of conclude and fail follows.
func (in *inquiry) call(now time.Time) {
	defer in.contain()
	in.unqueue()
	p := in.source.plugin
	p.inquiries.called[in] = struct{}{}
	call, ok := in.begin(now)
	if !ok {
		return
	}
	if err := p.host.Dispatch(call, in.take); err != nil {
		in.notSent(err)
	}
}

// begin prepares the call. Without one, ok is false and the inquiry has failed.
func (in *inquiry) begin(now time.Time) (call Call, ok bool) {
	s := in.source
	in.stage, in.calledAt, in.lostAfter = called, now, now.Add(s.settings.Timeout+time.Second)
	body, err := s.client.question(in.token, now)
	if err != nil {
		in.fail(false, "the client can't be authenticated: "+err.Error())
		return Call{}, false
	}
	return Call{
		Cluster:   s.settings.Cluster,
		Method:    "POST",
		Scheme:    s.settings.Endpoint.Scheme,
		Authority: s.settings.Endpoint.Authority,
		Path:      s.settings.Endpoint.Path,
		Headers:   s.client.headers,
		Body:      body,
		Timeout:   s.settings.Timeout,
		MaxBody:   s.plugin.config.Limits.IntrospectionBytes,
	}, true
}

func (in *inquiry) notSent(err error) {
	in.fail(true, "the host sent no call to cluster "+strconv.Quote(in.source.settings.Cluster)+": "+err.Error())
}

// take is called with the answer, unless that was given up before.
func (in *inquiry) take(result CallResult) {
	defer in.contain()
	if in.stage == called {
		in.receive(result)
	}
}

// receive reads what came back. Only status 200 of the right type counts, and a
// redirect is not followed (threats T22, T25).
func (in *inquiry) receive(result CallResult) {
	s := in.source
	now := s.plugin.host.Now()
	if spent := now.Sub(in.calledAt); spent >= 0 {
		s.plugin.host.Record(s.plugin.metrics.introspection.ms, uint64(spent/time.Millisecond))
	}
	switch {
	case result.Status != 200:
		in.fail(serverIsDown(result.Status), "cluster "+strconv.Quote(s.settings.Cluster)+" answered with status "+strconv.Itoa(result.Status)+", 0 for none")
		return
	case result.TooLarge:
		in.fail(false, "the answer is longer than limits.introspection_bytes")
		return
	case mediaType(result.Headers) != s.client.accept:
		in.fail(false, "the answer is not "+s.client.accept)
		return
	}
	body := string(result.Body)
	if s.settings.Signed {
		in.receiveSigned(body, now)
		return
	}
	answer, err := introspection.ParseAnswer(body)
	if err != nil {
		in.fail(false, err.Error())
		return
	}
	in.conclude(newVerdict(answer, in.token, s.issuer), now)
}

// serverIsDown tells failures of the server, or of Holdfast's own credentials,
// from those that one token can provoke: only the former may stop the others from
// being asked about. Envoy answers in the server's place with 503 and 504. A 403 may
// come from a web firewall that does not like the looks of a token.
func serverIsDown(status int) bool {
	switch status {
	case 0, 401, 429, 502, 503, 504:
		return true
	}
	return false
}

// receiveSigned reads a signed answer (RFC 9701 §5).
func (in *inquiry) receiveSigned(body string, now time.Time) {
	policy := &in.source.issuer.Policy
	signed, err := introspection.ParseSigned(body)
	if err == nil {
		err = signed.Check(introspection.SignedPolicy{
			Issuer: policy.Issuer, ClientID: in.source.settings.Client.ID,
			Algorithms: policy.Algorithms, ClockSkew: policy.ClockSkew,
		}, now)
	}
	if err != nil {
		in.fail(false, err.Error())
		return
	}
	in.signed, in.signedText, in.arrivedAt = signed, body, now
	in.stage = verifying
	in.verify(now)
}

// verify checks the signature of a signed answer, as soon as the key is there.
func (in *inquiry) verify(now time.Time) {
	s := in.source
	token := in.signed.Token()
	key, reason := s.keys.find(token.Header(), now, in.arrivedAt)
	if reason == waitForMore {
		if wait := now.Sub(in.arrivedAt); wait < 0 || wait >= s.keys.settings.Timeout || s.plugin.kind.ownCalls {
			in.fail(false, "the key of a signed answer could not be fetched in time")
			return
		}
		s.plugin.hurry() // to fetch it
		return
	}
	if reason != TokenAccepted {
		in.fail(false, "the key of a signed answer is of no use: "+reason.String())
		return
	}
	if err := s.plugin.decider.verify(key, token); err != nil {
		in.fail(false, jwt.ErrSignature.Error())
		return
	}
	s.keys.verified(key)
	v := newVerdict(in.signed.Answer(), in.token, s.issuer)
	v.signed = in.signedText
	in.conclude(v, now)
}

// conclude ends the inquiry with an answer.
func (in *inquiry) conclude(v *verdict, now time.Time) {
	s := in.source
	m := &s.plugin.metrics.introspection
	if v.active {
		s.plugin.host.Add(m.active, 1)
	} else {
		s.plugin.host.Add(m.inactive, 1)
	}
	s.breaker.succeeded()
	in.end(v, now)
}

// fail ends the inquiry without one. down: the server itself is out of reach.
func (in *inquiry) fail(down bool, why string) {
	s := in.source
	now := s.plugin.host.Now()
	s.plugin.host.Add(s.plugin.metrics.introspection.failed, 1)
	if down {
		s.breaker.failed(now)
	} else {
		s.breaker.succeeded() // it is there
	}
	s.complain(why, now)
	in.end(&verdict{failed: true}, now)
}

func (in *inquiry) end(v *verdict, now time.Time) {
	s := in.source
	in.stage, in.verdict, in.signed = answered, v, nil
	delete(s.plugin.inquiries.called, in)
	delete(s.open, in.token)
	s.keep(in.token, v, now)
	s.plugin.wake()
}

// complain logs a failure, at most one for each second.
func (s *introspector) complain(why string, now time.Time) {
	if age := now.Sub(s.complained); age >= time.Second || age < 0 {
		s.complained = now
		s.plugin.host.Log(LogWarn, "holdfast: no introspection by "+s.issuer.Policy.Issuer+": "+why)
	}
}

// tend does what is due on a tick.
func (in *inquiry) tend(now time.Time) {
	defer in.contain()
	left := in.lostAfter.Sub(now)
	switch {
	case in.stage == verifying:
		in.verify(now)
	case left <= 0 || left > in.timeout()+time.Second: // or the clock was set back
		in.fail(true, "the host gave no answer")
	}
}

// contain ends an inquiry in which the filter had a fault: it must not hold up
// the others, nor those that wait for it.
func (in *inquiry) contain() {
	if fault := recover(); fault != nil {
		p := in.source.plugin
		p.logFault(fault)
		in.end(&verdict{failed: true}, p.host.Now())
	}
}

// inquiries are the questions of one worker, over all issuers.
type inquiries struct {
	queue  list.List             // of *inquiry, the oldest first
	called map[*inquiry]struct{} // called or verifying
}

// signingTime is how long one tick may spend on new calls. A call with an assertion
// takes a signature, by RSA milliseconds of it, and no request is served meanwhile.
const signingTime = 10 * time.Millisecond

// tick sends what may be sent, and ends what was lost. It reports whether something
// is left over for the next tick.
func (q *inquiries) tick(host Host, limit int, now time.Time) (more bool) {
	calls := 0
	for in := range q.called {
		in.tend(now)
		if in.stage == called {
			calls++
		}
	}
	for calls < limit && q.queue.Len() > 0 {
		if spent := host.Now().Sub(now); spent > signingTime {
			return true
		}
		in := q.queue.Front().Value.(*inquiry)
		if in.source.breaker.open(now) {
			in.unqueue()
			in.end(&verdict{failed: true}, now) // nobody was asked
			continue
		}
		in.call(now)
		if in.stage == called {
			calls++
		}
	}
	return false
}
