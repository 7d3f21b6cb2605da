package filter

import (
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"holdfast/filter/config"
	"holdfast/introspection"
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

// What the caches count of a token, and of an answer about one, is about what it takes,
// whatever its claims are made of: a thousand of a few bytes each, or one with thousands
// of scopes. Not beside other tests.
func TestT17_TokensTakeWhatIsCounted(t *testing.T) {
	encode := base64.RawURLEncoding.EncodeToString
	token := func(claims string) (any, int) {
		text := encode([]byte(`{"alg":"ES256","typ":"at+jwt","kid":"k1"}`)) + "." + encode([]byte(claims)) + "." + strings.Repeat("A", 86)
		parsed, err := jwt.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		known := &knownToken{text: text, token: parsed}
		known.read(&config.Issuer{ScopeClaims: []string{"scope"}})
		return known, known.size()
	}
	answer := func(claims string) (any, int) {
		answer, err := introspection.ParseAnswer(claims)
		if err != nil {
			t.Fatal(err)
		}
		v := newVerdict(answer, "opaque", &issuer{Introspection: &config.Introspection{}})
		return v, v.cost("opaque")
	}
	many := `{"active":true,"sub":"%d"`
	for i := range 1200 {
		many += fmt.Sprintf(`,"%x":1`, i)
	}
	for name, test := range map[string]struct {
		make   func(claims string) (kept any, counted int)
		claims string
	}{
		"usual":             {token, `{"sub":"%d","scope":"read write","email":"` + strings.Repeat("a", 500) + `"}`},
		"small":             {token, `{"sub":"%d"}`},
		"members":           {token, many + "}"},
		"scopes":            {token, `{"sub":"%d","scope":"` + strings.Repeat("a ", 5000) + `"}`},
		"answer":            {answer, `{"active":true,"sub":"%d","scope":"read write","email":"` + strings.Repeat("a", 500) + `"}`},
		"answer of members": {answer, many + "}"},
	} {
		heap := func() int {
			runtime.GC()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return int(m.HeapAlloc)
		}
		kept, counted := make([]any, 200), 0
		before := heap()
		for i := range kept {
			one, size := test.make(fmt.Sprintf(test.claims, i))
			kept[i] = one
			counted += size
		}
		takes := heap() - before
		runtime.KeepAlive(kept)
		if takes > counted*5/4 {
			t.Errorf("%s: they take %d bytes each, %d are counted", name, takes/len(kept), counted/len(kept))
		}
	}
}
