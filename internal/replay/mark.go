package replay

import (
	"crypto/sha256"
	"encoding/binary"

	"holdfast/thumbprint"
)

// Mark stands for one proof. Two proofs with one Mark are taken for the same
// proof, so a collision of digests can refuse a proof and never accept one.
type Mark struct {
	tag   [tagSize]byte
	place uint64 // from other bytes of the digest than tag
}

// MarkOf is the mark of the proof that the key with the thumbprint jkt (RFC 7638)
// made with this jti for this target URI (RFC 9449 §11.1). htu is the text of the
// URI after normalisation; it is kept as a digest, whatever its length. The seed is
// the same for all who share the buckets and not known to clients: else one could
// choose its jtis so that they fill a few buckets.
func MarkOf(seed [32]byte, jkt thumbprint.Thumbprint, jti, htu string) Mark {
	b := make([]byte, 0, len(seed)+len(jkt)+8+len(jti)+len(htu))
	b = append(append(b, seed[:]...), jkt[:]...)
	// With its length in front no jti can take over a part of htu.
	b = binary.LittleEndian.AppendUint64(b, uint64(len(jti)))
	b = append(b, jti...)
	b = append(b, htu...)
	digest := sha256.Sum256(b)
	m := Mark{place: binary.LittleEndian.Uint64(digest[tagSize:])}
	copy(m.tag[:], digest[:])
	return m
}

// Bucket is the index of the one bucket, out of n, that the proof belongs to.
func (m Mark) Bucket(n int) int { return int(m.place % uint64(n)) }

// Buckets is how many buckets hold this many entries: at least 1.
func Buckets(entries int) int {
	return max(1, (entries+BucketEntries-1)/BucketEntries)
}
