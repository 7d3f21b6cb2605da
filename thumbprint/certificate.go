package thumbprint

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// OfDER is the thumbprint of a certificate in DER, SHA-256 over all of its
// bytes (RFC 8705 §3.1). The input has to be one whole ASN.1 SEQUENCE with a
// definite length in its shortest form and nothing after it, else it is
// ErrCertificate: so a truncated certificate, a chain or other text never
// becomes a digest.
func OfDER(der []byte) (Thumbprint, error) {
	if !isOneSequence(der) {
		return Thumbprint{}, ErrCertificate
	}
	return sha256.Sum256(der), nil
}

// isOneSequence holds X.690 §8.1 and §10.1 against the outermost element.
func isOneSequence(der []byte) bool {
	const (
		tagSequence  = 0x30
		longForm     = 0x80
		lengthBytes  = 3 // 16 MB: far beyond any certificate
		headerLength = 2
	)
	if len(der) < headerLength || der[0] != tagSequence {
		return false
	}
	body, length := der[headerLength:], int(der[1])
	if length >= longForm {
		n := length - longForm
		if n == 0 || n > lengthBytes || n > len(body) || body[0] == 0 {
			return false // indefinite, absurd, cut off, or padded with zeros
		}
		length = 0
		for _, b := range body[:n] {
			length = length<<8 | int(b)
		}
		if length < longForm {
			return false // the short form would have done
		}
		body = body[n:]
	}
	return length > 0 && length == len(body)
}

const (
	pemBegin = "-----BEGIN CERTIFICATE-----"
	pemEnd   = "-----END CERTIFICATE-----"
)

// OfPEM is the thumbprint of the one certificate in a PEM text (RFC 7468 §5):
// one CERTIFICATE block, with nothing but white space around it. Headers,
// a second block, any other label and text before or after are ErrCertificate.
func OfPEM(pem []byte) (Thumbprint, error) {
	text := strings.Trim(string(pem), " \t\r\n")
	body, begins := strings.CutPrefix(text, pemBegin)
	body, ends := strings.CutSuffix(body, pemEnd)
	if !begins || !ends {
		return Thumbprint{}, ErrCertificate
	}
	// A second block cannot hide in here: "-" is no base64 character.
	der, err := base64.StdEncoding.Strict().DecodeString(strings.Map(withoutSpace, body))
	if err != nil {
		return Thumbprint{}, ErrCertificate
	}
	return OfDER(der)
}

// withoutSpace drops the white space that RFC 7468 §3 allows between
// characters of the body.
func withoutSpace(r rune) rune {
	switch r {
	case ' ', '\t', '\r', '\n':
		return -1
	}
	return r
}
