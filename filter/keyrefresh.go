package filter

import (
	"time"

	"holdfast/jwt"
)

// Retries after failed fetches: after firstRetry, then after twice as long each
// time, up to longestRetry, or longestRetryWithout while there are no keys to
// serve with. The first few are quick, and requests wait for them, because at
// start the issuer is often a moment late.
const (
	firstRetry          = 250 * time.Millisecond
	longestRetry        = 30 * time.Second
	longestRetryWithout = 5 * time.Second
	patience            = 3 // failures in a row, after which requests no longer wait for the next try
)

// tick takes over what other workers fetched, and fetches when that is due and
// nobody else does.
func (s *keySource) tick(now time.Time) {
	if s.settings.Inline != nil || s.rests(now) {
		return
	}
	s.lookedAt = now
	s.takeOver(now)
	s.record.settle(now, s.settings.Timeout)
	if s.callUntil.After(now.Add(s.settings.Timeout + time.Second)) {
		s.calling = false // the clock was set back: when the call is lost can't be told
	}
	wanted := s.wanted
	s.wanted = false
	if s.fetching(now) {
		return
	}
	if wanted && !s.mayAskForUnknown(now) {
		wanted = false
		s.wake() // another worker has asked since: its answer is final for now
	}
	due := s.set == nil || !now.Before(s.refreshAt) || s.loadedAt.After(now) ||
		s.record.FetchedAt.After(s.loadedAt) // there are newer keys, but they can't be loaded
	if !wanted && (!due || now.Before(s.record.RetryAt)) {
		return
	}
	next := s.record
	next.LeaseUntil = now.Add(s.settings.Timeout + time.Second)
	if wanted {
		next.AskedAt = now
	}
	if !s.publish(next) {
		s.wanted = wanted // another worker was faster: see at the next tick what it wrote
		return
	}
	s.fetch(now)
}

// rests reports whether nobody needs this tick: keys are there, and what other workers
// did was looked at a moment ago. Ticks that come faster are for another issuer's sake, or
// for questions about tokens, and there may be a thousand issuers.
func (s *keySource) rests(now time.Time) bool {
	since := now.Sub(s.lookedAt)
	return s.usable(now) && !s.wanted && !s.fetching(now) && 0 <= since && since < tickIdle/2
}

// takeOver reads the shared record and, when it is about newer keys, the keys.
func (s *keySource) takeOver(now time.Time) {
	if s.shared == nil {
		return
	}
	record, found, err := s.shared.load()
	if err != nil {
		s.plugin.logOnce("holdfast: shared data can't be read: " + err.Error())
		return
	}
	if !found {
		return // the store was emptied, or never took a record: go by our own
	}
	failedBefore := s.record.FailedAt
	ahead := s.loadedAt.After(now) // the clock was set back since
	if record.FetchedAt.Before(s.record.FetchedAt) && !ahead {
		record.keepKeysOf(s.record) // a write of ours was lost
	}
	s.record = record
	changed := record.FailedAt.After(failedBefore)
	if record.FetchedAt.After(s.loadedAt) || ahead && record.FetchedAt.Before(s.loadedAt) {
		if set, err := s.shared.loadKeys(record); err == nil {
			s.replace(set, now)
			changed = true
		}
	}
	if changed {
		s.wake()
	}
}

// publish makes the record known to the other workers. It reports whether this
// worker may go on: not when another one was faster.
func (s *keySource) publish(next keyRecord) bool {
	if s.shared != nil {
		ok, err := s.shared.store(next)
		if err != nil {
			s.plugin.logOnce("holdfast: shared data can't be written: " + err.Error())
		} else if !ok {
			return false
		}
	}
	s.record = next
	return true
}

// replace puts new keys in place of the old. A key that is not among the new
// ones stops verifying here and now.
func (s *keySource) replace(set *jwt.KeySet, now time.Time) {
	s.set = set
	s.plugin.tables.keep(s)
	s.loadedAt, s.freshUntil = s.record.FetchedAt, s.record.FreshUntil
	lifetime := s.record.FreshUntil.Sub(s.record.FetchedAt)
	s.refreshAt = s.record.FetchedAt.Add(lifetime*7/10 + s.jitter(lifetime/10))
}

// jitter spreads the refreshes of workers and replicas. Without randomness they
// refresh at the same time, which is a burden and no danger.
func (s *keySource) jitter(upTo time.Duration) time.Duration {
	var b [1]byte
	if s.plugin.host.Random(b[:]) != nil {
		return 0
	}
	return upTo * time.Duration(b[0]) / 256
}

// fetched is called with a good answer: new keys and how long they are fresh.
func (s *keySource) fetched(doc []byte, set *jwt.KeySet, freshFor time.Duration) {
	now := s.plugin.host.Now()
	s.calling = false
	s.plugin.host.Add(s.plugin.metrics.fetched, 1)
	next := keyRecord{FetchedAt: now, FreshUntil: now.Add(freshFor), AskedAt: s.record.AskedAt}
	if s.shared != nil {
		if err := s.shared.storeKeys(doc, &next); err != nil {
			s.plugin.logOnce("holdfast: shared data can't be written: " + err.Error())
		}
	}
	s.record = next
	s.replace(set, now)
	s.wake()
}

// failedFetch is called when a fetch brought nothing: the keys stay as they are,
// and the next try waits, longer after each failure.
func (s *keySource) failedFetch(why string) {
	now := s.plugin.host.Now()
	s.calling = false
	s.plugin.host.Add(s.plugin.metrics.failed, 1)
	next := s.record
	next.LeaseUntil = time.Time{}
	next.FailedAt = now
	next.Failures = min(next.Failures+1, 16)
	longest := longestRetryWithout
	if s.usable(now) {
		longest = longestRetry
		s.plugin.host.Add(s.plugin.metrics.stale, 1)
	}
	next.RetryAt = now.Add(min(firstRetry<<(next.Failures-1), longest))
	if s.shared != nil {
		if err := s.shared.overwrite(next); err != nil {
			s.plugin.logOnce("holdfast: shared data can't be written: " + err.Error())
		}
	}
	s.record = next
	s.plugin.host.Log(LogWarn, "holdfast: keys of "+s.issuer+" not fetched: "+why)
	s.wake()
}
