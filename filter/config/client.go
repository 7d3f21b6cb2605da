package config

import "slices"

// read takes the keys of "introspection" that say who asks.
func (c *IntrospectionClient) read(o *object, issuer string, signed bool) {
	auth, id := o.get("client_auth"), o.get("client_id")
	secret, secretEnv := o.get("client_secret"), o.get("client_secret_env")
	keyEnv, audience := o.get("private_key_env"), o.get("client_assertion_audience")

	c.ID = id.text("", printable)
	c.Secret = secret.text("", printable)
	c.SecretEnv = secretEnv.text("", envName)
	c.KeyEnv = keyEnv.text("", envName)
	c.Audience = audience.text("", printable)
	names := []string{
		ClientSecretBasic: "client_secret_basic", ClientSecretPost: "client_secret_post",
		PrivateKeyJWT: "private_key_jwt", TLSClientAuth: "tls_client_auth", ClientAuthNone: "none",
	}
	// Without a way that is known, nothing can be said about what it needs.
	if !o.r.fine(func() { c.Auth = ClientAuth(slices.Index(names, auth.choice(names...))) }) {
		c.Auth = ClientAuthNone
		return
	}

	with := ` with client_auth "` + names[c.Auth] + `"`
	switch {
	case id.present():
	case c.Auth != ClientAuthNone:
		id.fail("is required" + with)
	case signed: // RFC 9701 §5: the answer's aud is the one who asked
		id.fail(`is required with accept "` + signedAnswer + `"`)
	}
	if c.Auth == ClientSecretBasic || c.Auth == ClientSecretPost {
		if secret.present() == secretEnv.present() {
			o.fail("must have exactly one of client_secret, client_secret_env" + with)
		}
	} else {
		refuse(with, secret, secretEnv)
	}
	if c.Auth != PrivateKeyJWT {
		refuse(with, keyEnv, audience)
		return
	}
	if !keyEnv.present() {
		keyEnv.fail("is required" + with)
	}
	if c.Audience == "" {
		c.Audience = issuer
	}
}

// refuse: credentials that are not used may be ones that somebody relies on.
func refuse(with string, fields ...field) {
	for _, f := range fields {
		if f.present() {
			f.fail("must not be there" + with)
		}
	}
}
