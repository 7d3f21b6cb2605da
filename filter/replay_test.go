package filter_test

import (
	"encoding/binary"
	"errors"
	"iter"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/filter"
	"holdfast/filter/filtertest"
	"holdfast/internal/replay"
	"holdfast/thumbprint"
)

// The times of a proof with the defaults: accepted from 10 s before its iat to
// 70 s after it.
const (
	proofLifetime = 60 * time.Second
	proofSkew     = 10 * time.Second
	proofWindow   = proofLifetime + 2*proofSkew
)

const (
	replayNamespace = "holdfast/test/"
	replayEntries   = 262144
	oneBucket       = replay.BucketEntries
)

func newReplay(t testing.TB, h filter.Host, entries int) filter.ReplayStore {
	t.Helper()
	store, err := filter.NewSharedReplay(h, replayNamespace, entries, proofWindow)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// spendAt spends the proof that one key made with this jti at iat.
func spendAt(store filter.ReplayStore, jti string, iat, now time.Time) replay.Outcome {
	return store.Spend(thumbprint.Thumbprint{1}, jti, "https://"+host+"/a", iat.Add(proofLifetime+proofSkew), now)
}

func expectSpend(t *testing.T, store filter.ReplayStore, jti string, iat, now time.Time, want replay.Outcome) {
	t.Helper()
	if got := spendAt(store, jti, iat, now); got != want {
		t.Errorf("%s: %d, want %d", jti, got, want)
	}
}

func TestT21_ProofIsAcceptedOnceOverAllWorkers(t *testing.T) {
	t.Parallel()
	proxy := filtertest.NewProxy()
	a, b := newReplay(t, proxy.Worker(), replayEntries), newReplay(t, proxy.Worker(), replayEntries)
	now := proxy.Now()
	expectSpend(t, a, "a", now, now, replay.Fresh)
	expectSpend(t, a, "a", now, now, replay.Replayed)
	expectSpend(t, b, "a", now, now, replay.Replayed)
	expectSpend(t, b, "b", now, now, replay.Fresh)
	expectSpend(t, a, "b", now, now.Add(70*time.Second), replay.Replayed)

	// RFC 9449 §11.1: a jti is unique for its key and for its target URI.
	end := now.Add(time.Minute)
	for _, c := range []struct {
		jkt thumbprint.Thumbprint
		htu string
	}{{thumbprint.Thumbprint{2}, "https://" + host + "/a"}, {thumbprint.Thumbprint{1}, "https://" + host + "/b"}} {
		if got := b.Spend(c.jkt, "a", c.htu, end, now); got != replay.Fresh {
			t.Errorf("%v: %d", c, got)
		}
	}
}

// A worker that starts later, and a configuration that is loaded again, find what
// others have spent. Another configuration has its own store.
func TestT21_StartKeepsWhatWasSpent(t *testing.T) {
	t.Parallel()
	proxy := filtertest.NewProxy()
	now := proxy.Now()
	expectSpend(t, newReplay(t, proxy.Worker(), 1024), "a", now, now, replay.Fresh)
	expectSpend(t, newReplay(t, proxy.Worker(), 1024), "a", now, now, replay.Replayed)
	if keys := proxy.SharedKeys(); strings.Join(keys, " ") != "holdfast/test/replay/0 holdfast/test/replay/1 holdfast/test/replay/2 holdfast/test/replay/3" {
		t.Errorf("%q", keys)
	}
	other, err := filter.NewSharedReplay(proxy.Worker(), "holdfast/other/", 1024, proofWindow)
	if err != nil {
		t.Fatal(err)
	}
	expectSpend(t, other, "a", now, now, replay.Fresh)
}

// schedule runs something on several workers at once: each of them stops before
// every access to shared data, until next picks it by its number.
type schedule struct {
	workers []func() (struct{}, bool)
	running []int // the indexes of those that have something left to do
}

// run adds a worker that does this.
func (s *schedule) run(t *testing.T, proxy *filtertest.Proxy, do func(h filter.Host)) {
	next, stop := iter.Pull(func(yield func(struct{}) bool) {
		h := proxy.Worker()
		h.Faults = func(string) error { yield(struct{}{}); return nil }
		do(h)
	})
	t.Cleanup(stop)
	s.running = append(s.running, len(s.workers))
	s.workers = append(s.workers, next)
}

// step lets the nth of the running workers go on to its next access.
func (s *schedule) step(n int) {
	if _, more := s.workers[s.running[n]](); !more {
		s.running = append(s.running[:n], s.running[n+1:]...)
	}
}

// startAndSpend is a worker that starts and then spends proofs.
func startAndSpend(t *testing.T, now time.Time, outcomes map[string][]replay.Outcome, jtis ...string) func(filter.Host) {
	return func(h filter.Host) {
		store, err := filter.NewSharedReplay(h, replayNamespace, oneBucket, proofWindow)
		if err != nil {
			t.Error(err)
			return
		}
		for _, jti := range jtis {
			outcomes[jti] = append(outcomes[jti], spendAt(store, jti, now, now))
		}
	}
}

// expectOnce wants each proof accepted once and otherwise refused as replayed.
func expectOnce(t *testing.T, name string, outcomes map[string][]replay.Outcome) {
	t.Helper()
	for jti, all := range outcomes {
		fresh := 0
		for _, outcome := range all {
			switch outcome {
			case replay.Fresh:
				fresh++
			case replay.Replayed:
			default:
				t.Errorf("%s, proof %s: %d", name, jti, outcome)
			}
		}
		if fresh != 1 {
			t.Errorf("%s, proof %s: accepted %d times", name, jti, fresh)
		}
	}
}

// Two workers start and spend in every order that there is. The one that starts
// never takes away what the other one, which already serves, has accepted.
func TestT21_TwoWorkersInEveryOrder(t *testing.T) {
	t.Parallel()
	orders := 0
	// Each order is a list of the choices where both could go on; the next one has
	// the last 0 made a 1.
	for choices := []int{}; ; orders++ {
		proxy := filtertest.NewProxy()
		outcomes := map[string][]replay.Outcome{}
		var s schedule
		s.run(t, proxy, startAndSpend(t, proxy.Now(), outcomes, "same", "a"))
		s.run(t, proxy, startAndSpend(t, proxy.Now(), outcomes, "same", "b", "a"))
		made := 0
		for ; len(s.running) == 2; made++ {
			if made == len(choices) {
				choices = append(choices, 0)
			}
			s.step(choices[made])
		}
		for len(s.running) > 0 {
			s.step(0)
		}
		choices = choices[:made]
		expectOnce(t, "one order", outcomes)
		for len(choices) > 0 && choices[len(choices)-1] == 1 {
			choices = choices[:len(choices)-1]
		}
		if len(choices) == 0 {
			break
		}
		choices[len(choices)-1] = 1
	}
	if orders < 1000 {
		t.Errorf("only %d orders", orders)
	}
}

// More workers than a small Envoy has, in an order by chance, all in one bucket.
func TestT21_ManyWorkersInAnyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 0))
		proxy := filtertest.NewProxy()
		outcomes := map[string][]replay.Outcome{}
		var s schedule
		for range 2 + random.IntN(5) {
			jtis := make([]string, 1+random.IntN(12))
			for i := range jtis {
				jtis[i] = strconv.Itoa(random.IntN(10))
			}
			s.run(t, proxy, startAndSpend(t, proxy.Now(), outcomes, jtis...))
		}
		for len(s.running) > 0 {
			s.step(random.IntN(len(s.running)))
		}
		expectOnce(t, "seed "+strconv.FormatUint(seed, 10), outcomes)
	}
}

