package replay

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// BucketEntries is how many proofs a bucket holds at most.
const BucketEntries = 256

// MaxBucketSize is the length in bytes of a bucket that is full.
const MaxBucketSize = headerSize + BucketEntries*entrySize

// A bucket is the magic, the floor and the entries; an entry is a tag and its
// end. Floor and end are seconds since 1970, little endian.
const (
	magic      = "hfr\x01"
	headerSize = len(magic) + secondsSize
	tagSize    = 12
	entrySize  = tagSize + secondsSize

	secondsSize = 4
)

// Bucket holds the proofs that were spent and have not yet ended, and a floor.
// Every proof that ends at the floor or before it counts as spent. The floor
// stands for what the bucket does not hold any more: entries that ended and made
// room, so that no clock that is set back brings them to life again, and
// everything that was in it before it was lost.
type Bucket []byte

// ErrBucket is the error of [Parse].
var ErrBucket = errors.New("replay: a bucket is malformed")

// Open is a bucket in which no proof was spent.
func Open() Bucket { return withFloor(0) }

// Sealed is a bucket that takes every proof which ends at until or before it for
// spent: what a bucket becomes of which nobody knows what was in it.
func Sealed(until time.Time) Bucket {
	floor, ok := roundedUp(until)
	if !ok {
		floor = math.MaxUint32
	}
	return withFloor(floor)
}

func withFloor(floor uint32) Bucket {
	return binary.LittleEndian.AppendUint32([]byte(magic), floor)
}

// Parse reads a bucket that came from outside. It takes exactly what this package
// writes: the magic, whole entries, at most [BucketEntries] of them, and none that
// ends at the floor or before it. The bucket is the value itself, not a copy.
func Parse(value []byte) (Bucket, error) {
	if len(value) < headerSize || len(value) > MaxBucketSize ||
		(len(value)-headerSize)%entrySize != 0 || string(value[:len(magic)]) != magic {
		return nil, ErrBucket
	}
	b := Bucket(value)
	for i := headerSize; i < len(b); i += entrySize {
		if b.end(i) <= b.floor() {
			return nil, ErrBucket
		}
	}
	return b, nil
}

// Outcome is what became of the attempt to spend a proof. Only Fresh accepts it.
type Outcome uint8

const (
	Failed   Outcome = iota // it is not known whether the proof was spent before
	Fresh                   // it was not, and now it is
	Replayed                // it was
	Full                    // it was not, but there is no room to remember it
)

// Spend spends a proof that can be accepted until expires, that moment included.
// It is kept until then, to the full second: two proofs with one mark are one, even
// if the second ends later. The bucket that it returns is b itself, changed, and
// takes the place of b; it differs from what b was only after Fresh.
func (b Bucket) Spend(m Mark, expires, now time.Time) (Bucket, Outcome) {
	end, ok := roundedUp(expires)
	switch {
	case !ok || expires.Before(now):
		return b, Failed // it would be forgotten at once
	case b.holds(m, now):
		return b, Replayed
	case end <= b.floor():
		return b, Failed
	}
	b = b.swept(now)
	if len(b) == MaxBucketSize {
		return b, Full
	}
	b = append(b, m.tag[:]...)
	return binary.LittleEndian.AppendUint32(b, end), Fresh
}

// holds reports whether the proof is in the bucket and has not ended.
func (b Bucket) holds(m Mark, now time.Time) bool {
	for i := headerSize; i < len(b); i += entrySize {
		if string(b[i:i+tagSize]) == string(m.tag[:]) && !b.ended(i, now) {
			return true
		}
	}
	return false
}

// swept is b without the entries that have ended. The floor takes their place.
func (b Bucket) swept(now time.Time) Bucket {
	kept, floor := headerSize, b.floor()
	for i := headerSize; i < len(b); i += entrySize {
		if b.ended(i, now) {
			floor = max(floor, b.end(i))
			continue
		}
		kept += copy(b[kept:], b[i:i+entrySize])
	}
	binary.LittleEndian.PutUint32(b[len(magic):], floor)
	return b[:kept]
}

func (b Bucket) floor() uint32 { return binary.LittleEndian.Uint32(b[len(magic):]) }

// end is the end of the entry at this offset.
func (b Bucket) end(entry int) uint32 { return binary.LittleEndian.Uint32(b[entry+tagSize:]) }

func (b Bucket) ended(entry int, now time.Time) bool { return int64(b.end(entry)) < now.Unix() }

// roundedUp is t in seconds since 1970, rounded up. ok is false for a time that
// four bytes do not hold: before 1970, or after 2106.
func roundedUp(t time.Time) (seconds uint32, ok bool) {
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return uint32(s), s >= 0 && s <= math.MaxUint32
}
