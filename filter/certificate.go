package filter

import (
	"holdfast/clientcert"
	"holdfast/filter/config"
	"holdfast/thumbprint"
)

// connection is what a decision may ask about the caller's connection. A
// [Stream] is one.
type connection interface {
	Property(path ...string) (value []byte, found bool, err error)
}

// certificate is the caller's certificate, as far as a binding needs it.
type certificate struct {
	thumbprint thumbprint.Thumbprint
	// ofConnection: it is the one of the TLS connection that the host ended, so
	// the host's other certificate properties are about it too.
	ofConnection bool
}

// certificate reads the caller's certificate from the first source that yields
// one. A source that is there but can't be read refuses: falling through to the
// next would let a client choose (threats T13).
func (d *decider) certificate(r *request, conn connection) (certificate, Reason) {
	for i := range d.config.Certificate.Sources {
		source := &d.config.Certificate.Sources[i]
		cert, reason := d.readSource(source, r, conn)
		if reason != CertificateMissing {
			return cert, reason
		}
	}
	return certificate{}, CertificateMissing
}

func (d *decider) readSource(source *config.CertificateSource, r *request, conn connection) (certificate, Reason) {
	switch source.Kind {
	case config.SourceConnection:
		return d.connectionCertificate(conn)
	case config.SourceProperty:
		value, found, err := conn.Property(source.Property...)
		switch {
		case err != nil:
			return certificate{}, CertificateUnreadable
		case !found || len(value) == 0:
			return certificate{}, CertificateMissing
		}
		return parsed(clientcert.Property(value))
	}
	value, fields := r.field(headerOf(source))
	switch {
	case fields == 0 || !d.trustsPeer(conn):
		return certificate{}, CertificateMissing
	case fields+r.twins(headerOf(source)) > 1:
		return certificate{}, CertificateMalformed
	case source.Kind == config.SourceXFCC:
		return parsed(clientcert.XFCC(value, source.Element))
	case source.Format == config.FormatRFC9440:
		return parsed(clientcert.RFC9440(value))
	case source.Format == config.FormatURLEncodedPEM:
		return parsed(clientcert.URLEncodedPEM(value))
	default:
		return parsed(clientcert.Base64DER(value))
	}
}

func parsed(t thumbprint.Thumbprint, err error) (certificate, Reason) {
	if err != nil {
		return certificate{}, CertificateMalformed
	}
	return certificate{thumbprint: t}, TokenAccepted
}

// headerOf is the header that a certificate source reads, in lower case; empty
// for a source that reads none.
func headerOf(source *config.CertificateSource) string {
	switch source.Kind {
	case config.SourceXFCC:
		return "x-forwarded-client-cert"
	case config.SourceHeader:
		return source.Header
	}
	return ""
}

// connectionCertificate is the certificate of the TLS connection that the host ended.
func (d *decider) connectionCertificate(conn connection) (certificate, Reason) {
	t, reason := d.kind.thumbprint(conn)
	if reason != TokenAccepted {
		return certificate{}, reason
	}
	if d.config.Certificate.RequireValidated && !d.kind.validatedPeer(conn) {
		return certificate{}, CertificateNotValidated
	}
	return certificate{thumbprint: t, ofConnection: true}, TokenAccepted
}
