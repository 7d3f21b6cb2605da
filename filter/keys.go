package filter

import (
	"time"

	"holdfast/filter/config"
	"holdfast/jwt"
)

// keySource keeps one issuer's keys current for one worker. What it learns it
// shares with the other workers, and takes over what they learned (keyrecord.go).
//
// All its work is done on ticks and in the answers to its calls. A request only
// asks [keySource.find], and waits when it is told to.
type keySource struct {
	plugin   *Plugin
	settings *config.Keys
	issuer   string
	record   keyRecord    // what all workers know, as of the last tick
	shared   *sharedStore // nil when workers share nothing

	// The keys, and the times of the record that they came from. The record moves
	// on without them when newer keys can't be loaded; then they still end in time.
	set        *jwt.KeySet // nil before the first success
	loadedAt   time.Time   // its FetchedAt
	freshUntil time.Time   // its FreshUntil
	refreshAt  time.Time   // when set is due for a refresh

	call      int       // number of the newest call; answers to older ones are dropped
	calling   bool      // this worker has a fetch under way
	callUntil time.Time // after it the call counts as lost
	lookedAt  time.Time // when a tick last looked at what is due
	wanted    bool      // a request met an unknown kid
	changes   int       // counts what may change a waiting request's decision
}

func newKeySource(p *Plugin, issuer *config.Issuer, key string) *keySource {
	s := &keySource{plugin: p, settings: &issuer.Keys, issuer: issuer.Policy.Issuer, set: issuer.Keys.Inline}
	if p.config.SharedData && issuer.Keys.Inline == nil {
		s.shared = &sharedStore{host: p.host, key: key}
		if err := s.shared.create(); err != nil {
			p.logOnce("holdfast: shared data can't be written: " + err.Error())
		}
	}
	return s
}

// find picks the one key that fits the header. The reason is TokenAccepted with
// a key, [waitForMore] when a fetch may bring it, or final. parkedAt is when the
// request began to wait, or zero.
func (s *keySource) find(h jwt.Header, now, parkedAt time.Time) (*jwt.Key, Reason) {
	waited := !parkedAt.IsZero()
	if !s.usable(now) {
		if s.record.Failures >= patience && !s.fetching(now) && now.Before(s.record.RetryAt) {
			return nil, KeysUnavailable // it has been failing: waiting would not help
		}
		return nil, waitForMore
	}
	key, err := s.set.Find(h)
	if err == nil {
		return key, TokenAccepted
	}
	reason := reasonOf(err)
	if reason != KeyUnknown || s.settings.Inline != nil {
		return nil, reason
	}
	switch {
	case waited && !s.loadedAt.Before(parkedAt):
		return nil, KeyUnknown // the newest keys do not have it
	case waited && !s.record.FailedAt.Before(parkedAt):
		return nil, KeysUnavailable // nobody can say
	case s.fetching(now):
		return nil, waitForMore
	case s.mayAskForUnknown(now):
		s.wanted = true
		return nil, waitForMore
	}
	return nil, KeyUnknown
}

// verified is called with a key that has verified a token or an answer of the issuer.
func (s *keySource) verified(key *jwt.Key) {
	p := s.plugin
	if p.tables.want(s, key) && (p.period == 0 || p.period > tickBusy) {
		p.setTick(tickBusy) // without a tick the key goes on as it is
	}
}

// usable reports whether there are keys that are fresh, or stale for no longer
// than stale_if_error.
func (s *keySource) usable(now time.Time) bool {
	if s.set == nil {
		return false
	}
	return s.settings.Inline != nil || now.Before(s.freshUntil.Add(s.settings.StaleIfError))
}

// fetching reports whether any worker has a fetch under way.
func (s *keySource) fetching(now time.Time) bool {
	return s.calling && now.Before(s.callUntil) || now.Before(s.record.LeaseUntil)
}

// mayAskForUnknown bounds what a stream of invented kids can cause: one fetch
// for each interval, over all workers (threats T06).
func (s *keySource) mayAskForUnknown(now time.Time) bool {
	return now.Sub(s.record.AskedAt) >= s.settings.UnknownKeyInterval
}

// What a request that waits for keys needs to know: [awaited].
func (s *keySource) join()                  {}
func (s *keySource) leave()                 {}
func (s *keySource) news() int              { return s.changes }
func (s *keySource) timeout() time.Duration { return s.settings.Timeout }
func (s *keySource) unavailable() Reason    { return KeysUnavailable }

// wake has the requests judged again that wait for these keys.
func (s *keySource) wake() {
	s.changes++
	s.plugin.wake()
}

// retryAfter is what a client is told when keys are out of reach.
func (s *keySource) retryAfter(now time.Time) time.Duration {
	return max(s.record.RetryAt.Sub(now), time.Second)
}
