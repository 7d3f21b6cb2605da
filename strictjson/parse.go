package strictjson

import (
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// MaxDepth is how many arrays and objects may be open at once. No token, key
// set or configuration comes near it, and a wasm stack holds it many times.
const MaxDepth = 32

// Parse reads one whole JSON document (RFC 8259). Every error wraps
// [ErrInvalid]. White space around the document is allowed, as the RFC has it.
// The time is linear in the length of doc, but for sorting the names of large
// objects; the memory is bounded by a small multiple of its length.
func Parse(doc string) (Value, error) {
	if !utf8.ValidString(doc) {
		return Value{}, errUTF8
	}
	size, err := scan(doc)
	if err != nil {
		return Value{}, err
	}
	if !gjson.Valid(doc) {
		return Value{}, errSyntax
	}
	// gjson takes white space after an object for a part of it.
	root := newValue(gjson.Parse(strings.Trim(doc, " \t\r\n")))
	if root.kind == Object {
		// The root's members are asked for by name again and again: they are read
		// once. Deeper objects are read where they stand, so that a hostile
		// document cannot make this index many times its own size.
		root.members = readMembers(root.raw, make([]Member, 0, size))
	}
	if !new(duplicates).absent(root) {
		return Value{}, errDuplicate
	}
	return root, nil
}
