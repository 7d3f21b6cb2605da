package filter_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

const (
	sessionKey  = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	otherKey    = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
	withSession = `"session":{"key_env":"KEYS"}`
)

// startSessions starts a worker that has the keys of sessions in its environment.
func startSessions(t *testing.T, keys, change string) *worker {
	t.Helper()
	proxy := filtertest.NewProxy()
	w := &worker{Host: proxy.Worker(), t: t, proxy: proxy}
	w.Environment = map[string]string{"KEYS": keys}
	plugin, err := w.Start(configure(t, change))
	if err != nil {
		t.Fatal(err)
	}
	w.plugin = plugin
	return w
}

// setCookies lets the response pass and returns its Set-Cookie fields.
func setCookies(x *filter.Exchange, s *filtertest.Stream) []string {
	s.Response(x.OnResponseHeaders, field("cache-control", "public"))
	return s.ResponseField("set-cookie")
}

// newSession is the cookie pair of a new session.
func (w *worker) newSession(token string) string {
	w.t.Helper()
	s := get(token)
	x := w.send(s)
	w.proxy.Advance(10 * time.Millisecond)
	cookies := setCookies(x, s)
	if len(cookies) != 1 {
		w.t.Fatalf("%s, cookies %q", w.outcome(s), cookies)
	}
	pair, _, _ := strings.Cut(cookies[0], ";")
	return pair
}

func withCookie(pair string, fields ...filter.Header) *filtertest.Stream {
	return get("", append(fields, field("cookie", pair))...)
}

const cleared = "__Host-holdfast=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"

func TestContract4_SessionStartsWithAGoodRequest(t *testing.T) {
	t.Parallel()
	w := startSessions(t, sessionKey, `{`+withSession+`}`)
	s := get(good())
	cookies := setCookies(w.send(s), s)
	if len(cookies) != 1 || !regexp.MustCompile(`^__Host-holdfast=[A-Za-z0-9_-]+; Path=/; Max-Age=900; Secure; HttpOnly; SameSite=Lax$`).MatchString(cookies[0]) {
		t.Fatalf("%q", cookies)
	}
	if got := s.ResponseField("cache-control"); fmt.Sprint(got) != "[private, no-store]" {
		t.Errorf("%q", got)
	}
	if strings.Contains(cookies[0], good()) {
		t.Error("the cookie holds the token for everyone to read")
	}
	if n := w.Metric("holdfast.session.started"); n != 1 {
		t.Errorf("started %d", n)
	}
	// The same token with its session: there is nothing to start.
	pair, _, _ := strings.Cut(cookies[0], ";")
	s = get(good(), field("cookie", pair))
	if cookies := setCookies(w.send(s), s); len(cookies) != 0 {
		t.Errorf("again: %q", cookies)
	}
	// Another token beside it gets one of its own.
	s = get(mint("k1"), field("cookie", pair))
	if cookies := setCookies(w.send(s), s); len(cookies) != 1 {
		t.Errorf("%q", cookies)
	}
}

