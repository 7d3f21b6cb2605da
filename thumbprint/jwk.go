package thumbprint

import (
	"crypto/sha256"

	"holdfast/internal/base64url"
	"holdfast/strictjson"
)

// coordinateBytes is the length in bytes of a coordinate or key on each curve
// (RFC 7518 §6.2.1.2, RFC 8037 §2), by key type and curve.
var coordinateBytes = map[string]map[string]int{
	"EC":  {"P-256": 32, "P-384": 48, "P-521": 66},
	"OKP": {"Ed25519": 32, "Ed448": 57},
}

// OfJWK is the thumbprint of the public key in a JWK (RFC 7638), of type EC,
// RSA or OKP. Members that RFC 7638 §3.2 does not name are not looked at; a
// private key therefore has the thumbprint of its public half (§3.2.1).
//
// One key must have one thumbprint, so the numbers have to be written as RFC
// 7518 §6 demands: strict base64url, coordinates at full length, RSA numbers
// without leading zeros. Anything else is ErrJWK.
func OfJWK(jwk strictjson.Value) (Thumbprint, error) {
	kty, _ := jwk.Get("kty").Text()
	switch kty {
	case "RSA":
		e, okE := integer(jwk.Get("e"))
		n, okN := integer(jwk.Get("n"))
		if okE && okN {
			return digest("e", e, "kty", kty, "n", n), nil
		}
	case "EC", "OKP":
		crv, _ := jwk.Get("crv").Text()
		size, known := coordinateBytes[kty][crv]
		x, okX := octets(jwk.Get("x"), size)
		if !known || !okX {
			break
		}
		if kty == "OKP" {
			return digest("crv", crv, "kty", kty, "x", x), nil
		}
		if y, okY := octets(jwk.Get("y"), size); okY {
			return digest("crv", crv, "kty", kty, "x", x, "y", y), nil
		}
	}
	return Thumbprint{}, ErrJWK
}

// octets is the text of a member that holds exactly size bytes.
func octets(v strictjson.Value, size int) (string, bool) {
	text, b, ok := decode(v)
	return text, ok && len(b) == size
}

// integer is the text of a member that holds a Base64urlUInt above zero.
func integer(v strictjson.Value) (string, bool) {
	text, b, ok := decode(v)
	return text, ok && len(b) > 0 && b[0] != 0
}

func decode(v strictjson.Value) (string, []byte, bool) {
	text, isText := v.Text()
	b, ok := base64url.Decode(text)
	return text, b, isText && ok
}

// digest hashes the JSON object of RFC 7638 §3.1. Its callers pass the members
// in lexicographic order, and only values that need no escape in JSON.
func digest(namesAndValues ...string) Thumbprint {
	var buffer [512]byte // enough for all but RSA
	text := append(buffer[:0], '{')
	for i := 0; i < len(namesAndValues); i += 2 {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(append(text, '"'), namesAndValues[i]...), `":"`...)
		text = append(append(text, namesAndValues[i+1]...), '"')
	}
	return sha256.Sum256(append(text, '}'))
}
