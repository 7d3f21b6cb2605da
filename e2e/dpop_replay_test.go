package e2e

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// RFC 9449 §11.1: one proof is good once, for one request, over all workers.
func TestRFC9449_11_1_Replay(t *testing.T) {
	f := proving.use(t)
	for _, http2 := range []bool{false, true} {
		h := f.holder(t, "api", Request{Opaque: http2}, Caller{HTTP2: http2, Reconnect: true})
		lines := h.key.Authorize("GET", path, h.token)
		passed(t, h.Get(path, lines...))
		for range 8 { // on connections of their own, so on both workers
			a := h.Get(path, lines...)
			f.refused(t, a, 401, "invalid_dpop_proof")
			challenged(t, a, "DPoP", "invalid_dpop_proof", 2)
		}
		// The same jti in another proof: for the same request it is the same one, for
		// another request, or by another key, it is not.
		p := h.proof(path)
		passed(t, h.Get(path, h.authorization(), proofLine(p.Sign(h.key))))
		f.refused(t, h.Get(path, h.authorization(), proofLine(p.With(M{"iat": seconds(1)}).Sign(h.key))), 401, "invalid_dpop_proof")
		passed(t, h.Get(path+"/2", h.authorization(), proofLine(p.With(M{"htu": Resource + path + "/2"}).Sign(h.key))))
		other := f.holder(t, "api", Request{}, Caller{HTTP2: http2})
		passed(t, other.Get(path, other.authorization(), proofLine(other.proof(path).With(M{"jti": p.Claims["jti"]}).Sign(other.key))))
		// What was refused for another reason may be sent again, and only then counts.
		lines = h.key.Authorize("POST", "/nowhere", h.token)
		f.refused(t, h.Do(t.Context(), "GET", "/nowhere", nil, lines...), 401, "invalid_dpop_proof")
		passed(t, h.Do(t.Context(), "POST", "/nowhere", nil, lines...))
		f.refused(t, h.Do(t.Context(), "POST", "/nowhere", nil, lines...), 401, "invalid_dpop_proof")
	}
}

// "replay": "per_worker" shares nothing: a proof is good once at each worker, and
// there are two.
func TestContract1_ReplayPerWorker(t *testing.T) {
	f := proving.use(t)
	h := f.holder(t, "per-worker", Request{}, Caller{Reconnect: true})
	lines, passes := h.key.Authorize("GET", path, h.token), 0
	for range 40 {
		a := h.Get(path, lines...)
		if a.Status == 200 {
			passes++
		} else {
			f.refused(t, a, 401, "invalid_dpop_proof")
		}
	}
	if passes < 1 || passes > 2 {
		t.Errorf("it passed %d times", passes)
	}
}

// 200 requests with one proof, at once, on 200 connections over two workers:
// exactly one passes. On the oldest Envoy, too, for it rests on how the host's shared
// data is written.
func TestRFC9449_11_1_OneOf200ConcurrentRequests(t *testing.T) {
	t.Run("newest Envoy, HTTP/1.1", func(t *testing.T) { oneOf200(t, proving.use(t), false) })
	t.Run("newest Envoy, HTTP/2", func(t *testing.T) { oneOf200(t, proving.use(t), true) })
	t.Run("oldest Envoy", func(t *testing.T) {
		o := one(dpop(M{}, nil))
		o.Envoy = must(fromEnvironment("", "HOLDFAST_ENVOY_OLD"))
		f := start(t, o)
		h := f.holder(t, "", Request{Opaque: true}, Caller{})
		passed(t, h.get(path))
		f.refused(t, h.Get(path, NewKey("", "ES256").Authorize("GET", path, h.token)...), 401, "invalid_token")
		oneOf200(t, f, false)
	})
}

