package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"holdfast/e2e"
)

// attempt is one row: what was tried, and what has to come of it.
type attempt struct {
	what string
	want string
	try  func(*e2e.Stack) string
}

// What can come of an attempt: the status, and the reason that Holdfast leaves in
// the access log. Anything but a 200 must not reach the upstream.
const (
	passes    = "200"
	handshake = "TLS handshake refused"
)

// attempts prepares the rows. The tokens that are not named otherwise come from
// the authorization server; the rest nobody honest would issue.
func attempts(s *e2e.Stack) ([]attempt, error) {
	token, err := s.Token(s.PKI.A)
	if err != nil {
		return nil, fmt.Errorf("no token from the authorization server: %w", err)
	}
	bearer, err := s.Token(nil)
	if err != nil {
		return nil, fmt.Errorf("no bearer token from the authorization server: %w", err)
	}
	readOnly, err := s.Auth.Token(context.Background(), e2e.Request{Scope: "accounts:read", Certificate: s.PKI.A})
	if err != nil {
		return nil, fmt.Errorf("no token with one scope: %w", err)
	}
	elsewhere, err := s.Auth.Token(context.Background(), e2e.Request{Resource: "https://other.example.com", Certificate: s.PKI.A})
	if err != nil {
		return nil, fmt.Errorf("no token for another API: %w", err)
	}

	opaque, err := s.OpaqueToken(s.PKI.A)
	if err != nil {
		return nil, fmt.Errorf("no opaque token from the authorization server: %w", err)
	}
	revoked, err := s.NewToken(s.PKI.A, true)
	if err != nil {
		return nil, fmt.Errorf("no opaque token to revoke: %w", err)
	}
	if err := s.Revoke(s.PKI.A, true, revoked); err != nil {
		return nil, fmt.Errorf("the token was not revoked: %w", err)
	}
	own, thiefs := e2e.NewKey("", "ES256"), e2e.NewKey("", "ES256")
	bound, err := s.TokenFor(e2e.Request{Key: own})
	if err != nil {
		return nil, fmt.Errorf("no token for a DPoP key: %w", err)
	}
	boundOpaque, err := s.TokenFor(e2e.Request{Key: own, Opaque: true})
	if err != nil {
		return nil, fmt.Errorf("no opaque token for a DPoP key: %w", err)
	}

	owner := e2e.Caller{Certificate: s.PKI.A}
	thief := e2e.Caller{Certificate: s.PKI.B}
	nobody := e2e.Caller{}
	good, key := s.Auth.Mint(s.PKI.A), s.Auth.Key()
	parts := strings.Split(token, ".")
	another := strings.Split(good.With(e2e.M{"scope": "admin"}).Sign(key), ".")
	elsewhereProof := own.Proof("GET", "https://evil.example/accounts", bound).Sign(own)
	tampered := parts[0] + "." + another[1] + "." + parts[2]

	return []attempt{
		{"the owner: own token, own certificate", passes, get(owner, "/accounts", auth(token))},
		{"the owner, over HTTP/2", passes, get(e2e.Caller{Certificate: s.PKI.A, HTTP2: true}, "/accounts", auth(token))},
		{"no token at all", "401 no_token", get(owner, "/accounts")},
		{"a public path, without token and certificate", passes, get(nobody, "/public/status")},
		{"stolen token, no certificate", "401 certificate_missing", get(nobody, "/accounts", auth(token))},
		{"stolen token, the thief's own valid certificate", "401 cnf_mismatch", get(thief, "/accounts", auth(token))},
		{"stolen token, a self-signed certificate with the owner's name", handshake, selfSigned(token)},
		{"stolen token, forged certificate header (XFCC)", "401 cnf_mismatch", get(thief, "/accounts", auth(token), "x-forwarded-client-cert: "+s.PKI.A.XFCC())},
		{"old token after the certificate was renewed", "401 cnf_mismatch", get(e2e.Caller{Certificate: s.PKI.Renewed}, "/accounts", auth(token))},
		{"expired token", "401 expired", get(owner, "/accounts", auth(good.With(e2e.M{"exp": time.Now().Add(-time.Minute).Unix()}).Sign(key)))},
		{"tampered token: another payload under the same signature", "401 signature_invalid", get(owner, "/accounts", auth(tampered))},
		{"token without a signature (alg none)", "401 algorithm_not_allowed", get(owner, "/accounts", auth(good.Unsigned()))},
		{"token that the attacker signed with a key of its own", "401 signature_invalid", get(owner, "/accounts", auth(good.Sign(e2e.NewKey(key.ID, "ES256"))))},
		{"token of an issuer that nobody configured", "401 issuer_unknown", get(owner, "/accounts", auth(good.With(e2e.M{"iss": "https://evil.example"}).Sign(key)))},
		{"token for another API (wrong audience)", "401 audience_mismatch", get(owner, "/accounts", auth(elsewhere))},
		{"plain bearer token, bound to nothing", "401 cnf_missing", get(owner, "/accounts", auth(bearer))},
		{"payment with a token that may only read accounts", "403 scope_insufficient", send("POST", owner, "/payments", auth(readOnly))},
		{"payment with a token that may pay", passes, send("POST", owner, "/payments", auth(token))},
		{"two tokens in one request", "400 malformed_credentials", get(owner, "/accounts", auth(token), auth(bearer))},
		{"path trick: /public/status/%2e%2e/%2e%2e/accounts", "400 ambiguous_path", get(nobody, "/public/status/%2e%2e/%2e%2e/accounts")},
		{"x-auth-sub: admin from the owner (arrives as client-a)", passes, spoofed(owner, token)},
		{"opaque token: the owner", passes, get(owner, "/accounts", auth(opaque))},
		{"opaque token, stolen: the thief's own certificate", "401 cnf_mismatch", get(thief, "/accounts", auth(opaque))},
		{"opaque token, stolen: no certificate", "401 certificate_missing", get(nobody, "/accounts", auth(opaque))},
		{"opaque token that was revoked", "401 token_inactive", get(owner, "/accounts", auth(revoked))},
		{"opaque token that nobody issued", "401 token_inactive", get(owner, "/accounts", auth("2YotnFZFEjr1zCsicMWpAA"))},
		{"session: the owner's cookie, no token", passes, withSession(owner, token, nil)},
		{"session, stolen: the thief's own certificate", "401 cnf_mismatch", withSession(thief, token, nil)},
		{"session, stolen: no certificate", "401 certificate_missing", withSession(nobody, token, nil)},
		{"session: the cookie was tampered with", "401 no_token", withSession(owner, token, flip)},
		{"session: another site makes the browser send it", "401 no_token", withSession(owner, token, nil, "origin: https://evil.example")},
		{"DPoP token: the owner's key, no certificate at all", passes, prove(own.Authorize("GET", "/accounts", bound)...)},
		{"DPoP token, opaque: the owner's key", passes, prove(own.Authorize("GET", "/accounts", boundOpaque)...)},
		{"DPoP token, stolen: the thief's own key", "401 jkt_mismatch", prove(thiefs.Authorize("GET", "/accounts", bound)...)},
		{"DPoP token, stolen: no proof", "401 dpop_proof_missing", prove("authorization: DPoP " + bound)},
		{"DPoP token, stolen: sent as Bearer", "401 dpop_scheme_required", prove(auth(bound))},
		{"DPoP token, stolen with a proof that was used", "401 dpop_replayed", replay(own.Authorize("GET", "/accounts", bound))},
		{"DPoP token, stolen with a proof for another server", "401 dpop_uri_mismatch", prove("authorization: DPoP "+bound, "dpop: "+elsewhereProof)},
		{"the owner again, after all of that", passes, get(owner, "/accounts", auth(token))},
	}, nil
}

