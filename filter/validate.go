package filter

import (
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"holdfast/filter/config"
	"holdfast/jwt"
	"holdfast/strictjson"
)

// validate is step 2. A token that is not a JWT is asked about; a JWT must be of
// a configured issuer. With "tokens": "all" a JWT is asked about, too, but only
// once it is known to be bound to the caller: that is the caller's affair.
func (d *decider) validate(c credential, rule *config.Rule, r *request, now time.Time, w *wait) (validated, Reason) {
	token, known := c.token, c.known
	if known == nil && r.known != nil && r.known.text == token {
		known = r.known // the request waited
	}
	if known != nil {
		return d.validateKnown(known, now, w)
	}
	// The token is a part of the header block that it came in: keep only itself.
	token = strings.Clone(token)
	// Parsed first, for what is parsed is a JWT, and its header is read once.
	parsed, err := d.parser.Parse(token)
	switch {
	case err == nil:
		v, reason := d.validateJWT(token, parsed, now, w)
		r.known = v.known
		return v, reason
	case jwt.IsJWT(token):
		return validated{}, reasonOf(err)
	}
	var v validated
	s := d.introspectorFor(rule)
	if s == nil {
		return v, TokenNotJWT
	}
	v.issuer = s.issuer
	reason := d.introspect(&v, s, token, now, w)
	v.accepted = reason == TokenAccepted
	return v, reason
}

// validateJWT: its header and claims fit, and one key of its issuer signed it.
// Cheap checks come before keys, so that a hopeless token never causes a fetch.
func (d *decider) validateJWT(token string, t *jwt.Token, now time.Time, w *wait) (v validated, reason Reason) {
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
	return d.validateSignature(v, &knownToken{text: token, token: t, issuer: index}, now, w)
}

// validateKnown judges a token from the cache: what can have changed since. One that
// will never be good again is forgotten.
func (d *decider) validateKnown(known *knownToken, now time.Time, w *wait) (v validated, reason Reason) {
	v.keyID = known.token.Header().KeyID
	v.issuer = &d.config.Issuers[known.issuer]
	if now.Before(known.from) || !now.Before(known.until) {
		d.tokens.forget(known.text)
		return v, reasonOf(v.issuer.Policy.CheckTimes(known.token.Claims(), now))
	}
	v, reason = d.validateSignature(v, known, now, w)
	if reason != TokenAccepted && reason != waitForMore && reason != KeysUnavailable {
		d.tokens.forget(known.text)
	}
	return v, reason
}

// validateSignature finds the issuer's key, and verifies the signature unless that
// very key has done so before.
func (d *decider) validateSignature(v validated, t *knownToken, now time.Time, w *wait) (validated, Reason) {
	key, reason := d.keys[t.issuer].find(t.token.Header(), now, w.since)
	if reason == waitForMore || reason == KeysUnavailable {
		v.waitFor = d.keys[t.issuer]
	}
	if reason != TokenAccepted {
		return v, reason
	}
	switch {
	case t.key == nil || !t.key.Equal(key):
		d.metrics.host.Add(d.metrics.tokenCache.miss, 1)
		if err := d.verify(key, t.token); err != nil {
			return v, reasonOf(err)
		}
		t.read(v.issuer)
		d.keys[t.issuer].verified(key)
	case t.kept:
		d.metrics.host.Add(d.metrics.tokenCache.hit, 1)
	}
	t.key = key
	v.token, v.known, v.accepted = t.token, t, true
	if s := d.introspectors[t.issuer]; s != nil && s.settings.All {
		v.revocation = s
	}
	return v, TokenAccepted
}

// introspect asks about a token and notes the answer in v.
func (d *decider) introspect(v *validated, s *introspector, token string, now time.Time, w *wait) Reason {
	answer, in, reason := s.ask(token, now, w.inquiry())
	if in != nil {
		v.waitFor = in
	}
	if answer != nil && reason == TokenAccepted {
		v.answer = answer
	}
	return reason
}

// introspectorFor is who is asked about an opaque token: the one issuer with
// introspection among those that the rule takes. The configuration has made sure
// that there are not two. Nil means nobody.
func (d *decider) introspectorFor(rule *config.Rule) *introspector {
	if len(rule.Issuers) == 0 {
		return d.onlyIntrospector
	}
	return d.ruleIntrospector[rule]
}

// validated is a token after step 2, or as far as step 2 came.
type validated struct {
	issuer     *issuer       // nil until iss was found among the configured ones, or its server was asked
	keyID      string        // the token's kid, as the client sent it
	token      *jwt.Token    // the JWT, once its signature was verified; nil for an opaque token
	known      *knownToken   // the same as it may be kept
	answer     *verdict      // what its issuer said of it; nil when nobody was asked
	revocation *introspector // who still has to be asked about a JWT; nil for nobody
	accepted   bool          // step 2 accepted it
	waitFor    awaited       // set with waitForMore and with what ends a wait
}

// get returns a claim: of the JWT, or what the answer says where the JWT does not.
func (v *validated) get(name string) strictjson.Value {
	claim := v.claims().Get(name)
	if claim.Kind() == strictjson.Missing && v.answer != nil {
		return v.answer.claims.Get(name)
	}
	return claim
}

// lookup is get for a dotted path.
func (v *validated) lookup(path string) strictjson.Value {
	claim := v.claims().Lookup(path)
	if claim.Kind() == strictjson.Missing && v.answer != nil {
		return v.answer.claims.Lookup(path)
	}
	return claim
}

// unasked reports whether the authorization server still has a say, which may add a
// jkt to what the JWT is bound to.
func (v *validated) unasked() bool { return v.revocation != nil && v.answer == nil }

// confirmation is the cnf of the JWT, or of the answer about an opaque token.
func (v *validated) confirmation() (jwt.Confirmation, Reason) {
	if v.known != nil {
		return v.known.cnf, v.known.cnfReason
	}
	cnf, err := v.claims().Confirmation()
	if err != nil {
		return cnf, reasonOf(err)
	}
	return cnf, TokenAccepted
}

// claims are those of the JWT, or of the answer about an opaque token.
func (v *validated) claims() jwt.Claims {
	if v.token != nil {
		return v.token.Claims()
	}
	return v.answer.claims
}

// payload is the base64url JSON of the claims.
func (v *validated) payload() string {
	if v.token != nil {
		return v.token.PayloadSegment()
	}
	return base64.RawURLEncoding.EncodeToString([]byte(v.answer.claims.Object().Raw()))
}

// expires is the earlier exp of a JWT and of the answer about it.
func (v *validated) expires() (at time.Time, has bool) {
	if v.token != nil {
		at, has, _ = v.token.Claims().Time("exp") // it has been read before
	}
	if v.answer != nil && !v.answer.expires.IsZero() && (!has || v.answer.expires.Before(at)) {
		at, has = v.answer.expires, true
	}
	return at, has
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
