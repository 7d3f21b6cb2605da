package filter_test

import (
	"testing"
	"time"
)

// The wall clock is set back by an hour, as by NTP after a boot: nothing that was
// written before may keep the keys from being fetched until it has caught up.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	// A token that is good before and after.
	mint := func(key string) string {
		return mint(key, claim("iat", nil), claim("exp", seconds(24*time.Hour)))
	}
	tests := []struct {
		name   string
		before func(a, b *worker) // before the clock is set back; at its end the server holds calls
	}{
		{"after failures", func(a, _ *worker) {
			a.proxy.Server = always(status(500))
			a.proxy.Advance(time.Minute)
		}},
		{"with a lost call", func(a, _ *worker) {
			a.proxy.Advance(time.Second)
			a.proxy.Calls()[0].Lose()
		}},
		{"with a call under way", func(a, _ *worker) { a.proxy.Advance(time.Second) }},
		{"with other keys", func(a, b *worker) {
			a.proxy.Server = keysFrom("k1")
			a.proxy.Advance(2 * time.Second)
			a.expect(get(mint("k1")), "token_accepted")
			b.expect(get(mint("k1")), "token_accepted")
		}},
		{"with other keys, after an unknown kid", func(a, b *worker) {
			a.proxy.Server = keysFrom("k1")
			a.proxy.Advance(2 * time.Second)
			b.send(get(mint("k9")))
			a.proxy.Advance(2 * time.Second)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := twoWorkers(t, withURI)
			tt.before(a, b)
			before := fetches(a, b)
			a.proxy.Jump(-time.Hour)
			a.proxy.Server = keysFrom("k2")
			a.proxy.Release()
			a.Tick() // a real host's ticks do not go by the wall clock
			b.Tick()
			a.proxy.Advance(15 * time.Second)
			if n := fetches(a, b) - before; n > 1 {
				t.Errorf("%d fetches", n)
			}
			for _, w := range []*worker{a, b} {
				w.expect(get(mint("k2")), "token_accepted")
				s := get(mint("k1")) // removed by the issuer
				w.send(s)
				a.proxy.Advance(2 * time.Second)
				w.expectNow(s, "key_unknown")
			}
		})
	}
}

// A request that waits meanwhile still has its one deadline.
func TestClockSetBackWhileARequestWaits(t *testing.T) {
	t.Parallel()
	w := start(t, withURI) // nobody answers
	s := get(mint("k1", claim("iat", nil)))
	w.expect(s, "waits")
	w.proxy.Advance(time.Second)
	w.proxy.Jump(-time.Hour)
	w.Tick()
	w.proxy.Advance(20 * time.Second)
	w.expectNow(s, "keys_unavailable")
}
