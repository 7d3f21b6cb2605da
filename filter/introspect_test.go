package filter_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

func TestRFC7662_2_1_TheQuestion(t *testing.T) {
	t.Parallel()
	w := startAsking(t, asks(`"params":{"token_type_hint":"access_token"},"headers":{"X-Tenant":"a"},"timeout":"3s"`), always(said()))
	if got := w.settle(get("opaque.token")); got != "token_accepted" {
		t.Fatal(got)
	}
	if len(w.Dispatched) != 1 {
		t.Fatalf("%d calls", len(w.Dispatched))
	}
	call := w.Dispatched[0].Call
	if call.Method != "POST" || call.Cluster != "as" || call.Authority != "as.example.com" || call.Path != "/introspect" || call.Timeout != 3*time.Second {
		t.Errorf("%+v", call)
	}
	want := []filter.Header{
		field("content-type", "application/x-www-form-urlencoded"), field("accept", "application/json"), field("user-agent", "holdfast/"+filter.Version),
		field("authorization", "Basic Z3c6czNjcmV0"), field("x-tenant", "a"),
	}
	if fmt.Sprint(call.Headers) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", call.Headers, want)
	}
	if call.Body != "token=opaque.token&token_type_hint=access_token" {
		t.Error(call.Body)
	}
}

// What an answer means, whoever reads it next.
func TestRFC7662_2_2_TheAnswer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change, reason string
		reply          filtertest.Reply
	}{
		"good":                                {``, "token_accepted", said()},
		"nothing but active, aud and binding": {``, "token_accepted", said(claim("iss", nil), claim("sub", nil), claim("exp", nil), claim("client_id", nil), claim("scope", nil))},
		"T22 inactive":                        {``, "token_inactive", saidAs("application/json", `{"active":false}`)},
		"T22 active as text":                  {``, "token_inactive", said(claim("active", "true"))},
		"T22 active as number":                {``, "token_inactive", said(claim("active", 1))},
		"T22 active as list":                  {``, "token_inactive", said(claim("active", []any{}))},
		"T22 no active":                       {``, "token_inactive", said(claim("active", nil))},
		"T22 ACTIVE":                          {``, "token_inactive", said(claim("active", nil), claim("ACTIVE", true))},
		"T22 duplicate active":                {``, "introspection_unavailable", saidAs("application/json", `{"active":false,"active":true}`)},
		"T22 trailing data":                   {``, "introspection_unavailable", saidAs("application/json", marshal(answer())+"x")},
		"T22 truncated":                       {``, "introspection_unavailable", saidAs("application/json", strings.TrimSuffix(marshal(answer()), "}"))},
		"T22 no object":                       {``, "introspection_unavailable", saidAs("application/json", `true`)},
		"T22 HTML":                            {``, "introspection_unavailable", saidAs("text/html", marshal(answer()))},
		"no type":                             {``, "introspection_unavailable", ok(marshal(answer()))},
		"two types":                           {``, "introspection_unavailable", ok(marshal(answer()), field("content-type", "application/json"), field("content-type", "text/html"))},
		"type with parameters":                {``, "token_accepted", saidAs("Application/JSON ; charset=utf-8", marshal(answer()))},
		"T22 204":                             {``, "introspection_unavailable", status(204)},
		"T25 302":                             {``, "introspection_unavailable", status(302)},
		"T22 500 with active":                 {``, "introspection_unavailable", filtertest.Reply{Result: filter.CallResult{Status: 500, Headers: said().Result.Headers, Body: said().Result.Body}}},
		"T22 too long":                        {``, "introspection_unavailable", said(claim("x", strings.Repeat("x", 65536)))},
		"T22c other issuer":                   {``, "issuer_unknown", said(claim("iss", issuerURL+"/"))},
		"T22c iss of another type":            {``, "issuer_unknown", said(claim("iss", []any{issuerURL}))},
		"T22c other audience":                 {``, "audience_mismatch", said(claim("aud", "https://other.example.com"))},
		"audience among several":              {``, "token_accepted", said(claim("aud", []any{"x", audience}))},
		"aud of another type":                 {`"require_aud":false`, "audience_mismatch", said(claim("aud", 1))},
		"no aud":                              {``, "audience_mismatch", said(claim("aud", nil))},
		"no aud, and none required":           {`"require_aud":false`, "token_accepted", said(claim("aud", nil))},
		"other aud, and none required":        {`"require_aud":false`, "audience_mismatch", said(claim("aud", "x"))},
		"past":                                {``, "expired", said(claim("exp", seconds(-time.Second)))},
		"exp now, no skew":                    {``, "expired", said(claim("exp", seconds(0)))},
		"exp of another type":                 {``, "claim_malformed", said(claim("exp", "never"))},
		"not yet":                             {``, "not_yet_valid", said(claim("nbf", seconds(time.Minute)))},
		"nbf of another type":                 {``, "claim_malformed", said(claim("nbf", true))},
		"issued in the future":                {``, "issued_in_future", said(claim("iat", seconds(time.Minute)))},
		"iat of another type":                 {``, "claim_malformed", said(claim("iat", object{}))},
		"no cnf":                              {``, "cnf_missing", said(claim("cnf", nil))},
		"T12 cnf of another type":             {``, "cnf_malformed", said(claim("cnf", "x"))},
		"never inferred from token_type":      {``, "cnf_missing", said(claim("cnf", nil), claim("token_type", "mtls"))},
		"other certificate":                   {``, "cnf_mismatch", said(cnf(certB))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startAsking(t, asks(tt.change), always(tt.reply))
			for _, when := range []string{"asked", "kept"} {
				s := get("opaque")
				if got := w.settle(s); got != tt.reason {
					t.Errorf("%s: %s, want %s", when, got, tt.reason)
				}
				if tt.reason == "introspection_unavailable" && (s.Answer == nil || s.Answer.Status != 503) {
					t.Errorf("answered with %+v", s.Answer)
				}
			}
			if n := len(w.Dispatched); n != 1 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

func TestContract1_PolicyOfTheIssuerHoldsForOpaqueTokens(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		policy, reason string
		reply          filtertest.Reply
	}{
		"required claim":        {`"required_claims":["tenant"]`, "claim_missing", said()},
		"required claim, null":  {`"required_claims":["tenant"]`, "claim_missing", saidAs("application/json", strings.Replace(marshal(answer()), "{", `{"tenant":null,`, 1))},
		"required claim, there": {`"required_claims":["tenant"]`, "token_accepted", said(claim("tenant", "a"))},
		"lifetime, no iat":      {`"max_lifetime":"24h"`, "claim_missing", said()},
		"lifetime, too long":    {`"max_lifetime":"1h"`, "lifetime_too_long", said(claim("iat", seconds(-time.Minute)))},
		"lifetime":              {`"max_lifetime":"2h"`, "token_accepted", said(claim("iat", seconds(-time.Minute)))},
		"skew":                  {`"clock_skew":"60s"`, "token_accepted", said(claim("nbf", seconds(time.Minute)), claim("iat", seconds(time.Minute)))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change := strings.Replace(asks(""), `{"issuer":{`, `{"issuer":{`+tt.policy+`,`, 1)
			w := startAsking(t, change, always(tt.reply))
			if got := w.settle(get("opaque")); got != tt.reason {
				t.Errorf("%s, want %s", got, tt.reason)
			}
		})
	}
}

