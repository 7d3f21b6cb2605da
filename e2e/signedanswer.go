package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"time"
)

// signedAnswer is the type of a signed introspection answer (RFC 9701).
const signedAnswer = "application/token-introspection+jwt"

// answerSigned answers an introspection request with a JWT, which go-oidc does not
// do: its own answer, signed by the server's key for the client that asked.
func (s *AuthServer) answerSigned(w http.ResponseWriter, r *http.Request) {
	plain := httptest.NewRecorder()
	s.handler.ServeHTTP(plain, r)
	var answer M
	if plain.Code != http.StatusOK || json.Unmarshal(plain.Body.Bytes(), &answer) != nil {
		w.WriteHeader(plain.Code)
		w.Write(plain.Body.Bytes())
		return
	}
	client, _, _ := r.BasicAuth()
	w.Header().Set("content-type", signedAnswer)
	w.Write([]byte(s.SignedAnswer(or(client, r.PostFormValue("client_id")), answer).Sign(s.Key())))
}

// SignedAnswer is a signed answer for a client (RFC 9701 §5), before it is signed.
func (s *AuthServer) SignedAnswer(client string, answer M) *Token {
	return &Token{
		Header: M{"alg": s.Key().Algorithm, "typ": "token-introspection+jwt", "kid": s.Key().ID},
		Claims: M{"iss": s.issuer, "aud": client, "iat": time.Now().Unix(), "token_introspection": answer},
	}
}
