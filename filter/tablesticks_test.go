package filter_test

import (
	"strings"
	"testing"
	"time"

	"holdfast/filter/filtertest"
	"holdfast/jwt"
)

// oneTable is how many ticks the first table takes, and the generator's with it.
const oneTable = 2 * jwt.TableSteps

// ticksUntilIdle ticks until there is nothing to do, and returns how often.
func (w *worker) ticksUntilIdle() int {
	w.t.Helper()
	for n := range 1000 {
		if w.Period() == time.Second {
			return n
		}
		w.Tick()
	}
	w.t.Fatal("there is always something to do")
	return 0
}

// A good signature has a table made. Before, meanwhile and afterwards the decisions
// are the same.
func TestTables_MadeOnTicks(t *testing.T) {
	t.Parallel()
	w := start(t, ``)
	requests := func() {
		t.Helper()
		w.expect(get(good()), "token_accepted")
		w.expect(get(mint("evil", param("kid", "k1"))), "signature_invalid")
	}
	w.expect(get(mint("evil", param("kid", "k1"))), "signature_invalid")
	if w.Period() != 0 {
		t.Errorf("a bad signature causes a tick every %v", w.Period())
	}
	requests()
	for tick := range oneTable {
		if w.Period() != 20*time.Millisecond {
			t.Fatalf("a tick every %v after %d ticks", w.Period(), tick)
		}
		w.Tick()
		requests()
	}
	if w.Period() != time.Second {
		t.Errorf("a tick every %v with all tables made", w.Period())
	}
	w.proxy.Advance(time.Minute)
	requests()
}

// Where the host verifies ES256 no table is of use.
func TestTables_NoneWhereTheHostVerifies(t *testing.T) {
	t.Parallel()
	proxy := filtertest.NewProxy()
	proxy.Verifier = filtertest.GoCrypto
	w := startIn(t, proxy, configure(t, ``))
	w.expect(get(good()), "token_accepted")
	if w.Period() != 0 {
		t.Errorf("a tick every %v", w.Period())
	}
}

func TestTables_NoneWanted(t *testing.T) {
	t.Parallel()
	w := start(t, `{"limits":{"key_tables":0}}`)
	w.expect(get(good()), "token_accepted")
	if w.Period() != 0 {
		t.Errorf("a tick every %v", w.Period())
	}
}

func TestTables_HostWithoutTicks(t *testing.T) {
	t.Parallel()
	w := start(t, ``)
	w.Faults = filtertest.FailOn(errHost, "SetTick")
	w.expect(get(good()), "token_accepted")
	w.expect(get(good()), "token_accepted")
	if n := strings.Count(w.LogText(), "gives no tick"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

// While more requests wait than one tick may serve, there is no time for tables.
func TestTables_WaitingRequestsComeFirst(t *testing.T) {
	t.Parallel()
	for requests, want := range map[int]int{64: oneTable, 65: oneTable + 1, 129: oneTable + 2} {
		w := start(t, withURI)
		w.proxy.Server = always(filtertest.Reply{})
		w.Tick()
		for range requests {
			w.expect(get(good()), "waits")
		}
		w.proxy.Server = keysFrom("k1")
		w.proxy.Release()
		w.proxy.Advance(0) // the answer arrives; the tick is still to come
		if n := w.ticksUntilIdle(); n != want {
			t.Errorf("%d waiting requests: idle after %d ticks, want %d", requests, n, want)
		}
		if n := w.Metric("holdfast.allowed"); n != uint64(requests) {
			t.Errorf("%d of %d allowed", n, requests)
		}
	}
}

// A refresh of the keys keeps the table of a key that stays.
func TestTables_FollowTheRefresh(t *testing.T) {
	t.Parallel()
	w := start(t, withURI)
	refresh := func(names ...string) {
		t.Helper()
		before := len(w.Dispatched)
		w.proxy.Server = keysFrom(names...)
		w.proxy.Advance(10 * time.Minute)
		if len(w.Dispatched) == before {
			t.Fatal("the keys were not refreshed")
		}
	}
	used := func(key string, ticks int) {
		t.Helper()
		w.expect(get(mint(key, claim("exp", seconds(24*time.Hour)))), "token_accepted")
		if n := w.ticksUntilIdle(); n != ticks {
			t.Errorf("idle after %d ticks, want %d", n, ticks)
		}
	}
	refresh("k1")
	used("k1", oneTable)
	refresh("k2", "k1")
	used("k1", 0)
	used("k2", jwt.TableSteps)
	refresh("k2")
	used("k2", 0)
	refresh("k1", "k2")
	used("k1", jwt.TableSteps)
}

// Signed answers are verified with the issuer's keys, too.
func TestTables_ForSignedAnswers(t *testing.T) {
	t.Parallel()
	w := start(t, asksSigned())
	w.proxy.Server = always(saidSigned("k1"))
	s := get("opaque")
	w.send(s)
	w.Tick()
	w.proxy.Advance(0)
	if n := w.ticksUntilIdle(); n != oneTable {
		t.Errorf("idle after %d ticks, want %d", n, oneTable)
	}
	w.expectNow(s, "token_accepted")
}

// The keys of proofs (RFC 9449) are the clients' own, and seen once: they must not
// take the places of the issuers'.
func TestTables_NoneForProofKeys(t *testing.T) {
	t.Parallel()
	w := start(t, `{`+dpopOnly+`}`)
	for _, client := range []string{"c1", "c2", "c3"} {
		token := mint("k1", toKey(client))
		w.expect(dpopGet(token, proofOf(client, token)), "token_accepted")
	}
	if n := w.ticksUntilIdle(); n != oneTable {
		t.Errorf("idle after %d ticks, want %d", n, oneTable)
	}
}
