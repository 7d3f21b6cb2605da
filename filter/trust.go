package filter

import (
	"net/netip"
	"strings"

	"holdfast/filter/config"
)

// trustsPeer reports whether the directly connected peer is a proxy whose
// certificate headers are believed. What cannot be known is not trusted.
func (d *decider) trustsPeer(conn connection) bool {
	trusted := &d.config.Certificate.TrustedProxies
	if len(trusted.Addresses) > 0 {
		if address, ok := d.kind.peer(conn); ok {
			for _, prefix := range trusted.Addresses {
				if prefix.Contains(address) {
					return true
				}
			}
		}
	}
	if len(trusted.Thumbprints) > 0 {
		if peer, reason := d.kind.thumbprint(conn); reason == TokenAccepted {
			for _, t := range trusted.Thumbprints {
				if t.Equal(peer) {
					return true
				}
			}
		}
	}
	// A name counts only in a certificate that the host validated: anyone can
	// write any name into a certificate of their own.
	if len(trusted.URISANs) > 0 && d.kind.validatedPeer(conn) {
		san, found, err := conn.Property(d.kind.fields[config.FieldURISAN]...)
		return err == nil && found && contains(trusted.URISANs, string(san))
	}
	return false
}

// envoyPeer is the address at the other end of the TCP connection.
//
// The filter state that envoy.yaml sets at connection time says it for certain.
// Without it source.address counts only with a port: when Envoy takes the
// address from x-forwarded-for, which a client writes, the port is 0.
func envoyPeer(conn connection) (netip.Addr, bool) {
	value, found, err := conn.Property("filter_state", "holdfast.direct_remote_address")
	if err != nil {
		return netip.Addr{}, false
	}
	if found {
		address, err := netip.ParseAddr(strings.Trim(string(value), "[]"))
		return address.Unmap().WithZone(""), err == nil
	}
	value, found, err = conn.Property("source", "address")
	if err != nil || !found {
		return netip.Addr{}, false
	}
	address, err := netip.ParseAddrPort(string(value))
	if err != nil || address.Port() == 0 {
		return netip.Addr{}, false
	}
	return address.Addr().Unmap().WithZone(""), true
}

// kongPeer is the same on NGINX: the address before any header of the request took
// its place. An NGINX without its realip module has no such variable.
func kongPeer(conn connection) (netip.Addr, bool) {
	value, found, err := conn.Property("ngx", "realip_remote_addr")
	if err != nil || !found {
		return netip.Addr{}, false
	}
	address, err := netip.ParseAddr(string(value))
	return address.Unmap().WithZone(""), err == nil
}
