package dpop

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"holdfast/thumbprint"
)

// Expected is the request that a proof has to be about. No field turns its check off by
// being empty, but for Nonce.
type Expected struct {
	Method  string
	Origins []string // as NormalizeOrigin returns them; the request has come to each of them
	Path    string   // the request's :path as it was sent; a query is cut off
	Token   string   // the access token as it was sent, without its scheme
	Now     time.Time

	// A proof is accepted while -ClockSkew <= Now - iat <= Lifetime + ClockSkew. ClockSkew
	// widens "exp" and "nbf" as well.
	Lifetime, ClockSkew time.Duration

	// Nonce reports whether a nonce is accepted. Nil: none is required, and one that is
	// there is not looked at.
	Nonce func(nonce string) bool
}

// Check compares the claims with the request: "htm", "htu", "nonce", "iat" with "exp" and
// "nbf", and "ath", in this order, which is that of RFC 9449 §4.3. The first that fails is
// the error: [ErrMethod], [ErrURI], [ErrNonce], [ErrTooOld], [ErrInFuture] or [ErrToken].
func (p *Proof) Check(e Expected) error {
	if p.method != e.Method { // methods are case-sensitive, RFC 9110 §9.1
		return ErrMethod
	}
	if !p.isFor(e.Origins, e.Path) {
		return ErrURI
	}
	if e.Nonce != nil {
		if nonce := p.Nonce(); nonce == "" || !e.Nonce(nonce) {
			return ErrNonce
		}
	}
	if err := p.checkTimes(e); err != nil {
		return err
	}
	// The hash has one spelling, and it is no secret.
	hash := thumbprint.Thumbprint(sha256.Sum256([]byte(e.Token)))
	if ath, _ := p.token.Claims().Get("ath").Text(); ath != hash.String() {
		return ErrToken
	}
	return nil
}

// isFor compares the URI with that of the request (RFC 9449 §4.3, check 9).
func (p *Proof) isFor(origins []string, path string) bool {
	path, _, _ = strings.Cut(path, "?")
	path, ok := normalizePath(path)
	return ok && path == p.uri.Path && slices.Contains(origins, p.uri.Origin)
}

func (p *Proof) checkTimes(e Expected) error {
	age := e.Now.Sub(p.issuedAt)
	switch {
	case age > e.Lifetime+e.ClockSkew:
		return ErrTooOld
	case age < -e.ClockSkew:
		return ErrInFuture
	case !p.expires.IsZero() && !e.Now.Before(p.expires.Add(e.ClockSkew)): // RFC 7519 §4.1.4: "on or after"
		return ErrTooOld
	case !p.notBefore.IsZero() && e.Now.Before(p.notBefore.Add(-e.ClockSkew)):
		return ErrInFuture
	}
	return nil
}
