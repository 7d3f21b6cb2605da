package filter

import (
	"reflect"
	"time"

	"holdfast/thumbprint"
)

// ReplayStore is a store of proofs for the tests of package filter_test, which
// alone can use the host of package filtertest.
type ReplayStore struct{ store replayStore }

// NewSharedReplay makes the store that all workers of a host share.
func NewSharedReplay(host Host, namespace string, entries int, window time.Duration) (ReplayStore, error) {
	store, err := newSharedReplay(host, namespace, entries, window)
	return ReplayStore{store}, err
}

// NewWorkerReplay makes the store of one worker.
func NewWorkerReplay(entries int) ReplayStore { return ReplayStore{newWorkerReplay(entries)} }

// Spend spends the proof with these claims.
func (r ReplayStore) Spend(jkt thumbprint.Thumbprint, jti, htu string, expires, now time.Time) replayOutcome {
	return r.store.spend(replayKey{jkt: jkt, jti: jti, htu: htu}, expires, now)
}

// KeepsRequest reports whether the exchange still holds what its decision took.
func (x *Exchange) KeepsRequest() bool {
	return !reflect.ValueOf(x.request).IsZero() || x.wait != wait{}
}

// TokenCosts tells what the cache counts of one token that is alone in it, and what it
// keeps of it by now.
func (p *Plugin) TokenCosts(token string) (counted, keeps int) {
	c := p.decider.tokens
	return c.entries.Cost(), c.get(token).size()
}
