package strictjson

import "unicode/utf8"

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
	r := reader{doc: doc}
	root, err := r.document()
	if err != nil {
		return Value{}, err
	}
	v := Value{item: root}
	if v.kind == Object {
		// The root's members are asked for by name again and again: they are read
		// once. Deeper objects are read where they stand, so that a hostile
		// document cannot make this index many times its own size.
		v.members = r.children()
	}
	return v, nil
}
