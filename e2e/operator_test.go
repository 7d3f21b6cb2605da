package e2e

import (
	"slices"
	"strings"
	"testing"
)

// The access log of envoy.yaml says what was decided, and why.
func TestAccessLog(t *testing.T) {
	f := standard.use(t)
	token := f.bearer(t, f.PKI.A)
	passed(t, f.A.Get("/accounts/allowed", token))
	f.B.Get("/accounts/mismatch", token)
	f.None.Get("/accounts/missing", token)
	f.None.Get("/accounts/none")
	f.A.Get("/accounts/expired", f.mint(f.PKI.A, M{"exp": 1}))
	passed(t, f.None.Get("/public/status"))
	for _, want := range []Access{
		{Path: "/accounts/allowed", Outcome: "allowed", Reason: "token_accepted", Details: "via_upstream", Binding: "mtls", Sub: "client-a", ClientID: "client-a", Issuer: Issuer, Status: 200},
		{Path: "/accounts/mismatch", Outcome: "denied", Reason: "cnf_mismatch", Details: "holdfast_denied{cnf_mismatch}", Binding: "failed", Sub: "client-a", ClientID: "client-a", Issuer: Issuer, Status: 401},
		{Path: "/accounts/missing", Outcome: "denied", Reason: "certificate_missing", Details: "holdfast_denied{certificate_missing}", Binding: "failed", Sub: "client-a", ClientID: "client-a", Issuer: Issuer, Status: 401},
		{Path: "/accounts/none", Outcome: "denied", Reason: "no_token", Details: "holdfast_denied{no_token}", Status: 401},
		{Path: "/accounts/expired", Outcome: "denied", Reason: "expired", Details: "holdfast_denied{expired}", Status: 401},
		{Path: "/public/status", Outcome: "allowed", Reason: "anonymous", Details: "via_upstream", Status: 200},
	} {
		t.Run(want.Path, func(t *testing.T) {
			var got Access
			eventually(t, "a line in the access log", func() bool {
				lines := f.Envoy.Access()
				i := slices.IndexFunc(lines, func(a Access) bool { return a.Path == want.Path })
				if i >= 0 {
					got = lines[i]
				}
				return i >= 0
			})
			got.Method, got.Protocol, got.Certificate = "", "", ""
			if got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// One line at start says what runs; refusals are logged with a reason and the
// beginnings of the thumbprints.
func TestLogLines(t *testing.T) {
	f := standard.use(t)
	eventually(t, "a warning for a refused request", func() bool {
		f.refused(t, f.B.Get(path, f.bearer(t, f.PKI.A)), 401, "invalid_token")
		for line := range strings.Lines(f.Envoy.Log()) {
			if strings.Contains(line, "cnf_mismatch") && strings.Contains(line, Issuer) && strings.Contains(line, "wasm log") &&
				strings.Contains(line, f.PKI.A.X5T()[:8]) && strings.Contains(line, f.PKI.B.X5T()[:8]) && !strings.Contains(line, f.PKI.A.X5T()) {
				return true
			}
		}
		return false
	})
	started := ""
	for line := range strings.Lines(f.Envoy.Log()) {
		if strings.Contains(line, "[info][wasm]") && strings.Contains(line, Issuer) && strings.Contains(line, "mtls") {
			started = line
		}
	}
	for _, want := range []string{"strict", "verification=host:ES256"} {
		if !strings.Contains(started, want) {
			t.Errorf("the line at start is %q, want %s in it", started, want)
		}
	}
}

// The names of the metrics, as Envoy shows them.
func TestMetrics(t *testing.T) {
	f := standard.use(t)
	passed(t, f.A.Get(path, f.bearer(t, f.PKI.A)))
	before := f.Envoy.Metric("holdfast.denied.cnf_mismatch")
	f.refused(t, f.B.Get(path, f.bearer(t, f.PKI.A)), 401, "invalid_token")
	if after := f.Envoy.Metric("holdfast.denied.cnf_mismatch"); after != before+1 {
		t.Errorf("denied.cnf_mismatch went from %d to %d", before, after)
	}
	for _, name := range []string{"holdfast.allowed", "holdfast.jwks.fetched", "holdfast.verification.host"} {
		if f.Envoy.Metric(name) == 0 {
			t.Errorf("%s is 0", name)
		}
	}
	eventually(t, "the histogram of verify_us, which Envoy shows with its next flush", func() bool {
		return strings.Contains(must(f.Envoy.Get("/stats?usedonly")), "wasmcustom.holdfast.verify_us: ")
	})
	prometheus := must(f.Envoy.Get("/stats/prometheus"))
	for _, name := range []string{"holdfast_allowed{}", "holdfast_denied_cnf_mismatch{}", "holdfast_verify_us_bucket{"} {
		if !strings.Contains(prometheus, "\n"+name) {
			t.Errorf("no %s on /stats/prometheus", name)
		}
	}
}
