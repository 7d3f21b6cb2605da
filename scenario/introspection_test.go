package scenario

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// ask asks a server about a token, as Holdfast would.
func ask(s *server, endpoint, token string) (reply, *question) {
	q := &question{
		method: "POST", path: "/introspect", body: "token=" + url.QueryEscape(token),
		fields: headersOf("content-type", "application/x-www-form-urlencoded", "accept", "application/json", "user-agent", "holdfast/1"),
	}
	s.count(endpoint, q)
	r, _ := s.reply(endpoint, q)
	return r, q
}

// Which token gets which answer.
func TestAnswersByToken(t *testing.T) {
	t.Parallel()
	w := newWorld(pki(), "x").begin()
	s := newServer(w, nil)
	s.begin(w, &Scenario{Introspection: Introspection{
		"other":  {Claims: map[string]any{"sub": "other"}},
		"broken": {Endpoint: Endpoint{Body: "<html>", Headers: [][2]string{}}},
	}})
	jwt, err := w.mint(&Token{}, false)
	if err != nil {
		t.Fatal(err)
	}
	named, err := w.mint(&Token{Claims: map[string]any{"jti": "${opaque:other}"}}, false)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ endpoint, token, want string }{
		"good":                  {"introspect", w.opaque("good"), `"sub":"client-a"`},
		"its issuer":            {"introspect", w.opaque("good"), `"iss":"` + w.issuer + `"`},
		"the second's":          {"introspect2", w.opaque("good"), `"iss":"` + w.issuer + `/two"`},
		"named":                 {"introspect", w.opaque("other"), `"sub":"other"`},
		"named at one only":     {"introspect2", w.opaque("other"), `{"active":false}`},
		"within more text":      {"introspect", "a.b." + w.opaque("other") + "~", `"sub":"other"`},
		"unknown":               {"introspect", "x", `{"active":false}`},
		"of another playing":    {"introspect", w.begin().opaque("good"), `{"active":false}`},
		"a JWT":                 {"introspect", jwt, `"sub":"client-a"`},
		"a JWT that names one":  {"introspect", named, `"sub":"other"`},
		"two dots, and no JWT":  {"introspect", "a.b.c", `{"active":false}`},
		"as it is":              {"introspect", w.opaque("broken"), `<html>`},
		"expires in 5 minutes":  {"introspect", w.opaque("good"), `"exp":`},
		"bound to own":          {"introspect", w.opaque("good"), pki().A.X5T()},
		"without a placeholder": {"introspect", w.opaque("good"), `"cnf":{"x5t#S256":"`},
	} {
		r, q := ask(s, tt.endpoint, tt.token)
		if r.Status != 200 || !strings.Contains(r.Body, tt.want) || strings.Contains(r.Body, "${") {
			t.Errorf("%s: %+v, want %s", name, r, tt.want)
		}
		if err := q.check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if plain := tt.want == "<html>"; (len(r.Headers) == 0) != plain {
			t.Errorf("%s: headers %q", name, r.Headers)
		}
	}
	s.change(nil, Introspection{"good": {Endpoint: Endpoint{Reset: true}}}, nil)
	if r, _ := ask(s, "introspect", w.opaque("good")); !r.Reset {
		t.Errorf("after a change: %+v", r)
	}
	if r, _ := ask(s, "introspect", w.opaque("other")); !strings.Contains(r.Body, `"sub":"other"`) {
		t.Errorf("a change of one changed another: %+v", r)
	}
	asked, answer := s.asked()
	if len(asked[0]) < 10 || len(asked[1]) != 2 || !strings.Contains(answer, `"sub":"other"`) {
		t.Errorf("asked %d and %d times, the last answer was %s", len(asked[0]), len(asked[1]), answer)
	}
	s.begin(w, &Scenario{})
	if asked, _ := s.asked(); len(asked[0]) != 0 {
		t.Error("a scenario begins with the calls of another")
	}
}

// RFC 9701 §5: the answer in a claim of a JWT, signed by the issuer.
func TestRFC9701_SignedAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(pki(), "x").begin()
	s := newServer(w, nil)
	s.begin(w, &Scenario{Introspection: Introspection{"good": {Claims: map[string]any{"sub": "x"}, Signed: &Token{Header: map[string]any{"a": "b"}}}}})
	r, _ := ask(s, "introspect", w.opaque("good"))
	if len(r.Headers) != 1 || r.Headers[0] != [2]string{"content-type", "application/token-introspection+jwt"} {
		t.Errorf("headers %q", r.Headers)
	}
	k, _ := keyNamed("main")
	var header struct{ Typ, A string }
	var claims struct {
		Iss, Aud string
		Iat      int64
		Answer   struct {
			Active   bool
			Sub, Iss string
		} `json:"token_introspection"`
	}
	if err := k.verify(r.Body, &header, &claims); err != nil {
		t.Fatal(err)
	}
	if header.Typ != "token-introspection+jwt" || header.A != "b" || claims.Iss != w.issuer || claims.Aud != clientID ||
		claims.Iat == 0 || !claims.Answer.Active || claims.Answer.Sub != "x" || claims.Answer.Iss != w.issuer {
		t.Errorf("%+v, %+v", header, claims)
	}
}

// The time that a server writes into its answers is the host's.
func TestServerHasTheHostsTime(t *testing.T) {
	t.Parallel()
	w := newWorld(pki(), "x").begin()
	s := newServer(w, nil)
	s.begin(w, &Scenario{})
	s.now = func() time.Time { return time.Unix(1000, 0) }
	if r, _ := ask(s, "introspect", w.opaque("good")); !strings.Contains(r.Body, `"exp":1300`) {
		t.Error(r.Body)
	}
}
