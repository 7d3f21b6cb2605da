//go:build slow

package e2e

import (
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// An ordinary standard-Go module dies on Envoy 1.36 to 1.38 after some 4,400
// requests, at a garbage collection. So: 50,000 requests on the oldest and on the
// newest Envoy, with a collection at nearly every allocation, and no VM reload
// (the stack's Close sees to that).
func TestSoakEveryHost(t *testing.T) {
	const requests, workers = 50_000, 8
	for _, host := range Envoys() {
		t.Run(host, func(t *testing.T) {
			o := one(nil, Edit{`GOGC: "50"`, `GOGC: "1"`})
			o.Envoy = os.Getenv(host)
			f := start(t, o)
			good, wrong := f.bearer(t, f.PKI.A), f.mint(f.PKI.A, M{"aud": "x"})
			var wait sync.WaitGroup
			for worker := range workers {
				own := f.Client(Caller{Certificate: f.PKI.A, HTTP2: worker%2 == 1})
				thief := f.Client(Caller{Certificate: f.PKI.B, HTTP2: worker%2 == 1})
				wait.Go(func() {
					for i := range requests / workers {
						client, header, want := own, good, 200
						switch i % 4 {
						case 1:
							client, want = thief, 401
						case 2:
							header, want = wrong, 401
						}
						if a := client.Get(path, header); a.Status != want {
							t.Errorf("request %d of worker %d: got %s, want %d", i, worker, describe(a), want)
							return
						}
						if i%1000 == 0 {
							f.Upstream.Forget()
						}
						if worker == 0 && i%1250 == 0 {
							t.Logf("about %d of %d requests", i*workers, requests)
						}
					}
				})
			}
			wait.Wait()
		})
	}
}

// 20,000 distinct proofs over two workers: each is good once, and what is kept of
// them is bounded. With the default limits.replay_entries there is room for all of
// them; with 1,024 the store is full nearly all the time, and takes new ones only as
// old ones end. Either way Envoy has its size after the first 4,000.
func TestSoakDistinctProofs(t *testing.T) {
	const proofs, workers, warm, mostMB = 20_000, 8, 4_000, 6
	for _, test := range []struct {
		name             string
		settings, limits M
		room             int32
	}{
		{"the default room", M{}, M{}, 262144},
		{"room for 1,024", M{"proof_lifetime": "10s", "clock_skew": "0s"}, M{"replay_entries": 1024}, 1024},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := start(t, one(dpop(test.settings, M{"limits": test.limits})))
			h := f.holder(t, "", Request{}, Caller{})
			var accepted, full atomic.Int32
			var again [][]string // one proof in a thousand that was accepted
			var mu sync.Mutex
			send := func(n int) {
				var wait sync.WaitGroup
				for worker := range workers {
					c := f.Client(Caller{HTTP2: worker%2 == 1})
					defer c.Close()
					wait.Go(func() {
						for i := range n / workers {
							lines := h.key.Authorize("GET", path, h.token)
							switch a := c.Get(path, lines...); {
							case a.Status == 200 && a.Seen != nil:
								accepted.Add(1)
							case a.Status == 503 && a.Seen == nil:
								full.Add(1)
								continue
							default:
								t.Errorf("proof %d of worker %d: got %v", i, worker, describe(a))
								return
							}
							if i%1000 == 0 {
								mu.Lock()
								again = append(again, lines)
								mu.Unlock()
							}
						}
					})
				}
				wait.Wait()
				f.Upstream.Forget()
			}
			idle := must(f.Envoy.ResidentMemory())
			send(warm)
			warmed, began := must(f.Envoy.ResidentMemory()), time.Now()
			send(proofs)
			took, after := time.Since(began), must(f.Envoy.ResidentMemory())
			// A fast machine has done all that before the first proof has ended. Then the
			// room comes back a little later.
			for test.room < warm+proofs && accepted.Load() <= test.room && time.Since(began) < 30*time.Second {
				send(workers)
			}
			stats := must(f.Envoy.Stats())
			t.Logf("%d proofs in %.0f s: %d accepted, %d refused for want of room; resident memory %.1f MB at start, %.1f MB after %d proofs, %.1f MB at the end; %d VMs, %d ever",
				warm+proofs, took.Seconds(), accepted.Load(), full.Load(), float64(idle)/1e6, float64(warmed)/1e6, warm, float64(after)/1e6,
				stats["wasm.envoy.wasm.runtime.v8.active"], stats["wasm.envoy.wasm.runtime.v8.created"])
			if grown := float64(after-warmed) / 1e6; grown > mostMB {
				t.Errorf("memory grew by %.1f MB after the first %d proofs, want at most %d MB", grown, warm, mostMB)
			}
			if n := f.Envoy.Metric("holdfast.denied.dpop_replay_full"); n != uint64(full.Load()) {
				t.Errorf("%d were refused for want of room, of %d with 503", n, full.Load())
			}
			if enough := test.room > warm+proofs; enough != (full.Load() == 0) || !enough && accepted.Load() <= test.room {
				t.Errorf("with room for %d at once %d were accepted and %d refused", test.room, accepted.Load(), full.Load())
			}
			for _, lines := range again {
				if a := h.Get(path, lines...); a.Status == 200 {
					t.Error("an accepted proof passed again")
				}
			}
		})
	}
}
