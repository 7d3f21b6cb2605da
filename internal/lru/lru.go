// Package lru is a cache that is bounded in entries and in what they cost, and
// gives up the least recently used ones first. It knows no time: what expires is
// the caller's affair.
package lru

import "container/list"

// Cache maps keys to values. It is not safe for concurrent use: a Wasm VM has one
// thread.
type Cache[K comparable, V any] struct {
	entries, cost int // the bounds
	used          int // the cost of what is there
	elements      map[K]*list.Element
	order         list.List // of *entry[K, V], the most recently used first
}

type entry[K comparable, V any] struct {
	key   K
	value V
	cost  int
}

// New returns a cache of at most this many entries, which together cost at most
// cost, in whatever unit [Cache.Put] counts.
func New[K comparable, V any](entries, cost int) *Cache[K, V] {
	return &Cache[K, V]{entries: entries, cost: cost, elements: map[K]*list.Element{}}
}

// Get returns the value of a key and makes it the most recently used one.
func (c *Cache[K, V]) Get(key K) (value V, found bool) {
	element := c.elements[key]
	if element == nil {
		return value, false
	}
	c.order.MoveToFront(element)
	return element.Value.(*entry[K, V]).value, true
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
		c.remove(c.order.Back())
	}
	c.elements[key] = c.order.PushFront(&entry[K, V]{key, value, cost})
	c.used += cost
}

// Remove forgets a key.
func (c *Cache[K, V]) Remove(key K) {
	if element := c.elements[key]; element != nil {
		c.remove(element)
	}
}

func (c *Cache[K, V]) remove(element *list.Element) {
	e := c.order.Remove(element).(*entry[K, V])
	delete(c.elements, e.key)
	c.used -= e.cost
}

// Len is the number of entries.
func (c *Cache[K, V]) Len() int { return len(c.elements) }

// Cost is what the entries cost together.
func (c *Cache[K, V]) Cost() int { return c.used }
