package filter

import (
	"strings"

	"holdfast/filter/canonical"
	"holdfast/filter/config"
)

// defaultRule judges a request that no rule matches: any valid, bound token.
var defaultRule config.Rule

// match is step 0: which rule judges the request. The reason is TokenAccepted
// when a rule was found; the other reasons are final.
func (d *decider) match(r *request, conn connection) (*config.Rule, Reason) {
	host, hostOK := "", false
	if d.rulesByHost || d.config.Certificate.MatchSNI {
		host, hostOK = canonical.Host(r.authority)
	}
	if d.config.Certificate.MatchSNI {
		if reason := matchSNI(host, hostOK, d.kind.serverName, conn); reason != TokenAccepted {
			return nil, reason
		}
	}
	path, pathOK := canonical.Path(r.path)
	if !pathOK && d.rulesByPath {
		return nil, AmbiguousPath
	}
	if !hostOK && d.rulesByHost {
		return nil, AmbiguousHost
	}
	if d.rulesByMethod && hasLowerCase(r.method) {
		return nil, AmbiguousMethod
	}
	if d.servesMetadata(r.method, path, pathOK) {
		return nil, Metadata
	}
	if d.config.BypassPreflight && isPreflight(r) {
		return nil, Preflight
	}
	if rule := d.rules.first(r.method, host, path); rule != nil {
		return rule, TokenAccepted
	}
	if d.config.DenyUnmatched {
		return nil, NoRuleMatched
	}
	return &defaultRule, TokenAccepted
}

func matches(m *config.Match, method, host, path string) bool {
	return (m.Path == "" || m.Path == path) &&
		(m.PathPrefix == "" || strings.HasPrefix(path, m.PathPrefix)) &&
		(len(m.Methods) == 0 || contains(m.Methods, method)) &&
		(len(m.Hosts) == 0 || contains(m.Hosts, host))
}

// hasLowerCase reports whether an upstream could take the method for another one:
// methods are told apart by case (RFC 9110 §9.1), yet many frameworks fold it, and
// Envoy passes "post" on over HTTP/2.
func hasLowerCase(method string) bool {
	for i := 0; i < len(method); i++ {
		if 'a' <= method[i] && method[i] <= 'z' {
			return true
		}
	}
	return false
}

// isPreflight recognises a CORS preflight as the Fetch standard defines it.
func isPreflight(r *request) bool {
	if r.method != "OPTIONS" {
		return false
	}
	_, origins := r.field("origin")
	_, methods := r.field("access-control-request-method")
	return origins == 1 && methods == 1
}

// matchSNI refuses a request for another host than the TLS handshake named:
// HTTP/2 connection coalescing (RFC 9113 §9.1.1) must not carry one host's
// client certificate to another.
func matchSNI(host string, hostOK bool, serverName []string, conn connection) Reason {
	sni, found, err := conn.Property(serverName...)
	if err != nil || !found || !hostOK {
		return MisdirectedRequest
	}
	named, ok := canonical.Host(string(sni))
	if !ok || named != host {
		return MisdirectedRequest
	}
	return TokenAccepted
}

func contains(list []string, s string) bool {
	for _, item := range list {
		if item == s {
			return true
		}
	}
	return false
}