// oneOf200 works in rounds, for a race shows now and then.
func oneOf200(t *testing.T, f *fixture, http2 bool) {
	const requests, rounds = 200, 5
	h := f.holder(t, "api", Request{}, Caller{})
	connected := func(worker int) uint64 { return f.Envoy.Sum(fmt.Sprintf(".worker_%d.downstream_cx_total", worker)) }
	perWorker := [2]uint64{connected(0), connected(1)}
	clients := make([]*Client, requests)
	for i := range clients {
		clients[i] = f.ClientOf("api", Caller{HTTP2: http2})
		defer clients[i].Close()
		passed(t, clients[i].Get("/public/status")) // so that it is connected
	}
	for worker, before := range perWorker {
		perWorker[worker] = connected(worker) - before
		if perWorker[worker] < requests/10 {
			t.Fatalf("worker %d has %d of the connections: nothing would be shown", worker, perWorker[worker])
		}
	}
	const replays = "holdfast.denied.dpop_replayed"
	for range rounds {
		lines, before := h.key.Authorize("GET", path, h.token), f.Envoy.Metric(replays)
		begin := make(chan struct{})
		var passes, refusals atomic.Int32
		var wait sync.WaitGroup
		for _, c := range clients {
			wait.Go(func() {
				<-begin
				switch a := c.Get(path, lines...); {
				case a.Status == 200 && a.Seen != nil:
					passes.Add(1)
				case a.Status == 401 && a.Seen == nil && a.Code() == "invalid_dpop_proof":
					refusals.Add(1)
				default:
					t.Errorf("got %v", describe(a))
				}
			})
		}
		close(begin)
		wait.Wait()
		if passes.Load() != 1 || refusals.Load() != requests-1 || f.Envoy.Metric(replays)-before != requests-1 {
			t.Errorf("%d passed, %d were refused, %d of them as replayed", passes.Load(), refusals.Load(), f.Envoy.Metric(replays)-before)
		}
	}
	t.Logf("%d rounds of %d requests with one proof, on %d and %d connections of the two workers", rounds, requests, perWorker[0], perWorker[1])
}

// When there is no room for a proof it is refused with 503, and nothing that was
// accepted is accepted again. Room comes back by itself when proofs end.
func TestContract1_ReplayFull(t *testing.T) {
	const room, workers, each = 1024, 8, 160
	o := one(dpop(M{"proof_lifetime": "20s", "clock_skew": "0s"}, M{"limits": M{"replay_entries": room}}))
	f := start(t, o)
	h := f.holder(t, "", Request{}, Caller{})
	var mu sync.Mutex
	var accepted, refused [][]string
	var wait sync.WaitGroup
	for range workers {
		c := f.Client(Caller{})
		defer c.Close()
		wait.Go(func() {
			for range each {
				lines := h.key.Authorize("GET", path, h.token)
				a := c.Get(path, lines...)
				mu.Lock()
				switch {
				case a.Status == 200 && a.Seen != nil:
					accepted = append(accepted, lines)
				case a.Status == 503 && a.Seen == nil && a.Header.Get("retry-after") != "" && a.Code() == "temporarily_unavailable":
					refused = append(refused, lines)
				default:
					t.Errorf("got %v", describe(a))
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	if full := f.Envoy.Metric("holdfast.denied.dpop_replay_full"); len(accepted) > room || len(refused) < workers*each-room || full != uint64(len(refused)) {
		t.Errorf("of %d proofs %d were accepted with room for %d; %d of %d refusals are counted as full", workers*each, len(accepted), room, full, len(refused))
	}
	passed(t, f.A.Get(path, f.bearer(t, f.PKI.A))) // who needs no room gets in
	for _, lines := range accepted {
		if a := h.Get(path, lines...); a.Status != 401 || a.Seen != nil {
			t.Fatalf("an accepted proof again: got %v", describe(a))
		}
	}
	replayed, old := f.Envoy.Metric("holdfast.denied.dpop_replayed"), f.Envoy.Metric("holdfast.denied.dpop_proof_too_old")
	if replayed+old != uint64(len(accepted)) || replayed < uint64(len(accepted))/2 {
		t.Errorf("of %d accepted proofs %d were refused as replayed and %d as too old", len(accepted), replayed, old)
	}
	t.Logf("%d of %d proofs accepted before and while buckets were full, %d refused with 503; sent again %d were replayed and %d too old",
		len(accepted), workers*each, len(refused), replayed, old)
	eventually(t, "room again", func() bool { return h.get(path).Status == 200 })
	for range 50 {
		passed(t, h.get(path))
	}
}
