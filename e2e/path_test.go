package e2e

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// T19: /public/ is anonymous. No spelling of another path gets through with it.
func TestT19PathTricks(t *testing.T) {
	f := relaxed.use(t)
	passed(t, f.None.Get("/public/x"))
	passed(t, f.None.Get("/public/x?next=/../accounts;//%2f"))
	passed(t, f.None.Get("/public/%41"))
	h2 := f.Client(Caller{HTTP2: true})
	for _, trick := range []string{
		"/public/../accounts", "/public/./../accounts", "/public/%2e%2e/accounts", "/public/%2E%2E/accounts", "/public/.%2e/accounts",
		"/public/..%2faccounts", "/public/..%2Faccounts", "/public%2f..%2faccounts", "/public/..%5caccounts", "/public/..\\accounts",
		"/public/..;/accounts", "/public/..;x=y/accounts", "/public/;/../accounts", "/public/%3b/../accounts",
		"/public//../accounts", "/public//x", "/public/%00/../accounts", "/public/x%00",
		"/public/%252e%252e/accounts%2f..", "/public/#/../accounts", "/public/%", "/public/%zz", "/public/%2",
		"/public/%c0%ae%c0%ae%2faccounts", "/public/x/..", "/public/x/.", "/public/.",
	} {
		for _, c := range []*Client{f.None, h2} {
			a := c.Get(trick)
			if a.Seen != nil {
				t.Errorf("%s reached the upstream as %s", trick, a.Seen.URI)
			}
			if a.Err != nil || a.Status != 400 {
				t.Errorf("%s: got %s, want 400", trick, describe(a))
			}
		}
	}
	// One reading, and it is not public.
	for _, plain := range []string{"/public", "/PUBLIC/x", "/Public/x", "/publicx", "/%70ublicx/x", "/accounts/public/", "/accounts?/public/"} {
		f.refused(t, f.None.Get(plain), 401, "")
	}
	f.refused(t, f.None.Get("/public/%2e%2e/accounts"), 400, "invalid_request")
}

// T19: headers that some servers route by change nothing.
func TestT19RoutingHeaders(t *testing.T) {
	f := relaxed.use(t)
	for _, header := range []string{
		"x-original-url: /public/x", "x-rewrite-url: /public/x", "x-envoy-original-path: /public/x",
		"x-original-path: /public/x", "x-forwarded-path: /public/x", "x-forwarded-uri: /public/x",
	} {
		f.refused(t, f.None.Get(path, header), 401, "")
	}
	// What the client writes is what POST has to meet, whatever it claims to be.
	noScope := f.mint(f.PKI.A, M{"scope": "accounts:read"})
	for _, header := range []string{"x-http-method-override: GET", "x-http-method: GET", "x-method-override: GET"} {
		f.refused(t, f.A.Do(t.Context(), "POST", "/payments", nil, noScope, header), 403, "insufficient_scope")
	}
	f.refused(t, f.A.Do(t.Context(), "POST", "/payments?_method=GET", nil, noScope), 403, "insufficient_scope")
	f.refused(t, f.A.Do(t.Context(), "POST", "/%70ayments", nil, noScope), 403, "insufficient_scope")
}

// T19: the absolute form of a request target is judged by its path.
func TestT19AbsoluteForm(t *testing.T) {
	f := relaxed.use(t)
	for target, want := range map[string]int{
		"https://api.example.com/public/x":           200,
		"https://api.example.com/accounts":           401,
		"https://api.example.com/public/../accounts": 400,
		"https://x/public/@api.example.com/accounts": 200,
		"//public/x": 400, "//accounts": 400, "*": 400, "x": 400,
	} {
		if got := raw(t, f, "GET "+target+" HTTP/1.1\r\nHost: api.example.com\r\n\r\n"); got != want {
			t.Errorf("%s: got %d, want %d", target, got, want)
		}
	}
	for _, connect := range []string{"api.example.com:443", "/public/x"} {
		if got := raw(t, f, "CONNECT "+connect+" HTTP/1.1\r\nHost: api.example.com\r\n\r\n"); got < 400 {
			t.Errorf("CONNECT %s: got %d", connect, got)
		}
	}
	if got := raw(t, f, "GET /accounts HTTP/1.1\r\nHost: api.example.com\r\nAuthorization : Bearer x\r\n\r\n"); got != 400 && got != 401 {
		t.Errorf("a space before the colon: got %d", got)
	}
}

