package filter

import (
	"strconv"
	"strings"
	"time"
)

// refusalLog writes at most one warning for each refused request, and fewer in
// a flood: linesPerSecond, and then how many were left out.
type refusalLog struct {
	host    Host
	second  time.Time // the start of the current second
	lines   int       // written in it
	skipped int       // left out since the last line
}

const linesPerSecond = 10

func (l *refusalLog) write(d Decision, now time.Time) {
	if age := now.Sub(l.second); age >= time.Second || age < 0 {
		l.second, l.lines = now, 0
	}
	if l.lines >= linesPerSecond {
		l.skipped++
		return
	}
	l.lines++
	l.host.Log(LogWarn, refusalLine(d, l.skipped))
	l.skipped = 0
}

// refusalLine names the reason and what an operator needs to find the cause:
// the issuer (only a configured one), the kid, and the start of both
// thumbprints. Never the token, a claim or a whole thumbprint.
func refusalLine(d Decision, skipped int) string {
	var b strings.Builder
	if d.Reason.Refuses() {
		b.WriteString("holdfast: denied reason=" + d.Reason.String())
	} else {
		b.WriteString("holdfast: report_only reason=" + d.Reported.String())
	}
	if v := d.validated; v.issuer != nil {
		b.WriteString(" issuer=" + strconv.QuoteToASCII(v.issuer.Policy.Issuer))
		if v.keyID != "" {
			b.WriteString(" kid=" + strconv.QuoteToASCII(clip(v.keyID, 64)))
		}
	}
	if d.proof.claimed != nil {
		b.WriteString(" cnf=" + d.proof.claimed.Short())
	}
	if d.proof.presented != nil {
		b.WriteString(" presented=" + d.proof.presented.thumbprint.Short())
	}
	if d.proof.claimedKey != nil {
		b.WriteString(" jkt=" + d.proof.claimedKey.Short())
	}
	if d.proof.dpop != nil {
		b.WriteString(" proved=" + d.proof.dpop.Thumbprint().Short())
	}
	if skipped > 0 {
		b.WriteString(" skipped=" + strconv.Itoa(skipped))
	}
	return b.String()
}

// clip cuts to at most n bytes.
func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
