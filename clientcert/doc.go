// Package clientcert reads the client certificate that a TLS-terminating proxy
// or the host wrote down for its upstreams, and returns its SHA-256 thumbprint.
//
// It does not decide whether to believe the writer: that is the caller's, who
// knows the connection (threats T13). A text with any doubt in it is an error,
// never an absent certificate, so nobody falls back to another source.
//
// It is pure: no I/O, no clock, no state. Time and memory are linear in the
// input, and inputs of more than 64 KiB are refused unread.
package clientcert

import (
	"errors"
	"fmt"

	"holdfast/thumbprint"
)

// The errors of this package. They wrap, where there is one, the error of
// package thumbprint; the texts never hold any of the input.
var (
	// ErrXFCC: not exactly one certificate in the wanted element of
	// x-forwarded-client-cert.
	ErrXFCC = errors.New("clientcert: x-forwarded-client-cert is not usable")
	// ErrHeader: not exactly one certificate in a certificate header.
	ErrHeader = errors.New("clientcert: certificate header is not usable")
	// ErrProperty: not exactly one certificate or digest in a host property.
	ErrProperty = errors.New("clientcert: certificate property is not usable")
)

// maxInput bounds an input in bytes. Hosts bound headers at about as much.
const maxInput = 64 << 10

// wrap makes sentinel out of any error and never returns a thumbprint with one.
func wrap(sentinel error, t thumbprint.Thumbprint, err error) (thumbprint.Thumbprint, error) {
	if err != nil {
		return thumbprint.Thumbprint{}, fmt.Errorf("%w: %w", sentinel, err)
	}
	return t, nil
}