// raw writes bytes that no HTTP client would, and returns the status.
func raw(t *testing.T, f *fixture, request string) int {
	t.Helper()
	conn, err := tls.Dial("tcp", f.Address(""), &tls.Config{RootCAs: f.PKI.CA.Pool(), ServerName: apiHost})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, request)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

// A token on an anonymous path is judged like any other (T19b): it is never
// taken as "no token".
func TestAnonymousRuleJudgesTokens(t *testing.T) {
	f := relaxed.use(t)
	passed(t, f.A.Get("/public/x", f.bearer(t, f.PKI.A)))
	f.refused(t, f.B.Get("/public/x", f.bearer(t, f.PKI.A)), 401, "invalid_token")
	f.refused(t, f.A.Get("/public/x", f.mint(f.PKI.A, M{"iss": "https://evil.example"})), 401, "invalid_token")
	f.refused(t, f.A.Get("/public/x", "authorization: Bearer junk"), 401, "invalid_token")
	f.refused(t, f.A.Get("/public/x", f.bearer(t, f.PKI.A), f.bearer(t, f.PKI.A)), 400, "invalid_request")
}

// Rules, in order, by method and path.
func TestRules(t *testing.T) {
	f := standard.use(t)
	read, write := f.mint(f.PKI.A, M{"scope": "accounts:read"}), f.mint(f.PKI.A, M{"scope": "payments:write"})
	passed(t, f.None.Get("/public/status"))
	f.refused(t, f.None.Get("/public/status/x"), 401, "")
	passed(t, f.A.Get("/accounts/1", read))
	f.refused(t, f.A.Get("/accounts/1", write), 403, "insufficient_scope")
	passed(t, f.A.Do(t.Context(), "POST", "/payments", strings.NewReader("{}"), write))
	a := f.A.Do(t.Context(), "POST", "/payments", strings.NewReader("{}"), read)
	f.refused(t, a, 403, "insufficient_scope")
	if !strings.Contains(a.Header.Get("www-authenticate"), `scope="payments:write"`) {
		t.Errorf("www-authenticate is %q, want the scope", a.Header.Get("www-authenticate"))
	}
	passed(t, f.A.Get("/payments", read)) // GET meets no rule: any valid, bound token
	passed(t, f.A.Get("/elsewhere", f.mint(f.PKI.A, M{"scope": nil})))
}

// T19: Envoy passes a method in lower case on over HTTP/2, and many upstreams fold
// it. It must not step around a rule for the real one.
func TestT19MethodCase(t *testing.T) {
	f := standard.use(t)
	token := f.mint(f.PKI.A, M{"scope": "accounts:read"})
	for _, http2 := range []bool{false, true} {
		c := f.Client(Caller{Certificate: f.PKI.A, HTTP2: http2})
		f.refused(t, c.Do(t.Context(), "POST", "/payments", nil, token), 403, "insufficient_scope")
		for _, method := range []string{"post", "Post", "pOST"} {
			a := c.Do(t.Context(), method, "/payments", nil, token)
			if a.Status != 400 || a.Seen != nil {
				t.Errorf("%s over http2=%t: got %s, want 400", method, http2, describe(a))
			}
			if http2 { // Envoy's own parser refuses it on HTTP/1.1
				f.refused(t, a, 400, "invalid_request")
			}
		}
	}
}
