package main

import (
	"errors"
	"slices"
)

// order is the turn of each of n variants in a round. Each round begins one stride
// further, and every other round runs backwards: over the rounds a variant is early
// and late, and before and after each of its neighbours, about as often. Neighbours
// stay neighbours, so what is compared runs within seconds.
func order(n, round, rounds int) []int {
	turns := make([]int, n)
	for i := range turns {
		turns[i] = (i + round*n/max(1, rounds)) % n
	}
	if round%2 == 1 {
		slices.Reverse(turns)
	}
	return turns
}

// measured is a variant and what its samples showed, in the order of the rounds.
type measured struct {
	variant
	Rate        int
	Unsupported string `json:",omitempty"`
	Samples     []sample
}

// rounds measures every variant once in each round.
func (f *fixture) rounds(all []variant) ([]*measured, error) {
	results := make([]*measured, len(all))
	for i, v := range all {
		results[i] = &measured{variant: v, Rate: f.rateOf(v)}
	}
	for round := range f.Rounds {
		for _, i := range order(len(all), round, f.Rounds) {
			if err := f.ctx.Err(); err != nil {
				return nil, err
			}
			r := results[i]
			if r.Unsupported != "" {
				continue
			}
			s, err := f.measure(r.variant, round)
			var no unsupported
			if errors.As(err, &no) {
				r.Unsupported = no.Error()
				f.say("%d/%d %-24s %s", round+1, f.Rounds, r.Name, r.Unsupported)
				continue
			}
			if err != nil {
				return nil, err
			}
			r.Samples = append(r.Samples, s)
			f.say("%d/%d %-24s %7.1f µs a request at %d/s, p99 %6.0f µs, %6.0f/s flat out (%.0f %% of the core), started in %.1f s of CPU",
				round+1, f.Rounds, r.Name, s.CPU, r.Rate, s.P99, s.Throughput, 100*s.Busy, s.Start)
		}
	}
	return results, nil
}
