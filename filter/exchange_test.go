package filter_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

// A stream that goes on for days keeps no headers in memory, which never shrinks: whoever
// opens many would fill it, with an anonymous rule without a token.
func TestT17_ConcludedRequestsKeepNoHeaders(t *testing.T) {
	t.Parallel()
	w := startAsking(t, asks(`"tokens":"all"`, bothWays, `"rules":[{"match":{"path_prefix":"/public/"},"access":"anonymous"}]`), always(said()))
	for name, s := range map[string]*filtertest.Stream{
		"token_accepted": get(good()), "cnf_mismatch": get(good()).Present(certB), "anonymous": ask("GET", "/public/x", ""), "no_token": get(""),
	} {
		x := w.send(s)
		if waits := w.outcome(s) == "waits"; waits != x.KeepsRequest() {
			t.Errorf("%s: waits %t, keeps its request %t", name, waits, !waits)
		}
		w.proxy.Advance(10 * time.Millisecond)
		w.expectNow(s, name)
		if x.KeepsRequest() {
			t.Errorf("%s: keeps its request", name)
		}
	}
	x := w.send(get(mint("k1"))) // a client that leaves while it waits
	if x.OnDone(); x.KeepsRequest() {
		t.Error("keeps the request of a client that left")
	}
}

func TestContract6_HostProperties(t *testing.T) {
	t.Parallel()
	w := start(t, `{"rules":[{"match":{"path_prefix":"/public/"},"access":"anonymous"},{"match":{"path":"/admin"},"scopes":["admin"]}]}`)
	tests := []struct {
		name string
		s    *filtertest.Stream
		want map[string]string
	}{
		{"allowed", get(good()), map[string]string{"outcome": "allowed", "reason": "token_accepted", "issuer": issuerURL, "client_id": "app", "sub": "alice", "binding": "mtls"}},
		{"anonymous", ask("GET", "/public/x", ""), map[string]string{"outcome": "allowed", "reason": "anonymous"}},
		{"no token", get(""), map[string]string{"outcome": "denied", "reason": "no_token"}},
		{"nothing of a token that was not verified", get(mint("evil", param("kid", "k1"))), map[string]string{"outcome": "denied", "reason": "signature_invalid"}},
		{"binding failed", get(good()).Present(certB), map[string]string{"outcome": "denied", "reason": "cnf_mismatch", "issuer": issuerURL, "client_id": "app", "sub": "alice", "binding": "failed"}},
		{"bound, but not allowed", ask("GET", "/admin", good()), map[string]string{"outcome": "denied", "reason": "scope_insufficient", "issuer": issuerURL, "client_id": "app", "sub": "alice", "binding": "mtls"}},
		{"T24 control characters, no client_id", get(mint("k1", claim("sub", "a\r\nb ü"), claim("client_id", nil))),
			map[string]string{"outcome": "allowed", "reason": "token_accepted", "issuer": issuerURL, "sub": "a%0D%0Ab %C3%BC", "binding": "mtls"}},
		{"no strings, or empty", get(mint("k1", claim("sub", 1), claim("client_id", ""))),
			map[string]string{"outcome": "allowed", "reason": "token_accepted", "issuer": issuerURL, "binding": "mtls"}},
		{"long", get(mint("k1", claim("sub", strings.Repeat("s", 300)))),
			map[string]string{"outcome": "allowed", "reason": "token_accepted", "issuer": issuerURL, "client_id": "app", "sub": strings.Repeat("s", 256), "binding": "mtls"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.t = t
			w.judge(tt.s)
			want := map[string]string{}
			for name, value := range tt.want {
				want["holdfast."+name] = value
			}
			if fmt.Sprint(tt.s.Left) != fmt.Sprint(want) {
				t.Errorf("got  %v\nwant %v", tt.s.Left, want)
			}
		})
	}
	w.t = t
	deaf := get(good())
	deaf.Faults = filtertest.FailOn(errHost, "SetProperty")
	w.send(deaf)
	if !deaf.Continued {
		t.Error("a host that takes no property costs the request")
	}
	if n := strings.Count(w.LogText(), "takes no property"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

// Every callback but the first does nothing more to a request.
func TestAnExchangeEndsOnce(t *testing.T) {
	t.Parallel()
	w := start(t, ``)
	for _, s := range []*filtertest.Stream{get(good()), get("")} {
		x := w.send(s)
		continued, answer := s.Continued, s.Answer
		x.OnRequestHeaders()
		x.OnDone()
		x.OnRequestHeaders()
		x.OnDone()
		if s.Continued != continued || s.Answer != answer || len(s.Violations) > 0 {
			t.Errorf("%+v", s)
		}
	}
	gone := get(good()) // over before its headers
	x := w.plugin.NewExchange(gone)
	x.OnDone()
	x.OnRequestHeaders()
	if !gone.Waits() {
		t.Error("a request that is over was judged")
	}
}

func TestT14_HeadersThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := start(t, ``)
	failing := get(good())
	failing.Faults = filtertest.FailOn(errHost, "RequestHeaders")
	w.expect(failing, "internal_error")
	if failing.Answer.Status != 503 || failing.Answer.GRPCStatus != 14 {
		t.Errorf("%+v", failing.Answer)
	}
	twice := get(good())
	twice.Headers = append([]filter.Header{field(":path", "/public/x")}, twice.Headers...)
	w.expect(twice, "internal_error")
}

// faultOn panics at the first call of a method.
func faultOn(method string) filtertest.Faults {
	done := false
	return func(m string) error {
		if m == method && !done {
			done = true
			panic("fault in " + method)
		}
		return nil
	}
}

// Threat T23: a fault of the filter or of the host is a refusal of one request,
// never a hanging one and never the end of the VM.
func TestT23_FaultsAreContained(t *testing.T) {
	t.Parallel()
	const change = `{"forward":{"token":"strip","claims":[{"claim":"sub","header":"x-sub"}]}}`
	for _, method := range []string{"RequestHeaders", "Property", "RemoveRequestHeader", "SetRequestHeader", "SetProperty"} {
		t.Run(method, func(t *testing.T) {
			w := start(t, change)
			s := get(good(), field("x-sub", "forged"))
			s.Faults = faultOn(method)
			w.send(s)
			if s.Continued || s.Answer == nil || s.Answer.Status != 503 || s.Answer.Details != "holdfast_denied{internal_error}" {
				t.Errorf("continued %v, answer %+v", s.Continued, s.Answer)
			}
			if !strings.Contains(w.LogText(), "fault in "+method) {
				t.Errorf("log %q", w.LogText())
			}
			w.expect(get(good()), "token_accepted") // the next request passes
		})
	}
	for _, method := range []string{"Continue", "Respond"} {
		t.Run(method, func(t *testing.T) {
			w := start(t, change)
			s := get(good())
			if method == "Respond" {
				s = get("")
			}
			s.Faults = faultOn(method)
			w.send(s) // must not panic; what the host made of it is its own affair
			if s.Continued && s.Answer != nil {
				t.Error("continued and answered")
			}
			w.expect(get(good()), "token_accepted")
		})
	}
}

// A fault while deadlines are carried out must not leave a request hanging, nor
// the ones beside it.
func TestT23_FaultAtTheDeadline(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"SetProperty", "Property"} {
		w := start(t, withURI) // nobody answers
		w.proxy.Advance(time.Millisecond)
		streams := []*filtertest.Stream{get(good()), get(good()), get(good())}
		for _, s := range streams {
			s.Faults = faultOn(method)
			w.send(s)
		}
		w.proxy.Advance(10 * time.Second)
		for i, s := range streams {
			if s.Waits() || s.Continued {
				t.Errorf("%s: request %d: continued %v, answer %v", method, i, s.Continued, s.Answer)
			}
		}
	}
}

