package introspection

import (
	"errors"
	"slices"
	"time"

	"holdfast/jwt"
	"holdfast/strictjson"
)

// What is wrong with a signed answer. An answer that is no JWS, or encrypted, has
// the errors of package jwt.
var (
	ErrSignedType     = errors.New("introspection: the signed answer is of another type or algorithm")
	ErrSignedIssuer   = errors.New("introspection: the signed answer is by another issuer")
	ErrSignedAudience = errors.New("introspection: the signed answer is for another client")
	ErrSignedTime     = errors.New("introspection: the signed answer is not of this time")
	ErrSignedContent  = errors.New("introspection: the signed answer has no token_introspection object")
)

// Signed is an answer as a JWT (RFC 9701 §5). Nothing in it counts before its
// signature was verified with a key of the issuer.
type Signed struct {
	token  *jwt.Token
	answer strictjson.Value
}

// ParseSigned reads the body of an answer of type
// application/token-introspection+jwt: a JWS in compact serialisation. Encrypted
// answers are refused. Errors are those of [jwt.Parse] and [ErrSignedContent].
func ParseSigned(body string) (*Signed, error) {
	token, err := jwt.Parse(body)
	if err != nil {
		return nil, err
	}
	answer := token.Claims().Get("token_introspection")
	if answer.Kind() != strictjson.Object {
		return nil, ErrSignedContent
	}
	return &Signed{token, answer}, nil
}

// SignedPolicy is what a signed answer has to meet. Nothing in it may be empty but
// ClockSkew.
type SignedPolicy struct {
	Issuer     string // compared exactly with iss
	ClientID   string // aud must hold it
	Algorithms []jwt.Algorithm
	ClockSkew  time.Duration // widens iat, nbf and exp
}

// Check checks the type (RFC 8725 §3.11: no other JWT of the issuer may pass for an
// answer), the algorithm, iss, aud and iat, which RFC 9701 §5 all requires, and nbf
// and exp where they stand there. The error is one of those above.
func (s *Signed) Check(p SignedPolicy, now time.Time) error {
	header := jwt.Policy{Algorithms: p.Algorithms, Types: []string{"token-introspection+jwt"}}
	if header.CheckHeader(s.token.Header()) != nil {
		return ErrSignedType
	}
	claims := s.token.Claims()
	if issuer, err := claims.Issuer(); err != nil || p.Issuer == "" || issuer != p.Issuer {
		return ErrSignedIssuer
	}
	if audiences, err := claims.Audiences(); err != nil || p.ClientID == "" || !slices.Contains(audiences, p.ClientID) {
		return ErrSignedAudience
	}
	issued, present, err := claims.Time("iat")
	if err != nil || !present || now.Before(issued.Add(-p.ClockSkew)) {
		return ErrSignedTime
	}
	notBefore, present, err := claims.Time("nbf")
	if err != nil || present && now.Before(notBefore.Add(-p.ClockSkew)) {
		return ErrSignedTime
	}
	expires, present, err := claims.Time("exp")
	if err != nil || present && !now.Before(expires.Add(p.ClockSkew)) {
		return ErrSignedTime
	}
	return nil
}

// Token is the JWT itself, whose header says by which key it is to be verified.
func (s *Signed) Token() *jwt.Token { return s.token }

// Answer is what it says of the token.
func (s *Signed) Answer() Answer { return answerOf(s.answer) }
