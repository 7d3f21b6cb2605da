package introspection

import (
	"errors"

	"holdfast/jwt"
	"holdfast/strictjson"
)

// ErrAnswer: the answer is not one JSON object (RFC 7662 §2.2), be it that a member
// stands there twice or that something follows.
var ErrAnswer = errors.New("introspection: the answer is not a JSON object")

// Answer is what an authorization server says of a token.
type Answer struct {
	// Active is true for the literal true alone. A text, a number or no member at
	// all is not active.
	Active bool
	// Claims is the whole answer. RFC 7662 §2.2 asks for nothing but active in it.
	Claims jwt.Claims
}

// ParseAnswer reads the body of an answer of type application/json. The error is
// [ErrAnswer].
func ParseAnswer(body string) (Answer, error) {
	object, err := strictjson.Parse(body)
	if err != nil || object.Kind() != strictjson.Object {
		return Answer{}, ErrAnswer
	}
	return answerOf(object), nil
}

func answerOf(object strictjson.Value) Answer {
	active, isBool := object.Get("active").Bool()
	return Answer{Active: isBool && active, Claims: jwt.NewClaims(object)}
}