func TestContract2_AJWTIsNeverAskedAbout(t *testing.T) {
	t.Parallel()
	w := startAsking(t, asks(""), always(said()))
	for _, token := range []string{mint("evil", param("kid", "k1")), mint("k1", claim("iss", "https://other.example.com")), "eyJhbGciOiJub25lIn0.e30.", "eyJlbmMiOiJBIn0.a.b.c.d"} {
		if got := w.settle(get(token)); got == "token_accepted" || got == "waits" {
			t.Errorf("%s: %s", token, got)
		}
	}
	if got := w.settle(get(good())); got != "token_accepted" {
		t.Error(got)
	}
	if n := len(w.Dispatched); n != 0 {
		t.Errorf("%d calls", n)
	}
	// RFC 9449 Fig. 13 has an opaque token with two dots.
	if got := w.settle(get("a.b.c")); got != "token_accepted" || len(w.Dispatched) != 1 {
		t.Errorf("%s, %d calls", got, len(w.Dispatched))
	}
}

// "tokens": "all": the JWT decides, and the answer can only take away.
func TestContract2_TokensAll(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		token  []edit
		reply  filtertest.Reply
		path   string
		reason string
		calls  int
	}{
		"good":                      {nil, said(), "", "token_accepted", 1},
		"revoked":                   {nil, saidAs("application/json", `{"active":false}`), "", "token_inactive", 1},
		"bad JWT":                   {[]edit{claim("exp", seconds(-time.Hour))}, said(), "", "expired", 0},
		"stolen: not even asked":    {[]edit{cnf(certB)}, said(), "", "cnf_mismatch", 0},
		"no cnf in the answer":      {nil, said(claim("cnf", nil)), "", "token_accepted", 1},
		"cnf in the answer only":    {[]edit{claim("cnf", nil)}, said(), "", "token_accepted", 1},
		"other cnf in the answer":   {[]edit{claim("cnf", nil)}, said(cnf(certB)), "", "cnf_mismatch", 1},
		"no cnf at all":             {[]edit{claim("cnf", nil)}, said(claim("cnf", nil)), "", "cnf_missing", 1},
		"cnf differs":               {nil, said(cnf(certB)), "", "token_contradicted", 1},
		"cnf with jkt besides":      {nil, said(claim("cnf", object{"jkt": x5t(certA)})), "", "cnf_unsupported", 1},
		"cnf malformed":             {nil, said(claim("cnf", 1)), "", "cnf_malformed", 1},
		"sub differs":               {nil, said(claim("sub", "bob")), "", "token_contradicted", 1},
		"sub of another type":       {nil, said(claim("sub", 1)), "", "token_contradicted", 1},
		"client_id differs":         {nil, said(claim("client_id", "other")), "", "token_contradicted", 1},
		"iss differs":               {nil, said(claim("iss", "https://other.example.com")), "", "issuer_unknown", 1},
		"expiry is the earlier":     {nil, said(claim("exp", seconds(-time.Second))), "", "expired", 1},
		"answer says little":        {nil, saidAs("application/json", marshal(object{"active": true, "aud": audience})), "", "token_accepted", 1},
		"scope in both":             {nil, said(claim("scope", "write read")), "/read", "token_accepted", 1},
		"scope in the JWT only":     {nil, said(claim("scope", "write")), "/read", "scope_insufficient", 1},
		"scope in the answer only":  {[]edit{claim("scope", "write")}, said(), "/read", "scope_insufficient", 1},
		"answer has no scopes":      {nil, said(claim("scope", nil)), "/read", "token_accepted", 1},
		"JWT has no scopes":         {[]edit{claim("scope", nil)}, said(), "/read", "token_accepted", 1},
		"claim in the answer alone": {nil, said(claim("tenant", "a")), "/tenant", "token_accepted", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startAsking(t, asks(`"tokens":"all"`, `"rules":[{"match":{"path":"/read"},"scopes":["read"]},{"match":{"path":"/tenant"},"claims":{"tenant":["a"]}}]`), always(tt.reply))
			path := tt.path
			if path == "" {
				path = "/x"
			}
			token := mint("k1", tt.token...)
			for range 2 {
				if got := w.settle(ask("GET", path, token)); got != tt.reason {
					t.Errorf("%s, want %s", got, tt.reason)
				}
			}
			if n := len(w.Dispatched); n != tt.calls {
				t.Errorf("%d calls, want %d", n, tt.calls)
			}
		})
	}
}

