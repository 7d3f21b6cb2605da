package config

import (
	"crypto/sha256"
	"strconv"

	"holdfast/strictjson"
)

// Parse reads a configuration. The error is [Problems], and lists everything
// that is wrong at once; the configuration is nil then.
func Parse(doc string) (*Config, error) {
	return parse(doc, func(string) {})
}

// parse tells asked the path of every key that it looks for.
func parse(doc string, asked func(path string)) (*Config, error) {
	r := &reader{asked: asked, headers: headerOwners{}}
	c := r.document(doc)
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	return c, nil
}

func (r *reader) document(doc string) *Config {
	whole := field{r: r, path: "configuration"}
	if len(doc) > maxDocument {
		whole.fail("is longer than " + strconv.Itoa(maxDocument) + " bytes")
		return nil
	}
	value, err := strictjson.Parse(doc)
	if err != nil {
		whole.fail(err.Error())
		return nil
	}
	if whole.value = value; !whole.is(strictjson.Object) {
		return nil
	}
	c := &Config{Digest: sha256.Sum256(appendCanonical(nil, value))}
	field{r: r, value: value}.object(c.read)
	return c
}

// read is the order of the sections. Some need what others before them say:
// rules the issuers and the mode, forward the issuers, session nearly all, and
// the sections that name headers come in the order in which a name is taken.
func (c *Config) read(o *object) {
	c.Realm = o.get("realm").text(defaultRealm, challengeText)
	profile := o.get("profile").choice("none", "fapi2")
	c.FAPI2 = profile == "fapi2"
	c.Issuers = readIssuers(o.get("issuers"), c.FAPI2)
	c.Resource = readResource(o.get("resource_metadata"))
	binding := o.get("proof_of_possession")
	binding.object(func(o *object) { c.Binding.read(o, c.Resource, c.FAPI2) })
	o.get("certificate").object(c.Certificate.read)
	sources := o.get("token_sources")
	c.TokenSources = readTokenSources(sources)
	c.checkTokenSources(sources)
	unmatched := o.get("unmatched")
	c.DenyUnmatched = unmatched.choice("token", "deny") == "deny"
	c.BypassPreflight = o.get("cors_preflight").choice("check", "bypass") == "bypass"
	c.Rules = c.readRules(o.get("rules"))
	c.checkUnmatched(unmatched)
	o.get("forward").object(func(o *object) { c.Forward.read(o, c.Issuers) })
	c.Session = c.readSession(o.get("session"), profile, settings{o.value})
	o.get("errors").object(func(o *object) {
		c.ExposeDescription = o.get("expose_description").boolean(true)
	})
	o.get("limits").object(c.Limits.read)
	o.get("host").notYet("kong").choice("envoy")
	c.SharedData = o.get("shared_data").boolean(true)
	if d := c.Binding.DPoP; d != nil && !c.SharedData && !d.PerWorker {
		field{r: o.r, path: "proof_of_possession.dpop.replay"}.fail(`must be "per_worker" with "shared_data": false`)
	}
	c.Verification = verifications[o.get("verification").choice("auto", "host", "sandbox")]
}

var verifications = map[string]Verification{"auto": VerifyByEither, "host": VerifyByHost, "sandbox": VerifyInSandbox}

func (l *Limits) read(o *object) {
	l.TokenBytes = o.get("token_bytes").integer(tokenBytes)
	l.JWKSBytes = o.get("jwks_bytes").integer(jwksBytes)
	l.WaitingRequests = o.get("waiting_requests").integer(waitingRequests)
	l.IntrospectionCalls = o.get("introspection_calls").integer(introspectionCalls)
	l.IntrospectionBytes = o.get("introspection_bytes").integer(introspectionBytes)
	l.TokenCacheEntries = o.get("token_cache_entries").integer(tokenCacheEntries)
	l.KeyTables = o.get("key_tables").integer(keyTables)
	l.ReplayEntries = o.get("replay_entries").integer(replayEntries)
}