func TestContract4_SessionStartsForNothingElse(t *testing.T) {
	t.Parallel()
	long := mint("k1", claim("x", strings.Repeat("x", 3000)))
	for name, tt := range map[string]struct {
		change string
		s      *filtertest.Stream
	}{
		"refused":                 {``, get(good()).Present(certB)},
		"no token":                {``, get("")},
		"anonymous":               {`,"rules":[{"match":{"path_prefix":"/"},"access":"anonymous"}]`, get("")},
		"unbound":                 {`,"proof_of_possession":{"mode":"optional"}`, get(mint("k1", claim("cnf", nil)))},
		"report_only":             {`,"proof_of_possession":{"report_only":true}`, get(good()).Present(certB)},
		"4 KB":                    {``, get(long)},
		"ends within this second": {``, get(mint("k1", claim("exp", seconds(0)+0)))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startSessions(t, sessionKey, `{`+withSession+tt.change+`}`)
			x := w.send(tt.s)
			if tt.s.Continued {
				if cookies := setCookies(x, tt.s); len(cookies) != 0 {
					t.Errorf("%q", cookies)
				}
				if got := tt.s.ResponseField("cache-control"); fmt.Sprint(got) != "[public]" {
					t.Errorf("%q", got)
				}
			} else if got := fmt.Sprint(tt.s.Answer.Headers); strings.Contains(got, "set-cookie") {
				t.Error(got)
			}
			if n := w.Metric("holdfast.session.started"); n != 0 {
				t.Errorf("started %d", n)
			}
		})
	}
	t.Run("no randomness", func(t *testing.T) {
		w := startSessions(t, sessionKey, `{`+withSession+`}`)
		w.Faults = filtertest.FailOn(errHost, "Random")
		s := get(good())
		if cookies := setCookies(w.send(s), s); len(cookies) != 0 || !s.Continued {
			t.Errorf("%q, %v", cookies, s.Continued)
		}
	})
	t.Run("the response can't be edited", func(t *testing.T) {
		w := startSessions(t, sessionKey, `{`+withSession+`}`)
		s := get(good())
		s.Faults = filtertest.FailOn(errHost, "SetResponseHeader")
		if cookies := setCookies(w.send(s), s); len(cookies) != 0 || !strings.Contains(w.LogText(), "could not be edited") {
			t.Errorf("%q", cookies)
		}
	})
}

// A session is decided as its token is, and the upstream sees the same.
func TestContract4_SessionStandsForItsToken(t *testing.T) {
	t.Parallel()
	w := startSessions(t, sessionKey, `{`+withSession+`,"forward":{"claims":[{"claim":"sub","header":"x-sub"}]},"rules":[{"match":{"path":"/admin"},"scopes":["admin"]}]}`)
	pair := w.newSession(good())
	s := withCookie("a=1; " + pair + "; b=2")
	w.expect(s, "token_accepted")
	only(t, s, "cookie", "a=1; b=2")
	only(t, s, "authorization", "Bearer "+good())
	only(t, s, "x-sub", "alice")
	s = withCookie(pair)
	w.expect(s, "token_accepted")
	only(t, s, "cookie")
	stolen := withCookie(pair).Present(certB)
	w.expect(stolen, "cnf_mismatch")
	if got := fmt.Sprint(stolen.Answer.Headers); !strings.Contains(got, "{set-cookie "+cleared+"}") {
		t.Error(got)
	}
	bare := withCookie(pair)
	delete(bare.Properties, "connection.sha256_peer_certificate_digest")
	w.expect(bare, "certificate_missing")
	admin := filtertest.NewStream("GET", host, "/admin", field("cookie", pair)).Present(certA)
	w.expect(admin, "scope_insufficient")
	if got := fmt.Sprint(admin.Answer.Headers); strings.Contains(got, "set-cookie") {
		t.Error("a session that may not do this one thing is ended: " + got)
	}
	// A token that is sent decides alone.
	s = get(mint("evil", param("kid", "k1")), field("cookie", pair))
	w.expect(s, "signature_invalid")
	s = get(good(), field("cookie", pair))
	w.expect(s, "token_accepted")
	only(t, s, "cookie")
	w.expect(filtertest.NewStream("GET", host, "/", field("cookie", pair), field("authorization", "Basic eDp5")).Present(certA), "token_accepted")
	if used, refused := w.Metric("holdfast.session.used"), w.Metric("holdfast.session.refused"); used != 4 || refused != 2 {
		t.Errorf("used %d, refused %d", used, refused)
	}
}

