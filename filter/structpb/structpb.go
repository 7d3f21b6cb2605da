// Package structpb turns the wire form of google.protobuf.Struct into the JSON
// that it stands for.
//
// Envoy hands a plugin configuration of that type to the plugin as protobuf
// bytes, not as JSON (measured on 1.40; source/extensions/common/wasm/plugin.cc
// unpacks a StringValue only).
//
// It is pure, and knows just the three messages of
// google/protobuf/struct.proto.
package structpb

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the nesting, as the JSON reader behind it does.
const maxDepth = 64

// JSON returns the JSON object that the message stands for. ok is false for
// anything but a whole, well-formed Struct. Names that occur twice are kept
// twice: the JSON reader refuses them.
func JSON(message []byte) (doc string, ok bool) {
	var w writer
	ok = w.object(message, 0)
	return w.b.String(), ok
}

type writer struct{ b strings.Builder }

// The fields of the messages in struct.proto.
const (
	structFields = 1 // Struct: map<string, Value>
	entryKey     = 1
	entryValue   = 2
	valueNull    = 1
	valueNumber  = 2
	valueString  = 3
	valueBool    = 4
	valueStruct  = 5
	valueList    = 6
	listValues   = 1
)

func (w *writer) object(message []byte, depth int) bool {
	w.b.WriteByte('{')
	first := true
	for len(message) > 0 {
		f, rest, ok := nextField(message)
		if !ok || f.number != structFields || f.wire != wireBytes {
			return false
		}
		w.comma(&first)
		if !w.entry(f.bytes, depth) {
			return false
		}
		message = rest
	}
	w.b.WriteByte('}')
	return true
}

// entry writes one entry of the map. A missing value is null, as in protobuf.
func (w *writer) entry(message []byte, depth int) bool {
	var key, value []byte
	for len(message) > 0 {
		f, rest, ok := nextField(message)
		if !ok || f.wire != wireBytes {
			return false
		}
		switch f.number {
		case entryKey:
			key = f.bytes
		case entryValue:
			value = f.bytes
		default:
			return false
		}
		message = rest
	}
	if !w.text(key) {
		return false
	}
	w.b.WriteByte(':')
	return w.value(value, depth+1)
}

func (w *writer) value(message []byte, depth int) bool {
	if depth > maxDepth {
		return false
	}
	if len(message) == 0 {
		w.b.WriteString("null")
		return true
	}
	f, rest, ok := nextField(message)
	if !ok || len(rest) > 0 { // a Value is a oneof: one field
		return false
	}
	switch {
	case f.number == valueNull && f.wire == wireVarint:
		w.b.WriteString("null")
	case f.number == valueNumber && f.wire == wireFixed64:
		return w.numeral(math.Float64frombits(f.integer))
	case f.number == valueString && f.wire == wireBytes:
		return w.text(f.bytes)
	case f.number == valueBool && f.wire == wireVarint:
		w.b.WriteString(strconv.FormatBool(f.integer != 0))
	case f.number == valueStruct && f.wire == wireBytes:
		return w.object(f.bytes, depth)
	case f.number == valueList && f.wire == wireBytes:
		return w.array(f.bytes, depth)
	default:
		return false
	}
	return true
}

func (w *writer) array(message []byte, depth int) bool {
	w.b.WriteByte('[')
	first := true
	for len(message) > 0 {
		f, rest, ok := nextField(message)
		if !ok || f.number != listValues || f.wire != wireBytes {
			return false
		}
		w.comma(&first)
		if !w.value(f.bytes, depth+1) {
			return false
		}
		message = rest
	}
	w.b.WriteByte(']')
	return true
}

func (w *writer) comma(first *bool) {
	if !*first {
		w.b.WriteByte(',')
	}
	*first = false
}

func (w *writer) numeral(n float64) bool {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return false
	}
	w.b.WriteString(strconv.FormatFloat(n, 'f', -1, 64))
	return true
}

func (w *writer) text(s []byte) bool {
	if !utf8.Valid(s) {
		return false
	}
	const hex = "0123456789abcdef"
	w.b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			w.b.WriteByte('\\')
			w.b.WriteByte(c)
		case c < 0x20:
			w.b.WriteString(`\u00`)
			w.b.WriteByte(hex[c>>4])
			w.b.WriteByte(hex[c&15])
		default:
			w.b.WriteByte(c)
		}
	}
	w.b.WriteByte('"')
	return true
}

// The wire types in use: https://protobuf.dev/programming-guides/encoding/.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
)

type field struct {
	number, wire int
	integer      uint64 // wireVarint, wireFixed64
	bytes        []byte // wireBytes
}

func nextField(b []byte) (f field, rest []byte, ok bool) {
	tag, n := binary.Uvarint(b)
	if n <= 0 || tag>>3 > math.MaxInt32 {
		return f, nil, false
	}
	b = b[n:]
	f.number, f.wire = int(tag>>3), int(tag&7)
	switch f.wire {
	case wireVarint:
		f.integer, n = binary.Uvarint(b)
		if n <= 0 {
			return f, nil, false
		}
		return f, b[n:], true
	case wireFixed64:
		if len(b) < 8 {
			return f, nil, false
		}
		f.integer = binary.LittleEndian.Uint64(b)
		return f, b[8:], true
	case wireBytes:
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return f, nil, false
		}
		b = b[n:]
		f.bytes = b[:size]
		return f, b[size:], true
	}
	return f, nil, false
}
