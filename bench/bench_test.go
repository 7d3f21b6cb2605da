package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary become what the real one does: an Envoy on a core, or
// ext_authz's service.
func TestMain(m *testing.M) {
	becomeOther()
	if len(os.Args) > 1 && os.Args[1] == authzCommand {
		exit(serveAuthz(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// TestRealEnvoy takes one sample of each kind of variant, much too short to mean
// anything. That the checks pass is the point.
func TestRealEnvoy(t *testing.T) {
	s := quickRun()
	s.began, s.Warm, s.Fixed, s.Saturation = time.Now(), 100*time.Millisecond, 500*time.Millisecond, 100*time.Millisecond
	if err := s.findFiles(); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.gatewayCore, s.loaderCore, err = twoCores(); err != nil {
		t.Fatal(err)
	}
	f, err := newFixture(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	all := slices.Concat(variants(), scaled(f.keys), tuned())
	for _, name := range []string{"none", "lua-cached", "authz-cached", "holdfast-cached", "holdfast-dpop", "holdfast-rules-1000", "holdfast-issuers-1000", "holdfast-gogc-100-off"} {
		t.Run(name, func(t *testing.T) {
			got, err := f.measure(named(all, name), 0)
			if err != nil {
				t.Fatal(err)
			}
			for what, value := range map[string]float64{"CPU": got.CPU, "p50": got.P50, "p99": got.P99, "throughput": got.Throughput, "memory": got.Memory, "start": got.Start} {
				if value <= 0 || math.IsInf(value, 0) {
					t.Errorf("%s is %v", what, value)
				}
			}
		})
	}
	t.Run("hosts", func(t *testing.T) {
		f.envoys = []string{f.envoy}
		got, err := f.startsByHost(all)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := version(f.envoy); err != nil || len(got) != 1 || got[0].Envoy != want {
			t.Fatalf("%+v, want Envoy %s: %v", got, want, err)
		}
		for name, starts := range map[string][]coldStart{"no filter": got[0].None, "Holdfast": got[0].Holdfast} {
			if len(starts) != 1 || starts[0].CPU <= 0 || starts[0].Ready < starts[0].CPU/2 || starts[0].Memory <= 0 {
				t.Errorf("%s: %+v", name, starts)
			}
		}
	})
}

// An Envoy of the matrix that is not installed ends the run before any is started.
func TestAMissingEnvoyIsAnError(t *testing.T) {
	for _, envoys := range [][]string{nil, {"no/such/envoy"}} {
		f := fixture{settings: settings{envoys: envoys}}
		if got, err := f.startsByHost(variants()); err == nil || !strings.Contains(err.Error(), "make bench") {
			t.Errorf("%q: got %v, %v", envoys, got, err)
		}
	}
}

// A variant that does not do what it says is an error: here one that claims to verify
// and does not, one that claims to bind and does not, and one whose counter stands still.
func TestAVariantHasToDoWhatItSays(t *testing.T) {
	s := quickRun()
	s.began = time.Now()
	if err := s.findFiles(); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.gatewayCore, s.loaderCore, err = twoCores(); err != nil {
		t.Fatal(err)
	}
	f, err := newFixture(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	for name, tt := range map[string]struct {
		variant variant
		want    string
	}{
		"verifies":  {named(variants(), "none").like(func(v *variant) { v.verifies = true }), "a forged token"},
		"binds":     {named(variants(), "jwt-es256").like(func(v *variant) { v.binds = true }), "the token of another certificate"},
		"is cached": {named(variants(), "jwt-es256").like(func(v *variant) { v.counts = []string{jwtHit} }), "moved " + jwtHit},
		"logs":      {named(variants(), "none").like(func(v *variant) { v.logs = "verification=host" }), "does not say"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := f.measure(tt.variant, 0); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error about %q", err, tt.want)
			}
		})
	}
}

// What this build of Holdfast refuses to start with is said, and nothing else is taken
// in its place.
func TestUnsupportedIsSaid(t *testing.T) {
	const line = "[critical] wasm log holdfast: holdfast: configuration refused: verification: is not supported by this version\n"
	if why, ok := refused(line); !ok || why != "verification: is not supported by this version" {
		t.Errorf("got %q, %v", why, ok)
	}
	for _, log := range []string{"", "configuration refused: issuers: is required\n", "verification=sandbox\n"} {
		if why, ok := refused(log); ok {
			t.Errorf("%q counts as unsupported: %q", log, why)
		}
	}
}

func TestOrderIsBalanced(t *testing.T) {
	const n, rounds = 18, 6
	sum, first := make([]int, n), map[int]bool{}
	forward, backward := 0, 0
	for round := range rounds {
		turns := order(n, round, rounds)
		first[turns[0]] = true
		for position, i := range turns {
			sum[i] += position
		}
		if sorted := slices.Sorted(slices.Values(turns)); sorted[0] != 0 || len(slices.Compact(sorted)) != n {
			t.Errorf("round %d: %v", round, turns)
		}
		for i := range n { // neighbours stay neighbours
			if next := turns[(i+1)%n]; next == (turns[i]+1)%n {
				forward++
			} else if turns[i] == (next+1)%n {
				backward++
			}
		}
	}
	if len(first) != rounds {
		t.Errorf("only %d variants ever come first", len(first))
	}
	if forward != backward || forward+backward != n*rounds {
		t.Errorf("%d neighbours forwards, %d backwards", forward, backward)
	}
	for i, s := range sum {
		if mean := float64(s) / rounds; mean < 4 || mean > 13 { // of 0 to 17
			t.Errorf("variant %d comes at %.1f on average", i, mean)
		}
	}
}

func TestStatistics(t *testing.T) {
	if got := spreadOf([]float64{5, 1, 3}); got != (spread{3, 1, 5}) {
		t.Errorf("got %v", got)
	}
	if got := spreadOf([]float64{4, 1, 2, 3}); got != (spread{2.5, 1, 4}) {
		t.Errorf("got %v", got)
	}
	var sorted []time.Duration
	for i := range 200 {
		sorted = append(sorted, time.Duration(i+1))
	}
	if p50, p99 := percentile(sorted, 50), percentile(sorted, 99); p50 != 100 || p99 != 198 {
		t.Errorf("p50 %d, p99 %d", p50, p99)
	}
	// A round that was twice as slow as the others changes no ratio.
	a := &measured{Samples: []sample{{Round: 0, CPU: 30}, {Round: 1, CPU: 60}, {Round: 2, CPU: 30}}}
	b := &measured{Samples: []sample{{Round: 2, CPU: 10}, {Round: 1, CPU: 20}, {Round: 0, CPU: 10}}}
	if got := ratioOf(a, b, cpu); got != (spread{3, 3, 3}) {
		t.Errorf("got %v", got)
	}
}

func TestSources(t *testing.T) {
	var r ring
	for _, token := range []string{"a", "b", "c"} {
		r.add(token)
	}
	var got []string
	for range 2 {
		s := first(2, r.next)
		for header, ok := s(); ok; header, ok = s() {
			got = append(got, header.Get("authorization"))
		}
	}
	if want := []string{"Bearer a", "Bearer b", "Bearer c", "Bearer a"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	s := once(r.headers)
	for range r.headers {
		if _, ok := s(); !ok {
			t.Error("ended too early")
		}
	}
	if _, ok := s(); ok {
		t.Error("goes on")
	}
}

// The names that aims use are those of variants, and every name is there once.
func TestAimsNameVariants(t *testing.T) {
	names := map[string]bool{}
	for _, v := range slices.Concat(variants(), scaled("{}"), tuned()) {
		if names[v.Name] || v.Title == "" || v.carry == nil || len(v.counts) == 0 {
			t.Errorf("variant %q", v.Name)
		}
		names[v.Name] = true
	}
	for _, a := range aims() {
		if !names[a.A] || !names[a.B] {
			t.Errorf("%s: %s, %s", a.What, a.A, a.B)
		}
	}
	for _, name := range traced {
		if !names[name] {
			t.Error(name)
		}
	}
}

// The report says of every aim whether it was met, and of a variant that this build
// does not have that it does not have it.
func TestReport(t *testing.T) {
	r := result{Settings: fullRun(), Wasm: 4.9, Machine: "a machine"}
	for i, v := range variants() {
		m := &measured{variant: v, Rate: 1500}
		if v.logs == "verification=host" {
			m.Unsupported = unsupported{"verification: | is not"}.Error()
		} else {
			m.Samples = []sample{{CPU: 50 + float64(i), P99: 400, Throughput: 9000, Busy: 0.5, Start: 4.2}}
		}
		r.Variants = append(r.Variants, m)
	}
	for i, v := range scaled("{}") {
		r.Scale = append(r.Scale, &measured{variant: v, Samples: []sample{{CPU: 100 + float64(i), FlatCPU: 50 + 10*float64(i), Start: 4}}})
	}
	for i, v := range tuned() {
		r.Tuning = append(r.Tuning, &measured{variant: v, Samples: []sample{{CPU: 200 - 50*float64(i), FlatCPU: 100, Memory: 190}}})
	}
	r.Hosts = []*hostStarts{{"oldest", []coldStart{{0.1, 0.2, 60}}, []coldStart{{4, 5, 180}, {3, 3.5, 185}, {3.5, 4, 190}}}}
	for i := range growthSteps {
		r.Memory.Growth = append(r.Memory.Growth, byCount{(i + 1) * 100, 200 + float64(i)})
	}
	r.Memory.Workers = []byWorkers{{1, 70, 145, 200}, {8, 75, 180, 240}}
	var text strings.Builder
	if err := report.Execute(&text, &r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| CPU, jwt_authn ES256 without cache ÷ Holdfast, cached token | at least 2 | **0.", "| **no** |\n",
		"| Memory, first worker over the same Envoy without Holdfast, MB | at most 120 | **130.0** | **no** |",
		"| Memory, each further worker, MB | at most 8 | **5.0** | yes |",
		"| Memory, growth from 200 to 2000 requests, % | at most 1 | **9.0** | **no** |",
		"| Size of holdfast.wasm, MB | at most 5 | **4.9** | yes |",
		"(loader: 50 % of the core)",
		`not supported by this build: verification: \| is not | ? |`,
		"| no filter | **50** (50 to 50) |",
		"| CPU flat out, 1,000 rules ÷ 10 rules, cached token | at most 1.1 | **1.20** (1.20 to 1.20) | **no** |",
		"| 1,000 issuers | 103 | 1.01 (1.01 to 1.01) | 80 | 1.14 (1.14 to 1.14) |",
		"| GOGC=50 GOMEMLIMIT=64MiB | 200 |  | 100 |  |",
		"| GOGC=100 GOMEMLIMIT=64MiB | 100 | 0.50 (0.50 to 0.50) |",
		"| Envoy oldest | 0.10 (0.10 to 0.10) | 3.50 (3.00 to 4.00) | 0.20 (0.20 to 0.20) | 4.00 (3.50 to 5.00) | 60 (60 to 60) | 185 (180 to 190) |",
		notes,
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	plots := r.plots()
	if len(plots) != 5 {
		t.Errorf("%d plots", len(plots))
	}
	for name, svg := range plots {
		if !strings.Contains(text.String(), "("+name+")") {
			t.Errorf("the report does not show %s", name)
		}
		decoder := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("%s holds no numbers", name)
		}
	}
}
