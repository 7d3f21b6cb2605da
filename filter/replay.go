package filter

import (
	"math"
	"strconv"
	"time"

	"holdfast/internal/replay"
	"holdfast/thumbprint"
)

// replayStore remembers which DPoP proofs were accepted (RFC 9449 §11.1). A proof
// is spent after every other check, so that only callers who hold a valid token
// take up room.
type replayStore interface {
	// spend accepts the proof, or tells why not. expires is the last moment at
	// which the proof's iat is accepted.
	spend(proof replayKey, expires, now time.Time) replayOutcome
}

// replayKey is what makes a proof unique. htu is the normalised target URI. seed is
// one for all workers, of which clients do not know.
type replayKey struct {
	seed     [32]byte
	jkt      thumbprint.Thumbprint
	jti, htu string
}

func (k replayKey) mark() replay.Mark { return replay.MarkOf(k.seed, k.jkt, k.jti, k.htu) }

// replayOutcome says whether a proof may be accepted. Only spendFresh does.
type replayOutcome = replay.Outcome

const (
	spendFailed   = replay.Failed   // the store cannot tell
	spendFresh    = replay.Fresh    // never seen before, and remembered from now on
	spendReplayed = replay.Replayed // accepted before
	spendFull     = replay.Full     // no room to remember it
)

// sharedReplay keeps the buckets in the host's shared data: a proof is accepted
// once over all workers.
//
// It rests on two rules. A bucket is made only where there is none (see create).
// And it is changed only by a compare-and-swap with the number that came with what
// was read, so that no writer takes back what another one wrote.
//
// A bucket that is missing or malformed tells nothing about what was spent. It is
// made again, sealed: proofs that could have been accepted before are refused, and
// those whose iat is later than that plus the clock skew are good again. Two losses
// would show nothing, and Envoy has neither, for it drops shared data only with the
// last VM of the vm_id: one beside a running VM just before another starts, which
// finds what a first start finds; and one between a worker's read and its write,
// which then wins although others may have written since.
//
// A bucket can be full before the others are. With the default of 262,144 entries
// in 1,024 buckets the first one is when about 81 % of all entries are used (74 %
// at the earliest of 200 runs). For proofs that are kept for 80 s, 2,290 a second
// fill 70 % and none is refused; at 2,620 (80 %) one of 17,000 is, at 3,280 (100 %)
// one of 20.
type sharedReplay struct {
	host    Host
	prefix  string
	buckets int
	window  time.Duration
}

// newSharedReplay makes the buckets that are missing, before any request. Others
// stay as they are: other workers and a configuration that is loaded again share
// them. window is the longest time for which a proof can be accepted: its
// lifetime and twice the clock skew, once for an iat in the future.
func newSharedReplay(host Host, namespace string, entries int, window time.Duration) (*sharedReplay, error) {
	s := &sharedReplay{host: host, prefix: namespace + "replay/", buckets: replay.Buckets(entries), window: window}
	for i := range s.buckets {
		if err := s.create(s.key(i), replay.Open()); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *sharedReplay) key(bucket int) string { return s.prefix + strconv.Itoa(bucket) }

// swapAttempts is how often a writer tries again after another was faster. Each
// time another proof went into the same bucket, so it is rarely even two.
const swapAttempts = 32

func (s *sharedReplay) spend(proof replayKey, expires, now time.Time) replayOutcome {
	if expires.After(now.Add(s.window)) {
		return spendFailed // a sealed bucket would not cover it
	}
	mark := proof.mark()
	key := s.key(mark.Bucket(s.buckets))
	for range swapAttempts {
		value, cas, found, err := s.host.SharedGet(key)
		if err != nil || found && cas == 0 { // a write with 0 would always win
			return spendFailed
		}
		if !found {
			_ = s.create(key, s.sealed(now)) // refused now; next time somebody tries again
			return spendFailed
		}
		bucket, err := replay.Parse(value)
		if err != nil {
			_, _ = s.host.SharedSet(key, s.sealed(now), cas)
			return spendFailed
		}
		bucket, outcome := bucket.Spend(mark, expires, now)
		if outcome != spendFresh {
			return outcome
		}
		written, err := s.host.SharedSet(key, bucket, cas)
		if err != nil {
			return spendFailed
		}
		if written {
			return spendFresh
		}
	}
	return spendFailed
}

// sealed takes everything for spent that can have been accepted until now.
func (s *sharedReplay) sealed(now time.Time) replay.Bucket { return replay.Sealed(now.Add(s.window)) }

// neverCAS is a number that no value has: hosts count the writes up from 1.
const neverCAS = math.MaxUint32

// create makes a bucket if there is none, in one step: two workers that both find
// it missing must not overwrite each other, for one may have accepted a proof in
// between. On Envoy 0 always wins, but any other number wins only where the key
// is missing or has that very number. ngx_wasm_module knows a missing key by 0
// alone, and there 0 does not overwrite.
func (s *sharedReplay) create(key string, bucket replay.Bucket) error {
	for _, cas := range [...]uint32{neverCAS, 0} {
		if _, _, found, err := s.host.SharedGet(key); err != nil || found {
			return err
		}
		if made, err := s.host.SharedSet(key, bucket, cas); err != nil || made {
			return err
		}
	}
	return nil // another worker was faster
}

// workerReplay keeps the buckets in the VM's own memory: a proof is accepted once
// by each worker. Its memory is bounded as that of the shared ones.
type workerReplay struct{ buckets []replay.Bucket }

func newWorkerReplay(entries int) *workerReplay {
	w := &workerReplay{buckets: make([]replay.Bucket, replay.Buckets(entries))}
	for i := range w.buckets {
		w.buckets[i] = replay.Open()
	}
	return w
}

func (w *workerReplay) spend(proof replayKey, expires, now time.Time) (outcome replayOutcome) {
	mark := proof.mark()
	bucket := &w.buckets[mark.Bucket(len(w.buckets))]
	*bucket, outcome = bucket.Spend(mark, expires, now)
	return outcome
}
