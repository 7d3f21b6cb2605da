package thumbprint

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

const (
	// The value of x5t#S256 in RFC 8705 §3.1. Its last character "2" sets bits
	// beyond the 32nd byte; the canonical spelling of the same bytes ends in "0".
	rfc8705Section31 = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"
	// The certificate of RFC 8705 appendix A, figure 6, and its thumbprint of
	// figure 5.
	rfc8705AppendixA    = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"
	rfc8705AppendixACer = `-----BEGIN CERTIFICATE-----
MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAx
ODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqG
SM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ
/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwID
SQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOV
bUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=
-----END CERTIFICATE-----
`
)

func TestRFC8705_3_1_TrailingBits(t *testing.T) {
	t.Parallel()
	got, err := ParseX5T(rfc8705Section31)
	if err != nil {
		t.Fatalf("the RFC's own example: %v", err)
	}
	canonical := rfc8705Section31[:42] + "0"
	if got.String() != canonical {
		t.Errorf("String() = %q, want %q", got.String(), canonical)
	}
	other, err := ParseX5T(canonical)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Equal(other) {
		t.Error("two spellings of the same 32 bytes must be equal")
	}
}

func TestRFC8705_A_Certificate(t *testing.T) {
	t.Parallel()
	got, err := OfPEM([]byte(rfc8705AppendixACer))
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != rfc8705AppendixA {
		t.Errorf("thumbprint = %s, want %s", got, rfc8705AppendixA)
	}
}

// T12: what x5t#S256 and jkt may hold, and what is refused.
func TestT12ParseX5T(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		ok       bool
	}{
		{"canonical", rfc8705AppendixA, true},
		{"RFC 8705 §3.1, trailing bits", rfc8705Section31, true},
		{"empty", "", false},
		{"one character short", rfc8705AppendixA[:42], false},
		{"one character long", rfc8705AppendixA + "A", false},
		{"padded", rfc8705AppendixA + "=", false},
		{"padding inside 43 characters", rfc8705AppendixA[:42] + "=", false},
		{"standard base64 plus", "+" + rfc8705AppendixA[1:], false},
		{"standard base64 slash", "/" + rfc8705AppendixA[1:], false},
		{"hex of the digest", strings.Repeat("ab", 32), false},
		{"hex cut to 43", strings.Repeat("ab", 32)[:43], true}, // legal characters: it just never matches
		{"line feed among 43", rfc8705AppendixA[:42] + "\n", false},
		{"carriage return within", rfc8705AppendixA[:20] + "\r" + rfc8705AppendixA[21:], false},
		{"line feed as a 44th", rfc8705AppendixA + "\n", false},
		{"space", " " + rfc8705AppendixA[1:], false},
		{"NUL", "\x00" + rfc8705AppendixA[1:], false},
		{"non-ASCII", "é" + rfc8705AppendixA[2:], false},
		{"SHA-1 thumbprint", "2jmj7l5rSw0yVb_vlWAYkK_YBwk", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseX5T(tt.in)
			if (err == nil) != tt.ok {
				t.Fatalf("ParseX5T: %v, want ok %v", err, tt.ok)
			}
			if err != nil && (!errors.Is(err, ErrEncoding) || got != Thumbprint{}) {
				t.Errorf("got %v and %v, want the zero thumbprint and ErrEncoding", got, err)
			}
		})
	}
}

func TestParseHex(t *testing.T) {
	t.Parallel()
	want, err := OfPEM([]byte(rfc8705AppendixACer))
	if err != nil {
		t.Fatal(err)
	}
	digits := hex.EncodeToString(want[:])
	tests := []struct {
		name, in string
		ok       bool
	}{
		{"lower case, as Envoy writes it", digits, true},
		{"upper case", strings.ToUpper(digits), true},
		{"empty", "", false},
		{"short", digits[:63], false},
		{"long", digits + "0", false},
		{"colons", digits[:2] + ":" + digits[2:63], false},
		{"not hex", "g" + digits[1:], false},
		{"prefix 0x", "0x" + digits[2:], false},
		{"white space", digits + "\n", false},
		{"white space among 64", digits[:63] + " ", false},
		{"SHA-1", strings.Repeat("a", 40), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseHex(tt.in)
			if !tt.ok {
				if !errors.Is(err, ErrEncoding) || got != (Thumbprint{}) {
					t.Fatalf("got %v, %v; want ErrEncoding and the zero thumbprint", got, err)
				}
				return
			}
			if err != nil || !got.Equal(want) {
				t.Errorf("got %v, %v; want %v", got, err, want)
			}
		})
	}
}

func TestShortIsTheStartOfString(t *testing.T) {
	t.Parallel()
	got, err := ParseX5T(rfc8705AppendixA)
	if err != nil {
		t.Fatal(err)
	}
	if got.Short() != "A4DtL2Jm" {
		t.Errorf("Short() = %q", got.Short())
	}
}

func TestEqualSeesEveryBit(t *testing.T) {
	t.Parallel()
	var zero Thumbprint
	for i := range 256 {
		other := zero
		other[i/8] ^= 1 << (i % 8)
		if zero.Equal(other) {
			t.Errorf("bit %d is not compared", i)
		}
	}
	if !zero.Equal(Thumbprint{}) {
		t.Error("a thumbprint must equal itself")
	}
}

func FuzzParseX5T(f *testing.F) {
	f.Add(rfc8705Section31)
	f.Add(rfc8705AppendixA)
	f.Add(strings.Repeat("A", 42) + "\n")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseX5T(s)
		if err != nil {
			return
		}
		again, err := ParseX5T(got.String())
		if err != nil || !again.Equal(got) {
			t.Errorf("%q does not survive its own text form", s)
		}
		want, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil || !bytes.Equal(want, got[:]) {
			t.Errorf("%q: got %x, want %x", s, got, want)
		}
	})
}
