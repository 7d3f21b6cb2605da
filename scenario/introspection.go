package scenario

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// Introspection says how an introspection endpoint (RFC 7662) answers, by the name
// of the token: a token that holds ${opaque:NAME}, in its text or in a JWT's
// claims, gets the answer NAME. Any other JWT gets "jwt", any other token "*".
// Without a word about it "good" and "jwt" are active and "*" is not.
type Introspection map[string]*Answer

// Answer is one answer: like a good one, but for what it says. Status, Headers,
// JSON, Body, Delay, Reset and Hold are those of [Endpoint].
type Answer struct {
	Endpoint
	Claims map[string]any `json:"claims"` // members to set
	Remove []string       `json:"remove"` // members to remove
	// Signed makes it a signed answer (RFC 9701): how its JWT differs from a good
	// one. The members go into its claim token_introspection.
	Signed *Token `json:"signed"`
}

// clientID is who the scenarios' Holdfasts are at introspection endpoints.
const clientID = "gateway"

func defaultAnswers() Introspection {
	return Introspection{"good": {}, "jwt": {}, "*": {Endpoint: Endpoint{JSON: map[string]any{"active": false}}}}
}

// fails reports whether some answer is a failure of the server, or late.
func (in Introspection) fails() bool {
	for _, a := range in {
		if a.Status != 0 || a.Reset || a.Hold || a.Delay != 0 {
			return true
		}
	}
	return false
}

func (in Introspection) check() error {
	for name, a := range in {
		switch {
		case name != "*" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") != "":
			return fmt.Errorf("introspection: %q is no name for a part of a token", name)
		case a == nil:
			return fmt.Errorf("introspection: %s: null", name)
		case (a.Claims != nil || a.Remove != nil || a.Signed != nil) && (a.JSON != nil || a.Body != ""):
			return fmt.Errorf("introspection: %s: a body is written in one way", name)
		case a.Keys != nil:
			return fmt.Errorf("introspection: %s: keys", name)
		}
	}
	return nil
}

// reply answers the question as the server of an issuer.
func (in Introspection) reply(w *world, issuer string, q *question) (reply, error) {
	form, err := url.ParseQuery(q.body)
	if err != nil {
		return reply{Status: 400}, nil
	}
	a := in.answerTo(w, form.Get("token"))
	r, err := a.Endpoint.reply(w)
	if err != nil {
		return r, err
	}
	contentType := "application/json"
	if a.JSON == nil && a.Body == "" {
		if r.Body, err = a.text(w, issuer); err != nil {
			return r, err
		}
		if a.Signed != nil {
			contentType = "application/token-introspection+jwt"
		}
	}
	if a.Headers == nil {
		r.Headers = [][2]string{{"content-type", contentType}}
	}
	return r, nil
}

func (in Introspection) answerTo(w *world, token string) *Answer {
	text, isJWT := token, false
	if parts := strings.Split(token, "."); len(parts) == 3 {
		claims, err := base64.RawURLEncoding.DecodeString(parts[1])
		if isJWT = err == nil && json.Valid(claims); isJWT {
			text += string(claims)
		}
	}
	for name, a := range in {
		if name != "*" && strings.Contains(text, w.opaque(name)) {
			return a
		}
	}
	if isJWT {
		return in["jwt"]
	}
	return in["*"]
}

// text is the body of an answer that is made from a good one.
func (a *Answer) text(w *world, issuer string) (string, error) {
	members, err := edit(map[string]any{
		"active": true, "iss": issuer, "aud": "https://api.example.com", "sub": "client-a", "client_id": "client-a",
		"iat": "${now}", "exp": "${now+300}", "scope": "accounts:read payments:write", "token_type": "Bearer",
		"cnf": map[string]any{"x5t#S256": "${x5t:own}"},
	}, a.Claims, a.Remove)
	if err != nil {
		return "", err
	}
	if a.Signed == nil {
		return w.json(members, "")
	}
	claims := map[string]any{"iss": issuer, "aud": clientID, "iat": "${now}", "token_introspection": members}
	return w.signAs(a.Signed, "token-introspection+jwt", claims)
}
