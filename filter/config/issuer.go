package config

import (
	"errors"
	"slices"
	"strings"
	"time"

	"holdfast/jwt"
	"holdfast/strictjson"
)

func readIssuers(f field, fapi2 bool) []Issuer {
	var issuers []Issuer
	f.required().notEmpty().each(func(element field) {
		element.object(func(o *object) {
			var issuer Issuer
			issuer.read(o, fapi2)
			for i := range issuers {
				if name := issuer.Policy.Issuer; name != "" && name == issuers[i].Policy.Issuer {
					o.get("issuer").fail("is the issuer of another entry, too")
				}
			}
			issuers = append(issuers, issuer)
		})
	})
	return issuers
}

func (i *Issuer) read(o *object, fapi2 bool) {
	i.Policy = jwt.Policy{
		Issuer:         o.get("issuer").required().text("", printable),
		Audiences:      o.get("audiences").required().notEmpty().texts(nil, printable),
		Algorithms:     readAlgorithms(o.get("algorithms"), fapi2),
		Types:          readTokenTypes(o.get("token_types")),
		ClockSkew:      readClockSkew(o.get("clock_skew"), fapi2),
		MaxLifetime:    o.get("max_lifetime").duration(0, minMaxLifetime, 0),
		RequiredClaims: o.get("required_claims").texts(nil, printable),
	}
	i.ScopeClaims = o.get("scope_claims").notEmpty().texts(defaultScopeClaims(), printable)
	if jwks := o.get("jwks").required(); jwks.present() {
		jwks.object(func(o *object) { i.Keys.read(o, i.Policy.Issuer) })
	}
	i.Introspection = readIntrospection(o.get("introspection"), i.Policy.Issuer, fapi2)
}

// readClockSkew: FAPI 2.0 Security Profile, 5.3.2.1, has servers take what is up to
// 10 seconds ahead and refuse what is more than 60.
func readClockSkew(f field, fapi2 bool) time.Duration {
	least := time.Duration(0)
	if fapi2 {
		least = fapi2MinClockSkew
	}
	return f.duration(defaultClockSkew, least, maxClockSkew)
}

func readAlgorithms(f field, fapi2 bool) []jwt.Algorithm {
	allowed := algorithm
	if fapi2 {
		allowed = fapi2Algorithm
	}
	switch {
	case f.present():
	case fapi2:
		return fapi2Algorithms()
	default:
		return defaultAlgorithms()
	}
	var algorithms []jwt.Algorithm
	for _, name := range f.notEmpty().texts(nil, allowed) {
		known, _ := jwt.ParseAlgorithm(name)
		algorithms = append(algorithms, known)
	}
	return algorithms
}

func algorithm(s string) string {
	if _, ok := jwt.ParseAlgorithm(s); !ok {
		return "must be ES256, ES384, ES512, RS256, RS384, RS512, PS256, PS384, PS512 or EdDSA"
	}
	return ""
}

func fapi2Algorithm(s string) string {
	if known, _ := jwt.ParseAlgorithm(s); !slices.Contains(fapi2Algorithms(), known) {
		return `must be ES256, PS256 or EdDSA with profile "fapi2"`
	}
	return ""
}

// readTokenTypes brings types into the form that a policy compares: in lower
// case and without "application/". Both spellings of one type may be listed.
func readTokenTypes(f field) []string {
	var types []string
	for _, name := range f.notEmpty().texts(defaultTokenTypes(), mediaType) {
		name = strings.TrimPrefix(strings.ToLower(name), "application/")
		if !slices.Contains(types, name) {
			types = append(types, name)
		}
	}
	return types
}

// read takes "jwks"; discovery needs to know the issuer.
func (k *Keys) read(o *object, issuer string) {
	inline, uri, discovery := o.get("inline"), o.get("uri"), o.get("discovery")
	k.Inline = readKeySet(inline)
	k.URI = readEndpoint(uri)
	k.Discovery = discovery.boolean(false)

	cluster := o.get("cluster")
	k.Cluster = cluster.text("", printable)
	k.Timeout = o.get("timeout").duration(defaultTimeout, minTimeout, maxTimeout)
	k.CacheDuration = o.get("cache_duration").duration(defaultCacheDuration, minCacheDuration, 0)
	k.StaleIfError = o.get("stale_if_error").duration(defaultStaleIfError, 0, 0)
	k.UnknownKeyInterval = o.get("unknown_kid_interval").duration(defaultUnknownKeyInterval, minUnknownKeyInterval, 0)

	fetched := uri.present() || k.Discovery
	switch {
	case !o.oneKeySource(inline, uri, discovery):
	case fetched:
		cluster.required()
	case inline.present() && cluster.present():
		cluster.fail("goes with uri and discovery, not with inline")
	}
	if _, ok := ParseEndpoint(issuer); k.Discovery && issuer != "" && (!ok || strings.Contains(issuer, "?")) {
		discovery.fail("needs an issuer that is an http or https URL without query and fragment")
	}
}

// oneKeySource: "discovery": false is the same as no discovery.
func (o *object) oneKeySource(inline, uri, discovery field) bool {
	sources := 0
	on, isBool := discovery.value.Bool()
	for _, there := range []bool{inline.present(), uri.present(), discovery.present() && (on || !isBool)} {
		if there {
			sources++
		}
	}
	if sources != 1 {
		o.fail("must have exactly one of inline, uri, discovery")
	}
	return sources == 1
}

func readKeySet(f field) *jwt.KeySet {
	if !f.is(strictjson.Object) {
		return nil
	}
	keys, err := jwt.ParseKeySet(f.value.Raw())
	switch {
	case errors.Is(err, jwt.ErrNoUsableKey):
		f.fail("has no key that can verify a token")
	case err != nil:
		f.fail("must be a JWK Set (RFC 7517)")
	}
	return keys
}
