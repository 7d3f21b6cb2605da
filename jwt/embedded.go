package jwt

import "holdfast/strictjson"

// What this file exports is for JWTs that are signed with a key which they bring along,
// as DPoP proofs are (RFC 9449 §4.2). Nothing in an access token ever decides which key
// verifies it (CVE-2018-0114): whoever judges one uses neither [ParseKey] nor
// [Token.HeaderParameter], and a test in guards keeps them to package dpop.

// ParseKey reads one JWK (RFC 7517 §4) by the rules of [ParseKeySet]. The error is
// [ErrNoUsableKey] for every key that a set would leave out.
func ParseKey(jwk strictjson.Value) (*Key, error) {
	key, ok := parseKey(jwk)
	if !ok {
		return nil, ErrNoUsableKey
	}
	return &key, nil
}

// HeaderParameter returns the JOSE header parameter of exactly this name (RFC 7515 §4).
// It is strictjson.Missing when there is none.
func (t *Token) HeaderParameter(name string) strictjson.Value {
	if t.head == nil {
		return strictjson.Value{}
	}
	return t.head.parameters.Get(name)
}
