// Package lru is a cache that is bounded in entries and in what they cost, and
// gives up the least recently used ones first. It knows no time: what expires is
// the caller's affair.
package lru

// Cache maps keys to values. It is not safe for concurrent use: a Wasm VM has one
// thread.
type Cache[K comparable, V any] struct {
	entries, cost int // the bounds
	used          int // the cost of what is there
	elements      map[K]*entry[K, V]

	// root closes the ring of all entries: after it comes the most recently used one,
	// before it the least. An entry holds its own links, so that it is one thing for the
	// garbage collector and not three, as with container/list.
	root entry[K, V]
}

type entry[K comparable, V any] struct {
	after, before *entry[K, V]
	key           K
	value         V
	cost          int
}

// New returns a cache of at most this many entries, which together cost at most
// cost, in whatever unit [Cache.Put] counts.
func New[K comparable, V any](entries, cost int) *Cache[K, V] {
	c := &Cache[K, V]{entries: entries, cost: cost, elements: map[K]*entry[K, V]{}}
	c.root.after, c.root.before = &c.root, &c.root
	return c
}

// Get returns the value of a key and makes it the most recently used one.
func (c *Cache[K, V]) Get(key K) (value V, found bool) {
	e := c.elements[key]
	if e == nil {
		return value, false
	}
	e.unlink()
	c.pushFront(e)
	return e.value, true
}

// Put sets the value of a key and makes room for it. The cost is not negative. A
// value that costs more than the whole cache may is not kept; whatever the key had
// before is gone.
func (c *Cache[K, V]) Put(key K, value V, cost int) {
	c.Remove(key)
	if cost > c.cost || c.entries < 1 {
		return
	}
	for len(c.elements) >= c.entries || c.used+cost > c.cost {
		c.remove(c.root.before)
	}
	e := &entry[K, V]{key: key, value: value, cost: cost}
	c.pushFront(e)
	c.elements[key] = e
	c.used += cost
}

// Remove forgets a key.
func (c *Cache[K, V]) Remove(key K) {
	if e := c.elements[key]; e != nil {
		c.remove(e)
	}
}

func (c *Cache[K, V]) remove(e *entry[K, V]) {
	e.unlink()
	delete(c.elements, e.key)
	c.used -= e.cost
}

func (c *Cache[K, V]) pushFront(e *entry[K, V]) {
	e.before, e.after = &c.root, c.root.after
	e.before.after, e.after.before = e, e
}

func (e *entry[K, V]) unlink() {
	e.before.after, e.after.before = e.after, e.before
}

// Len is the number of entries.
func (c *Cache[K, V]) Len() int { return len(c.elements) }

// Cost is what the entries cost together.
func (c *Cache[K, V]) Cost() int { return c.used }
