package percent

import (
	"net/url"
	"strings"
	"testing"
)

func TestRFC3986_2_1_Unescape(t *testing.T) {
	for high := range 256 {
		for low := range 256 {
			rest := string([]byte{byte(high), byte(low)}) + "x"
			want, err := url.PathUnescape("%" + rest[:2])
			c, ok := Unescape(rest)
			if ok != (err == nil) || ok && string([]byte{c}) != want {
				t.Fatalf("Unescape(%q) = %#x, %v; net/url says %q, %v", rest, c, ok, want, err)
			}
		}
	}
	for _, rest := range []string{"", "4", "g4"} {
		if c, ok := Unescape(rest); ok {
			t.Errorf("Unescape(%q) = %#x", rest, c)
		}
	}
}

func TestRFC3986_2_3_Unreserved(t *testing.T) {
	t.Parallel()
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	for c := range 256 {
		if got, want := IsUnreserved(byte(c)), strings.IndexByte(unreserved, byte(c)) >= 0; got != want {
			t.Errorf("%#x: %v", c, got)
		}
	}
}
