package introspection

import (
	"errors"
	"slices"

	"holdfast/internal/base64url"
	"holdfast/strictjson"
)

// ErrSigningKey is the error of [ParseSigningKey]. It never holds any part of the key.
var ErrSigningKey = errors.New("introspection: not a private JWK for ES256 (EC on P-256 with x, y, d) or PS256 (RSA of 2048 to 4096 bits with n, e, p, q, dp, dq, qi), or not one for signing")

// SigningKey is a private key by which a client authenticates.
type SigningKey struct {
	algorithm string // "ES256" or "PS256"
	id        string // kid; may be empty
	ec        *es256Key
	rsa       *ps256Key
}

const (
	minRSABits = 2048
	maxRSABits = 4096
)

// ParseSigningKey reads one private JWK (RFC 7518 §6.2.2, §6.3.2): EC on P-256 for
// ES256, or RSA with two primes and their p, q, dp, dq and qi for PS256. "alg", "use"
// and "key_ops" have to allow that where they are there. The error is [ErrSigningKey].
func ParseSigningKey(jwk string) (*SigningKey, error) {
	object, err := strictjson.Parse(jwk)
	if err != nil || object.Kind() != strictjson.Object {
		return nil, ErrSigningKey
	}
	k := new(SigningKey)
	ok := false
	switch kty, _ := object.Get("kty").Text(); kty {
	case "EC":
		k.algorithm = "ES256"
		k.ec, ok = parseEC(object)
	case "RSA":
		k.algorithm = "PS256"
		k.rsa, ok = parseRSA(object)
	}
	if !ok || !k.mayBeUsed(object) {
		return nil, ErrSigningKey
	}
	if kid := object.Get("kid"); kid.Kind() != strictjson.Missing {
		if k.id, ok = kid.Text(); !ok {
			return nil, ErrSigningKey
		}
	}
	return k, nil
}

// mayBeUsed honours what the key says of its own use (RFC 7517 §4.2 to §4.4).
func (k *SigningKey) mayBeUsed(object strictjson.Value) bool {
	for name, wanted := range map[string]string{"alg": k.algorithm, "use": "sig"} {
		if v := object.Get(name); v.Kind() != strictjson.Missing {
			if text, _ := v.Text(); text != wanted {
				return false
			}
		}
	}
	operations := object.Get("key_ops")
	if operations.Kind() == strictjson.Missing {
		return true
	}
	list, _ := operations.Array()
	return slices.ContainsFunc(list, func(v strictjson.Value) bool {
		text, _ := v.Text()
		return text == "sign"
	})
}

// parseEC: the private number, and the public point that belongs to it.
func parseEC(object strictjson.Value) (*es256Key, bool) {
	if curve, _ := object.Get("crv").Text(); curve != "P-256" {
		return nil, false
	}
	return newES256Key(octets(object.Get("d")), octets(object.Get("x")), octets(object.Get("y")))
}

// parseRSA: two primes, with the numbers that make them fast.
func parseRSA(object strictjson.Value) (*ps256Key, bool) {
	if object.Get("oth").Kind() != strictjson.Missing {
		return nil, false
	}
	var numbers [7][]byte
	for i, name := range [...]string{"n", "e", "p", "q", "dp", "dq", "qi"} {
		b := octets(object.Get(name))
		// RFC 7518 §2: no zeros in front. The bound is one of the time that the checks take.
		if len(b) == 0 || b[0] == 0 || len(b) > maxRSABits/8 {
			return nil, false
		}
		numbers[i] = b
	}
	return newPS256Key(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6])
}

// octets decodes strict base64url without padding (RFC 7515 §2); nil for anything else.
func octets(v strictjson.Value) []byte {
	text, _ := v.Text()
	b, _ := base64url.Decode(text)
	return b
}

// sign signs a SHA-256 digest as a JWS does (RFC 7518 §3.4, §3.5).
func (k *SigningKey) sign(digest []byte, random func([]byte) error) ([]byte, error) {
	var signature []byte
	var ok bool
	if k.rsa != nil {
		salt := make([]byte, saltSize)
		if err := random(salt); err != nil {
			return nil, err
		}
		signature, ok = k.rsa.sign(digest, salt)
	} else {
		signature, ok = k.ec.sign(digest)
	}
	if !ok {
		return nil, errSign
	}
	return signature, nil
}

var errSign = errors.New("introspection: no signature could be made")
