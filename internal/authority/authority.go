// Package authority reads the authority of a URI or of a request (RFC 3986 §3.2).
package authority

import (
	"net/netip"
	"strconv"
	"strings"

	"holdfast/internal/percent"
)

// maxHost is the longest domain name in text form (RFC 1035 §2.3.4), which an
// IP literal does not reach.
const maxHost = 253

// Split cuts an authority into its host and its port. The host is in lower case; an
// IPv6 address keeps its brackets and is written as RFC 5952 has it. The port has no
// leading zeros and is empty when there is none. A dot at the end of a domain name
// stays. Both results together are again an authority, with itself as result.
//
// ok is false for everything else: an empty host or label, userinfo, a zone, a
// port that is no number of 16 bits, and any character outside letters, digits, "-",
// "_" and ".".
func Split(authority string) (host, port string, ok bool) {
	host, port, ok = cutPort(authority)
	if !ok {
		return "", "", false
	}
	if strings.HasPrefix(host, "[") {
		host, ok = literal(host)
	} else if ok = isDomainName(strings.TrimSuffix(host, ".")); ok {
		// Not before it was looked at: lower case makes an ASCII letter of some others.
		host = strings.ToLower(host)
	}
	if !ok {
		return "", "", false
	}
	return host, port, true
}

// cutPort cuts off ":port". An empty port is legal (RFC 3986 §3.2.3).
func cutPort(authority string) (host, port string, ok bool) {
	end := strings.LastIndexByte(authority, ']') + 1 // the colons of an IPv6 address do not count
	colon := strings.IndexByte(authority[end:], ':')
	if colon < 0 {
		return authority, "", true
	}
	host, port = authority[:end+colon], authority[end+colon+1:]
	if port == "" {
		return host, "", true
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", "", false
	}
	return host, strconv.FormatUint(number, 10), true
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
			if c := label[i]; !percent.IsUnreserved(c) || c == '~' {
				return false
			}
		}
	}
	return true
}
