package filter

import (
	"encoding/hex"
	"time"

	"holdfast/filter/config"
	"holdfast/introspection"
)

// client is Holdfast as an introspection endpoint knows it: how it authenticates,
// and the parts of a call that are the same each time.
type client struct {
	host     Host
	settings *config.IntrospectionClient
	headers  []Header
	accept   string // the type of the answer that is asked for and taken
	fields   [][2]string
	key      *introspection.SigningKey // for private_key_jwt
}

// assertionLifetime is short: an assertion is used at once (RFC 7523 §3).
const assertionLifetime = time.Minute

// newClient prepares the calls of one issuer. key is a private JWK, or empty.
func newClient(host Host, s *config.Introspection, secret, key string) (*client, error) {
	c := &client{host: host, settings: &s.Client, accept: "application/json"}
	if s.Signed {
		c.accept = "application/token-introspection+jwt"
	}
	c.headers = []Header{
		{"content-type", "application/x-www-form-urlencoded"},
		{"accept", c.accept},
		{"user-agent", "holdfast/" + Version},
	}
	if s.Client.Auth == config.ClientSecretBasic {
		c.headers = append(c.headers, Header{"authorization", introspection.Basic(s.Client.ID, secret)})
	}
	for _, h := range s.Headers {
		c.headers = append(c.headers, Header(h))
	}
	for _, p := range s.Params {
		c.fields = append(c.fields, [2]string{p.Name, p.Value})
	}
	if s.Client.ID != "" && s.Client.Auth != config.ClientSecretBasic {
		c.fields = append(c.fields, [2]string{"client_id", s.Client.ID})
	}
	switch s.Client.Auth {
	case config.ClientSecretPost:
		c.fields = append(c.fields, [2]string{"client_secret", secret})
	case config.PrivateKeyJWT:
		var err error
		if c.key, err = introspection.ParseSigningKey(key); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// question is the body of a call about a token.
func (c *client) question(token string, now time.Time) (string, error) {
	fields := append([][2]string{{"token", token}}, c.fields...)
	if c.key != nil {
		assertion, err := c.assertion(now)
		if err != nil {
			return "", err
		}
		fields = append(fields,
			[2]string{"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			[2]string{"client_assertion", assertion})
	}
	return introspection.Form(fields...), nil
}

// assertion signs a new assertion: its jti is good for one use (RFC 7523 §3).
func (c *client) assertion(now time.Time) (string, error) {
	var id [16]byte
	if err := c.host.Random(id[:]); err != nil {
		return "", err
	}
	return c.key.Sign(introspection.Assertion{
		ClientID: c.settings.ID, Audience: c.settings.Audience, ID: hex.EncodeToString(id[:]),
		IssuedAt: now, Lifetime: assertionLifetime,
	}, c.host.Random)
}
