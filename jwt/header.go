package jwt

import "holdfast/strictjson"

// Header is what the JOSE header (RFC 7515 §4) says that matters here. Parameters
// that bring or name a key ("jwk", "jku", "x5u", "x5c") are not in it: nothing in
// an access token decides which key verifies it.
type Header struct {
	Algorithm Algorithm
	KeyID     string // "kid"; meaningful with HasKeyID
	HasKeyID  bool
	Type      string // "typ" as it was sent; empty when absent
}

// maxKeyID is how many bytes a "kid" may have. Key ids are digests or short
// names; anything longer is an attempt.
const maxKeyID = 256

// encryptionParameters are the parameters that steer decryption (RFC 7516 §4.1,
// RFC 7518 §4). A JWS that has one aims at a library which reads it as a JWE.
var encryptionParameters = [...]string{"enc", "zip", "epk", "p2c", "p2s"}

var (
	errHeaderEncoding = &detail{ErrMalformed, "header is not base64url"}
	errHeaderJSON     = &detail{ErrMalformed, "header is not a strict JSON object"}
	errHeaderKeyID    = &detail{ErrMalformed, "kid is not a string of at most 256 bytes"}
	errHeaderType     = &detail{ErrMalformed, "typ is not a string with content"}
)

// HasType reports whether "typ" is this media type: subtype is in lower case and without
// "application/", which a sender may leave out or put first, in any case (RFC 7515
// §4.1.9). A header without "typ" has the type "".
func (h Header) HasType(subtype string) bool { return equalFoldASCII(mediaSubtype(h.Type), subtype) }

// headerSegment is a first segment that was read. It is immutable, so that tokens may
// share it.
type headerSegment struct {
	header     Header
	parameters strictjson.Value // the whole of it
}

func parseHeader(segment string) (*headerSegment, error) {
	text, ok := decodeText(segment)
	if !ok {
		return nil, errHeaderEncoding
	}
	object, err := strictjson.Parse(text)
	if err != nil || object.Kind() != strictjson.Object {
		return nil, errHeaderJSON
	}
	for _, name := range encryptionParameters {
		if hasMember(object, name) {
			return nil, ErrEncrypted
		}
	}
	// "b64" changes what is signed and is only legal together with "crit"
	// (RFC 7797 §6); JWTs must not use it (§7).
	if hasMember(object, "crit") || hasMember(object, "b64") {
		return nil, ErrCritical
	}
	var h Header
	name, _ := object.Get("alg").Text()
	if h.Algorithm, ok = ParseAlgorithm(name); !ok {
		return nil, ErrAlgorithm
	}
	if kid := object.Get("kid"); kid.Kind() != strictjson.Missing {
		h.KeyID, h.HasKeyID = kid.Text()
		if !h.HasKeyID || len(h.KeyID) > maxKeyID {
			return nil, errHeaderKeyID
		}
	}
	if typ := object.Get("typ"); typ.Kind() != strictjson.Missing {
		if h.Type, _ = typ.Text(); h.Type == "" {
			return nil, errHeaderType
		}
	}
	return &headerSegment{h, object}, nil
}

func hasMember(object strictjson.Value, name string) bool {
	return object.Get(name).Kind() != strictjson.Missing
}
