package clientcert

import (
	"bytes"

	"holdfast/thumbprint"
)

// Property reads the value of a host property: a certificate as PEM or DER, or
// its SHA-256 digest as exactly 64 hexadecimal digits. The three cannot be
// mistaken for each other. Errors are ErrProperty.
func Property(v []byte) (thumbprint.Thumbprint, error) {
	if len(v) > maxInput {
		return thumbprint.Thumbprint{}, ErrProperty
	}
	// No DER is 64 hex digits: its second byte, the length 62, is no digit.
	if t, err := thumbprint.ParseHex(string(v)); err == nil {
		return t, nil
	}
	of := thumbprint.OfDER
	if bytes.HasPrefix(bytes.TrimLeft(v, " \t\r\n"), []byte("-----BEGIN ")) {
		of = thumbprint.OfPEM
	}
	t, err := of(v)
	return wrap(ErrProperty, t, err)
}
