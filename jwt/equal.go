package jwt

import (
	"bytes"
)

// Equal reports whether other is the same key for the same use: its id, its one
// algorithm and its numbers. A key set that is fetched again has new Keys for what
// the issuer did not change.
func (k *Key) Equal(other *Key) bool {
	return k == other ||
		k.id == other.id && k.hasID == other.hasID && k.algorithm == other.algorithm && k.public.equal(other.public)
}

func (k *ecKey[P]) equal(other publicKey) bool {
	o, ok := other.(*ecKey[P])
	return ok && k.point == o.point
}

func (k *rsaKey) equal(other publicKey) bool {
	o, ok := other.(*rsaKey)
	return ok && k.public.E == o.public.E && k.public.N.Cmp(o.public.N) == 0
}

func (k edKey) equal(other publicKey) bool {
	o, ok := other.(edKey)
	return ok && bytes.Equal(k, o)
}
