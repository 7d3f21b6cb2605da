package scenario

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"holdfast/filter"
)

// question is a request that an endpoint got.
type question struct {
	method, path string
	fields       []filter.Header // without pseudo-headers
	body         string
}

// check finds what is wrong with any question, whatever the scenario: RFC 7662
// §2.1.
func (q *question) check() error {
	if q.method != "POST" {
		return fmt.Errorf("asked by %s", q.method)
	}
	for name, want := range map[string]string{
		"content-type": "application/x-www-form-urlencoded", "user-agent": "holdfast/", "accept": "application/",
	} {
		if got := values(q.fields, name); len(got) != 1 || !strings.HasPrefix(got[0], want) {
			return fmt.Errorf("asked with %s %q", name, got)
		}
	}
	for _, name := range []string{"cookie", "dpop", "x-forwarded-client-cert"} {
		if got := values(q.fields, name); len(got) > 0 {
			return fmt.Errorf("asked with the client's own %s %q", name, got)
		}
	}
	form, err := url.ParseQuery(q.body)
	if err != nil {
		return fmt.Errorf("asked with no form: %w", err)
	}
	for name, list := range form {
		if len(list) != 1 {
			return fmt.Errorf("asked with %d times %s", len(list), name)
		}
	}
	if form.Get("token") == "" || !strings.HasPrefix(q.body, "token=") {
		return fmt.Errorf("asked without a token, or not with it first: %q", q.body)
	}
	return nil
}

// secrets are what the question shows of the client's credentials.
func (q *question) secrets() []string {
	form, _ := url.ParseQuery(q.body)
	secrets := []string{form.Get("client_secret"), form.Get("client_assertion")}
	for _, v := range values(q.fields, "authorization") {
		_, credentials, _ := strings.Cut(v, " ")
		secrets = append(secrets, credentials)
	}
	return secrets
}

// Asked is how an introspection endpoint has to be asked, beyond what is always
// so: see question.check.
type Asked struct {
	Header map[string]*value `json:"header"` // null for none
	Form   map[string]*value `json:"form"`   // decoded; null for none
	Body   string            `json:"body"`   // the whole of it, as it is sent
	// Assertion names the key of the client's assertion (RFC 7523), and Audience is
	// its aud; default the issuer.
	Assertion string `json:"assertion"`
	Audience  string `json:"audience"`
}

// check compares the last question with what is wanted. w knows the token that was
// sent.
func (want *Asked) check(w *world, questions []*question) error {
	if len(questions) == 0 {
		return errors.New("nobody asked")
	}
	last := questions[len(questions)-1]
	form, err := url.ParseQuery(last.body)
	if err != nil {
		return err
	}
	get := func(name string) []string { return values(last.fields, name) }
	if err := compare(w, "the endpoint saw", get, want.Header); err != nil {
		return err
	}
	if err := compare(w, "the form has", func(name string) []string { return form[name] }, want.Form); err != nil {
		return err
	}
	if body, err := w.text(want.Body); err != nil || body != "" && body != last.body {
		return fmt.Errorf("the form is %q, want %q, %v", last.body, body, err)
	}
	if want.Assertion == "" {
		return nil
	}
	audience, err := w.text(or(want.Audience, "${issuer}"))
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, q := range questions {
		jti, err := checkAssertion(q, want.Assertion, audience, w.now)
		if err != nil || seen[jti] {
			return fmt.Errorf("client assertion with jti %q: seen before %t, %v", jti, seen[jti], err)
		}
		seen[jti] = true
	}
	return nil
}

// checkAssertion holds a client assertion to RFC 7523 §3 and RFC 7521 §4.2.
func checkAssertion(q *question, keyName, audience string, now time.Time) (jti string, err error) {
	form, _ := url.ParseQuery(q.body)
	if got := form.Get("client_assertion_type"); got != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		return "", fmt.Errorf("client_assertion_type is %q", got)
	}
	k, err := keyNamed(keyName)
	if err != nil {
		return "", err
	}
	var header struct{ Alg, Kid string }
	var claims struct {
		Iss, Sub, Aud, Jti string
		Iat, Exp           int64
	}
	if err := k.verify(form.Get("client_assertion"), &header, &claims); err != nil {
		return "", err
	}
	lifetime := time.Duration(claims.Exp-claims.Iat) * time.Second
	age := now.Sub(time.Unix(claims.Iat, 0))
	switch {
	case header.Kid != k.name:
		return "", fmt.Errorf("kid is %q", header.Kid)
	case claims.Iss != clientID || claims.Sub != clientID || claims.Aud != audience || len(claims.Jti) < 16:
		return "", fmt.Errorf("the claims are %+v", claims)
	case lifetime <= 0 || lifetime > 2*time.Minute || age < -time.Minute || age > 2*time.Minute:
		return "", fmt.Errorf("made %s ago for %s", age, lifetime)
	}
	return claims.Jti, nil
}
