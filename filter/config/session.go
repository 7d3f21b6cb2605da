package config

// readSession takes "session"; nil without it. It needs the sections before it.
func (c *Config) readSession(f field, profile string, given settings) *Session {
	if !f.present() {
		return nil
	}
	s := new(Session)
	f.object(func(o *object) {
		cookie := o.get("cookie")
		s.Cookie = cookie.text(defaultSessionCookie, cookieName)
		s.KeyEnv = o.get("key_env").required().text("", envName)
		s.Lifetime = o.get("lifetime").duration(defaultSessionLifetime, minSessionLifetime, maxSessionLifetime)
		for _, source := range c.TokenSources {
			if source.Kind == TokenFromCookie && source.Name == s.Cookie {
				cookie.fail("is the cookie of a token source, too")
			}
		}
	})
	if c.FAPI2 {
		f.fail(`does not go with profile "fapi2"`)
	}
	if !c.Binding.MTLS {
		f.fail(`needs "mtls" in proof_of_possession.methods`)
	}
	if c.Forward.Token == ForwardIntrospectionJWT {
		f.fail(`does not go with forward.token "introspection_jwt"`)
	}
	s.Settings = given.digest(s.Cookie, c.Realm, profile)
	return s
}
