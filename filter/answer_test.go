package filter

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/filter/config"
	"holdfast/internal/jsontext"
	"holdfast/jwt"
)

var testResource = &config.ResourceMetadata{
	Resource:      "https://api.example.com",
	WellKnownURL:  "https://api.example.com/.well-known/oauth-protected-resource",
	WellKnownPath: "/.well-known/oauth-protected-resource",
}

// header is the value of a header field that an answer must have at most once.
func (a Answer) header(t *testing.T, name string) string {
	t.Helper()
	var values []string
	for _, h := range a.Headers {
		if h.Name == name {
			values = append(values, h.Value)
		}
	}
	if len(values) > 1 {
		t.Errorf("%s: %q", name, values)
	}
	return strings.Join(values, "\n")
}

func TestContract3_Challenge(t *testing.T) {
	t.Parallel()
	scoped := &config.Rule{Scopes: []string{"payments:write", "read"}}
	both := &config.Rule{ACRValues: []string{"urn:example:loa3", "loa4"}, MaxAge: 5 * time.Minute, HasMaxAge: true, Scopes: []string{"read"}}
	zeroAge := &config.Rule{HasMaxAge: true}
	tests := []struct {
		name   string
		reason Reason
		rule   *config.Rule
		want   string // after the realm
	}{
		{"RFC6750_3.1 no token", NoToken, scoped, ``},
		{"bad request", AmbiguousPath, nil, `, error="invalid_request", error_description="the path has more than one reading"`},
		{"bad request after a rule", MultipleTokens, scoped, `, error="invalid_request", error_description="more than one access token was sent"`},
		{"invalid token", Expired, scoped, `, error="invalid_token", error_description="the access token has expired"`},
		{"binding", CnfMismatch, scoped, `, error="invalid_token", error_description="the access token is bound to another certificate"`},
		{"scope", ScopeInsufficient, scoped, `, error="insufficient_scope", error_description="the access token lacks a scope", scope="payments:write read"`},
		{"claim, with scopes in the rule", ClaimNotAllowed, scoped, `, error="insufficient_scope", error_description="a claim of the access token is not allowed here", scope="payments:write read"`},
		{"claim, without", ClaimNotAllowed, &config.Rule{}, `, error="insufficient_scope", error_description="a claim of the access token is not allowed here"`},
		{"denied", NoRuleMatched, nil, `, error="access_denied", error_description="nothing is served here"`},
		{"RFC9470_3 acr_values and max_age", ACRNotMet, both, `, error="insufficient_user_authentication", error_description="a stronger authentication is required", acr_values="urn:example:loa3 loa4", max_age="300"`},
		{"RFC9470_3 max_age alone", AuthenticationTooOld, zeroAge, `, error="insufficient_user_authentication", error_description="a more recent authentication is required", max_age="0"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &config.Config{Realm: "payments", ExposeDescription: true}
			a := &answerer{config: c}
			d := Decision{Reason: tt.reason, rule: tt.rule}
			want := `Bearer realm="payments"` + tt.want
			if got := a.refusal(d, false, 0).header(t, "www-authenticate"); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			c.Resource = testResource
			want += `, resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"`
			if got := a.refusal(d, false, 0).header(t, "www-authenticate"); got != want {
				t.Errorf("RFC9728_5.1: got  %s\nwant %s", got, want)
			}
		})
	}
}

// errors.expose_description false: codes only.
func TestContract1_ExposeDescriptionFalse(t *testing.T) {
	t.Parallel()
	a := &answerer{config: &config.Config{Realm: "r"}}
	for _, reason := range Reasons() {
		if !reason.Refuses() {
			continue
		}
		answer := a.refusal(Decision{Reason: reason}, false, 0)
		body := `{"error":"` + reason.class().code + `"}`
		if reason == NoToken {
			body = `{}`
		}
		if answer.Body != body {
			t.Errorf("%s: body %s, want %s", reason, answer.Body, body)
		}
		for _, h := range answer.Headers {
			if strings.Contains(h.Value, "description") {
				t.Errorf("%s: %s: %s", reason, h.Name, h.Value)
			}
		}
		if grpc := a.refusal(Decision{Reason: reason}, true, 0); grpc.Body != "" {
			t.Errorf("%s: grpc-message %q", reason, grpc.Body)
		}
	}
}

