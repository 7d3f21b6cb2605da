package introspection

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"time"

	"holdfast/internal/jsontext"
)

// Assertion is a JWT by which a client authenticates (RFC 7523 §2.2, §3).
type Assertion struct {
	ClientID string // iss and sub
	Audience string // aud: the authorization server
	ID       string // jti: new for each assertion
	IssuedAt time.Time
	Lifetime time.Duration // exp - iat, in whole seconds
}

// Sign makes the JWT, in compact serialisation. random fills the salt of PS256; ES256
// needs none. (It is no io.Reader: a call of that interface's Read would link Go's
// own generators into the module.) An error is that of random.
func (k *SigningKey) Sign(a Assertion, random func([]byte) error) (string, error) {
	header := `{"alg":"` + k.algorithm + `","typ":"JWT"`
	if k.id != "" {
		header += `,"kid":` + jsontext.Quote(k.id)
	}
	issued := a.IssuedAt.Unix()
	payload := `{"iss":` + jsontext.Quote(a.ClientID) + `,"sub":` + jsontext.Quote(a.ClientID) +
		`,"aud":` + jsontext.Quote(a.Audience) + `,"jti":` + jsontext.Quote(a.ID) +
		`,"iat":` + strconv.FormatInt(issued, 10) +
		`,"exp":` + strconv.FormatInt(issued+int64(a.Lifetime/time.Second), 10) + `}`
	input := base64.RawURLEncoding.EncodeToString([]byte(header+`}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	digest := sha256.Sum256([]byte(input))
	signature, err := k.sign(digest[:], random)
	if err != nil {
		return "", err
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