// A fault of one waiting request must not keep the others waiting.
func TestT23_FaultAtTheWake(t *testing.T) {
	t.Parallel()
	w := start(t, withURI)
	w.proxy.Advance(time.Millisecond)
	streams := []*filtertest.Stream{get(good()), get(good()), get(good())}
	for _, s := range streams {
		w.send(s)
		if !s.Waits() {
			t.Fatal("does not wait")
		}
	}
	streams[1].Faults = faultOn("Property")
	w.proxy.Calls()[0].Answer(ok(jwks("k1")).Result)
	w.proxy.Advance(time.Millisecond)
	for i, s := range streams {
		if fault := i == 1; s.Waits() || s.Continued == fault {
			t.Errorf("request %d: continued %v, answer %+v", i, s.Continued, s.Answer)
		}
	}
}

// A host that fails to continue or to answer: nothing passes, the log says so.
func TestHostFailsAtTheEnd(t *testing.T) {
	t.Parallel()
	w := start(t, ``)
	s := get(good())
	s.Faults = filtertest.FailOn(errHost, "Continue")
	w.send(s)
	if s.Continued || s.Answer == nil || s.Answer.Status != 503 || !strings.Contains(w.LogText(), "could not be continued") {
		t.Errorf("continued %v, answer %+v, log %q", s.Continued, s.Answer, w.LogText())
	}
	s = get("")
	s.Faults = filtertest.FailOn(errHost, "Respond")
	w.send(s)
	if s.Continued || !strings.Contains(w.LogText(), "could not be answered") {
		t.Errorf("continued %v, log %q", s.Continued, w.LogText())
	}
}

