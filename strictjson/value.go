package strictjson

import (
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
	members []Member // of the root object only: see Parse
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
	return gjson.Parse(v.raw).Str, true
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
	number = gjson.Parse(v.raw).Num
	if math.IsInf(number, 0) || math.IsNaN(number) {
		return 0, false
	}
	return number, true
}

// Array returns the elements of a JSON array in order. ok is false for every
// other kind.
func (v Value) Array() (elements []Value, ok bool) {
	if v.kind != Array {
		return nil, false
	}
	gjson.Parse(v.raw).ForEach(func(_, element gjson.Result) bool {
		elements = append(elements, newValue(element))
		return true
	})
	return elements, true
}

// Members returns the members of a JSON object in the order of the document.
// ok is false for every other kind. The slice is shared: callers only read it.
func (v Value) Members() (members []Member, ok bool) {
	if v.kind != Object {
		return nil, false
	}
	if v.members != nil {
		return v.members, true
	}
	return readMembers(v.raw, nil), true
}

func readMembers(object string, members []Member) []Member {
	gjson.Parse(object).ForEach(func(name, value gjson.Result) bool {
		members = append(members, Member{name.Str, newValue(value)})
		return true
	})
	return members
}

// Get returns the member of exactly this name. It is [Missing] when v is no
// object or has no such member. Dots, stars and the like in name mean
// themselves.
func (v Value) Get(name string) Value {
	if v.kind != Object {
		return Value{}
	}
	if v.members != nil {
		for i := range v.members {
			if v.members[i].Name == name {
				return v.members[i].Value
			}
		}
		return Value{}
	}
	var found Value
	gjson.Parse(v.raw).ForEach(func(candidate, value gjson.Result) bool {
		if candidate.Str != name {
			return true
		}
		found = newValue(value)
		return false
	})
	return found
}

// newValue takes a value over from gjson, which has already checked it.
func newValue(r gjson.Result) Value {
	return Value{raw: r.Raw, kind: kindOf(r)}
}

func kindOf(r gjson.Result) Kind {
	switch r.Type {
	case gjson.Null:
		return Null
	case gjson.True, gjson.False:
		return Bool
	case gjson.Number:
		return Number
	case gjson.String:
		return String
	case gjson.JSON:
		if r.Raw != "" && r.Raw[0] == '[' {
			return Array
		}
		return Object
	}
	return Missing
}
