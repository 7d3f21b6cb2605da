// Package thumbprint makes and compares the SHA-256 thumbprints that bind an
// access token to a key: of a certificate, the x5t#S256 of RFC 8705 §3.1, and
// of a public key, the jkt of RFC 7638 and RFC 9449 §6.1.
//
// It is pure: no I/O, no clock, no state. It does not read what is inside a
// certificate and does not decide whether to trust one: the binding is to the
// bytes that the client proved to hold the key of, whoever signed them.
package thumbprint

import "errors"

// The errors of this package. The texts never hold any of the input.
var (
	// ErrCertificate: the input is not exactly one certificate.
	ErrCertificate = errors.New("thumbprint: not exactly one certificate")
	// ErrEncoding: the input is not the text form of a 32-byte digest.
	ErrEncoding = errors.New("thumbprint: not the encoding of a SHA-256 digest")
	// ErrJWK: the input is not a public key that RFC 7638 gives a thumbprint.
	ErrJWK = errors.New("thumbprint: not a JWK of a public key")
)
