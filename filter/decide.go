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
	issuerIndex map[string]int // by issuer identifier
	keys        []*keySource   // by issuer
	rulesByPath bool           // a rule matches by path
	rulesByHost bool
	// rulesByMethod: a rule matches by method.
	rulesByMethod bool
	// verify checks a signature. It is a field so that the plugin can time it.
	verify func(*jwt.Key, *jwt.Token) error
}

func newDecider(c *config.Config, keys []*keySource) *decider {
	d := &decider{config: c, keys: keys, issuerIndex: map[string]int{}, verify: (*jwt.Key).Verify}
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

// Decision is the outcome for one request: one reason, and what the answer, the
// upstream and the logs need to know besides.
type Decision struct {
	Reason Reason
	// Reported is the reason for which report_only would have refused; it is
	// TokenAccepted when there is nothing to report.
	Reported Reason

	rule       *config.Rule // nil when step 0 refused or answered
	credential credential   // zero before step 1
	validated  validated    // as far as step 2 came
	proof      proof        // as far as step 3 came
}

// waitForKeys is no reason: it says that the decision has to be made again when
// the keys of Decision.validated.waitFor have changed. It refuses like anything
// outside of the list, should it ever be taken for one.
const waitForKeys = reasonCount + 1

// decide judges a request by the five steps of docs/decision.md; the first that
// fails answers. parkedAt is when the request began to wait for keys, or zero.
func (d *decider) decide(r *request, conn connection, now, parkedAt time.Time) Decision {
	rule, reason := d.match(r, conn)
	if reason != TokenAccepted {
		return Decision{Reason: reason}
	}
	decision := Decision{rule: rule}
	decision.credential, decision.Reason = d.credentials(r)
	if decision.Reason == NoToken && rule.Anonymous {
		decision.Reason = Anonymous
	}
	if decision.Reason != TokenAccepted {
		return decision
	}
	decision.validated, decision.Reason = d.validate(decision.credential.token, now, parkedAt)
	if decision.Reason != TokenAccepted {
		return decision
	}
	decision.proof, decision.Reason = d.bind(decision.validated, rule, r, conn)
	if decision.Reason != TokenAccepted {
		if !d.config.Binding.ReportOnly {
			return decision
		}
		decision.Reported = decision.Reason
		decision.proof.binding = failed
	}
	decision.Reason = authorize(rule, decision.validated, now)
	return decision
}
