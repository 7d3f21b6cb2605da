package jwt

import (
	"encoding/base64"
	"strings"
)

// segmentEncoding is base64url without padding whose unused trailing bits must be
// zero. So a token has one spelling, and no cache or revocation list that keys on
// the text can be sidestepped by another (RFC 7515 §2, RFC 4648 §3.5).
var segmentEncoding = base64.RawURLEncoding.Strict()

// decodeSegment decodes one segment of a compact JWS. ok is false for anything
// but the one strict spelling.
func decodeSegment(segment string) (data []byte, ok bool) {
	return appendSegment(nil, segment)
}

// decodeText is decodeSegment for text. Segments of the usual size are decoded on
// the stack, which spares the heap one copy of each.
func decodeText(segment string) (text string, ok bool) {
	var buffer [1024]byte
	data, ok := appendSegment(buffer[:0], segment)
	return string(data), ok
}

func appendSegment(data []byte, segment string) (_ []byte, ok bool) {
	// encoding/base64 skips line breaks even when strict.
	if strings.IndexByte(segment, '\r') >= 0 || strings.IndexByte(segment, '\n') >= 0 {
		return nil, false
	}
	data, err := segmentEncoding.AppendDecode(data, []byte(segment))
	return data, err == nil
}

// splitCompact cuts a token at its two dots. It allocates nothing and reads the
// token once, however many dots there are (CVE-2025-30204).
func splitCompact(compact string) (header, payload, signature string, err error) {
	header, rest, ok := strings.Cut(compact, ".")
	if !ok {
		return "", "", "", errParts
	}
	payload, signature, ok = strings.Cut(rest, ".")
	if !ok {
		return "", "", "", errParts
	}
	switch strings.Count(signature, ".") {
	case 0:
		return header, payload, signature, nil
	case 2:
		return "", "", "", errFiveParts
	}
	return "", "", "", errParts
}

var (
	errParts     = &detail{ErrMalformed, "not three parts"}
	errFiveParts = &detail{ErrEncrypted, "five parts"}
)
