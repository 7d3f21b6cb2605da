package strictjson

import "slices"

// fewNames is up to how many names comparing is cheaper than sorting them. Beyond it
// the square would be a way to burn CPU.
const fewNames = 32

// names is a stack of names.
type names struct {
	count int
	few   [fewNames]string
	many  []string // all of them, once they are more than few
}

func (n *names) push(name string) {
	switch {
	case n.many != nil:
		n.many = append(n.many[:n.count], name)
	case n.count < fewNames:
		n.few[n.count] = name
	default:
		n.many = append(append(make([]string, 0, 4*fewNames), n.few[:]...), name)
	}
	n.count++
}

// pop takes away all but the first, and reports whether the others differ from each
// other.
func (n *names) pop(first int) (differ bool) {
	if n.many != nil {
		differ = unique(n.many[first:n.count])
	} else {
		differ = unique(n.few[first:n.count])
	}
	n.count = first
	return differ
}

// unique reports whether all names differ. It may change their order.
func unique(names []string) bool {
	if len(names) > fewNames {
		slices.Sort(names)
		for i := 1; i < len(names); i++ {
			if names[i] == names[i-1] {
				return false
			}
		}
		return true
	}
	var seen uint64 // a bit for each mark that a name had
	for i, name := range names {
		bit := uint64(1) << mark(name)
		if seen&bit != 0 && slices.Contains(names[:i], name) {
			return false
		}
		seen |= bit
	}
	return true
}

// mark is a number below 64 that is the same for the same names, and tells most of
// those apart that are used together.
func mark(name string) uint {
	n := uint(len(name))
	if n == 0 {
		return 0
	}
	return (n + 5*uint(name[0]) + 11*uint(name[n/2]) + 23*uint(name[n-1])) % 64
}
