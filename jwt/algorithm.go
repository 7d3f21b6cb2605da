package jwt

// Algorithm is a signature algorithm of RFC 7518 §3.1 or RFC 8037 §3.1. The zero
// value is no algorithm. HMAC and "none" have no value here, so nothing can
// choose them.
type Algorithm uint8

// The algorithms that tokens can be verified with.
const (
	ES256 Algorithm = iota + 1 // ECDSA on P-256 with SHA-256
	ES384                      // ECDSA on P-384 with SHA-384
	ES512                      // ECDSA on P-521 with SHA-512
	RS256                      // RSASSA-PKCS1-v1_5 with SHA-256
	RS384                      // RSASSA-PKCS1-v1_5 with SHA-384
	RS512                      // RSASSA-PKCS1-v1_5 with SHA-512
	PS256                      // RSASSA-PSS with SHA-256 and a salt of 32 bytes
	PS384                      // RSASSA-PSS with SHA-384 and a salt of 48 bytes
	PS512                      // RSASSA-PSS with SHA-512 and a salt of 64 bytes
	EdDSA                      // Ed25519
)

var algorithmNames = [...]string{
	ES256: "ES256", ES384: "ES384", ES512: "ES512",
	RS256: "RS256", RS384: "RS384", RS512: "RS512",
	PS256: "PS256", PS384: "PS384", PS512: "PS512",
	EdDSA: "EdDSA",
}

// ParseAlgorithm returns the algorithm with this "alg" name. Names are compared
// exactly: RFC 7515 §4.1.1 has them case-sensitive.
func ParseAlgorithm(name string) (Algorithm, bool) {
	if name == "" {
		return 0, false // the name of the zero value
	}
	for a, known := range algorithmNames {
		if known == name {
			return Algorithm(a), true
		}
	}
	return 0, false
}

// String returns the "alg" name, and "invalid" for a value that is none of the
// constants.
func (a Algorithm) String() string {
	if a == 0 || int(a) >= len(algorithmNames) {
		return "invalid"
	}
	return algorithmNames[a]
}
