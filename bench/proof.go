package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"holdfast/e2e"
)

// prover makes the DPoP proofs of one client (RFC 9449 §4.2).
type prover struct {
	key    *e2e.Key
	header string // of every proof
	JKT    string // RFC 7638 thumbprint, for the token
}

func newProver() (*prover, error) {
	key := e2e.NewKey("", "ES256")
	public := jose.JSONWebKey{Key: key.Private.Public().(*ecdsa.PublicKey)}
	text, err := public.MarshalJSON()
	if err != nil {
		return nil, err
	}
	thumbprint, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, err
	}
	return &prover{key, fmt.Sprintf(`{"typ":"dpop+jwt","alg":"ES256","jwk":%s}`, text), base64.RawURLEncoding.EncodeToString(thumbprint)}, nil
}

// prove makes a proof for a GET of [target] with this token.
func (p *prover) prove(token string, now time.Time) string {
	hash := sha256.Sum256([]byte(token))
	claims := fmt.Sprintf(`{"jti":%q,"htm":"GET","htu":%q,"iat":%d,"ath":%q}`,
		rand.Text(), target, now.Unix(), base64.RawURLEncoding.EncodeToString(hash[:]))
	return e2e.SignJSON(p.key, p.header, claims)
}
