package main

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// hostCalls is how often one request crosses between Envoy and the VM.
type hostCalls struct {
	Name, Title string
	Calls       []call
}

type call struct {
	Name  string  // of the function: into the VM or out of it
	Times float64 // for each request
}

// crossing is a line by which Envoy logs a crossing.
var crossing = regexp.MustCompile(`\[(vm->host|host->vm)\] ([\w.]+)\(`)

// tracedRequests are few: every one writes a screenful.
const tracedRequests = 20

// traced are the variants whose crossings are counted.
var traced = []string{"empty", "holdfast-cached", "holdfast-es256-host", "holdfast-es256-sandbox", "holdfast-introspection", "holdfast-dpop"}

// countCalls has Envoy log what passes between it and the VM for a few requests.
func (f *fixture) countCalls(all []variant) ([]hostCalls, error) {
	var out []hostCalls
	for _, v := range all {
		if !slices.Contains(traced, v.Name) {
			continue
		}
		calls, err := f.callsOf(v)
		if _, no := err.(unsupported); no {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, hostCalls{v.Name, v.Title, calls})
	}
	return out, nil
}

func (f *fixture) callsOf(v variant) ([]call, error) {
	g, err := f.start(v, how{})
	if err != nil {
		return nil, err
	}
	defer g.close()
	// All of them were seen before, where they can be.
	flatOut(g.owner, first(2*fewTokens, v.carry(f.credentials, 2*fewTokens)), 0)
	if err := g.logAt("trace"); err != nil {
		return nil, err
	}
	begin := len(g.envoy.Log())
	source := v.carry(f.credentials, tracedRequests)
	for range tracedRequests {
		header, _ := source()
		if err := answers(g.owner, header, http.StatusOK); err != nil {
			return nil, err
		}
	}
	time.Sleep(time.Second) // the log comes through a pipe
	if err := g.logAt("warning"); err != nil {
		return nil, err
	}
	count := map[string]int{}
	for line := range strings.Lines(g.envoy.Log()[begin:]) {
		if m := crossing.FindStringSubmatch(line); m != nil {
			arrow := "→ host "
			if m[1] == "host->vm" {
				arrow = "→ VM "
			}
			count[arrow+strings.TrimPrefix(m[2], "env.")]++
		}
	}
	var calls []call
	for name, n := range count {
		calls = append(calls, call{name, float64(n) / tracedRequests})
	}
	slices.SortFunc(calls, func(a, b call) int {
		if a.Times != b.Times {
			return int(100 * (b.Times - a.Times))
		}
		return strings.Compare(a.Name, b.Name)
	})
	return calls, nil
}

func (g *gateway) logAt(level string) error {
	response, err := http.Post(g.envoy.Admin+"/logging?wasm="+level, "", nil)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("logging at %s: %s", level, response.Status)
	}
	return nil
}
