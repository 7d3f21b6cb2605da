package config

import "slices"

// An opaque token does not say whose it is, and a server that it is shown to
// could use it. So wherever one may come, there is one issuer at most to ask.

// checkOneAsked makes it a problem that a rule leaves more than one to ask. f is
// its "issuers", of which names were read.
func (c *Config) checkOneAsked(f field, names []string) {
	switch {
	case !c.ambiguous(names):
	case len(names) == 0:
		f.fail("is required when several issuers have introspection, and may name only one of those: else it is not clear who is asked about an opaque token")
	default:
		f.fail("may name only one issuer that has introspection: else it is not clear who is asked about an opaque token")
	}
}

// checkUnmatched does the same for requests that no rule matches, if there can
// be any.
func (c *Config) checkUnmatched(f field) {
	if c.DenyUnmatched || !c.ambiguous(nil) {
		return
	}
	if !slices.ContainsFunc(c.Rules, func(r Rule) bool { return r.Match.everything() }) {
		f.fail(`must be "deny" when several issuers have introspection: else it is not clear who is asked about an opaque token`)
	}
}

// ambiguous reports whether more than one of these issuers has introspection;
// without names, of all.
func (c *Config) ambiguous(names []string) bool {
	asked := 0
	for i := range c.Issuers {
		if c.Issuers[i].Introspection != nil && (len(names) == 0 || slices.Contains(names, c.Issuers[i].Policy.Issuer)) {
			asked++
		}
	}
	return asked > 1
}
