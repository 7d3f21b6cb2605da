package filter

import (
	"strings"
	"testing"
	"time"

	"holdfast/thumbprint"
)

// logHost is a Host that only takes lines.
type logHost struct {
	Host
	lines []string
}

func (h *logHost) Log(_ LogLevel, line string) { h.lines = append(h.lines, line) }

func TestContract6_LogIsRateLimited(t *testing.T) {
	t.Parallel()
	host := &logHost{}
	l := &refusalLog{host: host}
	now := time.Unix(1000, 0)
	flood := func(n int, at time.Time) int {
		before := len(host.lines)
		for range n {
			l.write(Decision{Reason: NoToken}, at)
		}
		return len(host.lines) - before
	}
	if got := flood(25, now); got != linesPerSecond {
		t.Errorf("%d lines of 25", got)
	}
	if got := flood(1, now.Add(999*time.Millisecond)); got != 0 {
		t.Errorf("%d lines within the same second", got)
	}
	if got := flood(2, now.Add(time.Second)); got != 2 {
		t.Errorf("%d lines of 2 in the next second", got)
	}
	if last := host.lines[len(host.lines)-2:]; !strings.HasSuffix(last[0], " skipped=16") || strings.Contains(last[1], "skipped") {
		t.Errorf("%q", last)
	}
	if got := flood(20, now.Add(-time.Hour)); got != linesPerSecond {
		t.Errorf("%d lines after the clock went back", got)
	}
}

func TestContract6_LogLine(t *testing.T) {
	t.Parallel()
	claimed, presented := thumbprint.Thumbprint{1}, thumbprint.Thumbprint{2}
	as := &issuer{}
	as.Policy.Issuer = "https://as.example.com"
	tests := []struct {
		name string
		d    Decision
		want string
	}{
		{"reason alone", Decision{Reason: NoToken}, "holdfast: denied reason=no_token"},
		{"kid of an unknown issuer", Decision{Reason: IssuerUnknown, validated: validated{keyID: "x"}}, "holdfast: denied reason=issuer_unknown"},
		{"issuer and kid", Decision{Reason: Expired, validated: validated{issuer: as, keyID: "k1"}}, `holdfast: denied reason=expired issuer="https://as.example.com" kid="k1"`},
		{"no kid", Decision{Reason: Expired, validated: validated{issuer: as}}, `holdfast: denied reason=expired issuer="https://as.example.com"`},
		{"T24 kid with a line of its own", Decision{Reason: KeyUnknown, validated: validated{issuer: as, keyID: "a\r\n\x1b[2Jb\u2028ü\""}},
			`holdfast: denied reason=key_unknown issuer="https://as.example.com" kid="a\r\n\x1b[2Jb\u2028\u00fc\""`},
		{"T06 long kid", Decision{Reason: KeyUnknown, validated: validated{issuer: as, keyID: strings.Repeat("k", 300)}},
			`holdfast: denied reason=key_unknown issuer="https://as.example.com" kid="` + strings.Repeat("k", 64) + `"`},
		{"binding", Decision{Reason: CnfMismatch, validated: validated{issuer: as, keyID: "k1"}, proof: proof{claimed: &claimed, presented: &certificate{thumbprint: presented}}},
			`holdfast: denied reason=cnf_mismatch issuer="https://as.example.com" kid="k1" cnf=AQAAAAAA presented=AgAAAAAA`},
		{"report_only", Decision{Reported: CnfMissing, validated: validated{issuer: as}}, `holdfast: report_only reason=cnf_missing issuer="https://as.example.com"`},
		{"report_only, then refused", Decision{Reason: ScopeInsufficient, Reported: CnfMissing}, `holdfast: denied reason=scope_insufficient`},
	}
	for _, tt := range tests {
		if got := refusalLine(tt.d, 0); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}
