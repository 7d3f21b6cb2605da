package e2e

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// M is a JSON object.
type M = map[string]any

// Key is a signing key of an authorization server, or of someone who would like
// to be one.
type Key struct {
	ID        string
	Algorithm string
	Private   crypto.Signer
}

// NewKey makes a key for ES256, RS256, PS256 or EdDSA.
func NewKey(id, algorithm string) *Key {
	k := &Key{ID: id, Algorithm: algorithm}
	switch algorithm {
	case "RS256", "PS256":
		k.Private = must(rsa.GenerateKey(rand.Reader, 2048))
	case "EdDSA":
		_, private, err := ed25519.GenerateKey(rand.Reader)
		k.Private = must(private, err)
	default:
		k.Private = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	}
	return k
}

// JWK is the key, private part included, for the authorization server.
func (k *Key) JWK() jose.JSONWebKey {
	return jose.JSONWebKey{Key: k.Private, KeyID: k.ID, Algorithm: k.Algorithm, Use: "sig"}
}

// Set is a JWK Set document with the public parts of keys.
func Set(keys ...*Key) string {
	set := jose.JSONWebKeySet{}
	for _, k := range keys {
		jwk := k.JWK()
		set.Keys = append(set.Keys, jwk.Public())
	}
	return string(must(json.Marshal(set)))
}

func (k *Key) sign(input string) []byte {
	digest := sha256.Sum256([]byte(input))
	switch private := k.Private.(type) {
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
		// JOSE wants r and s side by side (RFC 7518 §3.4), not ASN.1.
		return append(must(r, err).FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	case *rsa.PrivateKey:
		if k.Algorithm == "PS256" {
			return must(rsa.SignPSS(rand.Reader, private, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}))
		}
		return must(rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, digest[:]))
	case ed25519.PrivateKey:
		return ed25519.Sign(private, []byte(input))
	}
	panic("no such key")
}

// Token is a token before it is signed. The fields may be changed at will.
type Token struct {
	Header, Claims M
}

// Mint starts from the token that the server would issue to the holder of c; a
// nil c leaves out "cnf".
func (s *AuthServer) Mint(c *Certificate) *Token {
	now := time.Now().Unix()
	t := &Token{
		Header: M{"alg": "ES256", "typ": "at+jwt", "kid": s.Key().ID},
		Claims: M{
			"iss": s.issuer, "aud": Resource, "sub": "client-a", "client_id": "client-a",
			"iat": now, "exp": now + TokenLifetime, "jti": rand.Text(), "scope": "accounts:read payments:write",
		},
	}
	if c != nil {
		t.Claims["cnf"] = M{"x5t#S256": c.X5T()}
	}
	return t
}

// nullValue is a JSON null: in a change, nil means "remove".
var nullValue = rawJSON("null")

// rawJSON stands for itself in a JSON document.
func rawJSON(text string) json.RawMessage { return json.RawMessage(text) }

// With returns a copy with other claims; a nil value removes the claim.
func (t *Token) With(claims M) *Token {
	return &Token{Header: t.Header, Claims: merge(t.Claims, claims)}
}

// WithHeader returns a copy with other header members; nil removes one.
func (t *Token) WithHeader(header M) *Token {
	return &Token{Header: merge(t.Header, header), Claims: t.Claims}
}

func merge(base, change M) M {
	out := maps.Clone(base)
	for name, value := range change {
		if value == nil {
			delete(out, name)
			continue
		}
		out[name] = value
	}
	return out
}

// Sign signs with k, whatever the header says, and returns the compact form.
func (t *Token) Sign(k *Key) string { return SignJSON(k, encode(t.Header), encode(t.Claims)) }

// SignJSON signs any two texts, JSON or not.
func SignJSON(k *Key, header, claims string) string {
	input := segment([]byte(header)) + "." + segment([]byte(claims))
	return input + "." + segment(k.sign(input))
}

// HMAC "signs" with a secret under HS256, the classic confusion of algorithms
// (T01).
func (t *Token) HMAC(secret []byte) string {
	input := segment([]byte(encode(merge(t.Header, M{"alg": "HS256"})))) + "." + segment([]byte(encode(t.Claims)))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	return input + "." + segment(mac.Sum(nil))
}

// Unsigned is the token under alg "none" (T02).
func (t *Token) Unsigned() string {
	return segment([]byte(encode(merge(t.Header, M{"alg": "none"})))) + "." + segment([]byte(encode(t.Claims))) + "."
}

func encode(v M) string { return string(must(json.Marshal(v))) }

func segment(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
