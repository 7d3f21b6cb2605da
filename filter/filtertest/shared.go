package filtertest

import (
	"slices"

	"holdfast/filter"
)

type sharedValue struct {
	value []byte
	cas   uint32
}

// sharedGet and sharedSet follow Envoy (proxy-wasm-cpp-host, shared_data.cc): a
// missing key has cas 0, and a write with cas 0 always wins.
func (p *Proxy) sharedGet(key string) ([]byte, uint32, bool) {
	v, found := p.shared[key]
	return slices.Clone(v.value), v.cas, found
}

func (p *Proxy) sharedSet(key string, value []byte, cas uint32) bool {
	if p.kong {
		return p.kongSet(key, value, cas)
	}
	if v, found := p.shared[key]; found && cas != 0 && cas != v.cas {
		return false
	}
	p.cas++
	p.shared[key] = sharedValue{slices.Clone(value), p.cas}
	return true
}

// SharedKeys are the keys that hold a value, sorted.
func (p *Proxy) SharedKeys() []string {
	keys := make([]string, 0, len(p.shared))
	for key := range p.shared {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// Shared is the value of a key, nil without one.
func (p *Proxy) Shared(key string) []byte { return slices.Clone(p.shared[key].value) }

// SharedBytes is how long all keys and values are together.
func (p *Proxy) SharedBytes() int {
	n := 0
	for key, v := range p.shared {
		n += len(key) + len(v.value)
	}
	return n
}

// WriteShared writes a value as another plugin of the same vm_id could.
func (p *Proxy) WriteShared(key string, value []byte) { p.sharedSet(key, value, 0) }

// LoseShared empties the store, as when the last VM of a vm_id went.
func (p *Proxy) LoseShared() { clear(p.shared) }

var _ filter.Host = (*Host)(nil)
