package dpop

import (
	"errors"
	"slices"
	"time"

	"holdfast/jwt"
	"holdfast/strictjson"
	"holdfast/thumbprint"
)

// The sizes in bytes beyond which nothing is looked at. A proof with the largest RSA key
// that is taken is less than half as long. RFC 9449 §11.1 wants a limit for "jti",
// which is a UUID or the like.
const (
	MaxSize = 8192 // of a proof
	MaxID   = 512  // of its "jti"
)

// Proof is a DPoP proof (RFC 9449 §4.2) whose form and key [Parse] has read. Nothing in
// it is to be believed before [Proof.Verify]. It is immutable.
type Proof struct {
	token      *jwt.Token
	key        *jwt.Key
	thumbprint thumbprint.Thumbprint
	id         string // "jti"
	method     string // "htm"
	uri        URI    // "htu"; the zero URI when it is none
	issuedAt   time.Time
	expires    time.Time // "exp"; zero when absent
	notBefore  time.Time // "nbf"; zero when absent
}

var (
	errSize        = &detail{ErrMalformed, "longer than 8192 bytes"}
	errID          = &detail{ErrMalformed, "jti is not a string of 1 to 512 bytes"}
	errMethodType  = &detail{ErrMalformed, "htm is not a string with content"}
	errURIType     = &detail{ErrMalformed, "htu is not a string with content"}
	errIssuedAt    = &detail{ErrMalformed, "iat is not a NumericDate"}
	errExpires     = &detail{ErrMalformed, "exp is not a NumericDate"}
	errNotBefore   = &detail{ErrMalformed, "nbf is not a NumericDate"}
	errNoKey       = &detail{ErrKey, "no jwk"}
	errKeyUnusable = &detail{ErrKey, "jwk is not a public key that can verify"}
	errKeyType     = &detail{ErrKey, "jwk is not for alg"}
	errKeySize     = &detail{ErrKey, "jwk has a modulus beyond 4096 or an exponent beyond 24 bits"}
)

// Parse reads the value of a DPoP header field: a compact JWS of at most [MaxSize] bytes
// with the "typ" dpop+jwt, an "alg" of package jwt, a public key as "jwk", and the claims
// "jti" (at most [MaxID] bytes), "htm", "htu" and "iat". Other claims and header
// parameters may be there; "crit" may not.
//
// Errors wrap [ErrMalformed], [ErrType], [ErrAlgorithm] or [ErrKey]. Parse decides
// nothing about whether the proof is good for anything.
func Parse(compact string) (*Proof, error) {
	if len(compact) > MaxSize {
		return nil, errSize
	}
	token, err := jwt.Parse(compact)
	switch {
	case errors.Is(err, jwt.ErrAlgorithm):
		return nil, ErrAlgorithm
	case err != nil:
		return nil, &detail{ErrMalformed, err.Error()}
	case !token.Header().HasType("dpop+jwt"):
		return nil, ErrType
	}
	p := &Proof{token: token}
	if err := p.readClaims(); err != nil {
		return nil, err
	}
	if err := p.readKey(); err != nil {
		return nil, err
	}
	return p, nil
}

// readClaims reads what every proof has (RFC 9449 §4.2), and "exp" and "nbf", which mean
// in it what they mean in every JWT (RFC 7519 §4.1).
func (p *Proof) readClaims() error {
	claims := p.token.Claims()
	p.id, _ = claims.Get("jti").Text()
	if p.id == "" || len(p.id) > MaxID {
		return errID
	}
	if p.method, _ = claims.Get("htm").Text(); p.method == "" {
		return errMethodType
	}
	htu, _ := claims.Get("htu").Text()
	if htu == "" {
		return errURIType
	}
	p.uri, _ = ParseURI(htu)
	var present bool
	var err error
	if p.issuedAt, present, err = claims.Time("iat"); err != nil || !present {
		return errIssuedAt
	}
	if p.expires, _, err = claims.Time("exp"); err != nil {
		return errExpires
	}
	if p.notBefore, _, err = claims.Time("nbf"); err != nil {
		return errNotBefore
	}
	return nil
}

// The sizes in base64url characters beyond which an RSA number is not taken. The key
// comes from whoever sent the request, and with the largest that package jwt takes from
// an issuer a signature costs many times as much CPU (CVE-2023-29409).
const (
	maxModulus  = 683 // 4096 bits
	maxExponent = 4   // 24 bits: 65537 has 17
)

// readKey reads the "jwk". Package jwt refuses private and symmetric ones, and points off
// their curve.
func (p *Proof) readKey() error {
	jwk := p.token.HeaderParameter("jwk").Indexed()
	if jwk.Kind() == strictjson.Missing {
		return errNoKey
	}
	var err error
	if p.key, err = jwt.ParseKey(jwk); err == nil {
		p.thumbprint, err = thumbprint.OfJWK(jwk)
	}
	switch {
	case err != nil:
		return errKeyUnusable
	case !p.key.Fits(p.Algorithm()):
		return errKeyType
	case isLonger(jwk.Get("n"), maxModulus) || isLonger(jwk.Get("e"), maxExponent):
		return errKeySize
	}
	return nil
}

func isLonger(member strictjson.Value, max int) bool {
	text, _ := member.Text()
	return len(text) > max
}

// Algorithm returns the "alg".
func (p *Proof) Algorithm() jwt.Algorithm { return p.token.Header().Algorithm }

// Thumbprint returns the RFC 7638 thumbprint of the "jwk", to be compared with the "jkt"
// that the access token is bound to (RFC 9449 §6.1).
func (p *Proof) Thumbprint() thumbprint.Thumbprint { return p.thumbprint }

// ID returns the "jti", which one key uses for one proof only.
func (p *Proof) ID() string { return p.id }

// URI returns the "htu" after normalisation, and the zero URI when that is no http or
// https URI, which Check refuses.
func (p *Proof) URI() URI { return p.uri }

// IssuedAt returns the "iat".
func (p *Proof) IssuedAt() time.Time { return p.issuedAt }

// Nonce returns the "nonce", and an empty one when it is absent or no text.
func (p *Proof) Nonce() string {
	nonce, _ := p.token.Claims().Get("nonce").Text()
	return nonce
}

// Verify checks that "alg" is one of algorithms, and then the signature with the key in
// "jwk". The second is left to verify, for which (*jwt.Key).Verify will do: it costs the
// most, so that it is timed and may be done by the host. The errors are [ErrAlgorithm]
// and, for every error of verify, [ErrSignature].
func (p *Proof) Verify(algorithms []jwt.Algorithm, verify func(*jwt.Key, *jwt.Token) error) error {
	if !slices.Contains(algorithms, p.Algorithm()) {
		return ErrAlgorithm
	}
	if verify(p.key, p.token) != nil {
		return ErrSignature
	}
	return nil
}