func auth(token string) string { return "authorization: Bearer " + token }

func get(c e2e.Caller, path string, header ...string) func(*e2e.Stack) string {
	return send("GET", c, path, header...)
}

func send(method string, c e2e.Caller, path string, header ...string) func(*e2e.Stack) string {
	return func(s *e2e.Stack) string {
		got, _ := call(s, method, c, path, header...)
		return got
	}
}

// sessions is the listener on which good requests start a session.
const sessions = "sessions"

// withSession lets the owner start a session with a token, and somebody use its
// cookie. change may alter it on the way.
func withSession(user e2e.Caller, token string, change func(cookie string) string, header ...string) func(*e2e.Stack) string {
	return func(s *e2e.Stack) string {
		owner := s.ClientOf(sessions, e2e.Caller{Certificate: s.PKI.A})
		defer owner.Close()
		logged := len(s.Envoy.Access())
		first := owner.Get("/accounts", auth(token))
		cookie, _, _ := strings.Cut(first.Header.Get("set-cookie"), ";")
		if first.Status != 200 || cookie == "" {
			return fmt.Sprintf("no session: %d", first.Status)
		}
		reason(s, logged) // its own line of the access log
		if change != nil {
			cookie = change(cookie)
		}
		client := s.ClientOf(sessions, user)
		defer client.Close()
		got, _ := outcome(s, client, "GET", "/accounts", append(header, "cookie: "+cookie)...)
		return got
	}
}

