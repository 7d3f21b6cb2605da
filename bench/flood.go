package main

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
)

// flooded is what good clients saw alone, and while bad tokens poured in: of a valid
// shape, from a certificate of the same CA, each signed by a wrong key and each a new one.
type flooded struct {
	Name, Title           string
	Good, Bad             int // requests a second
	AloneP50, AloneP99    float64
	FloodP50, FloodP99    float64 // microseconds, of the good ones
	AloneCores, Cores     float64 // CPU seconds a second, all processes
	GoodPassed, BadPassed float64 // share that got 200
	BadRefused            float64 // share that got 401
	// Hits is the share of the good ones that the cache served during the flood; -1
	// where nothing counts that.
	Hits float64
}

// flood shows what bad tokens cost the good ones, with every token of theirs cached.
func (f *fixture) flood(all []variant) ([]flooded, error) {
	var out []flooded
	for _, v := range all {
		if !slices.Contains([]string{"holdfast-cached", "jwt-es256-cached", "authz-cached"}, v.Name) {
			continue
		}
		one, err := f.floodOf(v)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
		f.say("flood %-24s good ones: p99 %.0f µs alone, %.0f µs with %d bad tokens a second; %.1f %% passed", v.Name, one.AloneP99, one.FloodP99, one.Bad, 100*one.GoodPassed)
	}
	return out, nil
}

func (f *fixture) floodOf(v variant) (flooded, error) {
	out := flooded{Name: v.Name, Title: v.Title, Good: f.FloodGood, Bad: f.FloodBad, Hits: -1}
	g, err := f.start(v, how{})
	if err != nil {
		return out, err
	}
	defer g.close()
	if err := g.warm(); err != nil {
		return out, err
	}
	attacker := newClient(f.pki, f.pki.A, g.address, connections)
	defer attacker.CloseIdleConnections()
	bad := f.credentials.forged.next
	flatOut(attacker, first(connections*4, bad), 0) // opens the connections

	var alone, good, forged load
	used, err := g.during(func() { alone = atRate(g.owner, v.carry(f.credentials, 0), f.FloodGood, f.Fixed) })
	if err != nil {
		return out, err
	}
	if err := alone.only(http.StatusOK); err != nil {
		return out, fmt.Errorf("%s: before the flood: %w", v.Name, err)
	}
	out.AloneP50, out.AloneP99, out.AloneCores = float64(alone.P50)/1e3, float64(alone.P99)/1e3, used.total().Seconds()/alone.Took.Seconds()

	before, err := g.envoy.Stats()
	if err != nil {
		return out, err
	}
	used, err = g.during(func() {
		var wait sync.WaitGroup
		wait.Go(func() { forged = atRate(attacker, bad, f.FloodBad, f.Fixed) })
		wait.Go(func() { good = atRate(g.owner, v.carry(f.credentials, 0), f.FloodGood, f.Fixed) })
		wait.Wait()
	})
	if err != nil {
		return out, err
	}
	after, err := g.envoy.Stats()
	if err != nil {
		return out, err
	}
	if name := v.counts[0]; name == tokenHit || name == jwtHit {
		out.Hits = float64(after[name]-before[name]) / float64(good.Requests)
	}
	share := func(l load, status int) float64 { return float64(l.Codes[status]) / float64(l.Requests) }
	out.GoodPassed, out.BadPassed, out.BadRefused = share(good, http.StatusOK), share(forged, http.StatusOK), share(forged, http.StatusUnauthorized)
	out.FloodP50, out.FloodP99 = float64(good.P50)/1e3, float64(good.P99)/1e3
	out.Cores = used.total().Seconds() / max(good.Took, forged.Took).Seconds()
	if out.BadPassed > 0 {
		return out, fmt.Errorf("%s: %d forged tokens passed", v.Name, forged.Codes[http.StatusOK])
	}
	return out, nil
}