// What the policy asks for by name, a JWT has shown itself.
func TestContract2_TokensAllAsksTheJWTForItsClaims(t *testing.T) {
	t.Parallel()
	change := strings.Replace(asks(`"tokens":"all"`), `{"issuer":{`, `{"issuer":{"max_lifetime":"24h","required_claims":["jti"],`, 1)
	w := startAsking(t, change, always(said()))
	w.expectSettled(get(mint("k1", claim("jti", "1"))), "token_accepted")
	w.expectSettled(get(mint("k1")), "claim_missing")
	w.expectSettled(get("opaque"), "claim_missing")
	if n := len(w.Dispatched); n != 2 {
		t.Errorf("%d calls", n)
	}
}

// report_only lets a failed binding pass, and nothing else.
func TestContract2_TokensAllWithReportOnly(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		token            []edit
		reply            filtertest.Reply
		reason, reported string
	}{
		"other certificate":  {[]edit{cnf(certB)}, said(claim("cnf", nil)), "token_accepted", "cnf_mismatch"},
		"malformed":          {[]edit{claim("cnf", 1)}, said(), "token_accepted", "cnf_malformed"},
		"malformed, revoked": {[]edit{claim("cnf", 1)}, saidAs("application/json", `{"active":false}`), "token_inactive", "cnf_malformed"},
		"stolen and revoked": {[]edit{cnf(certB)}, saidAs("application/json", `{"active":false}`), "token_inactive", "cnf_mismatch"},
		"answer malformed":   {nil, said(claim("cnf", 1)), "token_accepted", "cnf_malformed"},
		"missing in both":    {[]edit{claim("cnf", nil)}, said(claim("cnf", nil)), "token_accepted", "cnf_missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startAsking(t, asks(`"tokens":"all"`, `"proof_of_possession":{"report_only":true}`), always(tt.reply))
			if got := w.settle(get(mint("k1", tt.token...))); got != tt.reason {
				t.Errorf("%s, want %s", got, tt.reason)
			}
			if n := w.Metric("holdfast.report_only." + tt.reported); n == 0 {
				t.Error("not reported")
			}
			if n := len(w.Dispatched); n != 1 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

func TestContract1_WhichIssuerIsAsked(t *testing.T) {
	t.Parallel()
	issuer := func(name, more string) string {
		return `{"issuer":"https://` + name + `.example.com","audiences":["` + audience + `"],"jwks":{"inline":` + jwks("k1") + `}` + more + `}`
	}
	introspection := func(name string) string {
		return `,"introspection":{"endpoint":"https://` + name + `.example.com/i","cluster":"` + name + `","client_auth":"none"}`
	}
	w := startAsking(t, `{"issuers":[`+issuer("a", introspection("a"))+`,`+issuer("b", introspection("b"))+`,`+issuer("c", "")+`],"unmatched":"deny","rules":[
		{"match":{"path":"/a"},"issuers":["https://a.example.com","https://c.example.com"]},
		{"match":{"path":"/b"},"issuers":["https://b.example.com"]},{"match":{"path":"/c"},"issuers":["https://c.example.com"]}]}`,
		func(call filter.Call) filtertest.Reply {
			return said(claim("iss", "https://"+call.Cluster+".example.com"))
		})
	for path, reason := range map[string]string{"/a": "token_accepted", "/b": "token_accepted", "/c": "token_not_jwt", "/d": "no_rule_matched"} {
		s := ask("GET", path, "opaque")
		if got := w.settle(s); got != reason {
			t.Errorf("%s: %s, want %s", path, got, reason)
		}
		if want := "https://" + path[1:] + ".example.com"; reason == "token_accepted" && s.Left["holdfast.issuer"] != want {
			t.Errorf("%s: issuer %s", path, s.Left["holdfast.issuer"])
		}
	}
	// T22b: one server's answer about a token is not the other's.
	if n := len(w.Dispatched); n != 2 {
		t.Errorf("%d calls", n)
	}
	// The only one is asked, but not where its tokens are not taken.
	w = startAsking(t, `{"issuers":[`+issuer("a", introspection("a"))+`,`+issuer("c", "")+`],"rules":[{"match":{"path":"/c"},"issuers":["https://c.example.com"]}]}`,
		always(said(claim("iss", "https://a.example.com"))))
	if a, c := w.settle(ask("GET", "/x", "opaque")), w.settle(ask("GET", "/c", "opaque")); a != "token_accepted" || c != "token_not_jwt" {
		t.Error(a, c)
	}
}

func TestContract1_NoIntrospectionNoOpaqueTokens(t *testing.T) {
	t.Parallel()
	start(t, ``).expect(get("opaque"), "token_not_jwt")
}

// What the upstream and the logs are told about an opaque token.
func TestContract1_ForwardOpaqueToken(t *testing.T) {
	t.Parallel()
	w := startAsking(t, asks("", `"forward":{"claims":[{"claim":"sub","header":"x-sub"},{"claim":"realm.roles","header":"x-roles"}],"payload_header":"x-claims","thumbprint_header":"x-tp"}`),
		always(said(claim("realm", object{"roles": []any{"a", "b"}}))))
	s := get("opaque", field("x-sub", "forged"))
	if got := w.settle(s); got != "token_accepted" {
		t.Fatal(got)
	}
	only(t, s, "x-sub", "alice")
	only(t, s, "x-roles", "a,b")
	only(t, s, "x-tp", x5t(certA))
	only(t, s, "x-claims", encode([]byte(marshal(answer(claim("realm", object{"roles": []any{"a", "b"}}))))))
	only(t, s, "authorization", "Bearer opaque")
	for name, want := range map[string]string{"issuer": issuerURL, "client_id": "app", "sub": "alice", "binding": "mtls"} {
		if got := s.Left["holdfast."+name]; got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
}
