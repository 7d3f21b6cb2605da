package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"holdfast/e2e"
)

// settings are the flags.
type settings struct {
	Rounds                  int
	Rate, SlowRate          int
	Warm, Fixed, Saturation time.Duration
	FloodGood, FloodBad     int
	GrowthRequests          int
	Workers, Keys, Entries  []int
	Proxied                 bool

	only, parts string
	out, json   string
	quick       bool

	envoy, wasm, emptyWasm  string
	envoys                  []string // of the part hosts, from the top of the project
	gatewayCore, loaderCore int
	began                   time.Time
}

func (s *settings) say(format string, arguments ...any) {
	fmt.Printf("%6.0fs  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, arguments...))
}

// A part of a run, which -parts can name.
type part struct {
	name string
	run  func() error
}

// chooseParts takes those that -parts names.
func (s *settings) chooseParts(all []part) ([]part, error) {
	if s.parts == "" {
		return all, nil
	}
	var chosen []part
	for name := range strings.SplitSeq(s.parts, ",") {
		i := slices.IndexFunc(all, func(p part) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-parts: there is no part %q", name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// fullRun are the defaults; a quick run only shows that everything works.
func fullRun() settings {
	return settings{
		Rounds: 5, Rate: 1500, SlowRate: 300, Warm: 2 * time.Second, Fixed: 4 * time.Second, Saturation: 2 * time.Second,
		FloodGood: 300, FloodBad: 600, GrowthRequests: 1000000,
		Workers: []int{1, 2, 4, 8}, Keys: []int{1, 8, 64}, Entries: []int{0, 2048, 10000},
	}
}

func quickRun() settings {
	return settings{
		Rounds: 1, Rate: 200, SlowRate: 50, Warm: 300 * time.Millisecond, Fixed: time.Second, Saturation: 300 * time.Millisecond,
		FloodGood: 50, FloodBad: 50, GrowthRequests: 4000,
		Workers: []int{1, 2}, Keys: []int{1, 8}, Entries: []int{0, 500},
	}
}

func parse(arguments []string) (s settings, render string, err error) {
	// -quick decides what the others default to.
	s = fullRun()
	for _, a := range arguments {
		if a == "-quick" || a == "--quick" {
			s = quickRun()
		}
	}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.BoolVar(&s.quick, "quick", false, "a trial of everything in a few minutes; its figures mean nothing")
	f.IntVar(&s.Rounds, "rounds", s.Rounds, "rounds, each with every variant")
	f.IntVar(&s.Rate, "rate", s.Rate, "the fixed rate, requests a second")
	f.IntVar(&s.SlowRate, "slow-rate", s.SlowRate, "the same for variants that verify in the sandbox")
	f.DurationVar(&s.Warm, "warm", s.Warm, "warming up, with every connection busy")
	f.DurationVar(&s.Fixed, "fixed", s.Fixed, "time at the fixed rate")
	f.DurationVar(&s.Saturation, "saturation", s.Saturation, "time with every connection busy")
	f.IntVar(&s.FloodGood, "flood-good", s.FloodGood, "good requests a second beside the flood")
	f.IntVar(&s.FloodBad, "flood-bad", s.FloodBad, "bad tokens a second")
	f.IntVar(&s.GrowthRequests, "growth", s.GrowthRequests, "requests over which memory must not grow")
	f.BoolVar(&s.Proxied, "proxied", false, "requests go on to an upstream on the loader's core, in place of an answer by Envoy")
	f.StringVar(&s.only, "only", "", "regular expression: the variants to measure")
	f.StringVar(&s.parts, "parts", "", "comma-separated out of hosts, hostcalls, rounds, rules, flood, workers, keys, tokens, answers, tuning, growth; default all")
	f.StringVar(&s.out, "out", "docs", "folder for performance.md and its plots, from the top of the project")
	f.StringVar(&s.json, "json", "build/bench/result.json", "file for every figure, from the top of the project")
	f.StringVar(&render, "render", "", "write the report of such a file, and measure nothing")
	return s, render, f.Parse(arguments)
}

func main() {
	becomeOther()
	if len(os.Args) > 1 && os.Args[1] == authzCommand {
		exit(serveAuthz(os.Args[2:]))
	}
	exit(run(os.Args[1:]))
}

func exit(err error) {
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(arguments []string) error {
	s, render, err := parse(arguments)
	if err != nil {
		return err
	}
	root, err := e2e.Root()
	if err != nil {
		return err
	}
	if err := os.Chdir(root); err != nil {
		return err
	}
	if render != "" {
		text, err := os.ReadFile(render)
		if err != nil {
			return err
		}
		var r result
		if err := json.Unmarshal(text, &r); err != nil {
			return err
		}
		return r.write(s.out)
	}
	if s.gatewayCore, s.loaderCore, err = splitCores(); err != nil {
		return err
	}
	// The loader's garbage is in nobody's way, but its collections are.
	debug.SetGCPercent(800)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r, err := measureAll(ctx, s, arguments)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.json), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(s.json, append(text, '\n'), 0o644); err != nil {
		return err
	}
	return r.write(s.out)
}

// measureAll runs every part that was asked for.
func measureAll(ctx context.Context, s settings, arguments []string) (*result, error) {
	s.began = time.Now()
	if err := s.findFiles(); err != nil {
		return nil, err
	}
	r := &result{
		Settings: s, Quick: s.quick, Machine: machine(), Date: time.Now().UTC().Format(time.DateOnly),
		Command: strings.TrimSpace("make bench " + benchFlags(arguments)), Go: runtime.Version(),
	}
	var err error
	if r.Envoy, err = version(s.envoy); err != nil {
		return nil, err
	}
	if r.Wasm, err = sizeOf(s.wasm); err != nil {
		return nil, err
	}
	if r.EmptyWasm, err = sizeOf(s.emptyWasm); err != nil {
		return nil, err
	}
	s.say("making keys, certificates and tokens")
	f, err := newFixture(ctx, s)
	if err != nil {
		return nil, err
	}
	defer f.close()
	all := variants()
	chosen, err := s.choose(all)
	if err != nil {
		return nil, err
	}
	parts, err := s.chooseParts([]part{
		{"hosts", func() (err error) { r.Hosts, err = f.startsByHost(all); return err }},
		{"hostcalls", func() (err error) { r.HostCalls, err = f.countCalls(all); return err }},
		{"rounds", func() (err error) { r.Variants, err = f.rounds(chosen); return err }},
		{"rules", func() (err error) { r.Scale, err = f.rounds(scaled(f.keys)); return err }},
		{"flood", func() (err error) { r.Flood, err = f.flood(all); return err }},
		{"workers", func() (err error) { r.Memory.Workers, err = f.memoryByWorkers(all); return err }},
		{"keys", func() (err error) { r.Memory.Keys, err = f.memoryByKeys(all); return err }},
		{"tokens", func() (err error) { r.Memory.Tokens, err = f.memoryByTokens(all); return err }},
		{"answers", func() (err error) { r.Memory.Answers, err = f.memoryByAnswers(all); return err }},
		{"tuning", func() (err error) { r.Tuning, err = f.rounds(tuned()); return err }},
		{"growth", func() (err error) { r.Memory.Growth, err = f.growth(all); return err }},
	})
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		s.say("== %s", p.name)
		if err := p.run(); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	r.Minutes = time.Since(s.began).Minutes()
	return r, nil
}

// benchFlags is how the flags go through make.
func benchFlags(arguments []string) string {
	if len(arguments) == 0 {
		return ""
	}
	return "BENCHFLAGS='" + strings.Join(arguments, " ") + "'"
}

// choose takes the variants that -only names.
func (s *settings) choose(all []variant) ([]variant, error) {
	pattern, err := regexp.Compile(s.only)
	if err != nil {
		return nil, err
	}
	var chosen []variant
	for _, v := range all {
		if pattern.MatchString(v.Name) {
			chosen = append(chosen, v)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("-only %q names no variant", s.only)
	}
	return chosen, nil
}

// findFiles takes from the environment what make built.
func (s *settings) findFiles() error {
	for name, to := range map[string]*string{"HOLDFAST_ENVOY": &s.envoy, "HOLDFAST_WASM": &s.wasm, "HOLDFAST_EMPTY_WASM": &s.emptyWasm} {
		*to = os.Getenv(name)
		if _, err := os.Stat(*to); err != nil {
			return fmt.Errorf("%s: %w: use make bench", name, err)
		}
	}
	s.envoys = strings.Fields(os.Getenv("HOLDFAST_ENVOYS"))
	return nil
}

// version is Envoy's: 1.40.0.
func version(envoy string) (string, error) {
	out, err := exec.Command(envoy, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", envoy, err)
	}
	found := regexp.MustCompile(`\d+\.\d+\.\d+`).FindString(string(out))
	if found == "" {
		return "", fmt.Errorf("no version in %q", out)
	}
	return found, nil
}

func sizeOf(name string) (float64, error) {
	info, err := os.Stat(name)
	if err != nil {
		return 0, err
	}
	return float64(info.Size()) / 1e6, nil
}
