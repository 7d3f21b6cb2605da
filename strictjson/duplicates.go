package strictjson

import (
	"slices"

	"github.com/tidwall/gjson"
)

// fewNames is up to how many names comparing each with each is cheaper than
// sorting them. Beyond it the square would be a way to burn CPU.
const fewNames = 16

// duplicates looks for objects that name a member twice. names holds the names
// of all objects that are open at the moment, the innermost last, so that one
// slice serves a whole document.
type duplicates struct {
	names []string
}

// absent reports whether no object in v, v included, names a member twice. It
// recurses at most MaxDepth deep: scan has made sure of that.
func (d *duplicates) absent(v Value) bool {
	if v.kind != Object && v.kind != Array {
		return true
	}
	if d.names == nil {
		d.names = make([]string, 0, fewNames)
	}
	base, ok := len(d.names), true
	if v.members != nil {
		for i := 0; i < len(v.members) && ok; i++ {
			d.names = append(d.names, v.members[i].Name)
			ok = d.absent(v.members[i].Value)
		}
	} else {
		gjson.Parse(v.raw).ForEach(func(name, value gjson.Result) bool {
			if v.kind == Object {
				d.names = append(d.names, name.Str)
			}
			ok = d.absent(newValue(value))
			return ok
		})
	}
	ok = ok && unique(d.names[base:])
	d.names = d.names[:base]
	return ok
}

// unique reports whether all names differ. It may change their order.
func unique(names []string) bool {
	if len(names) <= fewNames {
		for i, name := range names {
			if slices.Contains(names[:i], name) {
				return false
			}
		}
		return true
	}
	slices.Sort(names)
	for i := 1; i < len(names); i++ {
		if names[i] == names[i-1] {
			return false
		}
	}
	return true
}