// 200 requests with one proof at once: exactly one passes.
func TestT21_StormOfOneProof(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 0))
	proxy := filtertest.NewProxy()
	outcomes := map[string][]replay.Outcome{}
	var s schedule
	for range 200 {
		s.run(t, proxy, startAndSpend(t, proxy.Now(), outcomes, "a"))
	}
	for len(s.running) > 0 {
		s.step(random.IntN(len(s.running)))
	}
	expectOnce(t, "storm", outcomes)
	if n := len(outcomes["a"]); n != 200 {
		t.Errorf("%d outcomes", n)
	}
}

// Another worker is faster each time: a worker gives up and refuses. The others'
// proofs are all there.
func TestT21_WriterThatIsAlwaysTooLate(t *testing.T) {
	t.Parallel()
	proxy := filtertest.NewProxy()
	now := proxy.Now()
	fast := newReplay(t, proxy.Worker(), oneBucket)
	h := proxy.Worker()
	slow := newReplay(t, h, oneBucket)
	rivals, limit := 0, 10
	h.Faults = func(method string) error {
		if method == "SharedSet" && rivals < limit {
			expectSpend(t, fast, strconv.Itoa(rivals), now, now, replay.Fresh)
			rivals++
		}
		return nil
	}
	expectSpend(t, slow, "patient", now, now, replay.Fresh)
	limit = 1000
	expectSpend(t, slow, "late", now, now, replay.Failed)
	if rivals >= 100 {
		t.Errorf("%d attempts", rivals)
	}
	h.Faults = nil
	for i := range rivals {
		expectSpend(t, slow, strconv.Itoa(i), now, now, replay.Replayed)
	}
	expectSpend(t, slow, "patient", now, now, replay.Replayed)
	expectSpend(t, slow, "late", now, now, replay.Fresh)
}