// A session that cannot be opened, or has ended, counts as no token and is cleared.
func TestContract4_BadSessions(t *testing.T) {
	t.Parallel()
	w := startSessions(t, sessionKey, `{`+withSession+`}`)
	pair := w.newSession(good())
	flipped := pair[:len(pair)-5] + string(pair[len(pair)-5]^1) + pair[len(pair)-4:]
	realm := startSessions(t, sessionKey, `{`+withSession+`,"realm":"other"}`).newSession(good())
	key := startSessions(t, otherKey, `{`+withSession+`}`).newSession(good())
	for name, cookie := range map[string]string{
		"tampered": flipped, "another realm": realm, "another key": key, "twice": pair + "; " + pair,
		"twice, one bad": pair + "; __Host-holdfast=x", "empty": "__Host-holdfast=", "garbage": "__Host-holdfast=%00",
		"oversized": pair + strings.Repeat("A", 4096), "the token itself": "__Host-holdfast=" + good(),
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			s := withCookie(cookie)
			w.expect(s, "no_token")
			if got := fmt.Sprint(s.Answer.Headers); !strings.Contains(got, "{set-cookie "+cleared+"}") {
				t.Error(got)
			}
		})
	}
	w.t = t
	two := filtertest.NewStream("GET", host, "/", field("cookie", pair), field("cookie", pair)).Present(certA)
	w.expect(two, "no_token")
	w.expect(withCookie(pair), "token_accepted")
	w.proxy.Advance(15 * time.Minute)
	ended := withCookie(pair)
	w.expect(ended, "no_token")
	if n := w.Metric("holdfast.session.refused"); n != 11 {
		t.Errorf("refused %d", n)
	}
	w.proxy.Jump(-time.Hour) // the clock was set back: it would last longer than any session may
	w.expect(withCookie(pair), "no_token")
}

func TestContract4_SessionEndsWithItsToken(t *testing.T) {
	t.Parallel()
	w := startSessions(t, sessionKey, `{`+withSession+`}`)
	s := get(mint("k1", claim("exp", seconds(90*time.Second))))
	cookies := setCookies(w.send(s), s)
	if len(cookies) != 1 || !strings.Contains(cookies[0], "Max-Age=90;") {
		t.Fatalf("%q", cookies)
	}
	pair, _, _ := strings.Cut(cookies[0], ";")
	w.proxy.Advance(90*time.Second - time.Millisecond)
	w.expect(withCookie(pair), "token_accepted")
	w.proxy.Advance(time.Millisecond)
	w.expect(withCookie(pair), "no_token") // at exp itself, whatever the clock skew
}

func TestContract4_RevokedTokenEndsItsSessions(t *testing.T) {
	t.Parallel()
	w := startSessions(t, sessionKey, asks("", withSession))
	w.proxy.Server = always(said(claim("exp", seconds(5*time.Minute))))
	pair := w.newSession("opaque")
	w.expect(withCookie(pair), "token_accepted") // through the same cache
	w.proxy.Server = always(saidAs("application/json", `{"active":false}`))
	w.proxy.Advance(30 * time.Second)
	s := withCookie(pair)
	w.expectSettled(s, "token_inactive")
	if got := fmt.Sprint(s.Answer.Headers); !strings.Contains(got, cleared) {
		t.Error(got)
	}
	// Nobody can say: that is nothing against the session.
	w.proxy.Server = always(status(500))
	w.proxy.Advance(30 * time.Second)
	s = withCookie(pair)
	w.expectSettled(s, "introspection_unavailable")
	if got := fmt.Sprint(s.Answer.Headers); strings.Contains(got, "set-cookie") {
		t.Error(got)
	}
}

