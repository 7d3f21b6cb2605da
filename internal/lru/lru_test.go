package lru

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// model is the same cache, done naively: a list, the most recently used first.
type model struct {
	entries, cost int
	list          []modelEntry
}

type modelEntry struct{ key, value, cost int }

func (m *model) find(key int) int {
	return slices.IndexFunc(m.list, func(e modelEntry) bool { return e.key == key })
}

func (m *model) get(key int) (int, bool) {
	i := m.find(key)
	if i < 0 {
		return 0, false
	}
	e := m.list[i]
	m.list = slices.Insert(slices.Delete(m.list, i, i+1), 0, e)
	return e.value, true
}

func (m *model) put(key, value, cost int) {
	m.remove(key)
	if m.entries < 1 || cost > m.cost {
		return
	}
	m.list = slices.Insert(m.list, 0, modelEntry{key, value, cost})
	for len(m.list) > m.entries || m.used() > m.cost {
		m.list = m.list[:len(m.list)-1]
	}
}

func (m *model) remove(key int) {
	if i := m.find(key); i >= 0 {
		m.list = slices.Delete(m.list, i, i+1)
	}
}

func (m *model) used() int {
	sum := 0
	for _, e := range m.list {
		sum += e.cost
	}
	return sum
}

// Whatever is done, in whatever order, the cache is the model and within its bounds.
func TestAgreesWithTheModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := &model{entries: r.IntN(8), cost: r.IntN(60)}
		c := New[int, int](m.entries, m.cost)
		for step := range 500 {
			key := r.IntN(12)
			switch r.IntN(5) {
			case 0, 1:
				value, cost := r.Int(), r.IntN(20)
				c.Put(key, value, cost)
				m.put(key, value, cost)
			case 2:
				c.Remove(key)
				m.remove(key)
			default:
				got, found := c.Get(key)
				want, wanted := m.get(key)
				if got != want || found != wanted {
					t.Fatalf("seed %d, step %d: %d %v, want %d %v", seed, step, got, found, want, wanted)
				}
			}
			if c.Len() != len(m.list) || c.Cost() != m.used() || c.Len() > m.entries || c.Cost() > m.cost {
				t.Fatalf("seed %d, step %d: %d entries that cost %d, want %d and %d", seed, step, c.Len(), c.Cost(), len(m.list), m.used())
			}
		}
	}
}

func TestLeastRecentlyUsedGoesFirst(t *testing.T) {
	t.Parallel()
	c := New[string, int](3, 100)
	for i, key := range []string{"a", "b", "c"} {
		c.Put(key, i, 1)
	}
	c.Get("a")
	c.Put("b", 9, 1) // to put is to use
	c.Put("d", 3, 1)
	if _, found := c.Get("c"); found {
		t.Error("c is still there")
	}
	for key, want := range map[string]int{"a": 0, "b": 9, "d": 3} {
		if got, found := c.Get(key); !found || got != want {
			t.Errorf("%s is %d, %v", key, got, found)
		}
	}
}

func TestCostIsBounded(t *testing.T) {
	t.Parallel()
	c := New[string, int](100, 10)
	c.Put("a", 1, 4)
	c.Put("b", 2, 4)
	c.Put("c", 3, 6) // a goes, b may stay
	if _, found := c.Get("a"); found || c.Len() != 2 || c.Cost() != 10 {
		t.Errorf("%d entries, %d", c.Len(), c.Cost())
	}
	c.Put("d", 4, 10) // all go
	if c.Len() != 1 || c.Cost() != 10 {
		t.Errorf("%d entries, %d", c.Len(), c.Cost())
	}
	c.Put("e", 5, 0) // what costs nothing has room
	if c.Len() != 2 || c.Cost() != 10 {
		t.Errorf("%d entries, %d", c.Len(), c.Cost())
	}
}

// A value that is too costly pushes nothing out but the one that it replaces.
func TestTooCostly(t *testing.T) {
	t.Parallel()
	c := New[string, int](100, 10)
	c.Put("a", 1, 4)
	c.Put("b", 2, 4)
	c.Put("c", 3, 11)
	if _, found := c.Get("c"); found || c.Len() != 2 {
		t.Errorf("%d entries", c.Len())
	}
	c.Put("a", 4, 11)
	if _, found := c.Get("a"); found || c.Len() != 1 || c.Cost() != 4 {
		t.Errorf("%d entries that cost %d", c.Len(), c.Cost())
	}
}

func TestReplacingGivesTheOldCostBack(t *testing.T) {
	t.Parallel()
	c := New[string, int](2, 10)
	for i := range 1000 {
		c.Put("a", i, i%10)
		c.Put("b", i, 9-i%10)
	}
	if got, found := c.Get("a"); !found || got != 999 || c.Len() != 2 || c.Cost() != 9 {
		t.Errorf("%d, %v, %d entries that cost %d", got, found, c.Len(), c.Cost())
	}
	c.Remove("a")
	c.Remove("a")
	c.Remove("never there")
	if c.Len() != 1 || c.Cost() != 0 {
		t.Errorf("%d entries that cost %d", c.Len(), c.Cost())
	}
}

// A cache without room keeps nothing, and does not look for what could go.
func TestNoRoomAtAll(t *testing.T) {
	t.Parallel()
	for _, c := range []*Cache[string, int]{New[string, int](0, 10), New[string, int](-1, 10), New[string, int](10, 0)} {
		c.Put("a", 1, 1)
		if _, found := c.Get("a"); found || c.Len() != 0 || c.Cost() != 0 {
			t.Errorf("%+v", c)
		}
	}
}

func BenchmarkPut(b *testing.B) {
	c := New[int, int](10000, 1<<30)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		c.Put(i, i, 100)
		i++
	}
}