// Status, headers and body of every refusal, for HTTP and for gRPC.
func TestContract3_Answers(t *testing.T) {
	t.Parallel()
	a := &answerer{config: &config.Config{Realm: "r", ExposeDescription: true}}
	for _, reason := range append(Reasons(), reasonCount, waitForMore) {
		if !reason.Refuses() {
			continue
		}
		class := reason.class()
		answer := a.refusal(Decision{Reason: reason}, false, 3*time.Second)
		if answer.Status != class.status || answer.GRPCStatus != class.grpcStatus || answer.Details != "holdfast_denied{"+reason.String()+"}" {
			t.Errorf("%s: %+v", reason, answer)
		}
		if answer.header(t, "content-type") != "application/json" || answer.header(t, "cache-control") != "no-store" {
			t.Errorf("%s: %v", reason, answer.Headers)
		}
		if got := answer.header(t, "www-authenticate") != ""; got != class.challenge {
			t.Errorf("%s: challenge %v", reason, got)
		}
		retry := ""
		if class.status == 503 {
			retry = "3"
		}
		if got := answer.header(t, "retry-after"); got != retry {
			t.Errorf("%s: retry-after %q, want %q", reason, got, retry)
		}
		var body map[string]string
		if err := json.Unmarshal([]byte(answer.Body), &body); err != nil || body["error"] != class.code {
			t.Errorf("%s: body %s: %v", reason, answer.Body, err)
		}
		if _, named := body["error"]; named == (reason == NoToken) {
			t.Errorf("%s: body %s", reason, answer.Body)
		}
		grpc := a.refusal(Decision{Reason: reason}, true, 3*time.Second)
		if !slices.Equal(grpc.Headers, answer.Headers) || grpc.Status != answer.Status || strings.Contains(grpc.Body, "{") {
			t.Errorf("%s: gRPC gets %+v", reason, grpc)
		}
	}
}

func TestRetryAfterIsRoundedUp(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Hour: "1", 0: "1", time.Nanosecond: "1", time.Second: "1", time.Second + 1: "2", 1500 * time.Millisecond: "2",
		2 * time.Second: "2", 30 * time.Second: "30",
	} {
		if got := wholeSeconds(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func TestRFC8259_7_QuoteJSON(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		s := "a" + string(rune(c)) + "b"
		var got string
		if err := json.Unmarshal([]byte(jsontext.Quote(s)), &got); err != nil || got != s {
			t.Errorf("%q became %s", s, jsontext.Quote(s))
		}
	}
}

func TestRFC9728_2_Document(t *testing.T) {
	t.Parallel()
	c := &config.Config{
		Issuers:      []config.Issuer{{}, {}},
		Binding:      config.Binding{MTLS: true},
		Resource:     &config.ResourceMetadata{Resource: "https://api.example.com/a?b", ScopesSupported: []string{"read", "write"}},
		TokenSources: []config.TokenSource{{Kind: config.TokenFromCookie}, {Kind: config.TokenFromAuthorization}},
	}
	c.Issuers[0].Policy.Issuer, c.Issuers[1].Policy.Issuer = "https://as.example.com", "https://b.example"
	got := metadataAnswer(c)
	want := `{"resource":"https://api.example.com/a?b","authorization_servers":["https://as.example.com","https://b.example"],` +
		`"scopes_supported":["read","write"],"bearer_methods_supported":["header"],"tls_client_certificate_bound_access_tokens":true}`
	if got.Status != 200 || got.Body != want || got.header(t, "content-type") != "application/json" {
		t.Errorf("%+v", got)
	}
	if !json.Valid([]byte(got.Body)) {
		t.Error("no JSON")
	}
	c.Resource.ScopesSupported, c.Binding = nil, config.Binding{Optional: true}
	c.TokenSources = c.TokenSources[:1]
	if got, want := metadataAnswer(c).Body, `{"resource":"https://api.example.com/a?b","authorization_servers":["https://as.example.com","https://b.example"]}`; got != want {
		t.Errorf("without anything optional: %s", got)
	}
	c.Binding = config.Binding{DPoP: &config.DPoP{Algorithms: []jwt.Algorithm{jwt.ES256, jwt.EdDSA}}}
	if got, want := metadataAnswer(c).Body, `"bearer_methods_supported":[],"dpop_signing_alg_values_supported":["ES256","EdDSA"],"dpop_bound_access_tokens_required":true}`; !strings.HasSuffix(got, want) {
		t.Errorf("DPoP alone: %s", got)
	}
	c.Binding.MTLS = true
	if got, want := metadataAnswer(c).Body, `"tls_client_certificate_bound_access_tokens":true,"dpop_signing_alg_values_supported":["ES256","EdDSA"]}`; !strings.HasSuffix(got, want) {
		t.Errorf("both: %s", got)
	}
	c.Resource = nil
	if metadataAnswer(c) != nil {
		t.Error("a document without resource_metadata")
	}
}
