package dpop

import "errors"

// The errors of [Parse], [Proof.Verify] and [Proof.Check], one for each cause.
var (
	// ErrMalformed says that this is no compact JWS with strict base64url segments and
	// strict JSON objects, that it is too long, or that a required claim is missing or
	// any claim that is read has the wrong type.
	ErrMalformed = errors.New("malformed proof")
	// ErrType says that "typ" is not "dpop+jwt": a JWT of another kind.
	ErrType = errors.New("not typed as a DPoP proof")
	// ErrAlgorithm says that "alg" is absent, unknown, symmetric, "none" or not allowed.
	ErrAlgorithm = errors.New("proof algorithm not allowed")
	// ErrKey says that "jwk" is missing, or no public key that the algorithm can use.
	ErrKey = errors.New("no usable public key in the proof")
	// ErrSignature says that the signature is not that of the key in "jwk".
	ErrSignature = errors.New("proof signature not valid")
	// ErrMethod says that "htm" is not the method of the request.
	ErrMethod = errors.New("proof for another method")
	// ErrURI says that "htu" is not the URI of the request, or that one of them is no
	// http or https URI.
	ErrURI = errors.New("proof for another URI")
	// ErrNonce says that "nonce" is missing or none that is accepted: the client has to
	// come again with a new one (RFC 9449 §9).
	ErrNonce = errors.New("proof without a current nonce")
	// ErrTooOld says that "iat" lies too far back, or that "exp" has come.
	ErrTooOld = errors.New("proof too old")
	// ErrInFuture says that "iat" or "nbf" is still to come.
	ErrInFuture = errors.New("proof from the future")
	// ErrToken says that "ath" is missing or not the hash of the access token.
	ErrToken = errors.New("proof for another token")
)

// ErrNonceKeys is the error of [ParseKeys]. It never holds any part of the list.
var ErrNonceKeys = errors.New("dpop: not a list of different keys of 32 random bytes in base64 each")

// detail is a sentinel with a few fixed words about the case.
type detail struct {
	kind error
	text string
}

func (d *detail) Error() string { return d.kind.Error() + ": " + d.text }
func (d *detail) Unwrap() error { return d.kind }
