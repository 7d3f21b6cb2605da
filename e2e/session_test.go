package e2e

import (
	"net/http"
	"strings"
	"testing"
)

const sessionCookie = "__Host-holdfast"

// begin starts a session with a token and returns its cookie as a header line.
func begin(t *testing.T, c *Client, token string) string {
	t.Helper()
	a := c.Get(path, "authorization: Bearer "+token)
	passed(t, a)
	cookies := (&http.Response{Header: a.Header}).Cookies()
	if len(cookies) != 1 {
		t.Fatalf("set-cookie: %q", a.Header.Values("set-cookie"))
	}
	k := cookies[0]
	if k.Name != sessionCookie || !k.Secure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Path != "/" || k.Domain != "" || k.MaxAge <= 0 {
		t.Errorf("set-cookie: %q", k.Raw)
	}
	if got := a.Header.Values("cache-control"); len(got) != 1 || got[0] != "private, no-store" {
		t.Errorf("cache-control: %q", got)
	}
	return "cookie: " + k.Name + "=" + k.Value
}

// ends asserts that an answer removes the cookie, or leaves it alone.
func ends(t *testing.T, a *Answer, want bool) {
	t.Helper()
	got := a.Header.Get("set-cookie")
	if cleared := strings.HasPrefix(got, sessionCookie+"=;") && strings.Contains(got, "Max-Age=0"); cleared != want || !want && got != "" {
		t.Errorf("set-cookie is %q; to be cleared: %v", got, want)
	}
}

// The third flow, on top of either of the others.
func TestContract4_Sessions(t *testing.T) {
	f := asking.use(t)
	for name, opaque := range map[string]bool{"of a JWT": false, "of an opaque token": true} {
		t.Run(name, func(t *testing.T) {
			a, b, none := f.callers(t, "sessions")
			token := f.fresh(t, f.PKI.A, opaque)
			cookie := begin(t, a, token)

			got := a.Get(path, cookie+"; theme=dark")
			seen := passed(t, got)
			if h := seen.Header; h.Get("cookie") != "theme=dark" || h.Get("authorization") != "Bearer "+token || !strings.HasPrefix(h.Get("x-auth-sub"), ClientA) {
				t.Errorf("the upstream saw %v", h)
			}
			if set := got.Header.Values("set-cookie"); len(set) != 0 {
				t.Errorf("a session is started again: %q", set)
			}
			http2 := f.ClientOf("sessions", Caller{Certificate: f.PKI.A, HTTP2: true})
			defer http2.Close()
			if seen := passed(t, http2.Get(path, "cookie: a=1", cookie, "cookie: b=2")); strings.Contains(seen.Header.Get("cookie"), sessionCookie) {
				t.Errorf("the upstream saw %q", seen.Header.Values("cookie"))
			}
			// The anonymous path does not show it to the upstream either.
			if seen := passed(t, a.Get("/public/status", cookie)); seen.Header.Get("cookie") != "" {
				t.Errorf("the upstream saw %q", seen.Header.Values("cookie"))
			}

			stolen := b.Get(path, cookie)
			f.refused(t, stolen, 401, "invalid_token")
			ends(t, stolen, true)
			f.refused(t, none.Get(path, cookie), 401, "invalid_token")
			// A bad token beside a good cookie decides alone.
			f.refused(t, a.Get(path, cookie, "authorization: Bearer "+f.Auth.Mint(f.PKI.A).Unsigned()), 401, "invalid_token")

			value := strings.TrimPrefix(cookie, "cookie: "+sessionCookie+"=")
			flipped := value[:20] + string(rune(value[20]^1)) + value[21:]
			for name, line := range map[string]string{
				"tampered":         "cookie: " + sessionCookie + "=" + flipped,
				"cut short":        "cookie: " + sessionCookie + "=" + value[:len(value)-4],
				"oversized":        cookie + strings.Repeat("A", 4096),
				"two of the name":  cookie + "; " + sessionCookie + "=" + value,
				"the token itself": "cookie: " + sessionCookie + "=" + token,
			} {
				t.Run(name, func(t *testing.T) {
					got := a.Get(path, line)
					f.refused(t, got, 401, "")
					ends(t, got, true)
				})
			}
			t.Run("cross-site", func(t *testing.T) {
				for _, line := range []string{"origin: https://evil.example", "sec-fetch-site: cross-site", "sec-fetch-site: same-site"} {
					got := a.Get(path, cookie, line)
					f.refused(t, got, 401, "")
					ends(t, got, false)
				}
				passed(t, a.Get(path, cookie, "sec-fetch-site: cross-site", "sec-fetch-mode: navigate"))
				passed(t, a.Get(path, cookie, "origin: "+Resource, "sec-fetch-site: same-origin"))
			})
			t.Run("another realm", func(t *testing.T) {
				other, _, _ := f.callers(t, "other-realm")
				foreign := begin(t, other, f.fresh(t, f.PKI.A, false))
				passed(t, other.Get(path, foreign))
				got := a.Get(path, foreign)
				f.refused(t, got, 401, "")
				ends(t, got, true)
				got = other.Get(path, cookie)
				if got.Status != 401 || got.Seen != nil {
					t.Errorf("got %v", describe(got))
				}
			})
			passed(t, a.Get(path, cookie))
		})
	}
}

func TestContract4_SessionsEnd(t *testing.T) {
	f := asking.use(t)
	t.Run("after their lifetime", func(t *testing.T) {
		a, _, _ := f.callers(t, "short-sessions")
		cookie := begin(t, a, f.fresh(t, f.PKI.A, false))
		eventually(t, "ended", func() bool { return a.Get(path, cookie).Status == 401 })
		got := a.Get(path, cookie)
		f.refused(t, got, 401, "")
		ends(t, got, true)
	})
	t.Run("with their token", func(t *testing.T) {
		a, _, _ := f.callers(t, "sessions")
		f.Auth.Lifetime(5)
		token := f.fresh(t, f.PKI.A, true)
		f.Auth.Lifetime(300)
		cookie := begin(t, a, token)
		eventually(t, "expired", func() bool { return a.Get(path, cookie).Status == 401 })
		f.refused(t, a.Get(path, cookie), 401, "")
	})
	t.Run("when it is revoked", func(t *testing.T) {
		a, _, _ := f.callers(t, "sessions")
		token := f.fresh(t, f.PKI.A, true)
		cookie := begin(t, a, token)
		if err := f.Revoke(f.PKI.A, true, token); err != nil {
			t.Fatal(err)
		}
		eventually(t, "revoked", func() bool { return a.Get(path, cookie).Status == 401 })
		got := a.Get(path, cookie)
		f.refused(t, got, 401, "invalid_token")
		ends(t, got, true)
	})
}

func TestContract6_SessionMetrics(t *testing.T) {
	f := asking.use(t)
	a, b, _ := f.callers(t, "sessions")
	before := [3]uint64{f.Envoy.Metric("holdfast.session.started"), f.Envoy.Metric("holdfast.session.used"), f.Envoy.Metric("holdfast.session.refused")}
	cookie := begin(t, a, f.fresh(t, f.PKI.A, false))
	passed(t, a.Get(path, cookie))
	f.refused(t, b.Get(path, cookie), 401, "invalid_token")
	eventually(t, "counted", func() bool {
		return f.Envoy.Metric("holdfast.session.started") == before[0]+1 && f.Envoy.Metric("holdfast.session.used") == before[1]+1 &&
			f.Envoy.Metric("holdfast.session.refused") == before[2]+1
	})
}
