package strictjson

import (
	"slices"
	"strings"
)

// reader reads a document once, from left to right, by the grammar of RFC 8259. Its
// methods are told where to read and say where they stopped: behind what they read,
// or below zero, when err says why. In a Wasm VM each turn of a loop and each call
// counts, so what is ordinary is read without either where that is possible.
type reader struct {
	doc   string
	again bool // doc was read before: its names differ
	err   error
	depth int // arrays and objects that are open

	names names // of the objects that are open, the innermost last

	// The members or elements of the outermost value: how many there are, and the
	// first of them. With many they are all there.
	count int
	few   [fewChildren]member
	many  []member
}

// fewChildren is up to how many children are kept on the stack while they are read.
const fewChildren = 32

// member is where a member of an object stands, or an element of an array, which has
// no name. It has no pointer, so that the collector has nothing to do with it.
type member struct {
	name, value span
	plainName   bool // a name without escapes
	plain       bool // a value that is a string without escapes
	kind        Kind
	mark        uint8 // of the name
}

// span is a part of a document. MaxSize makes 32 bits enough.
type span struct{ start, end uint32 }

func spanOf(start, end int) span { return span{uint32(start), uint32(end)} }

// nameIn returns the name of a member of this object.
func (m *member) nameIn(object string) string {
	return unescape(object[m.name.start:m.name.end], m.plainName)
}

// valueIn returns the value of a member of this object or of an element of this array.
func (m *member) valueIn(outer string) Value {
	return Value{raw: outer[m.value.start:m.value.end], kind: m.kind, plain: m.plain}
}

// document reads all of doc, which is one value with white space around it.
func (r *reader) document() (Value, error) {
	start, _ := r.next(0)
	r.doc = r.doc[start:]
	end, kind, plain := r.value(0)
	if end >= 0 {
		if after, _ := r.next(end); after == len(r.doc) {
			return Value{raw: r.doc[:end], kind: kind, plain: plain}, nil
		}
		r.fail(errSyntax)
	}
	return Value{}, r.err
}

// value reads the value at i. plain is whether it is a string without
// escapes.
func (r *reader) value(i int) (end int, kind Kind, plain bool) {
	switch c := r.at(i); c {
	case '"':
		end, plain = r.text(i + 1)
		return end, String, plain
	case '{', '[':
		if r.depth == MaxDepth {
			return r.fail(errDepth), Missing, false
		}
		r.depth++
		if c == '{' {
			end, kind = r.object(i+1), Object
		} else {
			end, kind = r.array(i+1), Array
		}
		r.depth--
		return end, kind, false
	case 't':
		return r.literal(i, "true"), Bool, false
	case 'f':
		return r.literal(i, "false"), Bool, false
	case 'n':
		return r.literal(i, "null"), Null, false
	}
	return r.number(i), Number, false
}

// object reads an object whose brace is before i.
func (r *reader) object(i int) int {
	outer := r.names.count
	seen := uint64(0) // a bit for the mark of each name
	i, c := r.next(i)
	if c == '}' {
		return i + 1
	}
	for {
		if c != '"' {
			return r.fail(errSyntax)
		}
		nameEnd, plainName := r.text(i + 1)
		if nameEnd < 0 {
			return nameEnd
		}
		m := member{name: spanOf(i, nameEnd), plainName: plainName}
		name := unescape(r.doc[i:nameEnd], plainName)
		m.mark = mark(name)
		if !r.again {
			bit := uint64(1) << (m.mark % 64)
			if seen&bit != 0 && r.names.count-outer <= fewNames && slices.Contains(r.names.from(outer), name) {
				return r.fail(errDuplicate)
			}
			seen |= bit
			r.names.push(name)
		}
		if i, c = r.next(nameEnd); c != ':' {
			return r.fail(errSyntax)
		}
		i, _ = r.next(i + 1)
		var end int
		if end, m.kind, m.plain = r.value(i); end < 0 {
			return end
		}
		if r.depth == 1 {
			m.value = spanOf(i, end)
			r.child(m)
		}
		switch i, c = r.next(end); c {
		case ',':
			i, c = r.next(i + 1)
		case '}':
			if r.names.count-outer > fewNames && twice(r.names.from(outer)) {
				return r.fail(errDuplicate)
			}
			r.names.count = outer
			return i + 1
		default:
			return r.fail(errSyntax)
		}
	}
}

// array reads an array whose bracket is before i.
func (r *reader) array(i int) int {
	i, c := r.next(i)
	if c == ']' {
		return i + 1
	}
	for {
		end, kind, plain := r.value(i)
		if end < 0 {
			return end
		}
		if r.depth == 1 {
			r.child(member{value: spanOf(i, end), plain: plain, kind: kind})
		}
		switch i, c = r.next(end); c {
		case ',':
			i, _ = r.next(i + 1)
		case ']':
			return i + 1
		default:
			return r.fail(errSyntax)
		}
	}
}

// children returns all children once they were read, in memory of their own. It is
// never nil.
func (r *reader) children() []member {
	children := make([]member, r.count)
	if copy(children, r.few[:]) < r.count {
		more := reader{doc: r.doc, again: true, many: children}
		more.document()
	}
	return children
}

// child takes note of a member or an element of the outermost value.
func (r *reader) child(m member) {
	switch {
	case r.many != nil:
		r.many[r.count] = m
	case r.count < fewChildren:
		r.few[r.count] = m
	}
	r.count++
}

// literal reads one of the three words.
func (r *reader) literal(i int, word string) int {
	if strings.HasPrefix(r.doc[i:], word) {
		return i + len(word)
	}
	return r.fail(errSyntax)
}

// number reads a number (RFC 8259 §6). Anything that begins no value ends here.
func (r *reader) number(i int) int {
	if r.at(i) == '-' {
		i++
	}
	if r.at(i) == '0' {
		i++
	} else if i = r.digits(i); i < 0 {
		return i
	}
	if r.at(i) == '.' {
		if i = r.digits(i + 1); i < 0 {
			return i
		}
	}
	if r.at(i)|0x20 == 'e' {
		i++
		if c := r.at(i); c == '+' || c == '-' {
			i++
		}
		i = r.digits(i)
	}
	return i
}

// digits reads one digit or more.
func (r *reader) digits(i int) int {
	start := i
	for r.at(i)-'0' <= 9 {
		i++
	}
	if i == start {
		return r.fail(errSyntax)
	}
	return i
}

// next returns the first byte from i on that is no white space, and where it is. The
// byte is 0, which begins nothing, at the end of the document.
func (r *reader) next(i int) (at int, c byte) {
	if i < len(r.doc) && r.doc[i] > ' ' {
		return i, r.doc[i]
	}
	return r.afterSpace(i)
}

func (r *reader) afterSpace(i int) (at int, c byte) {
	for ; i < len(r.doc); i++ {
		switch c := r.doc[i]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return i, c
		}
	}
	return i, 0
}

// at returns the byte at i, and 0 at the end of the document.
func (r *reader) at(i int) byte {
	if i < len(r.doc) {
		return r.doc[i]
	}
	return 0
}

// fail notes why the document is refused.
func (r *reader) fail(err error) int {
	r.err = err
	return -1
}