// What was in a bucket that is lost or overwritten is not known: everything that
// can have been in it is refused, and a proof made later is good again.
func TestT21_BucketThatTellsNothing(t *testing.T) {
	t.Parallel()
	const bucket = replayNamespace + "replay/0"
	for name, spoil := range map[string]func(*filtertest.Proxy){
		"lost":                 (*filtertest.Proxy).LoseShared,
		"empty":                func(p *filtertest.Proxy) { p.WriteShared(bucket, nil) },
		"another's":            func(p *filtertest.Proxy) { p.WriteShared(bucket, []byte("something else")) },
		"cut off":              func(p *filtertest.Proxy) { p.WriteShared(bucket, p.Shared(bucket)[:7]) },
		"longer":               func(p *filtertest.Proxy) { p.WriteShared(bucket, append(p.Shared(bucket), 1)) },
		"of another version":   func(p *filtertest.Proxy) { p.WriteShared(bucket, append([]byte("hfr\x02"), p.Shared(bucket)[4:]...)) },
		"with more than holds": func(p *filtertest.Proxy) { p.WriteShared(bucket, make([]byte, replay.MaxBucketSize+16)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := filtertest.NewProxy()
			a, b := newReplay(t, proxy.Worker(), oneBucket), newReplay(t, proxy.Worker(), oneBucket)
			iat := proxy.Now()
			expectSpend(t, a, "a", iat, iat, replay.Fresh)
			expectSpend(t, a, "ahead", iat.Add(proofSkew), iat, replay.Fresh)

			spoil(proxy)
			now := iat.Add(time.Second)
			expectSpend(t, b, "a", iat, now, replay.Failed)
			for range 2 {
				for _, store := range []filter.ReplayStore{a, b} {
					expectSpend(t, store, "a", iat, now, replay.Failed)
					expectSpend(t, store, "ahead", iat.Add(proofSkew), now, replay.Failed)
					expectSpend(t, store, "b", now, now, replay.Failed)
				}
			}
			// A worker that starts now does not open it.
			c := newReplay(t, proxy.Worker(), oneBucket)
			expectSpend(t, c, "a", iat, now, replay.Failed)

			later := now.Add(proofSkew + time.Second)
			expectSpend(t, c, "b", later, later, replay.Fresh)
			expectSpend(t, a, "b", later, later, replay.Replayed)
			expectSpend(t, a, "ahead", iat.Add(proofSkew), iat.Add(proofWindow), replay.Failed)

			spoil(proxy) // again and again: refused each time
			for i := range 3 {
				spoil(proxy)
				expectSpend(t, a, "c"+strconv.Itoa(i), later, later, replay.Failed)
			}
		})
	}
}