func TestContract4_CrossSiteUseCountsAsNoCookie(t *testing.T) {
	t.Parallel()
	w := startSessions(t, sessionKey, `{`+withSession+`}`)
	pair := w.newSession(good())
	f := field
	for name, tt := range map[string]struct {
		method string
		fields []filter.Header
		counts bool
	}{
		"an old client":                 {"POST", nil, true},
		"own origin":                    {"POST", []filter.Header{f("origin", "https://api.example.com")}, true},
		"own origin, port and case":     {"POST", []filter.Header{f("origin", "https://API.example.com:443")}, true},
		"foreign origin":                {"POST", []filter.Header{f("origin", "https://evil.example")}, false},
		"another port":                  {"POST", []filter.Header{f("origin", "https://api.example.com:8443")}, false},
		"another scheme":                {"POST", []filter.Header{f("origin", "http://api.example.com")}, false},
		"origin null":                   {"GET", []filter.Header{f("origin", "null")}, false},
		"empty origin":                  {"GET", []filter.Header{f("origin", "")}, false},
		"two origins":                   {"GET", []filter.Header{f("origin", "https://api.example.com"), f("origin", "https://api.example.com")}, false},
		"same-origin":                   {"POST", []filter.Header{f("sec-fetch-site", "same-origin")}, true},
		"none: the user typed it":       {"GET", []filter.Header{f("sec-fetch-site", "none")}, true},
		"same-site":                     {"GET", []filter.Header{f("sec-fetch-site", "same-site")}, false},
		"cross-site":                    {"GET", []filter.Header{f("sec-fetch-site", "cross-site")}, false},
		"what is still to be invented":  {"GET", []filter.Header{f("sec-fetch-site", "x")}, false},
		"twice":                         {"GET", []filter.Header{f("sec-fetch-site", "none"), f("sec-fetch-site", "none")}, false},
		"navigation":                    {"GET", []filter.Header{f("sec-fetch-site", "cross-site"), f("sec-fetch-mode", "navigate"), f("sec-fetch-dest", "document")}, true},
		"navigation by HEAD":            {"HEAD", []filter.Header{f("sec-fetch-site", "same-site"), f("sec-fetch-mode", "navigate")}, true},
		"navigation by POST":            {"POST", []filter.Header{f("sec-fetch-site", "cross-site"), f("sec-fetch-mode", "navigate"), f("origin", "https://evil.example")}, false},
		"an embedded object":            {"GET", []filter.Header{f("sec-fetch-site", "cross-site"), f("sec-fetch-mode", "navigate"), f("sec-fetch-dest", "object")}, false},
		"no navigation":                 {"GET", []filter.Header{f("sec-fetch-site", "cross-site"), f("sec-fetch-mode", "no-cors")}, false},
		"own origin, but says not":      {"POST", []filter.Header{f("origin", "https://api.example.com"), f("sec-fetch-site", "cross-site")}, false},
		"foreign origin, but says same": {"POST", []filter.Header{f("origin", "https://evil.example"), f("sec-fetch-site", "same-origin")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			s := filtertest.NewStream(tt.method, host, "/accounts", append(tt.fields, f("cookie", pair))...).Present(certA)
			if tt.counts {
				w.expect(s, "token_accepted")
				return
			}
			w.expect(s, "no_token")
			if got := fmt.Sprint(s.Answer.Headers); strings.Contains(got, "set-cookie") {
				t.Error("another site could end the session: " + got)
			}
		})
	}
}

func TestContract2_BadSessionUnderAnAnonymousRule(t *testing.T) {
	t.Parallel()
	w := startSessions(t, sessionKey, `{`+withSession+`,"rules":[{"match":{"path":"/accounts"},"access":"anonymous"}],"forward":{"claims":[{"claim":"sub","header":"x-sub"}]}}`)
	pair := w.newSession(good())
	s := withCookie(pair)
	w.expect(s, "token_accepted")
	only(t, s, "x-sub", "alice")
	for name, s := range map[string]*filtertest.Stream{"stolen": withCookie(pair).Present(certB), "garbage": withCookie("__Host-holdfast=x")} {
		x := w.send(s)
		w.expectNow(s, "anonymous")
		only(t, s, "cookie")
		only(t, s, "x-sub")
		only(t, s, "authorization")
		if cookies := setCookies(x, s); fmt.Sprint(cookies) != "["+cleared+"]" {
			t.Errorf("%s: %q", name, cookies)
		}
	}
	s = withCookie(pair, field("sec-fetch-site", "cross-site"))
	x := w.send(s)
	w.expectNow(s, "anonymous")
	only(t, s, "cookie")
	if cookies := setCookies(x, s); len(cookies) != 0 {
		t.Errorf("%q", cookies)
	}
	// A token that is sent is judged as anywhere else.
	w.expect(get(mint("evil", param("kid", "k1"))), "signature_invalid")
}

