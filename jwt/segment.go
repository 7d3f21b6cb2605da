package jwt

import (
	"strings"

	"holdfast/internal/base64url"
)

// decodeText decodes a segment that is text. Segments of the usual size are decoded
// on the stack, which spares the heap one copy of each.
func decodeText(segment string) (text string, ok bool) {
	var buffer [1024]byte
	data, ok := base64url.AppendDecode(buffer[:0], segment)
	return string(data), ok
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
	switch {
	case strings.IndexByte(signature, '.') < 0:
		return header, payload, signature, nil
	case strings.Count(signature, ".") == 2:
		return "", "", "", errFiveParts
	}
	return "", "", "", errParts
}

var (
	errParts     = &detail{ErrMalformed, "not three parts"}
	errFiveParts = &detail{ErrEncrypted, "five parts"}
)
