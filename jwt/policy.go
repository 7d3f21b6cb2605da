package jwt

import (
	"slices"
	"time"

	"holdfast/strictjson"
)

// Policy is what an issuer's tokens have to meet. Empty lists and an empty Issuer
// allow nothing: a check cannot be turned off by leaving its value out.
type Policy struct {
	Issuer     string      // compared exactly
	Audiences  []string    // "aud" must hold one of them, compared exactly
	Algorithms []Algorithm // allow-list

	// Types is what "typ" may be: in lower case and without "application/". The
	// empty string stands for a token without "typ".
	Types []string

	ClockSkew      time.Duration // widens "exp", "nbf" and "iat"
	MaxLifetime    time.Duration // longest "exp" - "iat"; 0 sets no limit
	RequiredClaims []string      // names or dotted paths, beyond "iss", "aud" and "exp"
}

// CheckHeader checks "alg" and "typ" (RFC 8725 §3.1, §3.11). It is cheap and comes
// before any key is looked for. Errors wrap [ErrAlgorithmNotAllowed] or [ErrType].
func (p *Policy) CheckHeader(h Header) error {
	if h.Algorithm == 0 || !slices.Contains(p.Algorithms, h.Algorithm) {
		return ErrAlgorithmNotAllowed
	}
	if !slices.ContainsFunc(p.Types, h.HasType) {
		return ErrType
	}
	return nil
}

// mediaSubtype takes the "application/" off a type that has it, in any case
// (RFC 7515 §4.1.9).
func mediaSubtype(typ string) string {
	const prefix = "application/"
	if len(typ) > len(prefix) && equalFoldASCII(typ[:len(prefix)], prefix) {
		return typ[len(prefix):]
	}
	return typ
}

// equalFoldASCII compares s with lower, which is in lower case, without regard to
// the case of ASCII letters. strings.EqualFold would also take U+017F for "s" and
// U+212A for "k".
func equalFoldASCII(s, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

var (
	errNoExpiry   = &detail{ErrMissingClaim, "exp"}
	errNoIssuedAt = &detail{ErrMissingClaim, "iat"}
)

// CheckClaims checks "iss", "aud", "exp", "nbf", "iat", the lifetime and the
// required claims, in this order, at the time now. The first that fails is the
// error. "iss", "aud" and "exp" are always required; "iat" is with MaxLifetime.
//
// Errors wrap [ErrIssuer], [ErrAudience], [ErrExpired], [ErrNotYetValid],
// [ErrIssuedInFuture], [ErrLifetime], [ErrMissingClaim] or [ErrClaim].
func (p *Policy) CheckClaims(c Claims, now time.Time) error {
	issuer, err := c.Issuer()
	if err != nil {
		return err
	}
	if p.Issuer == "" || issuer != p.Issuer {
		return ErrIssuer
	}
	if err := p.checkAudience(c); err != nil {
		return err
	}
	if err := p.CheckTimes(c, now); err != nil {
		return err
	}
	for _, name := range p.RequiredClaims {
		switch c.Lookup(name).Kind() {
		case strictjson.Missing, strictjson.Null:
			return ErrMissingClaim
		}
	}
	return nil
}

func (p *Policy) checkAudience(c Claims) error {
	var few [4]string
	audiences, err := c.appendAudiences(few[:0])
	if err != nil {
		return err
	}
	for _, audience := range audiences {
		if audience != "" && slices.Contains(p.Audiences, audience) {
			return nil
		}
	}
	return ErrAudience
}

// Validity returns when [Policy.CheckTimes] accepts claims that it accepts at all:
// not before from, and before until.
func (p *Policy) Validity(c Claims) (from, until time.Time) {
	expires, _, _ := c.Time("exp")
	for _, name := range [...]string{"nbf", "iat"} {
		if at, present, _ := c.Time(name); present && at.Add(-p.ClockSkew).After(from) {
			from = at.Add(-p.ClockSkew)
		}
	}
	return from, expires.Add(p.ClockSkew)
}

// CheckTimes is the part of [Policy.CheckClaims] whose outcome changes with time:
// "exp", "nbf" and "iat", and the lifetime between them.
func (p *Policy) CheckTimes(c Claims, now time.Time) error {
	expires, present, err := c.Time("exp")
	switch {
	case err != nil:
		return err
	case !present:
		return errNoExpiry
	case !now.Before(expires.Add(p.ClockSkew)): // RFC 7519 §4.1.4: "on or after"
		return ErrExpired
	}
	notBefore, present, err := c.Time("nbf")
	switch {
	case err != nil:
		return err
	case present && now.Before(notBefore.Add(-p.ClockSkew)):
		return ErrNotYetValid
	}
	issued, present, err := c.Time("iat")
	switch {
	case err != nil:
		return err
	case present && now.Before(issued.Add(-p.ClockSkew)):
		return ErrIssuedInFuture
	case p.MaxLifetime <= 0:
		return nil
	case !present:
		return errNoIssuedAt
	case expires.Sub(issued) > p.MaxLifetime:
		return ErrLifetime
	}
	return nil
}
