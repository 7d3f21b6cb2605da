// Package strictjson reads JSON that came from outside, and takes only what
// every parser would understand in the same way.
//
// A document is refused as a whole when it is not valid UTF-8, breaks the
// grammar of RFC 8259, has half of a surrogate pair in an escape, names a member
// twice in one object, nests deeper than [MaxDepth], is longer than [MaxSize], or
// is followed by anything but white space. So two readers of a document that
// passed cannot disagree about what it says, which is how signed tokens were given
// a second meaning before (RFC 8725 §2.4, §3.12).
//
// Member names are compared byte for byte after unescaping. There is no path
// syntax, no folding of case, and no conversion between types.
//
// One pass over the document, behind one for UTF-8, checks all of this before any value
// can be read: gjson leaves duplicates, depth, UTF-8 and surrogates open, and its own
// check would be one pass more. What gjson does is to unescape strings and to read
// numbers that are no small integers.
//
// The package is pure: no clock, no I/O, no goroutines and no state.
package strictjson
