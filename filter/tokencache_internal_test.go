package filter

import (
	"strings"
	"testing"
)

// RFC 6750 §2.1
func TestRFC6750_2_1_TokenBytes(t *testing.T) {
	t.Parallel()
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
	for c := range 256 {
		s := string([]byte{byte(c)})
		want := strings.Contains(allowed, s)
		if got := isB64Token(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
		if got := isB64Token("a" + s); got != (want || c == '=') {
			t.Errorf("a%q: %v", s, got)
		}
	}
}
