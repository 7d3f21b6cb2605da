package filter_test

import (
	"testing"

	"holdfast/filter/filtertest"
)

const (
	directAddress = "filter_state.holdfast.direct_remote_address"
	sourceAddress = "source.address"
	none          = "\xff" // a property that is not there
)

// TestT13_DirectPeer: certificate headers are believed by where the connection
// comes from, and by nothing that a client can write. With Envoy's default
// settings a client's x-forwarded-for becomes source.address, with port 0.
func TestT13_DirectPeer(t *testing.T) {
	t.Parallel()
	w := start(t, `{"certificate":{"sources":[{"xfcc":{"element":"last"}}],"trusted_proxies":{"addresses":["10.0.0.0/8","2001:db8::/32","192.0.2.7/32"]}}}`)
	tests := []struct {
		name, state, source string
		trusted             bool
	}{
		{"filter state", "10.1.2.3", none, true},
		{"filter state outside", "11.1.2.3", none, false},
		{"filter state decides against source.address", "203.0.113.9", "10.1.2.3:40000", false},
		{"filter state decides for", "10.1.2.3", "203.0.113.9:0", true},
		{"filter state IPv6", "2001:db8::1", none, true},
		{"filter state IPv6 in brackets", "[2001:db8::1]", none, true},
		{"filter state IPv4-mapped", "::ffff:10.1.2.3", none, true},
		{"filter state IPv4-mapped outside", "::ffff:11.1.2.3", none, false},
		{"filter state with a zone", "fe80::1%eth0", none, false},
		{"filter state empty", "", "10.1.2.3:40000", false},
		{"filter state is no address", "10.1.2.3.example", "10.1.2.3:40000", false},
		{"filter state with a port", "10.1.2.3:40000", "10.1.2.3:40000", false},
		{"filter state list", "10.1.2.3, 10.1.2.3", none, false},
		{"source.address", none, "10.1.2.3:40000", true},
		{"source.address one host", none, "192.0.2.7:1", true},
		{"source.address next host", none, "192.0.2.8:1", false},
		{"source.address IPv6", none, "[2001:db8::1]:40000", true},
		{"source.address IPv4-mapped", none, "[::ffff:10.1.2.3]:40000", true},
		{"source.address outside", none, "203.0.113.9:40000", false},
		{"x-forwarded-for: port 0", none, "10.1.2.3:0", false},
		{"x-forwarded-for: IPv6 and port 0", none, "[2001:db8::1]:0", false},
		{"source.address without a port", none, "10.1.2.3", false},
		{"source.address with a bad port", none, "10.1.2.3:x", false},
		{"source.address of a pipe", none, "@/run/envoy.sock", false},
		{"source.address empty", none, "", false},
		{"neither", none, none, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.t = t
			s := bare(field("x-forwarded-client-cert", xfcc(certA)), field("x-forwarded-for", "10.1.2.3"))
			property(s, directAddress, tt.state)
			property(s, sourceAddress, tt.source)
			w.expectTrust(s, tt.trusted)
		})
	}
	w.t = t
	s := bare(field("x-forwarded-client-cert", xfcc(certA)))
	property(s, directAddress, "10.1.2.3")
	property(s, sourceAddress, "10.1.2.3:40000")
	s.Unreadable = []string{directAddress}
	w.expectTrust(s, false)
	s = bare(field("x-forwarded-client-cert", xfcc(certA)))
	property(s, directAddress, none)
	property(s, sourceAddress, "10.1.2.3:40000")
	s.Unreadable = []string{sourceAddress}
	w.expectTrust(s, false)
}

func property(s *filtertest.Stream, name, value string) {
	s.Properties[name] = value
	if value == none {
		delete(s.Properties, name)
	}
}

// expectTrust sends a request with the right certificate in a header.
func (w *worker) expectTrust(s *filtertest.Stream, trusted bool) {
	w.t.Helper()
	reason := "certificate_missing"
	if trusted {
		reason = "token_accepted"
	}
	w.expect(s, reason)
}

// A proxy may also be known by its own certificate: by thumbprint, or by a URI
// SAN when the host validated the chain.
func TestT13_PeerByCertificate(t *testing.T) {
	t.Parallel()
	byThumbprint := start(t, `{"certificate":{"sources":[{"xfcc":{"element":"last"}}],"trusted_proxies":{"thumbprints":["`+digest(certB)+`"]}}}`)
	bySAN := start(t, `{"certificate":{"sources":[{"xfcc":{"element":"last"}}],"trusted_proxies":{"uri_sans":["spiffe://x/edge"]}}}`)
	const valid, san = "connection.peer_certificate_valid", "connection.uri_san_peer_certificate"
	tests := []struct {
		name    string
		worker  *worker
		peer    []byte
		valid   string
		san     string
		trusted bool
	}{
		{"thumbprint", byThumbprint, certB, "\x01", "", true},
		{"thumbprint, not validated: the handshake shows the key", byThumbprint, certB, "\x00", "", true},
		{"other thumbprint", byThumbprint, certA, "\x01", "spiffe://x/edge", false},
		{"thumbprint, no certificate", byThumbprint, nil, "\x00", "", false},
		{"SAN", bySAN, certB, "\x01", "spiffe://x/edge", true},
		{"SAN, not validated", bySAN, certB, "\x00", "spiffe://x/edge", false},
		{"SAN, host cannot say", bySAN, certB, none, "spiffe://x/edge", false},
		{"SAN prefix", bySAN, certB, "\x01", "spiffe://x/edge/2", false},
		{"SAN other case", bySAN, certB, "\x01", "spiffe://x/Edge", false},
		{"SAN with NUL", bySAN, certB, "\x01", "spiffe://x/edge\x00", false},
		{"no SAN", bySAN, certB, "\x01", none, false},
		{"by address, which is not configured", bySAN, nil, "\x00", none, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := bare(field("x-forwarded-client-cert", xfcc(certA)))
			if tt.peer != nil {
				s.Present(tt.peer)
			}
			property(s, valid, tt.valid)
			property(s, san, tt.san)
			tt.worker.t = t
			tt.worker.expectTrust(s, tt.trusted)
		})
	}
	for w, unreadable := range map[*worker]string{byThumbprint: "connection.sha256_peer_certificate_digest", bySAN: san} {
		w.t = t
		s := bare(field("x-forwarded-client-cert", xfcc(certA))).Present(certB)
		property(s, san, "spiffe://x/edge")
		s.Unreadable = []string{unreadable}
		w.expectTrust(s, false)
	}
}