// Two workers find a bucket missing; before the slower one makes it again, the
// faster one has, and has accepted a proof in it.
func TestT21_BucketIsMadeAgainOnce(t *testing.T) {
	t.Parallel()
	proxy := filtertest.NewProxy()
	fast := newReplay(t, proxy.Worker(), oneBucket)
	h := proxy.Worker()
	slow := newReplay(t, h, oneBucket)
	proxy.LoseShared()
	now := proxy.Now()
	later := now.Add(proofSkew + time.Second)
	h.Faults = func(method string) error {
		if method == "SharedSet" {
			h.Faults = nil
			expectSpend(t, fast, "a", now, now, replay.Failed)
			expectSpend(t, fast, "b", later, later, replay.Fresh)
		}
		return nil
	}
	expectSpend(t, slow, "a", now, now, replay.Failed)
	expectSpend(t, slow, "b", later, later, replay.Replayed)
}

func TestT21_FullStoreRefuses(t *testing.T) {
	t.Parallel()
	proxy := filtertest.NewProxy()
	for name, store := range map[string]filter.ReplayStore{
		"shared":     newReplay(t, proxy.Worker(), oneBucket),
		"per_worker": filter.NewWorkerReplay(oneBucket),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := proxy.Now()
			for i := range oneBucket {
				expectSpend(t, store, strconv.Itoa(i), now.Add(time.Duration(i/128)*time.Second), now, replay.Fresh)
			}
			expectSpend(t, store, "more", now, now, replay.Full)
			expectSpend(t, store, "0", now, now, replay.Replayed)
			expectSpend(t, store, "255", now.Add(time.Second), now.Add(70*time.Second), replay.Replayed)
			expectSpend(t, store, "more", now.Add(70*time.Second), now.Add(70*time.Second), replay.Full)
			// The first half has ended: that much can be spent, and no more.
			later := now.Add(71 * time.Second)
			for i := range oneBucket / 2 {
				expectSpend(t, store, "later"+strconv.Itoa(i), later, later, replay.Fresh)
			}
			expectSpend(t, store, "more", later, later, replay.Full)
		})
	}
}

// With the clock set back, entries live on and those that made room count as spent.
func TestT21_ClockSetBack(t *testing.T) {
	t.Parallel()
	proxy := filtertest.NewProxy()
	for name, store := range map[string]filter.ReplayStore{
		"shared":     newReplay(t, proxy.Worker(), oneBucket),
		"per_worker": filter.NewWorkerReplay(oneBucket),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := proxy.Now()
			later := now.Add(5 * time.Minute)
			expectSpend(t, store, "a", now, now, replay.Fresh)
			expectSpend(t, store, "b", later, later, replay.Fresh)
			expectSpend(t, store, "a", now, now, replay.Failed)
			expectSpend(t, store, "c", now.Add(time.Second), now, replay.Fresh)
		})
	}
	shared := newReplay(t, proxy.Worker(), oneBucket)
	now := proxy.Now()
	expectSpend(t, shared, "b", now.Add(5*time.Minute), now, replay.Failed) // no proof ends that late
}

// A host that says no ends in a refusal, and a start in an error.
func TestT21_HostWithoutSharedData(t *testing.T) {
	t.Parallel()
	fault := errors.New("no shared data")
	for _, method := range []string{"SharedGet", "SharedSet"} {
		proxy := filtertest.NewProxy()
		h := proxy.Worker()
		h.Faults = filtertest.FailOn(fault, method)
		if _, err := filter.NewSharedReplay(h, replayNamespace, 1024, proofWindow); !errors.Is(err, fault) {
			t.Errorf("start, %s: %v", method, err)
		}
		h.Faults = nil
		store := newReplay(t, h, 1024)
		now := proxy.Now()
		h.Faults = filtertest.FailOn(fault, method)
		expectSpend(t, store, "a", now, now, replay.Failed)
		proxy.LoseShared()
		expectSpend(t, store, "a", now, now, replay.Failed)
		h.Faults = nil
		expectSpend(t, store, "a", now, now, replay.Failed) // the loss is still known
	}
}

