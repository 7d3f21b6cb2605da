// Package base64url decodes base64url as JOSE writes it, in its one spelling:
// without padding, white space and line breaks, and with unused bits that are zero
// (RFC 7515 §2, RFC 4648 §3.5). So no two texts stand for the same bytes, and no
// cache or revocation list that keys on the text can be sidestepped.
//
// It is not encoding/base64, which takes twice as long in a Wasm VM and skips
// line breaks even when it is strict.
package base64url

import "slices"

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// invalid is the digit of a character that is none. Digits are below it.
const invalid = 1 << 6

// digits has the digit of each character.
var digits = func() (t [256]uint8) {
	for c := range t {
		t[c] = invalid
	}
	for digit, c := range []byte(alphabet) {
		t[c] = uint8(digit)
	}
	return t
}()

// Decode decodes a text. ok is false, and data nil, for anything but the one strict
// spelling.
func Decode(text string) (data []byte, ok bool) { return AppendDecode(nil, text) }

// AppendDecode is Decode behind what is in data, which spares the heap a copy where
// data lies on the stack.
func AppendDecode(data []byte, text string) (_ []byte, ok bool) {
	data, unused, ok := appendDecode(data, text)
	if !ok || unused != 0 {
		return nil, false
	}
	return data, true
}

// AppendDecodeLoose is AppendDecode, and takes any unused bits: four texts, or sixteen,
// stand for the same bytes where there are some.
func AppendDecodeLoose(data []byte, text string) (_ []byte, ok bool) {
	data, _, ok = appendDecode(data, text)
	return data, ok
}

func appendDecode(data []byte, text string) (_ []byte, unused uint32, ok bool) {
	start, size := len(data), len(text)*6/8
	data = slices.Grow(data, size)[:start+size]
	out := data[start:]
	seen := uint8(0) // all digits, one over the other
	for len(text) >= 8 && len(out) >= 6 {
		a, b, c, d := digits[text[0]], digits[text[1]], digits[text[2]], digits[text[3]]
		e, f, g, h := digits[text[4]], digits[text[5]], digits[text[6]], digits[text[7]]
		seen |= a | b | c | d | e | f | g | h
		out[0], out[1], out[2] = a<<2|b>>4, b<<4|c>>2, c<<6|d
		out[3], out[4], out[5] = e<<2|f>>4, f<<4|g>>2, g<<6|h
		text, out = text[8:], out[6:]
	}
	bits, left := uint32(0), 0 // the last of the bits, those that are no byte yet
	for i := range len(text) {
		digit := digits[text[i]]
		seen |= digit
		bits, left = bits<<6|uint32(digit), left+6
		if left >= 8 {
			left -= 8
			out[0], out = byte(bits>>left), out[1:]
		}
	}
	if seen >= invalid || left >= 6 {
		return nil, 0, false
	}
	return data, bits & (1<<left - 1), true
}
