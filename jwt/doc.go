// Package jwt verifies signed access tokens: JSON Web Tokens (RFC 7519) as
// compact JWS (RFC 7515), by the rules of RFC 8725.
//
// The intended use has five steps, and each can only be reached with what the
// one before gave:
//
//	token, err := jwt.Parse(compact)            // the form; nothing is believed yet
//	err = policy.CheckHeader(token.Header())    // algorithm and type allowed?
//	key, err := keys.Find(token.Header())       // exactly one key fits, or none
//	err = key.Verify(token)                     // now the claims are the issuer's
//	err = policy.CheckClaims(token.Claims(), now)
//
// The claims may be looked at before the signature is verified, to choose the
// issuer by "iss" and to spare the work for a token that is expired. Whoever
// lets a request through has done all five.
//
// Issuers' keys live long, and for ES256 it pays to precompute multiples of them: a
// [TableBuilder] does it in slices, and [Key.VerifyWith] uses them. The caller keeps
// the tables; keys and sets know nothing of them.
//
// What the package never does: decrypt (JWE is refused), use a key or an address
// that the token brings along ("jwk", "jku", "x5u", "x5c" are not read; embedded.go has
// what a DPoP proof needs), verify with a shared secret, or try several keys in turn. JSON serialisations,
// unsecured tokens and every "crit" are refused.
//
// The package is pure: no clock, no I/O, no goroutines and no state. No input
// makes it panic. Errors are sentinels for errors.Is, and their texts never hold
// anything of the token.
package jwt
