package config

import (
	"net/netip"
	"slices"

	"holdfast/strictjson"
	"holdfast/thumbprint"
)

const xfccHeader = "x-forwarded-client-cert"

// read takes "certificate".
func (c *Certificate) read(o *object) {
	c.Sources = readCertificateSources(o.get("sources"))
	proxies := o.get("trusted_proxies")
	readable := o.r.fine(func() { proxies.object(c.TrustedProxies.read) })
	c.RequireValidated = o.get("require_validated").boolean(false)
	c.MatchSNI = o.get("match_sni").boolean(false)

	if readable && c.TrustedProxies.none() && slices.ContainsFunc(c.Sources, CertificateSource.isHeader) {
		proxies.fail("is required with xfcc and header sources: at least one of addresses, uri_sans, thumbprints")
	}
	// Only the connection's own certificate is one that the host validates.
	if c.RequireValidated && slices.ContainsFunc(c.Sources, func(s CertificateSource) bool { return s.Kind != SourceConnection }) {
		o.get("require_validated").fail("needs the connection as the only one of certificate.sources")
	}
}

func (s CertificateSource) isHeader() bool {
	return s.Kind == SourceXFCC || s.Kind == SourceHeader
}

func (t *TrustedProxies) none() bool {
	return len(t.Addresses)+len(t.URISANs)+len(t.Thumbprints) == 0
}

func readCertificateSources(f field) []CertificateSource {
	if !f.present() {
		return defaultCertificateSources()
	}
	var sources []CertificateSource
	f.notEmpty().each(func(element field) {
		var source CertificateSource
		switch {
		case !f.r.fine(func() { source = readCertificateSource(element) }):
		case slices.ContainsFunc(sources, source.same):
			element.fail("is listed twice")
		default:
			sources = append(sources, source)
		}
	})
	return sources
}

// same: headers are told apart by name, and x-forwarded-client-cert has one, so
// what is left is the connection and properties.
func (s CertificateSource) same(other CertificateSource) bool {
	return s.Kind == other.Kind && !s.isHeader() && slices.Equal(s.Property, other.Property)
}

func readCertificateSource(f field) (source CertificateSource) {
	f.object(func(o *object) {
		kind, value := o.only("connection", "xfcc", "header", "property")
		switch kind {
		case "connection":
			value.object(func(*object) { source.Kind = SourceConnection })
		case "xfcc":
			source.Kind = SourceXFCC
			value.object(func(o *object) { source.Element = readElement(o.get("element")) })
			if owner := f.r.headers.take(xfccHeader, value.path); owner != "" {
				value.fail("is the same header as " + owner)
			}
		case "header":
			source.Kind = SourceHeader
			value.object(source.readHeader)
		case "property":
			source.Kind = SourceProperty
			source.Property = readProperty(value)
		}
	})
	return source
}

func (s *CertificateSource) readHeader(o *object) {
	name, format := o.get("name").required(), o.get("format").required()
	if s.Header = name.header(); s.Header == xfccHeader {
		name.fail("is read with xfcc: it has a syntax of its own")
	}
	formats := []string{
		FormatRFC9440: "rfc9440", FormatURLEncodedPEM: "url_encoded_pem", FormatBase64DER: "base64_der",
	}
	s.Format = HeaderFormat(slices.Index(formats, format.choice(formats...)))
}

// readElement reads which element of x-forwarded-client-cert counts. From the
// end 1 is the last and 2 the one before.
func readElement(f field) int {
	switch {
	case f.value.Kind() == strictjson.Number:
		return -f.integer(bound{-lastElement, 1, maxElement})
	case f.present() && f.value.Kind() != strictjson.String:
		f.fail(`must be "last", "first" or a number from the end`)
	case f.choice("last", "first") == "first":
		return 0
	}
	return lastElement
}

func (t *TrustedProxies) read(o *object) {
	for _, text := range o.get("addresses").texts(nil, address) {
		network, _ := parseNetwork(text)
		t.Addresses = append(t.Addresses, network)
	}
	t.URISANs = o.get("uri_sans").texts(nil, printable)
	for _, text := range o.get("thumbprints").texts(nil, digest) {
		t.Thumbprints = append(t.Thumbprints, parseDigest(text))
	}
}

func address(s string) string {
	if _, ok := parseNetwork(s); !ok {
		return "must be an IP address or a network such as 10.0.0.0/8"
	}
	return ""
}

// parseNetwork reads an address or a CIDR. IPv4 in IPv6 is IPv4, as the
// addresses of peers are; bits beyond the length of a network do not count.
func parseNetwork(s string) (netip.Prefix, bool) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), true
	}
	network, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	if network.Addr().Is4In6() {
		const mapped = 96 // the bits of ::ffff:0:0
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-mapped)
	}
	return network.Masked(), network.IsValid()
}

func digest(s string) string {
	if parseDigest(s) == (thumbprint.Thumbprint{}) {
		return "must be a SHA-256 thumbprint: 64 hexadecimal digits or 43 base64url characters"
	}
	return ""
}

// parseDigest is the zero thumbprint, which no certificate has, for a text that
// is none.
func parseDigest(s string) thumbprint.Thumbprint {
	t, err := thumbprint.ParseHex(s)
	if err != nil {
		t, _ = thumbprint.ParseX5T(s)
	}
	return t
}
