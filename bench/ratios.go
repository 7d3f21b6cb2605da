package main

import (
	"fmt"
)

// An aim is a ratio that has to come out.
type aim struct {
	What     string
	A, B     string // names of variants
	figure   func(sample) float64
	AtLeast  float64
	AtMost   float64
	Measured spread
	// Missing says why there is no figure.
	Missing string `json:",omitempty"`
}

func (a *aim) wanted() string {
	if a.AtLeast > 0 {
		return fmt.Sprintf("at least %g", a.AtLeast)
	}
	return fmt.Sprintf("at most %g", a.AtMost)
}

func (a *aim) met() bool { return holds(a.Measured.Median, a.AtLeast, a.AtMost) }

func holds(value, atLeast, atMost float64) bool {
	return value >= atLeast && (atMost == 0 || value <= atMost)
}

// aims of the comparison.
func aims() []*aim {
	return []*aim{
		{What: "CPU, jwt_authn ES256 without cache ÷ Holdfast, cached token", A: "jwt-es256", B: "holdfast-cached", figure: cpu, AtLeast: 2},
		{What: "CPU, Holdfast, cached token ÷ jwt_authn with its cache", A: "holdfast-cached", B: "jwt-es256-cached", figure: cpu, AtMost: 1.4},
		{What: "CPU, Holdfast, every token new (host) ÷ jwt_authn without cache, ES256", A: "holdfast-es256-host", B: "jwt-es256", figure: cpu, AtMost: 1.3},
		{What: "CPU, Holdfast, every token new (host) ÷ jwt_authn without cache, RS256", A: "holdfast-rs256-host", B: "jwt-rs256", figure: cpu, AtMost: 1.3},
		{What: "CPU, ext_authz ÷ Holdfast, both with cached tokens", A: "authz-cached", B: "holdfast-cached", figure: cpu, AtLeast: 3},
		{What: "CPU, ext_authz ÷ Holdfast (host), both with every token new", A: "authz-new", B: "holdfast-es256-host", figure: cpu, AtLeast: 3},
		{What: "p99, ext_authz ÷ Holdfast, both with cached tokens", A: "authz-cached", B: "holdfast-cached", figure: p99, AtLeast: 2},
		{What: "p99, ext_authz ÷ Holdfast (host), both with every token new", A: "authz-new", B: "holdfast-es256-host", figure: p99, AtLeast: 2},
		{What: "CPU flat out, 1,000 rules ÷ 10 rules, cached token", A: "holdfast-rules-1000", B: "holdfast-rules-10", figure: flatCPU, AtMost: 1.1},
		{What: "CPU flat out, 1,000 issuers ÷ 10 issuers, cached token", A: "holdfast-issuers-1000", B: "holdfast-issuers-10", figure: flatCPU, AtMost: 1.1},
	}
}

// judge fills in what was measured.
func judge(results []*measured) []*aim {
	byName := map[string]*measured{}
	for _, m := range results {
		byName[m.Name] = m
	}
	list := aims()
	for _, a := range list {
		x, y := byName[a.A], byName[a.B]
		switch {
		case x == nil || y == nil:
			a.Missing = "not part of this run"
		case x.Unsupported != "":
			a.Missing = x.Unsupported
		case y.Unsupported != "":
			a.Missing = y.Unsupported
		default:
			a.Measured = ratioOf(x, y, a.figure)
		}
	}
	return list
}
