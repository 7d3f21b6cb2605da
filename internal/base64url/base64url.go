// Package base64url decodes base64url as JOSE writes it, in its one spelling:
// without padding, white space and line breaks, and with unused bits that are zero
// (RFC 7515 §2, RFC 4648 §3.5). So no two texts stand for the same bytes, and no
// cache or revocation list that keys on the text can be sidestepped.
package base64url

import (
	"encoding/base64"
	"strings"
)

var encoding = base64.RawURLEncoding.Strict()

// Decode decodes a text. ok is false, and data nil, for anything but the one strict
// spelling.
func Decode(text string) (data []byte, ok bool) { return AppendDecode(nil, text) }

// AppendDecode is Decode behind what is in data, which spares the heap a copy where
// data lies on the stack.
func AppendDecode(data []byte, text string) (_ []byte, ok bool) {
	// encoding/base64 skips line breaks even when strict.
	if strings.IndexByte(text, '\r') >= 0 || strings.IndexByte(text, '\n') >= 0 {
		return nil, false
	}
	data, err := encoding.AppendDecode(data, []byte(text))
	if err != nil {
		return nil, false
	}
	return data, true
}
