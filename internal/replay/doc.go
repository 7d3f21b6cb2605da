// Package replay is the memory of the DPoP proofs that were accepted, so that
// none is accepted twice while it could be (RFC 9449 §11.1).
//
// Proofs are spread over a fixed number of buckets by the digest of what makes
// each one unique, a [Mark]. A [Bucket] is one value of bytes that several
// writers can exchange by compare-and-swap. One proof belongs to one bucket only:
// with a choice of two, two writers could each accept it in another one.
//
// The package knows no host and no clock. Whoever keeps the buckets decides where
// they are and what becomes of one that is lost.
package replay
