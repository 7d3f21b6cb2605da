package filter

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	"holdfast/jwt"
)

// keyRecord is what the workers tell each other about one issuer's keys. The
// keys themselves are stored beside it, so that an idle tick reads a few bytes.
// A zero time means never.
type keyRecord struct {
	FetchedAt  time.Time // when the newest keys arrived
	FreshUntil time.Time // when they become stale
	LeaseUntil time.Time // until then one worker has a fetch under way
	FailedAt   time.Time // when the last fetch failed
	RetryAt    time.Time // before it nobody tries again
	AskedAt    time.Time // when an unknown kid last caused a fetch
	Failures   uint8     // in a row, at most 16
	Digest     [sha256.Size]byte
}

// sharedStore keeps a keyRecord and the JWK set it is about in the host's
// shared data. The key names the digest of the whole configuration: another
// configuration in the same VM never sees these keys. What it reads is checked
// like anything from outside.
type sharedStore struct {
	host Host
	key  string
	cas  uint32 // of the record as last loaded
}

const keyRecordSize = 6*8 + 1 + sha256.Size

var errKeyRecord = errors.New("holdfast: a shared record is malformed")

// load reads the record.
func (s *sharedStore) load() (r keyRecord, found bool, err error) {
	value, cas, found, err := s.host.SharedGet(s.key)
	if err != nil || !found {
		s.cas = 0
		return keyRecord{}, false, err
	}
	s.cas = cas
	r, err = parseKeyRecord(value)
	return r, err == nil, err
}

// create makes the record if it is not there yet. A write to a missing key always
// wins, so without it every worker would win the lease for the first fetch. The
// host starts the plugin on its main thread before it does on the workers.
func (s *sharedStore) create() error {
	_, _, found, err := s.host.SharedGet(s.key)
	if err != nil || found {
		return err
	}
	return s.overwrite(keyRecord{})
}

// store writes the record unless another worker has written since the load.
func (s *sharedStore) store(r keyRecord) (bool, error) {
	return s.host.SharedSet(s.key, r.bytes(), s.cas)
}

// overwrite writes the record whatever others have written. Only the holder of
// the lease does so.
func (s *sharedStore) overwrite(r keyRecord) error { return s.put(s.key, r.bytes()) }

// put writes, whatever is there. One that others keep being faster at has lost
// nothing: they hold the lease by now.
func (s *sharedStore) put(key string, value []byte) error {
	cas := uint32(0)
	for range swapAttempts {
		ok, err := s.host.SharedSet(key, value, cas)
		if err != nil || ok {
			return err
		}
		if _, cas, _, err = s.host.SharedGet(key); err != nil {
			return err
		}
	}
	return nil
}

// storeKeys writes a JWK set and then the record about it, whose digest it sets.
func (s *sharedStore) storeKeys(doc []byte, r *keyRecord) error {
	r.Digest = sha256.Sum256(doc)
	if err := s.put(s.key+"/set", doc); err != nil {
		return err
	}
	return s.overwrite(*r)
}

// loadKeys reads the JWK set that the record is about. While another worker is
// between the two writes of storeKeys the digest does not fit: the next tick
// looks again.
func (s *sharedStore) loadKeys(r keyRecord) (*jwt.KeySet, error) {
	doc, _, found, err := s.host.SharedGet(s.key + "/set")
	if err != nil {
		return nil, err
	}
	if !found || sha256.Sum256(doc) != r.Digest {
		return nil, errKeyRecord
	}
	return jwt.ParseKeySet(string(doc))
}

// keepKeysOf takes over what another record says of the keys themselves.
func (r *keyRecord) keepKeysOf(other keyRecord) {
	r.FetchedAt, r.FreshUntil, r.Digest = other.FetchedAt, other.FreshUntil, other.Digest
}

// settle takes back what a record cannot say at this time: the host's clock was
// set back since. Otherwise nobody would fetch until it has caught up.
func (r *keyRecord) settle(now time.Time, timeout time.Duration) {
	if r.RetryAt.After(now.Add(longestRetry)) {
		r.RetryAt = time.Time{}
	}
	if r.LeaseUntil.After(now.Add(timeout + time.Second)) {
		r.LeaseUntil = time.Time{}
	}
	if r.AskedAt.After(now) {
		r.AskedAt = time.Time{}
	}
	if r.FailedAt.After(now) {
		r.FailedAt = time.Time{}
	}
}

func (r keyRecord) bytes() []byte {
	b := make([]byte, 0, keyRecordSize)
	for _, t := range [...]time.Time{r.FetchedAt, r.FreshUntil, r.LeaseUntil, r.FailedAt, r.RetryAt, r.AskedAt} {
		var nanoseconds uint64
		if !t.IsZero() {
			nanoseconds = uint64(t.UnixNano())
		}
		b = binary.LittleEndian.AppendUint64(b, nanoseconds)
	}
	b = append(b, r.Failures)
	return append(b, r.Digest[:]...)
}

func parseKeyRecord(b []byte) (keyRecord, error) {
	var r keyRecord
	if len(b) != keyRecordSize {
		return r, errKeyRecord
	}
	for _, t := range [...]*time.Time{&r.FetchedAt, &r.FreshUntil, &r.LeaseUntil, &r.FailedAt, &r.RetryAt, &r.AskedAt} {
		nanoseconds := binary.LittleEndian.Uint64(b)
		b = b[8:]
		if nanoseconds > 1<<63-1 {
			return keyRecord{}, errKeyRecord
		}
		if nanoseconds != 0 {
			*t = time.Unix(0, int64(nanoseconds))
		}
	}
	r.Failures = b[0]
	copy(r.Digest[:], b[1:])
	if r.Failures > 16 {
		return keyRecord{}, errKeyRecord
	}
	return r, nil
}
