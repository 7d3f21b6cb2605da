package strictjson

import (
	"iter"
	"math"

	"github.com/tidwall/gjson"
)

// Kind is the type of a JSON value.
type Kind uint8

// The kinds of [Value]. Missing is not JSON: it is what [Value.Get] returns for
// a member that is not there, and the kind of the zero Value.
const (
	Missing Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// String returns the name of the kind in lower case, for messages.
func (k Kind) String() string {
	switch k {
	case Missing:
		return "missing"
	case Null:
		return "null"
	case Bool:
		return "boolean"
	case Number:
		return "number"
	case String:
		return "string"
	case Array:
		return "array"
	case Object:
		return "object"
	}
	return "unknown"
}

// Value is one JSON value of a document that [Parse] has accepted. It is
// immutable and safe for concurrent use. It keeps the document's text alive.
type Value struct {
	raw     string
	members []member // of the root object, see Parse, and of what Indexed returned
	plain   bool     // a string without escapes
	kind    Kind
}

// Member is one name and value of a JSON object. Name is unescaped.
type Member struct {
	Name  string
	Value Value
}

// Kind returns the type of the value.
func (v Value) Kind() Kind { return v.kind }

// Raw returns the value's JSON text as it was sent, without the white space
// around it. It is empty for a missing value.
func (v Value) Raw() string { return v.raw }

// Text returns a JSON string unescaped. ok is false for every other kind.
func (v Value) Text() (text string, ok bool) {
	if v.kind != String {
		return "", false
	}
	return unescape(v.raw, v.plain), true
}

// Bool returns a JSON boolean. ok is false for every other kind.
func (v Value) Bool() (value, ok bool) {
	if v.kind != Bool {
		return false, false
	}
	return v.raw == "true", true
}

// Float returns a JSON number as the nearest float64. ok is false for every
// other kind and for a number that float64 cannot hold.
func (v Value) Float() (number float64, ok bool) {
	if v.kind != Number {
		return 0, false
	}
	if number, ok := smallInteger(v.raw); ok {
		return number, true
	}
	number = gjson.Parse(v.raw).Num
	if math.IsInf(number, 0) || math.IsNaN(number) {
		return 0, false
	}
	return number, true
}

// smallInteger reads what most numbers are, dates among them: digits only, and so few
// that a float64 holds their value exactly.
func smallInteger(raw string) (number float64, ok bool) {
	const exact = 15
	if len(raw) > exact {
		return 0, false
	}
	n := int64(0)
	for i := range len(raw) {
		digit := raw[i] - '0'
		if digit > 9 {
			return 0, false
		}
		n = n*10 + int64(digit)
	}
	return float64(n), true
}

// Array returns the elements of a JSON array in order. ok is false for every
// other kind.
func (v Value) Array() (elements []Value, ok bool) {
	if v.kind != Array {
		return nil, false
	}
	var r reader
	children := v.children(&r)
	elements = make([]Value, len(children))
	for i := range children {
		elements[i] = children[i].valueIn(v.raw)
	}
	return elements, true
}

// Members returns the members of a JSON object in the order of the document.
// ok is false for every other kind.
func (v Value) Members() (members []Member, ok bool) {
	if v.kind != Object {
		return nil, false
	}
	var r reader
	children := v.children(&r)
	members = make([]Member, len(children))
	for i := range children {
		members[i] = Member{children[i].nameIn(v.raw), children[i].valueIn(v.raw)}
	}
	return members, true
}

// Len is the number of members of a JSON object or of elements of an array, and 0 for
// every other kind.
func (v Value) Len() int {
	switch {
	case v.members != nil:
		return len(v.members)
	case v.kind != Object && v.kind != Array:
		return 0
	}
	r := reader{doc: v.raw, again: true}
	r.document()
	return r.count
}

// Elements goes through the elements of a JSON array in order, and takes nothing from
// the heap for it unless there are many. There are none in any other kind.
func (v Value) Elements() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.kind != Array {
			return
		}
		var r reader
		children := v.children(&r)
		for i := range children {
			if !yield(children[i].valueIn(v.raw)) {
				return
			}
		}
	}
}

// All goes through the members of a JSON object in the order of the document, and takes
// nothing from the heap for it unless there are many, or names with escapes. There are
// none in any other kind.
func (v Value) All() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.kind != Object {
			return
		}
		var r reader
		children := v.children(&r)
		for i := range children {
			if !yield(children[i].nameIn(v.raw), children[i].valueIn(v.raw)) {
				return
			}
		}
	}
}

// Get returns the member of exactly this name. It is [Missing] when v is no
// object or has no such member. Dots, stars and the like in name mean
// themselves.
func (v Value) Get(name string) Value {
	switch {
	case v.kind != Object:
		return Value{}
	case v.members != nil:
		return find(v.raw, v.members, name)
	}
	var r reader
	return find(v.raw, v.children(&r), name)
}

// find is Get among the members of an object.
func find(object string, members []member, name string) Value {
	mark := mark(name)
	for i := range members {
		if m := &members[i]; m.mark == mark && m.nameIn(object) == name {
			return m.valueIn(object)
		}
	}
	return Value{}
}

// Indexed returns the same value, and reads the members of an object once, which pays
// for whoever asks for many of them by name. What [Parse] returns is that way already.
func (v Value) Indexed() Value {
	if v.kind == Object && v.members == nil {
		r := reader{doc: v.raw, again: true}
		r.document()
		v.members = r.children()
	}
	return v
}

// children returns the members or elements of v, in the room of r if it is enough.
func (v Value) children(r *reader) []member {
	if v.members != nil {
		return v.members
	}
	r.doc, r.again = v.raw, true
	r.document()
	if r.count <= fewChildren {
		return r.few[:r.count]
	}
	return r.children()
}