func TestContract2_ReportOnlyNeverAppliesToSessions(t *testing.T) {
	t.Parallel()
	w := startSessions(t, sessionKey, `{`+withSession+`,"proof_of_possession":{"report_only":true}}`)
	pair := w.newSession(good())
	w.expect(withCookie(pair), "token_accepted")
	w.expect(withCookie(pair).Present(certB), "cnf_mismatch")
	w.expect(get(good()).Present(certB), "token_accepted")
}

func TestContract4_KeyRotation(t *testing.T) {
	t.Parallel()
	change := `{` + withSession + `}`
	old := startSessions(t, sessionKey, change).newSession(good())
	w := startSessions(t, otherKey+","+sessionKey, change)
	w.expect(withCookie(old), "token_accepted")
	renewed := w.newSession(good())
	w = startSessions(t, otherKey, change)
	w.expect(withCookie(old), "no_token")
	w.expect(withCookie(renewed), "token_accepted")
}

// Where the token goes when it came from a session.
func TestContract4_SessionForwardsTheSame(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change, header string
		send           func(token string) filter.Header
		want           []string
	}{
		"strip":        {`"forward":{"token":"strip"}`, "authorization", func(t string) filter.Header { return field("authorization", "Bearer "+t) }, nil},
		"other header": {`"token_sources":[{"header":{"name":"x-token"}}]`, "x-token", func(t string) filter.Header { return field("x-token", t) }, []string{good()}},
		"other cookie": {`"token_sources":[{"cookie":{"name":"tok"}}]`, "cookie", func(t string) filter.Header { return field("cookie", "tok="+t) }, []string{"tok=" + good()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startSessions(t, sessionKey, `{`+withSession+`,`+tt.change+`}`)
			first := filtertest.NewStream("GET", host, "/", tt.send(good())).Present(certA)
			x := w.send(first)
			only(t, first, tt.header, tt.want...)
			pair, _, _ := strings.Cut(setCookies(x, first)[0], ";")
			s := withCookie(pair)
			w.expect(s, "token_accepted")
			only(t, s, tt.header, tt.want...)
		})
	}
}

// T24: an environment without its secrets refuses the start, by path and name.
func TestContract1_SecretsComeFromTheEnvironment(t *testing.T) {
	t.Parallel()
	change := strings.ReplaceAll(asks(`"client_secret_env":"SECRET"`, withSession), `"client_secret":"s3cret",`, "")
	for name, tt := range map[string]struct {
		environment map[string]string
		want        []string
	}{
		"good":       {map[string]string{"SECRET": "x", "KEYS": sessionKey}, nil},
		"line ends":  {map[string]string{"SECRET": "x\r\n", "KEYS": sessionKey + "\n"}, nil},
		"no more":    {map[string]string{"SECRET": "\n", "KEYS": sessionKey}, []string{"issuers[0].introspection.client_secret_env: "}},
		"none":       {nil, []string{"issuers[0].introspection.client_secret_env: names a variable", "session.key_env: names a variable"}},
		"empty":      {map[string]string{"SECRET": "", "KEYS": sessionKey}, []string{"issuers[0].introspection.client_secret_env: "}},
		"no session": {map[string]string{"SECRET": "x", "KEYS": "not-a-key-but-very-secret"}, []string{"session.key_env: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := filtertest.NewProxy().Worker()
			h.Environment = tt.environment
			_, err := h.Start(configure(t, change))
			if (err == nil) != (tt.want == nil) {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if !strings.Contains(h.LogText(), want) {
					t.Errorf("%q is not in %q", want, h.LogText())
				}
			}
			if strings.Contains(h.LogText(), "very-secret") {
				t.Error(h.LogText())
			}
		})
	}
}
