package canonical

import (
	"strings"

	"holdfast/internal/authority"
)

// Host is the canonical host of an authority (RFC 3986 §3.2): in lower case,
// without the port and without the one dot that may end a domain name. An IPv6
// address keeps its brackets and is written as RFC 5952 has it.
//
// ok is false for what [authority.Split] does not read.
func Host(text string) (host string, ok bool) {
	host, _, ok = authority.Split(text)
	return strings.TrimSuffix(host, "."), ok
}
