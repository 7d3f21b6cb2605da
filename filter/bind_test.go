package filter_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

// rfc8705 is the thumbprint of RFC 8705 §3.1: its last character has bits that
// belong to no byte, and counts as the 32 bytes that it decodes to.
const rfc8705 = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"

func TestContract2_3_Binding(t *testing.T) {
	t.Parallel()
	const unsupported, malformed, missing, accepted = "cnf_unsupported", "cnf_malformed", "cnf_missing", "token_accepted"
	standard := strings.NewReplacer("-", "+", "_", "/")
	confirm := func(value any) edit { return claim("cnf", value) }
	thumb := func(value any) edit { return confirm(object{"x5t#S256": value}) }
	jkt := x5t(certB)
	tests := []struct {
		name             string
		token            string
		strict, optional string
	}{
		{"bound", good(), accepted, accepted},
		{"T13d another certificate", mint("k1", cnf(certB)), "cnf_mismatch", "cnf_mismatch"},
		{"unbound", mint("k1", claim("cnf", nil)), missing, accepted},
		{"T12 cnf empty", mint("k1", confirm(object{})), unsupported, unsupported},
		{"T12 cnf string", mint("k1", confirm(x5t(certA))), malformed, malformed},
		{"T12 cnf array", mint("k1", confirm([]any{})), malformed, malformed},
		{"T12 cnf false", mint("k1", confirm(false)), malformed, malformed},
		{"T09 CNF only", mint("k1", claim("cnf", nil), claim("CNF", object{"x5t#S256": x5t(certA)})), missing, accepted},
		{"T09 cnf beside CNF", mint("k1", cnf(certB), claim("CNF", object{"x5t#S256": x5t(certA)})), "cnf_mismatch", "cnf_mismatch"},
		{"T12 hex", mint("k1", thumb(hex.EncodeToString(make([]byte, 32)))), malformed, malformed},
		{"T12 padded", mint("k1", thumb(x5t(certA)+"=")), malformed, malformed},
		{"T12 short", mint("k1", thumb(x5t(certA)[:42])), malformed, malformed},
		{"T12 empty", mint("k1", thumb("")), malformed, malformed},
		{"T12 number", mint("k1", thumb(1)), malformed, malformed},
		{"T12 array", mint("k1", thumb([]any{x5t(certA)})), malformed, malformed},
		{"T12 line feed", mint("k1", thumb(x5t(certA)[:42]+"\n")), malformed, malformed},
		{"T12 other member alone", mint("k1", confirm(object{"jwk": object{}})), unsupported, unsupported},
		{"other spelling of the member", mint("k1", confirm(object{"x5t#s256": x5t(certA)})), unsupported, unsupported},
		{"other members beside a verified one", mint("k1", confirm(object{"x5t#S256": x5t(certA), "kid": "a", "jwk": object{}})), accepted, accepted},
		{"RFC9449 jkt is refused in both modes", mint("k1", confirm(object{"jkt": jkt})), unsupported, unsupported},
		{"T12 jkt beside a good thumbprint", mint("k1", confirm(object{"jkt": jkt, "x5t#S256": x5t(certA)})), unsupported, unsupported},
		{"jkt malformed", mint("k1", confirm(object{"jkt": "x"})), malformed, malformed},
	}
	if s := standard.Replace(x5t(certA)); s != x5t(certA) {
		tests = append(tests, struct{ name, token, strict, optional string }{"T12 standard base64", mint("k1", thumb(s)), malformed, malformed})
	}
	strict := start(t, ``)
	optional := start(t, `{"proof_of_possession":{"mode":"optional"},"rules":[{"match":{"path_prefix":"/strict/"},"mode":"strict"}]}`)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			strict.t, optional.t = t, t
			strict.expect(get(tt.token), tt.strict)
			optional.expect(get(tt.token), tt.optional)
			optional.expect(ask("GET", "/strict/x", tt.token), tt.strict)
		})
	}
	strict.t, optional.t = t, t
	for token, binding := range map[string]string{good(): "mtls", mint("k1", claim("cnf", nil)): "none"} {
		s := get(token)
		optional.judge(s)
		if s.Left["holdfast.binding"] != binding {
			t.Errorf("binding %q, want %q", s.Left["holdfast.binding"], binding)
		}
	}
}

