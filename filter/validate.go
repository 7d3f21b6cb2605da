package filter

import (
	"errors"
	"time"

	"holdfast/jwt"
)

// validate is step 2: the token is a JWT of a configured issuer, its header and
// claims fit, and one key of that issuer signed it. Cheap checks come before
// keys, so that a hopeless token never causes a fetch.
func (d *decider) validate(token string, now, parkedAt time.Time) (v validated, reason Reason) {
	if !jwt.IsJWT(token) {
		return v, TokenNotJWT
	}
	t, err := jwt.Parse(token)
	if err != nil {
		return v, reasonOf(err)
	}
	v.keyID = t.Header().KeyID
	issuer, err := t.Claims().Issuer()
	if err != nil {
		return v, reasonOf(err)
	}
	index, known := d.issuerIndex[issuer]
	if !known {
		return v, IssuerUnknown
	}
	v.issuer = &d.config.Issuers[index]
	if err := v.issuer.Policy.CheckHeader(t.Header()); err != nil {
		return v, reasonOf(err)
	}
	if err := v.issuer.Policy.CheckClaims(t.Claims(), now); err != nil {
		return v, reasonOf(err)
	}
	key, reason := d.keys[index].find(t.Header(), now, parkedAt)
	if reason == waitForKeys || reason == KeysUnavailable {
		v.waitFor = d.keys[index]
	}
	if reason != TokenAccepted {
		return v, reason
	}
	if err := d.verify(key, t); err != nil {
		return v, reasonOf(err)
	}
	v.token = t
	return v, TokenAccepted
}

// validated is a token after step 2, or as far as step 2 came.
type validated struct {
	issuer  *issuer    // nil until iss was found among the configured ones
	keyID   string     // the token's kid, as the client sent it
	token   *jwt.Token // nil until the signature was verified
	waitFor *keySource // set with waitForKeys and KeysUnavailable
}

// reasonOf maps what package jwt refuses to a reason. An error that is not
// listed is refused as an internal error; a test asserts that none is missing.
func reasonOf(err error) Reason {
	for _, row := range errorReasons {
		if errors.Is(err, row.err) {
			return row.reason
		}
	}
	return InternalError
}

var errorReasons = []struct {
	err    error
	reason Reason
}{
	{jwt.ErrMalformed, TokenMalformed},
	{jwt.ErrEncrypted, TokenEncrypted},
	{jwt.ErrCritical, CriticalHeader},
	{jwt.ErrAlgorithm, AlgorithmNotAllowed},
	{jwt.ErrAlgorithmNotAllowed, AlgorithmNotAllowed},
	{jwt.ErrType, TokenTypeNotAllowed},
	{jwt.ErrIssuer, IssuerUnknown},
	{jwt.ErrAudience, AudienceMismatch},
	{jwt.ErrExpired, Expired},
	{jwt.ErrNotYetValid, NotYetValid},
	{jwt.ErrIssuedInFuture, IssuedInFuture},
	{jwt.ErrLifetime, LifetimeTooLong},
	{jwt.ErrMissingClaim, ClaimMissing},
	{jwt.ErrClaim, ClaimMalformed},
	{jwt.ErrKeyUnknown, KeyUnknown},
	{jwt.ErrKeyAmbiguous, KeyAmbiguous},
	{jwt.ErrSignature, SignatureInvalid},
	{jwt.ErrConfirmation, CnfMalformed},
}
