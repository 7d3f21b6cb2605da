package filter

import (
	"slices"
	"strings"
	"time"

	"holdfast/introspection"
	"holdfast/jwt"
	"holdfast/strictjson"
)

// verdict is what an authorization server said of a token (RFC 7662 §2.2), or
// that it could not be asked. What depends on the time or on the request is
// judged anew on every use.
type verdict struct {
	failed bool // no answer that can be used; the rest is empty
	active bool
	claims jwt.Claims
	signed string // the whole RFC 9701 JWT, when the answer was one

	flaw      Reason    // TokenAccepted, or what is wrong with the answer at any time
	expires   time.Time // zero without exp
	notBefore time.Time // the later of nbf and iat, less the clock skew
	early     Reason    // the reason before notBefore

	at, until time.Time // when it arrived, and until when it is kept
}

// newVerdict judges what does not change with time: an active token must be of
// this issuer and for one of its audiences, as far as the answer says. Servers
// may leave out everything but active, so nothing else is asked for, except aud
// with require_aud and, of an opaque token, what the configuration asks for by
// name: a JWT has shown that itself.
func newVerdict(answer introspection.Answer, token string, i *issuer) *verdict {
	v := &verdict{active: answer.Active, claims: answer.Claims}
	if !v.active {
		return v
	}
	v.flaw = v.judge(i)
	if v.flaw == TokenAccepted && !jwt.IsJWT(token) {
		v.flaw = v.meets(&i.Policy)
	}
	return v
}

func (v *verdict) judge(i *issuer) Reason {
	if v.claims.Get("iss").Kind() != strictjson.Missing { // threats T22c
		if name, err := v.claims.Issuer(); err != nil || name != i.Policy.Issuer {
			return IssuerUnknown
		}
	}
	if i.Introspection.RequireAud || v.claims.Get("aud").Kind() != strictjson.Missing {
		audiences, err := v.claims.Audiences()
		if err != nil || !slices.ContainsFunc(audiences, func(a string) bool { return contains(i.Policy.Audiences, a) }) {
			return AudienceMismatch
		}
	}
	expires, _, err := v.claims.Time("exp")
	if err != nil {
		return reasonOf(err)
	}
	v.expires = expires
	notBefore, _, err := v.claims.Time("nbf")
	if err != nil {
		return reasonOf(err)
	}
	issued, _, err := v.claims.Time("iat")
	if err != nil {
		return reasonOf(err)
	}
	v.notBefore, v.early = notBefore.Add(-i.Policy.ClockSkew), NotYetValid
	if issued.After(notBefore) {
		v.notBefore, v.early = issued.Add(-i.Policy.ClockSkew), IssuedInFuture
	}
	return TokenAccepted
}

// meets checks what else the configuration asks of a token.
func (v *verdict) meets(p *jwt.Policy) Reason {
	issued, hasIssued, _ := v.claims.Time("iat") // it has been read before
	switch {
	case p.MaxLifetime > 0 && (v.expires.IsZero() || !hasIssued):
		return ClaimMissing
	case p.MaxLifetime > 0 && v.expires.Sub(issued) > p.MaxLifetime:
		return LifetimeTooLong
	}
	for _, name := range p.RequiredClaims {
		switch v.claims.Lookup(name).Kind() {
		case strictjson.Missing, strictjson.Null:
			return ClaimMissing
		}
	}
	return TokenAccepted
}

// reason is what the verdict means now. An answer ends at exp itself: the clock
// skew is for the JWTs that were issued by another clock.
func (v *verdict) reason(now time.Time) Reason {
	switch {
	case v.failed:
		return IntrospectionUnavailable
	case !v.active:
		return TokenInactive
	case v.flaw != TokenAccepted:
		return v.flaw
	case !v.expires.IsZero() && !now.Before(v.expires):
		return Expired
	case now.Before(v.notBefore):
		return v.early
	}
	return TokenAccepted
}

// contradicts reports whether the answer about a JWT says something else than the
// JWT itself: then one of them is about another token.
func (v *verdict) contradicts(claims jwt.Claims) bool {
	for _, name := range [...]string{"iss", "sub", "client_id"} {
		ours, theirs := claims.Get(name), v.claims.Get(name)
		if ours.Kind() == strictjson.Missing || theirs.Kind() == strictjson.Missing {
			continue
		}
		a, aIsText := ours.Text()
		b, bIsText := theirs.Text()
		if !aIsText || !bIsText || a != b {
			return true
		}
	}
	return false
}

// cost is what keeping the verdict takes, about, in bytes.
func (v *verdict) cost(token string) int {
	claims := v.claims.Object()
	return 256 + len(token) + len(claims.Raw()) + bytesPerClaim*claims.Len() + len(v.signed)
}

// mediaType is a Content-Type without its parameters, in lower case.
func mediaType(headers []Header) string {
	found, count := "", 0
	for _, h := range headers {
		if sameName(h.Name, "content-type") {
			found, _, _ = strings.Cut(h.Value, ";")
			count++
		}
	}
	if count != 1 {
		return ""
	}
	return strings.ToLower(strings.Trim(found, " \t"))
}
