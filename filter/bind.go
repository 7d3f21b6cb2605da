package filter

import (
	"holdfast/filter/config"
	"holdfast/jwt"
	"holdfast/thumbprint"
)

// binding is what is known of the link between a token and its caller.
type binding uint8

const (
	unbound binding = iota // no cnf, and the mode allows it
	bound                  // every thumbprint in cnf was verified
	failed                 // it was not, and report_only let it pass
)

// words of the host property holdfast.binding.
var bindingWords = [...]string{unbound: "none", bound: "mtls", failed: "failed"}

// proof is the outcome of step 3.
type proof struct {
	binding   binding
	claimed   *thumbprint.Thumbprint // what cnf asks for; nil without x5t#S256
	presented *certificate           // what the caller showed; nil without
}

// bind is step 3, RFC 8705 §3: the certificate of the connection has to be the
// one that the token's cnf names. It knows nothing of report_only: that is the
// caller's affair.
func (d *decider) bind(cnf jwt.Confirmation, rule *config.Rule, r *request, conn connection) (proof, Reason) {
	switch {
	case !cnf.Present && d.config.Binding.Optional && !rule.Strict:
		return proof{binding: unbound}, TokenAccepted
	case !cnf.Present:
		return proof{}, CnfMissing
	case cnf.JKT != nil:
		// RFC 9449 §6: a token with jkt needs a DPoP proof, which is not taken.
		return proof{}, CnfUnsupported
	case cnf.X5T == nil || !d.config.Binding.MTLS:
		// RFC 7800 §3.1: a member that is not understood proves nothing.
		return proof{}, CnfUnsupported
	}
	p := proof{claimed: cnf.X5T}
	cert, reason := d.certificate(r, conn)
	if reason != TokenAccepted {
		return p, reason
	}
	p.presented = &cert
	if !cnf.X5T.Equal(cert.thumbprint) {
		return p, CnfMismatch
	}
	p.binding = bound
	return p, TokenAccepted
}

// merge has both confirmations apply, that of a JWT and that of the answer about
// it. ok is false when they name different keys.
func merge(a, b jwt.Confirmation) (both jwt.Confirmation, ok bool) {
	both = jwt.Confirmation{Present: a.Present || b.Present, X5T: a.X5T, JKT: a.JKT, Others: a.Others || b.Others}
	for _, member := range [...]struct{ ours, theirs **thumbprint.Thumbprint }{{&both.X5T, &b.X5T}, {&both.JKT, &b.JKT}} {
		switch {
		case *member.ours == nil:
			*member.ours = *member.theirs
		case *member.theirs != nil && !(*member.ours).Equal(**member.theirs):
			return both, false
		}
	}
	return both, true
}
