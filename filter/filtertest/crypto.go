package filtertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"

	"holdfast/jwt"
)

var errNoVerifier = errors.New("the host verifies no signatures")

// GoCrypto verifies signatures with Go's own crypto, as a [Proxy.Verifier]. Like
// Envoy it says no, not that it cannot tell, when it can't read the key.
func GoCrypto(s jwt.X509Signature) (valid bool, err error) {
	hash, known := map[string]crypto.Hash{"sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512}[s.Hash]
	if !known {
		return false, nil
	}
	h := hash.New()
	h.Write([]byte(s.Input))
	sum := h.Sum(nil)
	key, err := x509.ParsePKIXPublicKey([]byte(s.PublicKey))
	if err != nil {
		return false, nil
	}
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, sum, []byte(s.Signature)), nil
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, hash, sum, []byte(s.Signature)) == nil, nil
	}
	return false, nil
}
