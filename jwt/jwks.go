package jwt

import "holdfast/strictjson"

// KeySet is the keys of a JWK Set that can verify tokens. It is immutable and
// safe for concurrent use. A nil set is an empty one.
type KeySet struct {
	keys []Key
}

// maxKeys is how many keys a set may list. Issuers publish a handful.
const maxKeys = 256

var (
	errKeySetJSON  = &detail{ErrKeySet, "not a strict JSON object"}
	errKeySetKeys  = &detail{ErrKeySet, "keys is not an array of objects"}
	errKeySetCount = &detail{ErrKeySet, "more than 256 keys"}
)

// ParseKeySet reads a JWK Set (RFC 7517 §5), a strict JSON object with an array of
// objects as "keys". Keys that cannot verify a token are left out: symmetric and
// private ones, of other types, curves or uses, RSA below 2048 or above 8192 bits
// or with an exponent outside 3 to 2^31-1, points off their curve, and all whose
// members are not as RFC 7518 §6 has them.
//
// Errors wrap [ErrKeySet], or are [ErrNoUsableKey] when nothing remains. The
// caller bounds the length of doc.
func ParseKeySet(doc string) (*KeySet, error) {
	object, err := strictjson.Parse(doc)
	if err != nil || object.Kind() != strictjson.Object {
		return nil, errKeySetJSON
	}
	elements, ok := object.Get("keys").Array()
	if !ok {
		return nil, errKeySetKeys
	}
	if len(elements) > maxKeys {
		return nil, errKeySetCount
	}
	set := new(KeySet)
	for _, jwk := range elements {
		if jwk.Kind() != strictjson.Object {
			return nil, errKeySetKeys
		}
		if key, ok := parseKey(jwk.Indexed()); ok {
			set.keys = append(set.keys, key)
		}
	}
	if len(set.keys) == 0 {
		return nil, ErrNoUsableKey
	}
	return set, nil
}

// Len returns how many usable keys the set has.
func (s *KeySet) Len() int {
	if s == nil {
		return 0
	}
	return len(s.keys)
}

// Holds reports whether one of the keys is the ES256 key with this [Key.Point].
func (s *KeySet) Holds(point string) bool {
	for i := range s.Len() {
		if s.keys[i].Point() == point && point != "" {
			return true
		}
	}
	return false
}

// Find returns the one key for a token with this header. A token with a "kid" gets
// the key of exactly that "kid", a token without one any key; in both cases it must
// be a key of the algorithm's type and curve that is not reserved for another
// algorithm. Several such keys are [ErrKeyAmbiguous], none is [ErrKeyUnknown].
// Keys are never tried in turn: that would let the weakest of them decide.
func (s *KeySet) Find(h Header) (*Key, error) {
	var found *Key
	for i := range s.Len() {
		key := &s.keys[i]
		if h.HasKeyID && (!key.hasID || key.id != h.KeyID) || !key.Fits(h.Algorithm) {
			continue
		}
		if found != nil {
			return nil, ErrKeyAmbiguous
		}
		found = key
	}
	if found == nil {
		return nil, ErrKeyUnknown
	}
	return found, nil
}
