package main

import (
	"fmt"
	"net/http"
	"time"
)

// sample is what one start of a variant showed.
type sample struct {
	Round    int
	CPU      float64 // microseconds for each request, at the fixed rate, all processes
	Helper   float64 // of these, the helper's
	P50, P99 float64 // microseconds, at the fixed rate
	// Throughput is answers a second with every connection busy.
	Throughput float64
	// Busy is how much of its core the gateway used then, 1 is all of it: where it is
	// far from 1, the loader was the limit.
	Busy float64
	// FlatCPU is CPU then: with many requests waiting, one wake-up serves several.
	FlatCPU float64
	Start   float64 // seconds of CPU until ready
	Memory  float64 // MB of resident memory, after all of it
}

// measure starts a variant afresh, so that what differs from one start to the next is
// part of the spread, and takes one sample.
func (f *fixture) measure(v variant, round int) (s sample, err error) {
	g, err := f.start(v, how{})
	if err != nil {
		return s, err
	}
	defer g.close()
	if err := g.warm(); err != nil {
		return s, err
	}
	s.Round, s.Start = round, g.started.Seconds()
	rate := f.rateOf(v)
	source := v.carry(f.credentials, int(float64(rate)*f.Fixed.Seconds())+rate)
	at, used, err := g.good(func() load { return atRate(g.owner, source, rate, f.Fixed) })
	if err != nil {
		return s, fmt.Errorf("%s: at %d requests a second: %w", v.Name, rate, err)
	}
	s.CPU, s.Helper = micros(used.total(), at.Requests), micros(used.Helper, at.Requests)
	s.P50, s.P99 = float64(at.P50)/1e3, float64(at.P99)/1e3

	source = v.carry(f.credentials, int(mostPerSecond*f.Saturation.Seconds()))
	out, used, err := g.good(func() load { return flatOut(g.owner, source, f.Saturation) })
	if err != nil {
		return s, fmt.Errorf("%s: flat out: %w", v.Name, err)
	}
	s.Throughput, s.Busy = out.perSecond(), used.total().Seconds()/out.Took.Seconds()
	s.FlatCPU = micros(used.total(), out.Requests)
	bytes, err := g.memory()
	s.Memory = megabytes(bytes)
	return s, err
}

// mostPerSecond is how many proofs are made for each second of full load.
const mostPerSecond = 10000

// warm lets V8 compile what is hot, opens every connection and fills the caches.
func (g *gateway) warm() error {
	f := g.f
	source := g.variant.carry(f.credentials, int(mostPerSecond*f.Warm.Seconds()))
	if err := flatOut(g.owner, source, f.Warm).only(http.StatusOK); err != nil {
		return fmt.Errorf("%s: warming up: %w", g.variant.Name, err)
	}
	time.Sleep(g.variant.pause)
	return nil
}

func micros(d time.Duration, requests int) float64 { return float64(d) / 1e3 / float64(requests) }

func megabytes(bytes int) float64 { return float64(bytes) / 1e6 }

// rateOf is the fixed rate of a variant, in requests a second.
func (f *fixture) rateOf(v variant) int {
	if v.Slow {
		return f.SlowRate
	}
	return f.Rate
}
