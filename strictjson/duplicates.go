package strictjson

import "slices"

// fewNames is up to how many names of an object are compared with each other. Beyond it
// the square would be a way to burn CPU, and they are sorted.
const fewNames = 32

// names are the names of all objects that are open, the innermost last, so that one
// stack serves a whole document.
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

// from returns the names but for the first ones.
func (n *names) from(first int) []string {
	if n.many != nil {
		return n.many[first:n.count]
	}
	return n.few[first:n.count]
}

// twice reports whether one of many names is there twice. It changes their order.
func twice(names []string) bool {
	slices.Sort(names)
	for i := 1; i < len(names); i++ {
		if names[i] == names[i-1] {
			return true
		}
	}
	return false
}

// mark is the same for equal names, and tells most others apart: with these factors all
// that are usual in tokens. Whoever makes names with one mark gains nothing, for equal
// marks only have the names compared.
func mark(name string) uint8 {
	n := len(name)
	if n == 0 {
		return 0
	}
	return uint8(n) + 23*name[0] + 33*name[n/2] + 13*name[n-1]
}
