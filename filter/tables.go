package filter

import (
	"slices"

	"holdfast/jwt"
)

// tables are precomputed multiples of the issuers' ES256 keys ([jwt.Table]), of one
// plugin. The keys that verify tokens first get them. They are made in slices, one
// at the end of a tick, so that no request waits for them; until one is complete its
// key verifies without. Keys that clients bring along never get any.
type tables struct {
	vm    *VM
	limit int         // limits.key_tables
	idle  bool        // the host verifies ES256
	keys  []*keyTable // in the order of their first good signature
}

// keyTable is the table of one key, or what there is of it.
type keyTable struct {
	source  *keySource // whose key it is
	point   string     // [jwt.Key.Point]: the same for the same key in a newer set
	builder *jwt.TableBuilder
	table   *jwt.Table // nil until it is complete
}

// VM is what the plugins of one VM share: what depends on no configuration, so that
// none of them can learn of another. The zero value is ready for use.
type VM struct {
	generator *jwt.Table // nil until it is complete
	builder   *jwt.TableBuilder
}

// find returns nil for a point without a table.
func (t *tables) find(point string) *keyTable {
	for _, k := range t.keys {
		if k.point == point {
			return k
		}
	}
	return nil
}

// of returns what there is for a verification with this key. It need not be an
// issuer's: the generator's table serves every key.
func (t *tables) of(key *jwt.Key) jwt.Tables {
	found := jwt.Tables{Generator: t.vm.generator}
	if k := t.find(key.Point()); k != nil {
		found.Key = k.table
	}
	return found
}

// want begins the table of a key that has verified a token. It reports whether it
// did: not for a key without tables, for one that has its table, or when there are
// as many as may be.
func (t *tables) want(source *keySource, key *jwt.Key) bool {
	point := key.Point()
	if point == "" || t.idle || len(t.keys) >= t.limit || t.find(point) != nil {
		return false
	}
	t.keys = append(t.keys, &keyTable{source: source, point: point, builder: key.NewTable()})
	return true
}

// keep drops the tables of the source's keys that are not in its set any more. The
// others go on with their keys in the new one.
func (t *tables) keep(source *keySource) {
	t.keys = slices.DeleteFunc(t.keys, func(k *keyTable) bool {
		return k.source == source && !source.set.Holds(k.point)
	})
}

// step makes one slice of the oldest table that is not complete, after the
// generator's. It reports whether something is left over for the next tick.
func (t *tables) step() (more bool) {
	for i, k := range t.keys {
		if k.table != nil {
			continue
		}
		if t.vm.step() {
			return true
		}
		k.table = k.builder.Step()
		return k.table == nil || i+1 < len(t.keys)
	}
	return false
}

// step makes one slice of the generator's table. It reports whether there was one to
// make.
func (vm *VM) step() bool {
	if vm.generator != nil {
		return false
	}
	if vm.builder == nil {
		vm.builder = jwt.NewGeneratorTable()
	}
	vm.generator = vm.builder.Step()
	return true
}
