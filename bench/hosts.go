package main

import (
	"fmt"
	"net/http"
	"os"
)

// hostStarts is what one version of a host shows at its start and at rest, without any
// filter and with Holdfast.
type hostStarts struct {
	Envoy          string // its version
	None, Holdfast []coldStart
}

// coldStart is one start of a host with one worker, on one core.
type coldStart struct {
	CPU, Ready float64 // seconds of CPU until ready, and how long that took
	Memory     float64 // MB of resident memory after [perWorker] requests, at rest
}

// startRounds is how often each Envoy is started: starts differ less than requests.
const startRounds = 3

// startsByHost starts each Envoy of the matrix in each round, without a filter and
// with Holdfast in turn. One that is not installed is an error before any is started.
func (f *fixture) startsByHost(all []variant) ([]*hostStarts, error) {
	if len(f.envoys) == 0 {
		return nil, fmt.Errorf("HOLDFAST_ENVOYS names no Envoy: use make bench")
	}
	out := make([]*hostStarts, len(f.envoys))
	for i, envoy := range f.envoys {
		if _, err := os.Stat(envoy); err != nil {
			return nil, fmt.Errorf("HOLDFAST_ENVOYS: %w: make bench installs it", err)
		}
		v, err := version(envoy)
		if err != nil {
			return nil, err
		}
		out[i] = &hostStarts{Envoy: v}
	}
	rounds := min(startRounds, f.Rounds)
	for round := range rounds {
		for _, i := range order(len(f.envoys), round, rounds) {
			row := out[i]
			none, err := f.coldStart(named(all, "none"), f.envoys[i])
			if err != nil {
				return nil, fmt.Errorf("envoy %s: %w", row.Envoy, err)
			}
			ours, err := f.coldStart(named(all, "holdfast-cached"), f.envoys[i])
			if err != nil {
				return nil, fmt.Errorf("envoy %s: %w", row.Envoy, err)
			}
			row.None, row.Holdfast = append(row.None, none), append(row.Holdfast, ours)
			f.say("%d/%d Envoy %s: %.2f s of CPU until ready, with Holdfast %.2f s; %.0f MB, with Holdfast %.0f MB",
				round+1, rounds, row.Envoy, none.CPU, ours.CPU, none.Memory, ours.Memory)
		}
	}
	return out, nil
}

func (f *fixture) coldStart(v variant, envoy string) (s coldStart, err error) {
	g, err := f.start(v, how{envoy: envoy})
	if err != nil {
		return s, err
	}
	defer g.close()
	s.CPU, s.Ready = g.started.Seconds(), g.took.Seconds()
	source := first(perWorker, mixed([]int{4, 1}, f.credentials.cached.next, f.credentials.es256.next))
	if err := flatOut(g.owner, source, 0).only(http.StatusOK); err != nil {
		return s, fmt.Errorf("%s: %w", v.Name, err)
	}
	s.Memory, err = g.holds()
	return s, err
}
