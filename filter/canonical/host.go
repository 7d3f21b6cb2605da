package canonical

import (
	"net/netip"
	"strconv"
	"strings"
)

// maxHost is the longest domain name in text form (RFC 1035 §2.3.4), which an
// IP literal does not reach.
const maxHost = 253

// Host is the canonical host of an authority (RFC 3986 §3.2): in lower case,
// without the port and without the one dot that may end a domain name. An IPv6
// address keeps its brackets and is written as RFC 5952 has it.
//
// ok is false for everything else: an empty host or label, userinfo, a zone, a
// port that is no number, and any character outside letters, digits, "-", "_"
// and ".".
func Host(authority string) (host string, ok bool) {
	host, ok = withoutPort(authority)
	if !ok {
		return "", false
	}
	if strings.HasPrefix(host, "[") {
		return literal(host)
	}
	host = strings.TrimSuffix(host, ".")
	// Before the lower case, which makes an ASCII letter of some others.
	if !isDomainName(host) {
		return "", false
	}
	return strings.ToLower(host), true
}

// withoutPort cuts off ":port". An empty port is legal (RFC 3986 §3.2.3).
func withoutPort(authority string) (host string, ok bool) {
	end := strings.LastIndexByte(authority, ']') + 1 // the colons of an IPv6 address do not count
	colon := strings.IndexByte(authority[end:], ':')
	if colon < 0 {
		return authority, true
	}
	host, port := authority[:end+colon], authority[end+colon+1:]
	if port == "" {
		return host, true
	}
	if port[0] < '0' || '9' < port[0] {
		return "", false // a sign
	}
	_, err := strconv.ParseUint(port, 10, 16)
	return host, err == nil
}

// literal reads "[" IPv6address "]".
func literal(host string) (string, bool) {
	inside, closed := strings.CutSuffix(host[1:], "]")
	address, err := netip.ParseAddr(inside)
	if !closed || err != nil || !address.Is6() || address.Zone() != "" {
		return "", false
	}
	return "[" + address.String() + "]", true
}

// isDomainName also takes an IPv4 address, and "_", which names of containers
// and services have.
func isDomainName(host string) bool {
	if len(host) > maxHost {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" {
			return false
		}
		for i := range len(label) {
			if c := label[i]; !isAlphanumeric(c) && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}
