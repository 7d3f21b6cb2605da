package filter_test

import (
	"fmt"
	"strings"
	"testing"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

// confirmed is what a cnf says, for the rules of the contract's step 3.
type confirmed struct {
	claim   any // of the token; nil without
	present bool
	x5t     string // the certificate's name
	jkt     string // the key's name
	broken  bool
}

// caller is what a request shows.
type caller struct {
	scheme, certificate, proof string // the names of the certificate and of the proof's key; empty without
}

// holder is a configuration, as far as it decides about bindings.
type holder struct {
	mtls, dpop, optional, report, all bool
}

func (h holder) String() string {
	var methods []string
	more := ""
	if h.mtls {
		methods = append(methods, `"mtls"`)
	}
	if h.dpop {
		methods = append(methods, `"dpop"`)
		more = `,"dpop":{"origin":["https://api.example.com"]}`
	}
	mode := map[bool]string{false: "strict", true: "optional"}[h.optional]
	return fmt.Sprintf(`"proof_of_possession":{"methods":[%s],"mode":%q,"report_only":%t%s}`, strings.Join(methods, ","), mode, h.report, more)
}

// binds is step 3 for one cnf. While the issuer still has a say, it may add a jkt.
func (h holder) binds(c confirmed, by caller, unasked bool) bool {
	switch {
	case c.broken, by.scheme == "DPoP" && c.jkt == "" && !unasked:
		return false
	case !c.present:
		return h.optional
	case c.x5t == "" && c.jkt == "":
		return false
	}
	return (c.x5t == "" || h.mtls && by.certificate == c.x5t) &&
		(c.jkt == "" || h.dpop && by.scheme == "DPoP" && by.proof == c.jkt)
}

// passes is step 3 for a token and what its issuer says of it. both is the cnf that
// applies, and failed tells that report_only let it pass.
func (h holder) passes(token, answer confirmed, by caller) (both confirmed, pass, failed bool) {
	both = token
	if by.scheme == "DPoP" && !h.dpop {
		return both, false, false
	}
	failed = token.broken || (token.present || !h.all) && !h.binds(token, by, h.all)
	if h.all && (!failed || h.report) {
		if token.broken {
			both = confirmed{}
		}
		both.present = both.present || answer.present
		switch {
		case answer.broken:
			failed = true
		case both.x5t != "" && answer.x5t != "" && both.x5t != answer.x5t, both.jkt != "" && answer.jkt != "" && both.jkt != answer.jkt:
			return both, false, false // they contradict each other, which is no failed binding
		default:
			both.x5t, both.jkt = max(both.x5t, answer.x5t), max(both.jkt, answer.jkt)
			failed = failed || !h.binds(both, by, false)
		}
	}
	return both, !failed || h.report, failed
}

// Every way of binding a token, sent by every caller to every configuration, decides as
// the contract's step 3 says in the few lines above; and no proof counts twice.
func TestContract2_3_EveryCombination(t *testing.T) {
	t.Parallel()
	certificates := map[string][]byte{"A": certA, "B": certB}
	cnfs := map[string]confirmed{
		"none":     {},
		"other":    {claim: object{"kid": "x"}, present: true},
		"A":        {claim: object{"x5t#S256": x5t(certA), "kid": "x"}, present: true, x5t: "A"},
		"B":        {claim: object{"x5t#S256": x5t(certB)}, present: true, x5t: "B"},
		"c1":       {claim: object{"jkt": jktOf("c1")}, present: true, jkt: "c1"},
		"c2":       {claim: object{"jkt": jktOf("c2")}, present: true, jkt: "c2"},
		"A and c1": {claim: object{"x5t#S256": x5t(certA), "jkt": jktOf("c1")}, present: true, x5t: "A", jkt: "c1"},
		"broken":   {claim: object{"x5t#S256": x5t(certA), "jkt": ""}, present: true, broken: true},
	}
	tokens := map[string]string{}
	for _, name := range []string{"none", "other", "A", "c1", "A and c1", "broken"} {
		tokens[name] = mint("k1", claim("cnf", cnfs[name].claim))
	}
	var callers []caller
	for i := range 8 {
		callers = append(callers, caller{[]string{"Bearer", "DPoP"}[i&1], []string{"", "A"}[i>>1&1], []string{"", "c1"}[i>>2]})
	}
	sent := 0
	try := func(w *worker, h holder, token, answer string, by caller) {
		sent++
		fields := []filter.Header{field("authorization", by.scheme+" "+tokens[token])}
		if by.proof != "" {
			proof := proofOf(by.proof, tokens[token], claim("jti", fmt.Sprint(sent)), claim("iat", w.proxy.Now().Unix()))
			fields = append(fields, field("dpop", proof))
		}
		send := func() *filtertest.Stream {
			s := filtertest.NewStream("GET", host, "/accounts", fields...)
			if by.certificate != "" {
				s.Present(certificates[by.certificate])
			}
			w.settle(s)
			return s
		}
		both, pass, failed := h.passes(cnfs[token], cnfs[answer], by)
		s := send()
		what := fmt.Sprintf("%s, all %t: a token with %s, said to have %s, of %q: %s", h, h.all, token, answer, by, w.outcome(s))
		if s.Continued != pass {
			t.Errorf("%s, want it to pass: %t", what, pass)
		}
		if !s.Continued {
			return
		}
		if s.Left["holdfast.binding"] == "failed" != failed {
			t.Errorf("%s: binding %s", what, s.Left["holdfast.binding"])
		}
		if shown := len(s.Field("x-thumb")) == 1; shown != (!failed && both.x5t != "") {
			t.Errorf("%s: a thumbprint goes on: %t", what, shown)
		}
		if h.dpop && len(s.Field("dpop")) > 0 {
			t.Errorf("%s: the proof goes on", what)
		}
		if !failed && both.jkt != "" {
			if again := send(); again.Continued && again.Left["holdfast.binding"] != "failed" {
				t.Errorf("%s: passes twice", what)
			}
		}
	}
	for i := range 24 {
		h := holder{mtls: i%3 != 1, dpop: i%3 != 0, optional: i/3&1 == 1, report: i/6&1 == 1, all: i/12 == 1}
		answers := []string{"none"}
		if h.all {
			answers = []string{"none", "other", "A", "B", "c1", "c2", "broken"}
		}
		for _, answer := range answers {
			const forward = `"forward":{"thumbprint_header":"x-thumb"}`
			change := "{" + h.String() + "," + forward + "}"
			if h.all {
				change = asks(`"tokens":"all"`, h.String(), forward)
			}
			w := startAsking(t, change, always(said(claim("cnf", cnfs[answer].claim))))
			for token := range tokens {
				for _, by := range callers {
					try(w, h, token, answer, by)
				}
			}
		}
	}
	if sent != 24/2*(1+7)*6*8 {
		t.Errorf("%d requests", sent)
	}
}
