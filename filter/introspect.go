package filter

import (
	"time"

	"holdfast/filter/config"
	"holdfast/internal/lru"
)

// introspector asks one issuer's authorization server about tokens (RFC 7662) for
// one worker, and keeps what it said for a while. Requests for the same token
// share one [inquiry].
//
// The keys of the caches are whole tokens: one server's answer about one token
// for one configuration never serves another (threats T22b).
type introspector struct {
	plugin   *Plugin
	issuer   *issuer
	settings *config.Introspection
	keys     *keySource // for signed answers
	client   *client
	breaker  breaker

	open map[string]*inquiry // by token

	// Good answers, and apart from them bad ones and failures: a flood of
	// invented tokens must not push good ones out.
	active *lru.Cache[string, *verdict]
	others *lru.Cache[string, *verdict]

	complained time.Time // when a failure was last logged
}

// Bounds of the caches, beside cache_entries: linear memory never shrinks.
const (
	bytesPerEntry = 4096 // on average
	mostOthers    = 1000
	// keepFailure is how long the same token is not asked about again after a
	// failure. It gets 503 meanwhile: a failure is no verdict.
	keepFailure = time.Second
)

func newIntrospector(p *Plugin, i *issuer, keys *keySource, c *client) *introspector {
	entries := i.Introspection.CacheEntries
	others := min(entries, mostOthers)
	return &introspector{
		plugin: p, issuer: i, settings: i.Introspection, keys: keys, client: c,
		open:   map[string]*inquiry{},
		active: lru.New[string, *verdict](entries, entries*bytesPerEntry),
		others: lru.New[string, *verdict](others, others*bytesPerEntry),
	}
}

// ask returns the verdict on a token, or the reason why there is none. The inquiry
// is what to wait for with waitForMore, and who knows when to come back with
// IntrospectionUnavailable. waited is the inquiry that the request has waited for,
// if any: its verdict counts even if it is not kept.
func (s *introspector) ask(token string, now time.Time, waited *inquiry) (*verdict, *inquiry, Reason) {
	if waited != nil && waited.source == s && waited.token == token && waited.stage == answered {
		return waited.verdict, waited, waited.verdict.reason(now)
	}
	if v := s.kept(token, now); v != nil {
		if !v.failed {
			s.plugin.host.Add(s.plugin.metrics.introspection.cached, 1)
		}
		return v, nil, v.reason(now)
	}
	in := s.open[token]
	if in == nil {
		in = &inquiry{source: s, token: token}
	}
	// Where requests ask by themselves, the ones that wait are the open inquiries.
	asking := len(s.open) > 0 || s.plugin.kind.ownCalls && len(s.plugin.waiting) > 0
	if in.stage == unasked && (s.breaker.open(now) || s.breaker.tries() && asking) {
		return nil, in, IntrospectionUnavailable
	}
	return nil, in, waitForMore
}

// kept is the verdict that is still good, or nil.
func (s *introspector) kept(token string, now time.Time) *verdict {
	for _, cache := range [...]*lru.Cache[string, *verdict]{s.active, s.others} {
		v, found := cache.Get(token)
		if !found {
			continue
		}
		if now.Before(v.until) && !now.Before(v.at) { // not when the clock was set back
			return v
		}
		cache.Remove(token)
	}
	return nil
}

// keep remembers a verdict: an active token until the earlier of cache_ttl and
// its exp, whatever else is refused for negative_cache_ttl, a failure for a moment.
func (s *introspector) keep(token string, v *verdict, now time.Time) {
	cache, ttl := s.others, s.settings.NegativeCacheTTL
	switch {
	case v.failed:
		ttl = keepFailure
	case v.reason(now) == TokenAccepted:
		cache, ttl = s.active, s.settings.CacheTTL
		if !v.expires.IsZero() {
			ttl = min(ttl, v.expires.Sub(now))
		}
	}
	v.at, v.until = now, now.Add(ttl)
	s.active.Remove(token)
	s.others.Remove(token)
	if now.Before(v.until) {
		cache.Put(token, v, v.cost(token))
	}
}
