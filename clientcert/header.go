package clientcert

import (
	"encoding/base64"
	"strings"

	"holdfast/internal/percent"
	"holdfast/thumbprint"
)

// RFC9440 reads the value of a Client-Cert field (RFC 9440 §2.2): one byte
// sequence of Structured Fields (RFC 8941 §3.3.5), ":" base64 of the DER ":",
// without parameters. As RFC 8941 §4.2.7 asks, missing padding and non-zero
// trailing bits pass. Errors are ErrHeader.
func RFC9440(fieldValue string) (thumbprint.Thumbprint, error) {
	text, begins := strings.CutPrefix(strings.Trim(fieldValue, " "), ":")
	text, ends := strings.CutSuffix(text, ":")
	if !begins || !ends {
		return thumbprint.Thumbprint{}, ErrHeader
	}
	return Base64DER(text)
}

// Base64DER reads the base64 (RFC 4648 §4) of a certificate in DER, with or
// without its padding and without any white space. Errors are ErrHeader.
func Base64DER(v string) (thumbprint.Thumbprint, error) {
	// The decoder would skip CR and LF.
	if len(v) > maxInput || strings.ContainsAny(v, "\r\n") {
		return thumbprint.Thumbprint{}, ErrHeader
	}
	encoding := base64.RawStdEncoding
	if strings.HasSuffix(v, "=") {
		encoding = base64.StdEncoding // where there is padding, it has to be right
	}
	der, err := encoding.DecodeString(v)
	if err != nil {
		return thumbprint.Thumbprint{}, ErrHeader
	}
	t, err := thumbprint.OfDER(der)
	return wrap(ErrHeader, t, err)
}

// URLEncodedPEM reads percent-encoded PEM (RFC 3986 §2.1) of one certificate, as
// nginx's $ssl_client_escaped_cert and load balancers write it. "+" stands for
// itself, as base64 needs it. Errors are ErrHeader.
func URLEncodedPEM(v string) (thumbprint.Thumbprint, error) {
	t, err := ofURLEncodedPEM(v)
	return wrap(ErrHeader, t, err)
}

func ofURLEncodedPEM(v string) (thumbprint.Thumbprint, error) {
	if len(v) > maxInput {
		return thumbprint.Thumbprint{}, thumbprint.ErrCertificate
	}
	pem, ok := percentDecode(v)
	if !ok {
		return thumbprint.Thumbprint{}, thumbprint.ErrCertificate
	}
	return thumbprint.OfPEM(pem)
}

func percentDecode(s string) (decoded []byte, ok bool) {
	decoded = make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			var ok bool
			if c, ok = percent.Unescape(s[i+1:]); !ok {
				return nil, false
			}
			i += 2
		}
		decoded = append(decoded, c)
	}
	return decoded, true
}
