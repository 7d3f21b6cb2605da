package filter_test

import (
	"strings"
	"testing"
	"time"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

// lateHost keeps the functions that wait for answers, so that a test can answer
// after the host should have given up.
type lateHost struct {
	*filtertest.Host
	done []func(filter.CallResult)
}

func (h *lateHost) Dispatch(_ filter.Call, done func(filter.CallResult)) error {
	h.done = append(h.done, done)
	return nil
}

func TestT23_LostAndLateAnswers(t *testing.T) {
	t.Parallel()
	proxy := filtertest.NewProxy()
	host := &lateHost{Host: proxy.Worker()}
	plugin, err := filter.Start(host, configure(t, withURI))
	if err != nil {
		t.Fatal(err)
	}
	host.Plugin = plugin
	w := &worker{Host: host.Host, t: t, proxy: proxy, plugin: plugin}
	keys := func(names ...string) filter.CallResult { return ok(jwks(names...)).Result }

	proxy.Advance(5900 * time.Millisecond)
	if len(host.done) != 1 {
		t.Fatalf("%d calls", len(host.done))
	}
	proxy.Advance(time.Second) // the answer never came: the source is free again
	if len(host.done) != 2 {
		t.Fatalf("%d calls", len(host.done))
	}
	host.done[0](keys("k1")) // late: of the call that was given up
	s := get(good())
	w.expect(s, "waits")
	host.done[1](keys("k2"))
	proxy.Advance(time.Millisecond)
	w.expectNow(s, "key_unknown")
	host.done[0](keys("k1")) // late, after a newer answer
	host.done[1](keys("k1")) // a second time
	w.expect(get(mint("k2")), "token_accepted")
	if n := w.Metric("holdfast.jwks.fetched"); n != 1 {
		t.Errorf("fetched is %d", n)
	}
}

// The callback of a call may find a fault; the plugin lives on.
func TestT23_FaultInAnAnswer(t *testing.T) {
	t.Parallel()
	w := start(t, withURI)
	w.proxy.Advance(time.Millisecond)
	w.Faults = faultOn("SharedSet")
	w.proxy.Calls()[0].Answer(ok(jwks("k1")).Result)
	if !strings.Contains(w.LogText(), "fault in SharedSet") {
		t.Errorf("%q", w.LogText())
	}
	w.proxy.Server = keysFrom("k1")
	w.proxy.Advance(30 * time.Second)
	w.expect(get(good()), "token_accepted")
}

// tick is a Ticker that runs something before each tick.
type tick struct {
	*filter.Plugin
	before func()
}

func (t tick) OnTick() { t.before(); t.Plugin.OnTick() }

// Ticks that come faster than every second are for somebody else's sake: issuers whose
// keys are there cost them nothing, however many there are.
func TestContract7_KeysAtRestAskTheHostOnceASecond(t *testing.T) {
	t.Parallel()
	a, b := twoWorkers(t, withURI)
	a.proxy.Server = keysFrom("k1")
	a.proxy.Advance(2 * time.Second)
	a.expect(get(good()), "token_accepted")
	reads := 0
	b.Faults = func(method string) error {
		if method == "SharedGet" {
			reads++
		}
		return nil
	}
	for range 200 {
		a.proxy.Jump(time.Millisecond)
		b.plugin.OnTick()
	}
	if reads > 1 {
		t.Errorf("%d reads in 200 ticks of a millisecond", reads)
	}
	reads = 0
	b.proxy.Advance(10 * time.Second)
	if reads < 9 || reads > 11 {
		t.Errorf("%d reads in ten idle seconds", reads)
	}
	a.proxy.Server = keysFrom("k1", "k2")
	waiting := get(mint("k2"))
	b.proxy.Advance(30 * time.Second) // unknown_kid_interval
	b.expect(waiting, "waits")
	b.proxy.Advance(30 * time.Millisecond) // nobody rests while a request waits for the keys
	b.expectNow(waiting, "token_accepted")
}

// A fault of one issuer's keys, in every tick, stops neither the other issuer nor
// deadlines.
func TestT23_FaultInATick(t *testing.T) {
	t.Parallel()
	issuer := func(name string) string {
		return `{"issuer":"https://` + name + `.example","audiences":["` + audience + `"],"jwks":{"uri":"https://` + name + `.example/k","cluster":"` + name + `","timeout":"5s"}}`
	}
	w := start(t, `{"issuers":[`+issuer("a")+`,`+issuer("b")+`]}`)
	first := false
	w.Plugin = tick{w.plugin, func() { first = true }}
	w.Faults = func(method string) error {
		if method == "SharedGet" && first {
			first = false
			panic("fault of a")
		}
		return nil
	}
	w.proxy.Server = keysFrom("a", "b")
	waiting := get(mint("a", claim("iss", "https://a.example")))
	w.send(waiting)
	w.proxy.Advance(10 * time.Second)
	w.expect(get(mint("b", claim("iss", "https://b.example"))), "token_accepted")
	w.expectNow(waiting, "keys_unavailable")
	if n := strings.Count(w.LogText(), "fault of a"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

// A host whose shared data fails: every worker on its own, for as long as it takes.
func TestContract7_SharedDataFails(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string]filtertest.Faults{
		"reads":  filtertest.FailOn(errHost, "SharedGet"),
		"writes": filtertest.FailOn(errHost, "SharedSet"),
		"all":    filtertest.FailOn(errHost, "SharedGet", "SharedSet"),
		"random": filtertest.FailOn(errHost, "Random"),
	} {
		t.Run(name, func(t *testing.T) {
			proxy := filtertest.NewProxy()
			proxy.Server = keysFrom("k1")
			host := proxy.Worker()
			host.Faults = faults
			plugin, err := host.Start(configure(t, withURI))
			if err != nil {
				t.Fatal(err)
			}
			w := &worker{Host: host, t: t, proxy: proxy, plugin: plugin}
			long := mint("k1", claim("exp", seconds(24*time.Hour)))
			for range 120 {
				proxy.Advance(time.Minute)
				w.expect(get(long), "token_accepted")
			}
			if n := fetches(w); n < 14 || n > 20 {
				t.Errorf("%d fetches in two hours of 10-minute freshness", n)
			}
			if n := len(w.Lines); n > 4 {
				t.Errorf("%d lines: %s", n, w.LogText())
			}
		})
	}
}

// The store is emptied, or writes begin to fail, while workers run.
func TestContract7_SharedDataIsLost(t *testing.T) {
	t.Parallel()
	long := mint("k1", claim("exp", seconds(24*time.Hour)))
	for name, lose := range map[string]func(a, b *worker){
		"emptied": func(a, _ *worker) { a.proxy.LoseShared() },
		"emptied, and read only": func(a, b *worker) {
			a.proxy.LoseShared()
			a.Faults, b.Faults = filtertest.FailOn(errHost, "SharedSet"), filtertest.FailOn(errHost, "SharedSet")
		},
		"read only":  func(a, b *worker) { a.Faults = filtertest.FailOn(errHost, "SharedSet"); b.Faults = a.Faults },
		"write only": func(a, b *worker) { a.Faults = filtertest.FailOn(errHost, "SharedGet"); b.Faults = a.Faults },
	} {
		t.Run(name, func(t *testing.T) {
			a, b := twoWorkers(t, withURI)
			a.proxy.Server = keysFrom("k1")
			a.proxy.Advance(2 * time.Second)
			lose(a, b)
			for range 90 {
				a.proxy.Advance(time.Minute)
				a.expect(get(long), "token_accepted")
				b.expect(get(long), "token_accepted")
			}
			if n := fetches(a, b); n > 40 {
				t.Errorf("%d fetches", n)
			}
		})
	}
}

// What stands in the shared data is checked like anything from outside.
func TestContract7_SharedDataIsMalformed(t *testing.T) {
	t.Parallel()
	long := mint("k1", claim("exp", seconds(24*time.Hour)))
	attacker := mint("evil", claim("exp", seconds(24*time.Hour)))
	for name, value := range map[string]string{
		"empty": "", "text": "garbage", "zeros": strings.Repeat("\x00", 81), "0xff": strings.Repeat("\xff", 81), "long": strings.Repeat("a", 1<<16), "keys": jwks("evil"),
	} {
		t.Run(name, func(t *testing.T) {
			a, b := twoWorkers(t, withURI)
			a.proxy.Server = keysFrom("k1")
			a.proxy.Advance(2 * time.Second)
			for i := range 30 {
				if i%5 == 0 {
					for _, key := range a.proxy.SharedKeys() {
						a.proxy.WriteShared(key, []byte(value))
					}
				}
				a.proxy.Advance(time.Minute)
				for _, w := range []*worker{a, b} {
					w.expect(get(long), "token_accepted")
				}
			}
			for _, w := range []*worker{a, b} {
				s := get(attacker)
				w.send(s)
				a.proxy.Advance(10 * time.Second)
				w.expectNow(s, "key_unknown")
			}
		})
	}
}

// Before any fetch, too: what is there at start is no keys.
func TestContract7_SharedDataIsMalformedAtStart(t *testing.T) {
	t.Parallel()
	proxy := filtertest.NewProxy()
	startIn(t, proxy, configure(t, withURI))
	for _, key := range proxy.SharedKeys() {
		proxy.WriteShared(key, []byte("garbage"))
		proxy.WriteShared(key+"/set", []byte(jwks("evil")))
	}
	proxy.Server = keysFrom("k1")
	w := startIn(t, proxy, configure(t, withURI))
	s := get(good())
	w.send(s)
	proxy.Advance(2 * time.Second)
	w.expectNow(s, "token_accepted")
	w.expect(get(good()), "token_accepted")
}

// A record whose keys are not the ones it was written about.
func TestContract7_SharedKeysAreNotTheRecords(t *testing.T) {
	t.Parallel()
	a, b := twoWorkers(t, withURI)
	a.proxy.Advance(time.Millisecond)
	calls := a.proxy.Calls()
	if len(calls) != 1 {
		t.Fatalf("%d calls", len(calls))
	}
	calls[0].Answer(ok(jwks("k1")).Result)
	record := a.proxy.SharedKeys()[0]
	a.proxy.WriteShared(record+"/set", []byte(jwks("evil"))) // before the other worker looks
	a.proxy.Server = keysFrom("k1")
	a.proxy.Advance(20 * time.Second)
	for _, w := range []*worker{b, a} {
		w.expect(get(good()), "token_accepted")
		s := get(mint("evil"))
		w.send(s)
		a.proxy.Advance(5 * time.Second)
		w.expectNow(s, "key_unknown")
	}
}

// A worker that can neither take over newer keys nor fetch them itself: how long
// its old keys count has nothing to do with the newer ones.
func TestT22d_KeysThatCannotBeTakenOver(t *testing.T) {
	t.Parallel()
	a, b := twoWorkers(t, withURI)
	a.proxy.Server = keysFrom("k1")
	a.proxy.Advance(2 * time.Second)
	b.expect(get(good()), "token_accepted")
	a.proxy.Server = keysFrom("k2") // k1 is withdrawn
	set := a.proxy.SharedKeys()[1]
	b.Faults = func(method string) error {
		switch method {
		case "SharedGet":
			b.proxy.WriteShared(set, []byte("garbage"))
		case "Dispatch":
			return errHost
		}
		return nil
	}
	a.proxy.Advance(80 * time.Minute) // 10 minutes fresh and an hour stale are over
	s := get(mint("k1", claim("exp", seconds(24*time.Hour))))
	b.send(s)
	a.proxy.Advance(6 * time.Second)
	b.expectNow(s, "keys_unavailable")
}

func TestContract1_SharedDataFalse(t *testing.T) {
	t.Parallel()
	a, b := twoWorkers(t, strings.Replace(withURI, `{"issuer"`, `{"shared_data":false,"issuer"`, 1))
	a.proxy.Server = keysFrom("k1")
	a.proxy.Advance(2 * time.Second)
	if len(a.Dispatched) != 1 || len(b.Dispatched) != 1 || len(a.proxy.SharedKeys()) != 0 {
		t.Errorf("%d and %d fetches, shared %q", len(a.Dispatched), len(b.Dispatched), a.proxy.SharedKeys())
	}
	for _, w := range []*worker{a, b} {
		w.expect(get(good()), "token_accepted")
	}
}

// Another worker took the lease between the reading and the writing of the record.
func TestKeys_LeaseIsLost(t *testing.T) {
	t.Parallel()
	a, b := twoWorkers(t, withURI)
	a.proxy.Server = keysFrom("k1")
	a.proxy.Advance(2 * time.Second)
	a.proxy.Server = nil
	onA := get(mint("k2"))
	a.expect(onA, "waits")
	onB := get(mint("k2"))
	b.expect(onB, "waits")
	inB := false
	a.Faults = func(method string) error {
		if method == "SharedSet" && !inB {
			inB = true
			b.Tick() // the other worker is faster
		}
		return nil
	}
	a.Tick()
	if len(a.Dispatched)+len(b.Dispatched) != 2 || !inB {
		t.Fatalf("%d and %d calls", len(a.Dispatched), len(b.Dispatched))
	}
	a.proxy.Server = keysFrom("k1", "k2")
	a.proxy.Release()
	a.proxy.Advance(time.Second)
	a.expectNow(onA, "token_accepted")
	b.expectNow(onB, "token_accepted")
	if n := fetches(a, b); n != 2 {
		t.Errorf("%d calls", n)
	}
}

// The same at start, when there are no keys yet.
func TestKeys_FirstLeaseIsLost(t *testing.T) {
	t.Parallel()
	a, b := twoWorkers(t, withURI)
	a.proxy.Server = keysFrom("k1")
	inB := false
	a.Faults = func(method string) error {
		if method == "SharedSet" && !inB {
			inB = true
			b.Tick()
		}
		return nil
	}
	a.proxy.Advance(2 * time.Second)
	if fetches(a, b) != 1 || !inB {
		t.Errorf("%d fetches", fetches(a, b))
	}
	a.expect(get(good()), "token_accepted")
	b.expect(get(good()), "token_accepted")
}

// Another worker wrote something else meanwhile: the next tick tries again.
func TestKeys_LeaseIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := start(t, withURI)
	w.proxy.Server = keysFrom("k1")
	w.proxy.Advance(2 * time.Second)
	w.proxy.Server = keysFrom("k1", "k2")
	s := get(mint("k2"))
	w.expect(s, "waits")
	written := false
	w.Faults = func(method string) error {
		if method == "SharedSet" && !written {
			written = true
			record := w.proxy.SharedKeys()[0]
			w.proxy.WriteShared(record, w.proxy.Shared(record))
		}
		return nil
	}
	w.Tick()
	w.expectNow(s, "waits")
	w.proxy.Advance(time.Second)
	w.expectNow(s, "token_accepted")
	if fetches(w) != 2 || !written {
		t.Errorf("%d calls", fetches(w))
	}
}

// The worker that holds the lease dies with its VM: the lease ends by itself.
func TestT23_LeaseOfADeadWorker(t *testing.T) {
	t.Parallel()
	proxy := filtertest.NewProxy()
	dead := startIn(t, proxy, configure(t, withURI))
	proxy.Advance(time.Millisecond)
	proxy.Calls()[0].Lose()
	dead.Plugin = nil
	proxy.Server = keysFrom("k1")
	w := startIn(t, proxy, configure(t, withURI))
	s := get(good())
	w.expect(s, "waits")
	proxy.Advance(5100 * time.Millisecond)
	w.expectNow(s, "keys_unavailable") // its deadline comes first
	proxy.Advance(2 * time.Second)
	w.expect(get(good()), "token_accepted")
}