// zeroHost gives every value the number 0, with which a write always wins.
type zeroHost struct{ *filtertest.Host }

func (h zeroHost) SharedGet(key string) ([]byte, uint32, bool, error) {
	value, _, found, err := h.Host.SharedGet(key)
	return value, 0, found, err
}

func TestT21_NoWriteThatAlwaysWins(t *testing.T) {
	t.Parallel()
	h := zeroHost{filtertest.NewProxy().Worker()}
	store := newReplay(t, h, oneBucket)
	expectSpend(t, store, "a", h.Now(), h.Now(), replay.Failed)
}

// strictHost compares as ngx_wasm_module does (ngx_wa_shm_kv.c): a missing key has
// the number 0, which does not overwrite.
type strictHost struct {
	*filtertest.Host
	before func(cas uint32) // runs before each write, if there is one
}

func (h *strictHost) SharedSet(key string, value []byte, cas uint32) (bool, error) {
	if h.before != nil {
		h.before(cas)
	}
	if _, current, _, _ := h.Host.SharedGet(key); cas != current {
		return false, nil
	}
	return h.Host.SharedSet(key, value, cas)
}

func TestT21_HostThatComparesStrictly(t *testing.T) {
	t.Parallel()
	proxy := filtertest.NewProxy()
	a, b := newReplay(t, &strictHost{Host: proxy.Worker()}, oneBucket), newReplay(t, &strictHost{Host: proxy.Worker()}, oneBucket)
	now := proxy.Now()
	expectSpend(t, a, "a", now, now, replay.Fresh)
	expectSpend(t, b, "a", now, now, replay.Replayed)
	proxy.LoseShared()
	expectSpend(t, b, "a", now, now, replay.Failed)
	later := now.Add(proofSkew + time.Second)
	expectSpend(t, a, "b", later, later, replay.Fresh)
	expectSpend(t, b, "b", later, later, replay.Replayed)
}

// Another worker makes the bucket, and accepts a proof, between the read of this one
// and its write.
func TestT21_HostThatComparesStrictlyWhileAnotherStarts(t *testing.T) {
	t.Parallel()
	proxy := filtertest.NewProxy()
	now := proxy.Now()
	late := &strictHost{Host: proxy.Worker()}
	late.before = func(cas uint32) {
		if cas == 0 {
			expectSpend(t, newReplay(t, &strictHost{Host: proxy.Worker()}, oneBucket), "a", now, now, replay.Fresh)
		}
	}
	store := newReplay(t, late, oneBucket)
	expectSpend(t, store, "a", now, now, replay.Replayed)
}

func TestPerWorkerReplay(t *testing.T) {
	t.Parallel()
	a, b := filter.NewWorkerReplay(1024), filter.NewWorkerReplay(1024)
	now := filtertest.Epoch
	expectSpend(t, a, "a", now, now, replay.Fresh)
	expectSpend(t, a, "a", now, now, replay.Replayed)
	expectSpend(t, b, "a", now, now, replay.Fresh)
}

// proofNumber is a proof out of many.
func proofNumber(store filter.ReplayStore, n int, now time.Time) replay.Outcome {
	var jkt thumbprint.Thumbprint
	binary.LittleEndian.PutUint32(jkt[:], uint32(n%5000))
	return store.Spend(jkt, strconv.Itoa(n), "https://"+host+"/a", now.Add(proofLifetime+proofSkew), now)
}

