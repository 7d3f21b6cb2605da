package filter

import (
	"time"

	"holdfast/dpop"
	"holdfast/jwt"
	"holdfast/thumbprint"
)

// binding is what is known of the link between a token and its caller: which keys
// the caller has shown to hold.
type binding uint8

const (
	unbound       binding = 0         // no cnf, and the mode allows it
	byCertificate binding = 1 << iota // x5t#S256 was verified
	byKey                             // jkt was verified
	failed                            // something in cnf was not, and report_only let it pass
)

// word is the host property holdfast.binding.
func (b binding) word() string {
	switch b {
	case unbound:
		return "none"
	case byCertificate:
		return "mtls"
	case byKey:
		return "dpop"
	case byCertificate | byKey:
		return "mtls+dpop"
	}
	return "failed"
}

// proof is the outcome of step 3.
type proof struct {
	binding    binding
	claimed    *thumbprint.Thumbprint // what cnf asks for; nil without x5t#S256
	presented  *certificate           // what the caller showed; nil without
	claimedKey *thumbprint.Thumbprint // what cnf asks for; nil without jkt
	dpop       *dpop.Proof            // what the caller showed; nil without one that can be read
}

// bind is step 3: whatever the token's cnf names has to be the caller's, the
// certificate of the connection (RFC 8705 §3) and the key of a DPoP proof (RFC 9449
// §7.1). It knows nothing of report_only: that is the caller's affair.
func (d *decider) bind(cnf jwt.Confirmation, decision *Decision, r *request, conn connection, now time.Time) (proof, Reason) {
	var p proof
	switch {
	case decision.credential.scheme == schemeDPoP && cnf.JKT == nil && !decision.validated.unasked():
		return p, JKTMissing
	case !cnf.Present && d.config.Binding.Optional && !decision.rule.Strict:
		return p, TokenAccepted
	case !cnf.Present:
		return p, CnfMissing
	case cnf.X5T == nil && cnf.JKT == nil, // RFC 7800 §3.1: a member that is not understood proves nothing
		cnf.X5T != nil && !d.config.Binding.MTLS,
		cnf.JKT != nil && d.config.Binding.DPoP == nil:
		return p, CnfUnsupported
	}
	p.claimed, p.claimedKey = cnf.X5T, cnf.JKT
	if cnf.X5T != nil {
		if reason := d.bindCertificate(&p, r, conn); reason != TokenAccepted {
			return p, reason
		}
	}
	if cnf.JKT != nil {
		if reason := d.bindKey(&p, decision.credential, r, now); reason != TokenAccepted {
			return p, reason
		}
	}
	if cnf.X5T != nil {
		p.binding |= byCertificate
	}
	if cnf.JKT != nil {
		p.binding |= byKey
	}
	return p, TokenAccepted
}

// bindCertificate compares x5t#S256 with the caller's certificate.
func (d *decider) bindCertificate(p *proof, r *request, conn connection) Reason {
	cert, reason := d.certificate(r, conn)
	if reason != TokenAccepted {
		return reason
	}
	r.caller = cert
	p.presented = &r.caller
	if !p.claimed.Equal(cert.thumbprint) {
		return CnfMismatch
	}
	return TokenAccepted
}

// bindKey compares jkt with the key of the caller's DPoP proof, and the proof with
// the request.
func (d *decider) bindKey(p *proof, c credential, r *request, now time.Time) Reason {
	if c.scheme != schemeDPoP {
		return DPoPSchemeRequired // RFC 9449 §7.2
	}
	shown, reason := d.proofOf(r)
	if reason != TokenAccepted {
		return reason
	}
	p.dpop = shown
	if !p.claimedKey.Equal(shown.Thumbprint()) {
		return JKTMismatch // before the signature, which costs the most
	}
	return d.checkProof(shown, c, r, now)
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
