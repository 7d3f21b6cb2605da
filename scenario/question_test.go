package scenario

import (
	"encoding/json"
	"testing"

	"holdfast/filter"
)

// A question that no endpoint should get is noticed.
func TestRFC7662_QuestionsAreChecked(t *testing.T) {
	t.Parallel()
	good := func() *question {
		return &question{
			method: "POST", body: "token=a&x=y",
			fields: headersOf("content-type", "application/x-www-form-urlencoded", "accept", "application/json", "user-agent", "holdfast/1"),
		}
	}
	if err := good().check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*question){
		"GET":                 func(q *question) { q.method = "GET" },
		"no form":             func(q *question) { q.fields[0].Value = "application/json" },
		"two accepts":         func(q *question) { q.fields = append(q.fields, filter.Header{Name: "Accept", Value: "*/*"}) },
		"no user-agent":       func(q *question) { q.fields = q.fields[:2] },
		"the client's cookie": func(q *question) { q.fields = append(q.fields, filter.Header{Name: "cookie", Value: "a=b"}) },
		"two tokens":          func(q *question) { q.body += "&token=b" },
		"no token":            func(q *question) { q.body = "x=y" },
		"an empty token":      func(q *question) { q.body = "token=&x=y" },
		"a bad escape":        func(q *question) { q.body = "token=%zz" },
	} {
		q := good()
		if spoil(q); q.check() == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

// What a scenario says about a question is compared.
func TestAskedNoticesEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(pki(), "x").begin()
	w.token = "a b"
	assertion := func(change *Token) string {
		token, err := w.signAs(change, "JWT", map[string]any{
			"iss": clientID, "sub": clientID, "aud": "${issuer}", "jti": "0123456789abcdef", "iat": "${now}", "exp": "${now+60}",
		})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	asked := func(assertion string) *question {
		return &question{
			fields: headersOf("authorization", "Basic x"),
			body: "token=a+b&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=" +
				assertion,
		}
	}
	good := []*question{asked(assertion(&Token{Key: "client"}))}
	want := func(text string) *Asked {
		var a Asked
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			t.Fatal(err)
		}
		return &a
	}
	for text, fits := range map[string]bool{
		`{"form": {"token": "${token}", "x": null}, "header": {"authorization": "Basic x", "x": null}, "assertion": "client"}`: true,
		`{"form": {"token": "b"}}`:                                    false,
		`{"form": {"token": null}}`:                                   false,
		`{"form": {"token": ["a b", "c"]}}`:                           false,
		`{"header": {"authorization": "Basic y"}}`:                    false,
		`{"header": {"authorization": null}}`:                         false,
		`{"body": "token=a+b"}`:                                       false,
		`{"assertion": "main"}`:                                       false,
		`{"assertion": "client", "audience": "https://else.example"}`: false,
	} {
		if err := want(text).check(w, good); (err == nil) != fits {
			t.Errorf("%s: %v", text, err)
		}
	}
	if want(`{}`).check(w, nil) == nil {
		t.Error("nobody asked, and it fits")
	}
	if want(`{"assertion": "client"}`).check(w, append(good, good...)) == nil {
		t.Error("the same jti twice")
	}
	for name, change := range map[string]*Token{
		"signed by another":  {Key: "attacker", Header: map[string]any{"kid": "client"}},
		"another kid":        {Key: "client", Header: map[string]any{"kid": "x"}},
		"another issuer":     {Key: "client", Claims: map[string]any{"iss": "x"}},
		"another subject":    {Key: "client", Claims: map[string]any{"sub": "x"}},
		"no jti":             {Key: "client", Remove: []string{"jti"}},
		"a short jti":        {Key: "client", Claims: map[string]any{"jti": "1"}},
		"no exp":             {Key: "client", Remove: []string{"exp"}},
		"good for an hour":   {Key: "client", Claims: map[string]any{"exp": "${now+3600}"}},
		"made an hour ago":   {Key: "client", Claims: map[string]any{"iat": "${now-3600}", "exp": "${now-3540}"}},
		"a broken signature": {Key: "client", Mutate: "flip_signature"},
	} {
		if want(`{"assertion": "client"}`).check(w, []*question{asked(assertion(change))}) == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

// Both kinds of keys that sign client assertions.
func TestKeysVerify(t *testing.T) {
	t.Parallel()
	w := newWorld(pki(), "x")
	for _, name := range []string{"client", "client_rsa"} {
		k, _ := keyNamed(name)
		algorithm := map[string]string{"client": "ES256", "client_rsa": "PS256"}[name]
		token, err := w.signAs(&Token{Key: name, Header: map[string]any{"alg": algorithm}}, "JWT", map[string]any{})
		if err != nil {
			t.Fatal(err)
		}
		var header, claims map[string]any
		if err := k.verify(token, &header, &claims); err != nil {
			t.Error(err)
		}
		if d, _ := k.privateJWK()["d"].(string); len(d) < 40 {
			t.Errorf("%s: the private JWK has no d", name)
		}
		if _, there := k.jwk()["d"]; there {
			t.Errorf("%s: the public JWK has one", name)
		}
	}
}