// A million proofs, 2,000 each second, through two workers: none is refused, and
// shared data stays below its bound, which the number of entries sets.
func TestT21_MillionProofs(t *testing.T) {
	t.Parallel()
	proxy := filtertest.NewProxy()
	stores := []filter.ReplayStore{newReplay(t, proxy.Worker(), replayEntries), newReplay(t, proxy.Worker(), replayEntries)}
	empty, peak := proxy.SharedBytes(), 0
	for n := range 1_000_000 {
		if n%2000 == 0 {
			proxy.Jump(time.Second)
			peak = max(peak, proxy.SharedBytes())
		}
		if outcome := proofNumber(stores[n%2], n, proxy.Now()); outcome != replay.Fresh {
			t.Fatalf("proof %d: %d", n, outcome)
		}
		if n%1000 == 999 { // 50 s ago; the last second is 70 s ago
			if outcome := proofNumber(stores[n/1000%2], max(0, n-100_000), proxy.Now()); outcome != replay.Replayed {
				t.Fatalf("proof %d again: %d", n, outcome)
			}
		}
	}
	bound := replayEntries / replay.BucketEntries * (len(replayNamespace+"replay/1023") + replay.MaxBucketSize)
	t.Logf("bytes of shared data: %d at start, %d at most, bound %d", empty, peak, bound)
	if peak > bound || len(proxy.SharedKeys()) != 1024 {
		t.Errorf("%d bytes under %d keys", peak, len(proxy.SharedKeys()))
	}
}

// Proofs without end, none of which ends: the store fills up, refuses and grows no
// more. It says how much of it is used when it refuses for the first time.
func TestT21_StoreThatFillsUp(t *testing.T) {
	t.Parallel()
	proxy := filtertest.NewProxy()
	store := newReplay(t, proxy.Worker(), replayEntries)
	counts, first := map[replay.Outcome]int{}, 0
	for n := range 2 * replayEntries {
		outcome := proofNumber(store, n, proxy.Now())
		if outcome == replay.Full && counts[outcome] == 0 {
			first = counts[replay.Fresh]
		}
		counts[outcome]++
	}
	t.Logf("first refusal at %d entries, %.0f %%; %d accepted, %d refused, %d bytes",
		first, 100*float64(first)/replayEntries, counts[replay.Fresh], counts[replay.Full], proxy.SharedBytes())
	if first < replayEntries*7/10 {
		t.Error("it refused before 70 % were used")
	}
	if counts[replay.Fresh] > replayEntries || counts[replay.Fresh]+counts[replay.Full] != 2*replayEntries {
		t.Errorf("%v", counts)
	}
	for n := range 2 * replayEntries {
		if n%97 == 0 && proofNumber(store, n, proxy.Now()) == replay.Fresh {
			t.Fatalf("proof %d was accepted after a refusal", n)
		}
	}
}

// Each proof is new and the store as full as at 2,300 proofs a second.
func BenchmarkReplaySpend(b *testing.B) {
	proxy := filtertest.NewProxy()
	for name, store := range map[string]filter.ReplayStore{
		"shared":     newReplay(b, proxy.Worker(), replayEntries),
		"per_worker": filter.NewWorkerReplay(replayEntries),
	} {
		b.Run(name, func(b *testing.B) {
			n, now := 0, proxy.Now()
			next := func() replay.Outcome {
				n++
				return proofNumber(store, n, now.Add(time.Duration(n)*time.Second/2300))
			}
			for range 170_000 {
				next()
			}
			b.ReportAllocs()
			for b.Loop() {
				if outcome := next(); outcome != replay.Fresh {
					b.Fatal(outcome)
				}
			}
		})
	}
}

// The first start makes the buckets, later ones find them.
func BenchmarkReplayStart(b *testing.B) {
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			newReplay(b, filtertest.NewProxy().Worker(), replayEntries)
		}
	})
	b.Run("later", func(b *testing.B) {
		h := filtertest.NewProxy().Worker()
		b.ReportAllocs()
		for b.Loop() {
			newReplay(b, h, replayEntries)
		}
	})
	b.Run("per_worker", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			filter.NewWorkerReplay(replayEntries)
		}
	})
}
