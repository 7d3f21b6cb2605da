package filter

import (
	"time"

	"holdfast/filter/config"
	"holdfast/jwt"
)

type issuer = config.Issuer

// decider holds what decisions need and what does not change between requests,
// but for the keys, which their sources keep current.
type decider struct {
	config      *config.Config
	kind        *hostKind
	issuerIndex map[string]int // by issuer identifier
	keys        []*keySource   // by issuer
	rules       ruleIndex
	rulesByPath bool // a rule matches by path
	rulesByHost bool
	// rulesByMethod: a rule matches by method.
	rulesByMethod bool

	introspectors    []*introspector // by issuer; nil for one without
	introspecting    int             // how many of them there are
	onlyIntrospector *introspector   // when that is one
	ruleIntrospector map[*config.Rule]*introspector
	sessions         *sessions   // nil without "session"
	nonces           *nonces     // nil unless DPoP proofs need one
	replay           replayStore // nil without DPoP
	tokens           *tokenCache // nil when no tokens are kept
	parser           jwt.Parser  // of access tokens
	metrics          *metrics

	// verify checks a signature: verify.go, once the plugin has a host.
	verify func(*jwt.Key, *jwt.Token) error
}

func newDecider(c *config.Config, keys []*keySource) *decider {
	d := &decider{
		config: c, kind: &hostKinds[c.Host], keys: keys, issuerIndex: map[string]int{}, rules: newRuleIndex(c.Rules), verify: (*jwt.Key).Verify,
		introspectors: make([]*introspector, len(c.Issuers)), ruleIntrospector: map[*config.Rule]*introspector{},
	}
	for i := range c.Issuers {
		d.issuerIndex[c.Issuers[i].Policy.Issuer] = i
	}
	for i := range c.Rules {
		m := &c.Rules[i].Match
		d.rulesByPath = d.rulesByPath || m.Path != "" || m.PathPrefix != ""
		d.rulesByHost = d.rulesByHost || len(m.Hosts) > 0
		d.rulesByMethod = d.rulesByMethod || len(m.Methods) > 0
	}
	return d
}

// introspectBy tells who is asked about the tokens of an issuer.
func (d *decider) introspectBy(index int, s *introspector) {
	d.introspectors[index] = s
	d.introspecting++
	if d.onlyIntrospector = s; d.introspecting > 1 {
		d.onlyIntrospector = nil
	}
	for i := range d.config.Rules {
		if rule := &d.config.Rules[i]; contains(rule.Issuers, s.issuer.Policy.Issuer) {
			d.ruleIntrospector[rule] = s
		}
	}
}

// Decision is the outcome for one request: one reason, and what the answer, the
// upstream and the logs need to know besides.
type Decision struct {
	Reason Reason
	// Reported is the reason for which report_only would have refused; it is
	// TokenAccepted when there is nothing to report.
	Reported Reason

	rule       *config.Rule // nil when step 0 refused or answered
	credential credential   // of it nothing but the scheme before step 1
	validated  validated    // as far as step 2 came
	proof      proof        // as far as step 3 came
	session    sessionUse   // what the session cookie was good for
	identity   *identity    // who is calling; nil unless step 2 accepted the token
}

// waitForMore is no reason: it says that the decision has to be made again when
// Decision.validated.waitFor has news. It refuses like anything outside of the
// list, should it ever be taken for one.
const waitForMore = reasonCount + 1

// decide judges a request by the five steps of docs/decision.md; the first that
// fails answers. w is what the request has waited for, if it has.
func (d *decider) decide(r *request, conn connection, now time.Time, w *wait) Decision {
	var decision Decision
	decision.rule, decision.Reason = d.match(r, conn)
	if decision.Reason == TokenAccepted {
		decision.credential, decision.Reason = d.credentials(r)
	}
	if decision.Reason != TokenAccepted {
		decision.credential.scheme = d.schemeOf(r) // the challenge for it has the error
	}
	if decision.rule == nil {
		return decision
	}
	if decision.Reason == NoToken {
		if decision.session = d.sessions.read(r, now); decision.session.state == sessionUsed {
			token := decision.session.token
			decision.credential = credential{token: token, source: d.config.TokenSources[0], known: d.tokens.get(token)}
			decision.Reason = TokenAccepted
		}
	}
	if decision.Reason == TokenAccepted {
		d.judge(&decision, r, conn, now, w)
	}
	if !decision.rule.Anonymous {
		return decision
	}
	switch {
	case decision.Reason == NoToken:
		decision.Reason = Anonymous
	case decision.session.state == sessionUsed && decision.session.refused(decision.Reason):
		// A bad session counts as absent; a token that is sent never does.
		return Decision{Reason: Anonymous, rule: decision.rule, session: sessionUse{state: sessionBad}}
	}
	return decision
}

// judge takes steps 2 to 4 for a request with one token.
func (d *decider) judge(decision *Decision, r *request, conn connection, now time.Time, w *wait) {
	decision.validated, decision.Reason = d.validate(decision.credential, decision.rule, r, now, w)
	if decision.Reason != TokenAccepted {
		return
	}
	if decision.Reason = d.prove(decision, r, conn, now, w); decision.Reason != TokenAccepted {
		return
	}
	if decision.Reported == TokenAccepted {
		decision.validated.remember(d.config)
		d.tokens.keep(decision.validated.known)
	}
	decision.Reason = authorize(decision.rule, &decision.validated, now)
}

// prove takes step 3. A DPoP proof is spent at its end, when nothing can have the
// request judged again.
func (d *decider) prove(decision *Decision, r *request, conn connection, now time.Time, w *wait) Reason {
	reason := d.proveBinding(decision, r, conn, now, w)
	if reason != TokenAccepted || decision.proof.binding&byKey == 0 {
		return reason
	}
	return d.unbound(decision, d.spend(&decision.proof, now))
}

// proveBinding holds the token's cnf against the caller, and asks about a JWT where
// that has to be done: after its own binding was verified, so that whoever has the
// token alone cannot have the server asked.
func (d *decider) proveBinding(decision *Decision, r *request, conn connection, now time.Time, w *wait) Reason {
	v := &decision.validated
	cnf, reason := v.confirmation()
	if reason == TokenAccepted && (cnf.Present || v.revocation == nil) {
		decision.proof, reason = d.bind(cnf, decision, r, conn, now)
	}
	reason = d.unbound(decision, reason)
	if reason != TokenAccepted || v.revocation == nil {
		return reason
	}
	if reason := d.introspect(v, v.revocation, decision.credential.token, now, w); reason != TokenAccepted {
		return reason
	}
	if v.answer.contradicts(v.token.Claims()) {
		return TokenContradicted
	}
	answered, err := v.answer.claims.Confirmation()
	if err != nil {
		return d.unbound(decision, reasonOf(err))
	}
	both, ok := merge(cnf, answered)
	switch {
	case !ok:
		return TokenContradicted
	case decision.Reported != TokenAccepted, cnf.Present && !answered.Present && (cnf.JKT != nil || decision.credential.scheme != schemeDPoP):
		return TokenAccepted // the answer adds nothing
	}
	decision.proof, reason = d.bind(both, decision, r, conn, now)
	return d.unbound(decision, reason)
}

// unbound applies report_only to the outcome of step 3: a failed binding is noted
// and let pass, but never that of a session.
func (d *decider) unbound(decision *Decision, reason Reason) Reason {
	if reason == TokenAccepted || !d.config.Binding.ReportOnly || decision.session.state == sessionUsed {
		return reason
	}
	decision.Reported = reason
	decision.proof.binding = failed
	return TokenAccepted
}