// proving is the listener that takes DPoP proofs, too.
const proving = "dpop"

// prove sends a request to it, without a client certificate.
func prove(header ...string) func(*e2e.Stack) string {
	return func(s *e2e.Stack) string {
		client := s.ClientOf(proving, e2e.Caller{})
		defer client.Close()
		got, _ := outcome(s, client, "GET", "/accounts", header...)
		return got
	}
}

// replay lets the owner send a request, and then somebody else the same one.
func replay(header []string) func(*e2e.Stack) string {
	return func(s *e2e.Stack) string {
		if got := prove(header...)(s); got != passes {
			return "the owner got " + got
		}
		return prove(header...)(s)
	}
}

// flip changes one bit of a cookie's value.
func flip(cookie string) string {
	i := len(cookie) / 2
	return cookie[:i] + string(rune(cookie[i]^1)) + cookie[i+1:]
}

// call sends one request and puts what came of it into the words of the table.
func call(s *e2e.Stack, method string, c e2e.Caller, path string, header ...string) (string, *e2e.Answer) {
	client := s.Client(c)
	defer client.Close()
	return outcome(s, client, method, path, header...)
}

func outcome(s *e2e.Stack, client *e2e.Client, method, path string, header ...string) (string, *e2e.Answer) {
	logged := len(s.Envoy.Access())
	a := client.Do(context.Background(), method, path, nil, header...)
	if a.Err != nil {
		return "no answer: " + a.Err.Error(), a
	}
	why := reason(s, logged)
	switch {
	case a.Status != 200 && a.Seen != nil:
		return fmt.Sprintf("%d, but it reached the upstream", a.Status), a
	case a.Status == 200 && a.Seen == nil:
		return "200, but not from the upstream", a
	case a.Status == 200:
		return passes, a
	}
	return fmt.Sprintf("%d %s", a.Status, why), a
}

// reason waits for the next line of the access log, which Envoy writes a moment
// after the answer.
func reason(s *e2e.Stack, logged int) string {
	for range 250 {
		if lines := s.Envoy.Access(); len(lines) > logged {
			return lines[logged].Reason
		}
		time.Sleep(20 * time.Millisecond)
	}
	return "(no line in the access log)"
}

// selfSigned ends before HTTP: Envoy counts the handshakes that it refused
// because of the certificate.
func selfSigned(token string) func(*e2e.Stack) string {
	const counter = "ssl.fail_verify_error"
	return func(s *e2e.Stack) string {
		before := s.Envoy.Sum(counter)
		got, a := call(s, "GET", e2e.Caller{Certificate: s.PKI.SelfSigned}, "/accounts", auth(token))
		if a.Err != nil && s.Envoy.Sum(counter) > before {
			return handshake
		}
		return got
	}
}

// spoofed looks at what the upstream was told about the caller.
func spoofed(c e2e.Caller, token string) func(*e2e.Stack) string {
	return func(s *e2e.Stack) string {
		got, a := call(s, "GET", c, "/accounts", auth(token), "x-auth-sub: admin", "X-Auth-Client: admin")
		if a.Seen != nil && (a.Seen.Header.Get("x-auth-sub") != "client-a" || a.Seen.Header.Get("x-auth-client") != "client-a") {
			return fmt.Sprintf("the upstream saw x-auth-sub %q", a.Seen.Header.Get("x-auth-sub"))
		}
		return got
	}
}
