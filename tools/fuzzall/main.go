// Command fuzzall fuzzes every target of the named packages, each for the same
// time, two at once, and fails when one of them finds something. An input that fails
// is kept by Go below the package's testdata/fuzz, to be committed as a seed.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

func main() {
	each := flag.Duration("time", time.Minute, "time for each target")
	atOnce := flag.Int("at-once", 2, "targets that run side by side, each on one core")
	flag.Parse()
	targets, err := list(flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzzall:", err)
		os.Exit(1)
	}
	if len(targets) == 0 {
		fmt.Fprintln(os.Stderr, "fuzzall: there is no target")
		os.Exit(1)
	}
	fmt.Printf("== fuzzing %d targets, %v each, %d at once\n", len(targets), *each, *atOnce)
	if failed := runAll(targets, *each, *atOnce); failed > 0 {
		fmt.Printf("fuzzall: %d of %d targets failed\n", failed, len(targets))
		os.Exit(1)
	}
}

// target is one fuzz function.
type target struct {
	pkg, name string
}

// list asks Go for the fuzz functions of the packages.
func list(packages []string) ([]target, error) {
	cmd := exec.Command("go", append([]string{"test", "-json", "-list", "^Fuzz"}, packages...)...)
	cmd.Stderr = os.Stderr
	events, err := cmd.Output()
	targets, said, parseErr := parseList(events)
	if err != nil {
		return nil, fmt.Errorf("go test -list: %w\n%s", err, said)
	}
	return targets, parseErr
}

// parseList reads what "go test -json -list" prints: the name of a target is a
// line of output of its package. said is all the output, for an error.
func parseList(events []byte) (targets []target, said string, err error) {
	for decoder := json.NewDecoder(bytes.NewReader(events)); decoder.More(); {
		var event struct{ Action, Package, Output string }
		if err := decoder.Decode(&event); err != nil {
			return nil, said, err
		}
		said += event.Output
		if name := strings.TrimSpace(event.Output); event.Action == "output" && targetName.MatchString(name) {
			targets = append(targets, target{event.Package, name})
		}
	}
	slices.SortFunc(targets, func(a, b target) int {
		return cmp.Or(cmp.Compare(a.pkg, b.pkg), cmp.Compare(a.name, b.name))
	})
	return targets, said, nil
}

var targetName = regexp.MustCompile(`^Fuzz\w*$`)

// runAll returns how many targets failed.
func runAll(targets []target, each time.Duration, atOnce int) int {
	var (
		lock   sync.Mutex
		group  sync.WaitGroup
		slots  = make(chan struct{}, atOnce)
		failed int
	)
	for i, t := range targets {
		slots <- struct{}{}
		fmt.Printf("[%d/%d] %s %s\n", i+1, len(targets), t.pkg, t.name)
		group.Go(func() {
			defer func() { <-slots }()
			output, err := run(t, each)
			lock.Lock()
			defer lock.Unlock()
			if err != nil {
				failed++
				fmt.Printf("FAIL %s %s: %v\n%s\n", t.pkg, t.name, err, output)
				return
			}
			fmt.Printf("ok   %s %s: %s\n", t.pkg, t.name, lastCount(output))
		})
	}
	group.Wait()
	return failed
}

// run fuzzes one target on one core.
func run(t target, each time.Duration) (string, error) {
	output, err := fuzz(t, each)
	if err != nil && endedLate(output) {
		output, err = fuzz(t, each)
	}
	return output, err
}

func fuzz(t target, each time.Duration) (string, error) {
	output, err := exec.Command("go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$",
		"-fuzztime", each.String(), "-parallel", "1", t.pkg).CombinedOutput()
	return string(output), err
}

// endedLate tells the one failure that is Go's own: on a busy machine a fuzzer
// can be interrupted by the end of its time and call that a failure. A target
// that really hangs does so again.
func endedLate(output string) bool {
	return strings.Contains(output, "context deadline exceeded") && !strings.Contains(output, "Failing input written to")
}

// lastCount returns the last progress line: how many inputs were tried.
func lastCount(output string) string {
	last := "no progress line"
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "fuzz: elapsed") {
			last = strings.TrimSpace(strings.TrimPrefix(line, "fuzz: "))
		}
	}
	return last
}
