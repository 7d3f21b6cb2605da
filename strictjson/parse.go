package strictjson

import "unicode/utf8"

const (
	// MaxDepth is how many arrays and objects may be open at once. No token, key
	// set or configuration comes near it, and a wasm stack holds it many times.
	MaxDepth = 32

	// MaxSize is how many bytes a document may have. Whoever calls Parse has a lower
	// limit for what comes from outside.
	MaxSize = 64 << 20
)

// Parse reads one whole JSON document (RFC 8259). Every error wraps
// [ErrInvalid]. White space around the document is allowed, as the RFC has it.
// The time is linear in the length of doc, but for sorting the names of large
// objects; the memory is bounded by a small multiple of its length.
func Parse(doc string) (Value, error) {
	switch {
	case len(doc) > MaxSize:
		return Value{}, errSize
	case !utf8.ValidString(doc):
		return Value{}, errUTF8
	}
	r := reader{doc: doc}
	root, err := r.document()
	if root.kind == Object {
		// The root's members are asked for by name again and again: they are read
		// once. Deeper objects are read where they stand, so that a hostile
		// document cannot make this index many times its own size.
		root.members = r.children()
	}
	return root, err
}
