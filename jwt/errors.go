package jwt

import "errors"

// The errors of [Parse]: what was sent is not a token that could be verified.
var (
	// ErrMalformed says that this is no compact JWS with strict base64url
	// segments and two strict JSON objects, or that a header parameter has the
	// wrong type.
	ErrMalformed = errors.New("malformed token")
	// ErrEncrypted says that this is a JWE, or a JWS with a header parameter that
	// only a JWE has. Encrypted tokens are not taken.
	ErrEncrypted = errors.New("encrypted token")
	// ErrAlgorithm says that "alg" is absent or none that the package verifies.
	ErrAlgorithm = errors.New("unsupported algorithm")
	// ErrCritical says that the header has a "crit" or "b64" parameter. No
	// extension is understood, so each must be refused (RFC 7515 §4.1.11).
	ErrCritical = errors.New("critical header parameter")
)

// The errors of [Policy.CheckHeader].
var (
	// ErrAlgorithmNotAllowed says that the issuer may not use this algorithm.
	ErrAlgorithmNotAllowed = errors.New("algorithm not allowed")
	// ErrType says that "typ" is none that is accepted: a token of another kind.
	ErrType = errors.New("token type not accepted")
)

// The errors of [KeySet.Find], [Key.Verify], [ParseKeySet] and [ParseKey].
var (
	// ErrKeyUnknown says that no key of the set fits the token.
	ErrKeyUnknown = errors.New("no key fits the token")
	// ErrKeyAmbiguous says that several keys of the set fit the token.
	ErrKeyAmbiguous = errors.New("several keys fit the token")
	// ErrSignature says that the signature is not that of this key.
	ErrSignature = errors.New("signature not valid")
	// ErrKeySet says that a document is no JWK Set (RFC 7517 §5).
	ErrKeySet = errors.New("malformed key set")
	// ErrNoUsableKey says that a JWK Set holds no key that can verify a token, or that
	// a JWK is none.
	ErrNoUsableKey = errors.New("no usable key")
)

// The errors of [Policy.CheckClaims] and of the methods of [Claims].
var (
	// ErrClaim says that a claim has the wrong JSON type or an impossible value.
	ErrClaim = errors.New("malformed claim")
	// ErrMissingClaim says that a required claim is absent.
	ErrMissingClaim = errors.New("missing claim")
	// ErrIssuer says that "iss" is another issuer.
	ErrIssuer = errors.New("other issuer")
	// ErrAudience says that the token is not for any of the audiences.
	ErrAudience = errors.New("other audience")
	// ErrExpired says that "exp" has come.
	ErrExpired = errors.New("token expired")
	// ErrNotYetValid says that "nbf" is still to come.
	ErrNotYetValid = errors.New("token not yet valid")
	// ErrIssuedInFuture says that "iat" is still to come.
	ErrIssuedInFuture = errors.New("token issued in the future")
	// ErrLifetime says that the token lives longer than allowed.
	ErrLifetime = errors.New("token lifetime too long")
	// ErrConfirmation says that "cnf" is no object, or that a member of it that
	// is understood has no possible value.
	ErrConfirmation = errors.New("malformed confirmation")
)

// detail is a sentinel with a few fixed words about the case. Details are
// package variables, so that refusing a token costs no memory.
type detail struct {
	kind error
	text string
}

func (d *detail) Error() string { return d.kind.Error() + ": " + d.text }
func (d *detail) Unwrap() error { return d.kind }
