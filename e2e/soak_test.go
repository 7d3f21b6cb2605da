//go:build slow

package e2e

import (
	"os"
	"sync"
	"testing"
)

// An ordinary standard-Go module dies on Envoy 1.36 to 1.38 after some 4,400
// requests, at a garbage collection. So: 50,000 requests on the oldest and on the
// newest Envoy, with a collection at nearly every allocation, and no VM reload
// (the stack's Close sees to that).
func TestSoakEveryHost(t *testing.T) {
	const requests, workers = 50_000, 8
	for _, host := range []string{"HOLDFAST_ENVOY_OLD", "HOLDFAST_ENVOY"} {
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
