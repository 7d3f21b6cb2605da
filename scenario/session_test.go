package scenario

import (
	"strings"
	"testing"
)

// The cookie of a response is held to contract §4.
func TestContract4_CookiesAreChecked(t *testing.T) {
	t.Parallel()
	const (
		started = "s=abc; Path=/; Secure; HttpOnly; SameSite=Lax"
		cleared = "s=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"
	)
	for name, tt := range map[string]struct {
		want, cookie, cacheControl string
		fits                       bool
	}{
		"started":           {"started", started, "private, no-store", true},
		"with Max-Age":      {"started", started + "; Max-Age=60", "private, no-store", true},
		"cleared":           {"cleared", cleared, "no-store", true},
		"none":              {"", "", "", true},
		"somebody else's":   {"", "t=abc", "", true},
		"not wanted":        {"", started, "private, no-store", false},
		"not started":       {"started", "", "private, no-store", false},
		"cleared instead":   {"started", cleared, "private, no-store", false},
		"started instead":   {"cleared", started, "private, no-store", false},
		"cached":            {"started", started, "public", false},
		"for other hosts":   {"started", started + "; Domain=example.com", "private, no-store", false},
		"for scripts":       {"started", strings.Replace(started, "; HttpOnly", "", 1), "private, no-store", false},
		"in the clear":      {"started", strings.Replace(started, "; Secure", "", 1), "private, no-store", false},
		"from other sites":  {"started", strings.Replace(started, "Lax", "None", 1), "private, no-store", false},
		"for ever":          {"started", started + "; Max-Age=x", "private, no-store", false},
		"over 4096 bytes":   {"started", "s=" + strings.Repeat("a", 4095) + started[5:], "private, no-store", false},
		"exactly 4096":      {"started", "s=" + strings.Repeat("a", 4094) + started[5:], "private, no-store", true},
		"cleared elsewhere": {"cleared", strings.Replace(cleared, "Path=/", "Path=/x", 1), "", false},
	} {
		o := &outcome{}
		if tt.cookie != "" {
			o.headers = headersOf("set-cookie", tt.cookie, "cache-control", tt.cacheControl)
		}
		if err := checkSession("s", o, &Want{Session: tt.want}); (err == nil) != tt.fits {
			t.Errorf("%s: %v", name, err)
		}
	}
	two := &outcome{headers: headersOf("set-cookie", started, "set-cookie", started, "cache-control", "private, no-store")}
	if checkSession("s", two, &Want{Session: "started"}) == nil {
		t.Error("two cookies of one name are taken")
	}
}

// A thief's cookie differs from the one that was kept.
func TestSpoiledCookies(t *testing.T) {
	t.Parallel()
	w := newWorld(pki(), "x")
	const kept = "s=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"
	w.cookies["a"] = kept
	seen := map[string]bool{}
	for _, how := range []string{"", "value", "first", "key", "nonce", "middle", "last", "cut", "short", "padded"} {
		name := "${cookie:a:" + how + "}"
		if how == "" {
			name = "${cookie:a}"
		}
		text, err := w.text(name)
		if err != nil || seen[text] || (text == kept) != (how == "") {
			t.Errorf("%q: %q, %v", how, text, err)
		}
		seen[text] = true
	}
	for _, name := range []string{"${cookie:b}", "${cookie:a:eaten}"} {
		if _, err := w.text(name); err == nil {
			t.Errorf("%s is something", name)
		}
	}
}