func TestRFC8705_3_1_TrailingBits(t *testing.T) {
	t.Parallel()
	w := start(t, ``)
	for spelling, reason := range map[string]string{
		rfc8705:            "token_accepted",
		rfc8705[:42] + "0": "token_accepted", // the same bytes, spelled as an encoder would
		rfc8705[:42] + "-": "cnf_mismatch",   // another last byte
		"A" + rfc8705[1:]:  "cnf_mismatch",
	} {
		s := get(mint("k1", claim("cnf", object{"x5t#S256": spelling})))
		s.Properties["connection.sha256_peer_certificate_digest"] = "6f070ad1eb1cdc0082dc3076639fe5112b1713ca3d96d734e4ef3d8dd37e760d"
		w.expect(s, reason)
	}
}

func TestContract1_ReportOnly(t *testing.T) {
	t.Parallel()
	const forward = `"forward":{"thumbprint_header":"x-thumb","payload_header":"x-claims","certificate":[{"field":"subject","header":"x-dn"}],"claims":[{"claim":"sub","header":"x-sub"}]}`
	w := start(t, `{"proof_of_possession":{"report_only":true},"rules":[{"match":{"path":"/admin"},"scopes":["admin"]}],`+forward+`}`)
	noCertificate := get(good())
	delete(noCertificate.Properties, "connection.sha256_peer_certificate_digest")
	cases := map[string]*filtertest.Stream{
		"cnf_mismatch":        get(good()).Present(certB),
		"cnf_missing":         get(mint("k1", claim("cnf", nil))),
		"cnf_unsupported":     get(mint("k1", claim("cnf", object{"jkt": x5t(certA)}))),
		"cnf_malformed":       get(mint("k1", claim("cnf", "x"))),
		"certificate_missing": noCertificate,
	}
	for reason, s := range cases {
		t.Run(reason, func(t *testing.T) {
			w.t = t
			lines := len(w.Lines)
			s.Properties["connection.subject_peer_certificate"] = "CN=thief"
			s.Headers = append(s.Headers, field("x-thumb", "forged"), field("X_DN", "forged"))
			w.expect(s, "token_accepted")
			if !s.Continued || s.Left["holdfast.binding"] != "failed" || s.Left["holdfast.outcome"] != "allowed" {
				t.Errorf("%+v", s.Left)
			}
			only(t, s, "x-thumb")
			only(t, s, "x-dn")
			only(t, s, "x_dn")
			only(t, s, "x-sub", "alice")
			if n := w.Metric("holdfast.report_only." + reason); n != 1 {
				t.Errorf("counted %d times", n)
			}
			if n := w.Metric("holdfast.denied." + reason); n != 0 {
				t.Errorf("counted as denied %d times", n)
			}
			if got := w.Lines[lines:]; len(got) != 1 || got[0].Level != filter.LogWarn || !strings.HasPrefix(got[0].Text, "holdfast: report_only reason="+reason) {
				t.Errorf("log %q", got)
			}
		})
	}
	w.t = t
	fine := get(good())
	w.expect(fine, "token_accepted")
	only(t, fine, "x-thumb", x5t(certA))
	// Validity and scopes stay enforced.
	w.expect(get(mint("k1", claim("exp", 1))), "expired")
	w.expect(get(""), "no_token")
	denied := ask("GET", "/admin", good()).Present(certB)
	w.expect(denied, "scope_insufficient")
	if denied.Left["holdfast.binding"] != "failed" {
		t.Errorf("binding %q", denied.Left["holdfast.binding"])
	}
}
