package filter

import (
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"holdfast/filter/config"
	"holdfast/jwt"
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

// What the cache counts of a token is about what it takes, whatever its claims are made of:
// a thousand of a few bytes each, or one with thousands of scopes. Not beside other tests.
func TestT22b_TokensTakeWhatIsCounted(t *testing.T) {
	encode := base64.RawURLEncoding.EncodeToString
	many := `{"sub":"%d"`
	for i := range 1200 {
		many += fmt.Sprintf(`,"%x":1`, i)
	}
	for name, claims := range map[string]string{
		"usual":   `{"sub":"%d","scope":"read write","email":"` + strings.Repeat("a", 500) + `"}`,
		"small":   `{"sub":"%d"}`,
		"members": many + "}",
		"scopes":  `{"sub":"%d","scope":"` + strings.Repeat("a ", 5000) + `"}`,
	} {
		heap := func() int {
			runtime.GC()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return int(m.HeapAlloc)
		}
		kept, counted := make([]*knownToken, 200), 0
		before := heap()
		for i := range kept {
			text := encode([]byte(`{"alg":"ES256","typ":"at+jwt","kid":"k1"}`)) + "." + encode(fmt.Appendf(nil, claims, i)) + "." + strings.Repeat("A", 86)
			token, err := jwt.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			kept[i] = &knownToken{text: text, token: token}
			kept[i].read(&config.Issuer{ScopeClaims: []string{"scope"}})
			counted += kept[i].size()
		}
		takes := heap() - before
		runtime.KeepAlive(kept)
		if takes > counted*5/4 {
			t.Errorf("%s: they take %d bytes each, %d are counted", name, takes/len(kept), counted/len(kept))
		}
	}
}
