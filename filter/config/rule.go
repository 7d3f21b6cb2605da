package config

import (
	"slices"
	"strings"
	"time"

	"holdfast/filter/canonical"
)

// readRules takes "rules". It needs the issuers and the mode.
func (c *Config) readRules(f field) []Rule {
	var rules []Rule
	catchAll := ""
	f.each(func(element field) {
		element.object(func(o *object) {
			if catchAll != "" {
				o.fail("is never reached: " + catchAll + " matches every request")
			}
			var rule Rule
			if o.r.fine(func() { rule.read(o, c) }) && rule.Match.everything() && catchAll == "" {
				catchAll = o.path
			}
			rules = append(rules, rule)
		})
	})
	return rules
}

func (r *Rule) read(o *object, c *Config) {
	o.get("match").object(r.Match.read)
	r.Anonymous = o.get("access").choice("token", "anonymous") == "anonymous"

	scopes, issuers, audiences, claims := o.get("scopes"), o.get("issuers"), o.get("audiences"), o.get("claims")
	mode, acrValues, maxAge := o.get("mode"), o.get("acr_values"), o.get("max_age")
	r.Scopes = scopes.texts(nil, scopeToken)
	if o.r.fine(func() { r.Issuers = issuers.texts(nil, c.configuredIssuer) }) {
		c.checkOneAsked(issuers, r.Issuers)
	}
	r.Audiences = audiences.texts(nil, printable)
	r.Claims = readClaimRules(claims)
	r.ACRValues = acrValues.texts(nil, scopeToken)
	r.MaxAge, r.HasMaxAge = readMaxAge(maxAge), maxAge.present()
	// A token decides by the stricter of the two modes.
	switch mode.choice("strict", "optional") {
	case "strict":
		r.Strict = mode.present()
	case "optional":
		if !c.Binding.Optional {
			mode.fail(`may only tighten proof_of_possession.mode, which is "strict"`)
		}
	}
	if !r.Anonymous {
		return
	}
	for _, f := range []field{scopes, audiences, claims, mode, acrValues, maxAge} {
		if f.asksForSomething() {
			f.fail("cannot be asked of anonymous requests")
		}
	}
}

// asksForSomething: an empty list is the same as none.
func (f field) asksForSomething() bool {
	elements, isArray := f.value.Array()
	members, isObject := f.value.Members()
	return f.present() && (!isArray || len(elements) > 0) && (!isObject || len(members) > 0)
}

func (c *Config) configuredIssuer(s string) string {
	for i := range c.Issuers {
		if s != "" && c.Issuers[i].Policy.Issuer == s {
			return ""
		}
	}
	return "must be one of the configured issuers"
}

// readClaimRules takes "claims", whose keys are names of claims.
func readClaimRules(f field) []ClaimRule {
	var rules []ClaimRule
	f.object(func(o *object) {
		o.all(func(claim string, values field) {
			if problem := printable(claim); problem != "" {
				values.fail("the name " + problem)
			}
			rules = append(rules, ClaimRule{Claim: claim, Values: values.notEmpty().texts(nil, printable)})
		})
	})
	return rules
}

// readMaxAge: challenges tell it in seconds (RFC 9470 §3).
func readMaxAge(f field) time.Duration {
	age := f.duration(0, 0, 0)
	if age%time.Second != 0 {
		f.fail("must be in whole seconds")
	}
	return age
}

// read takes "match". An empty list would match everything where somebody meant
// nothing, so there is none.
func (m *Match) read(o *object) {
	path, prefix := o.get("path"), o.get("path_prefix")
	m.Path = readPath(path)
	m.PathPrefix = readPath(prefix)
	if path.present() && prefix.present() {
		o.fail("must not have both path and path_prefix")
	}
	m.Methods = o.get("methods").notEmpty().texts(nil, method)
	for _, name := range o.get("hosts").notEmpty().texts(nil, host) {
		name, _ = canonical.Host(name)
		if !slices.Contains(m.Hosts, name) {
			m.Hosts = append(m.Hosts, name)
		}
	}
}

// everything: every path begins with "/".
func (m *Match) everything() bool {
	return m.Path == "" && len(m.Methods) == 0 && len(m.Hosts) == 0 && (m.PathPrefix == "" || m.PathPrefix == "/")
}

// readPath brings a path into the form that requests are compared in.
func readPath(f field) string {
	path, _ := canonical.Path(f.text("", pathWithOneReading))
	return path
}

func pathWithOneReading(s string) string {
	if _, ok := canonical.Path(s); !ok || strings.Contains(s, "?") {
		return `must begin with "/" and have one reading: no query, "//", dot segments, "\", ";", "#", ` +
			"bad escapes, or escapes of slashes, dots and NUL"
	}
	return ""
}

func host(s string) string {
	withPort := strings.Contains(s, ":") && !strings.HasSuffix(s, "]")
	if _, ok := canonical.Host(s); !ok || withPort {
		return "must be a host name or IP address without a port"
	}
	return ""
}
