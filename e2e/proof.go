package e2e

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"os"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Proof is the DPoP proof (RFC 9449 §4.2) that an honest holder of k makes for a
// request, before it is signed. Without a token it has no ath: that is how the
// token endpoint wants it (§5).
func (k *Key) Proof(method, uri, token string) *Token {
	p := &Token{
		Header: M{"typ": "dpop+jwt", "alg": k.Algorithm, "jwk": k.PublicJWK()},
		Claims: M{"jti": rand.Text(), "htm": method, "htu": uri, "iat": time.Now().Unix()},
	}
	if token != "" {
		p.Claims["ath"] = tokenHash(token)
	}
	return p
}

// Authorize is the two header lines of a request to [Resource]: the token, and a
// fresh proof for it by k.
func (k *Key) Authorize(method, path, token string) []string {
	return []string{"authorization: DPoP " + token, "dpop: " + k.Proof(method, Resource+path, token).Sign(k)}
}

// JKT is the thumbprint that binds a token to k (RFC 7638, RFC 9449 §6.1), as
// go-jose computes it.
func (k *Key) JKT() string {
	jwk := jose.JSONWebKey{Key: k.Private.Public()}
	return segment(must(jwk.Thumbprint(crypto.SHA256)))
}

// PublicJWK is the public key as a proof carries it: no private part, and no more
// members than it needs.
func (k *Key) PublicJWK() M {
	return asObject(jose.JSONWebKey{Key: k.Private.Public()})
}

func asObject(jwk jose.JSONWebKey) (object M) {
	if err := json.Unmarshal(must(json.Marshal(jwk)), &object); err != nil {
		panic(err)
	}
	return object
}

// tokenHash is the claim ath (RFC 9449 §4.2).
func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return segment(sum[:])
}

// Write keeps the key in a file, as a JWK with its private part. [ReadKey] reads it.
func (k *Key) Write(file string) error {
	jwk := k.JWK()
	return os.WriteFile(file, must(json.Marshal(jwk)), 0o600)
}

// ReadKey reads what [Key.Write] wrote.
func ReadKey(file string) (*Key, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var jwk jose.JSONWebKey
	if err := json.Unmarshal(text, &jwk); err != nil {
		return nil, err
	}
	private, ok := jwk.Key.(crypto.Signer)
	if !ok {
		return nil, errors.New(file + " holds no private key")
	}
	return &Key{ID: jwk.KeyID, Algorithm: jwk.Algorithm, Private: private}, nil
}