func TestContract3_GRPC(t *testing.T) {
	t.Parallel()
	w := start(t, ``)
	for contentType, grpc := range map[string]bool{
		"application/grpc": true, "application/grpc+proto": true, "application/grpc;x": true,
		"application/grpc-web": false, "application/grpcx": false, "application/json": false, "": false, "Application/grpc": false,
	} {
		s := get("not.a.jwt", field("content-type", contentType))
		w.expect(s, "token_not_jwt")
		if got := !strings.HasPrefix(s.Answer.Body, "{"); got != grpc || s.Answer.GRPCStatus != 16 {
			t.Errorf("%q: %+v", contentType, s.Answer)
		}
	}
}

// Threat T24: nothing that a client sent is repeated to anybody, and the log
// stays one line for each refusal.
func TestT24_NoSecretsInOutput(t *testing.T) {
	t.Parallel()
	w := start(t, `{"rules":[{"match":{"path":"/admin"},"scopes":["admin"]}]}`)
	secret := "s3cr3t-from-the-client"
	inject := "\r\nx-injected: 1 " + secret
	tokens := []string{
		secret, good(), mint("evil", param("kid", "k1")), mint("k1", claim("aud", inject)), mint("k1", claim("iss", inject)),
		mint("k1", param("typ", inject)), mint("k1", param("alg", inject)), mint("k1", claim("exp", 1), claim("sub", inject)),
		mint("k1", claim("scope", inject)), mint("k1", cnf(certB), claim("jti", inject)), good() + "x", mint("k1", param("kid", "a\r\n\u2028b")),
	}
	var out strings.Builder
	for _, token := range tokens {
		s := ask("GET", "/admin", token, field("x-any", inject))
		w.judge(s)
		if s.Answer == nil {
			t.Fatalf("%s passed", token)
		}
		fmt.Fprintf(&out, "%s\n%s\n%v\n%v\n", s.Answer.Body, s.Answer.Details, s.Answer.Headers, withoutClaims(s.Left))
		for _, h := range s.Answer.Headers {
			if strings.ContainsAny(h.Value, "\r\n") {
				t.Errorf("%q", h)
			}
		}
	}
	refused := 0
	for _, line := range w.Lines {
		if strings.ContainsAny(line.Text, "\r\n\u2028") {
			t.Errorf("a line that is more than one: %q", line.Text)
		}
		if strings.HasPrefix(line.Text, "holdfast: denied") {
			refused++
		}
	}
	if refused == 0 || refused > len(tokens) {
		t.Errorf("%d lines for %d refusals", refused, len(tokens))
	}
	out.WriteString(w.LogText())
	fmt.Fprintln(&out, w.MetricNames())
	needles := []string{secret, x5t(certA), x5t(certB), "alice"}
	for _, token := range tokens {
		if parts := strings.Split(token, "."); len(parts) == 3 {
			needles = append(needles, parts[1][:20], parts[2][:20])
		}
	}
	for _, needle := range needles {
		if strings.Contains(out.String(), needle) {
			t.Errorf("%q is in the output", needle)
		}
	}
}

// withoutClaims leaves out the two host properties that are claims on purpose.
func withoutClaims(left map[string]string) map[string]string {
	left = maps.Clone(left)
	delete(left, "holdfast.sub")
	delete(left, "holdfast.client_id")
	return left
}

func TestContract6_Metrics(t *testing.T) {
	t.Parallel()
	w := start(t, `{"proof_of_possession":{"report_only":true}}`)
	for _, s := range []*filtertest.Stream{get(good()), get(""), get(""), get(mint("k1", claim("exp", 1))), get(good()).Present(certB)} {
		w.send(s)
	}
	want := map[string]uint64{
		"holdfast.allowed": 2, "holdfast.denied.no_token": 2, "holdfast.denied.expired": 1, "holdfast.report_only.cnf_mismatch": 1,
		"holdfast.token_cache.hit": 1, "holdfast.token_cache.miss": 1,
		"holdfast.verification.sandbox": 1,
	}
	names := w.MetricNames()
	for _, name := range names {
		if got := w.Metric(name); name != "holdfast.verify_us" && got != want[name] {
			t.Errorf("%s is %d, want %d", name, got, want[name])
		}
	}
	var listed []string
	for _, reason := range filter.Reasons() {
		if reason.Refuses() {
			listed = append(listed, "holdfast.denied."+reason.String())
		}
	}
	for _, name := range append(listed, "holdfast.jwks.fetched", "holdfast.jwks.failed", "holdfast.jwks.stale", "holdfast.verification.host", "holdfast.verify_us") {
		if !slices.Contains(names, name) {
			t.Errorf("%s is not defined", name)
		}
	}
}
