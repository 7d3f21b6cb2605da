package filter

import (
	"errors"
	"time"

	"holdfast/dpop"
)

// onceRead is the request's proof. A request that waited is judged again; its proof
// is neither read nor verified a second time.
type onceRead struct {
	read, verified bool
	shown          *dpop.Proof // nil when it could not be read
	reason         Reason      // why; or, once verified, whether its signature holds
}

// proofOf reads the request's one DPoP proof.
func (d *decider) proofOf(r *request) (*dpop.Proof, Reason) {
	if !r.proof.read {
		r.proof.read = true
		r.proof.shown, r.proof.reason = readProof(r)
	}
	if r.proof.shown == nil {
		return nil, r.proof.reason
	}
	return r.proof.shown, TokenAccepted
}

func readProof(r *request) (*dpop.Proof, Reason) {
	value, fields := r.field("dpop")
	switch {
	case fields == 0:
		return nil, DPoPProofMissing
	case fields > 1: // RFC 9449 §4.3, 1
		return nil, DPoPProofMultiple
	}
	shown, err := dpop.Parse(value)
	if err != nil {
		return nil, dpopReasonOf(err)
	}
	return shown, TokenAccepted
}

// checkProof verifies the proof's signature, and holds it against the request
// (RFC 9449 §4.3). Whether it was used before is asked later.
func (d *decider) checkProof(shown *dpop.Proof, c credential, r *request, now time.Time) Reason {
	settings := d.config.Binding.DPoP
	if !r.proof.verified {
		r.proof.verified = true
		if err := shown.Verify(settings.Algorithms, d.verify); err != nil {
			r.proof.reason = dpopReasonOf(err)
		}
	}
	if r.proof.reason != TokenAccepted {
		return r.proof.reason
	}
	expected := dpop.Expected{
		Method: r.method, Origins: settings.Origins, Path: r.path, Token: c.token,
		Now: now, Lifetime: settings.ProofLifetime, ClockSkew: settings.ClockSkew,
	}
	if d.nonces != nil {
		expected.Nonce = func(nonce string) bool { return d.nonces.valid(nonce, now) }
	}
	if err := shown.Check(expected); err != nil {
		return dpopReasonOf(err)
	}
	return TokenAccepted
}

// spend has the proof count once (RFC 9449 §11.1). It is the last thing that is
// asked of a proof: what was refused for another reason may be sent again.
func (d *decider) spend(p *proof, now time.Time) Reason {
	settings := d.config.Binding.DPoP
	uri := p.dpop.URI()
	// What the configuration says is known to its operators alone.
	key := replayKey{seed: d.config.Digest, jkt: p.dpop.Thumbprint(), jti: p.dpop.ID(), htu: uri.Origin + uri.Path}
	switch d.replay.spend(key, p.dpop.IssuedAt().Add(settings.ProofLifetime+settings.ClockSkew), now) {
	case spendFresh:
		return TokenAccepted
	case spendReplayed:
		return DPoPReplayed
	case spendFull:
		return DPoPReplayFull
	}
	return DPoPReplayFailed
}

// nonces are those of RFC 9449 §9. They are not stored: their authentication code
// says who issued them and when, so all replicas with the same keys take each
// other's.
type nonces struct {
	keys           *dpop.NonceKeys
	lifetime, skew time.Duration
}

func (n *nonces) valid(nonce string, now time.Time) bool {
	return n.keys.Valid(nonce, now, n.lifetime, n.skew)
}

// answer is the nonce that the response has to bring, or nothing: a first one, or a
// new one before the one that was used ends (RFC 9449 §8.2).
func (n *nonces) answer(d Decision, now time.Time) string {
	switch {
	case n == nil:
		return ""
	case d.Reason == DPoPNonceRequired || d.Reported == DPoPNonceRequired:
		return n.keys.Issue(now)
	case d.proof.binding&byKey != 0 && n.keys.Renew(d.proof.dpop.Nonce(), now, n.lifetime):
		return n.keys.Issue(now)
	}
	return ""
}

// dpopReasonOf maps what package dpop refuses to a reason; a test asserts that
// nothing is missing.
func dpopReasonOf(err error) Reason {
	for _, row := range dpopReasons {
		if errors.Is(err, row.err) {
			return row.reason
		}
	}
	return InternalError
}

var dpopReasons = []struct {
	err    error
	reason Reason
}{
	{dpop.ErrMalformed, DPoPProofMalformed},
	{dpop.ErrType, DPoPTypeNotAllowed},
	{dpop.ErrAlgorithm, DPoPAlgorithmNotAllowed},
	{dpop.ErrKey, DPoPKeyInvalid},
	{dpop.ErrSignature, DPoPSignatureInvalid},
	{dpop.ErrMethod, DPoPMethodMismatch},
	{dpop.ErrURI, DPoPURIMismatch},
	{dpop.ErrNonce, DPoPNonceRequired},
	{dpop.ErrTooOld, DPoPProofTooOld},
	{dpop.ErrInFuture, DPoPProofInFuture},
	{dpop.ErrToken, DPoPTokenMismatch},
}
