package wasmshrink

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"holdfast/tools/wasmfile"
)

// image is what memory holds when the module starts: content from start on, zeros
// elsewhere.
type image struct {
	start   uint32
	content []byte
}

// segment is a part of it.
type segment struct {
	start   uint32
	content []byte
}

// readImage lays out the segments of a data section.
func readImage(section []byte) (image, error) {
	var m image
	segments, err := readSegments(section)
	if err != nil || len(segments) == 0 {
		return m, err
	}
	slices.SortFunc(segments, func(a, b segment) int { return cmp.Compare(a.start, b.start) })
	m.start = segments[0].start
	for _, s := range segments {
		gap := int64(s.start) - int64(m.start) - int64(len(m.content))
		if gap < 0 || gap > maxOffset {
			return m, fmt.Errorf("the data segment at %d is too near to the one before it, or too far", s.start)
		}
		m.content = append(m.content, make([]byte, gap)...)
		m.content = append(m.content, s.content...)
	}
	return m, nil
}

func readSegments(section []byte) ([]segment, error) {
	r := &wasmfile.Reader{Rest: section}
	var segments []segment
	for n := r.Number(); n > 0 && !r.Failed; n-- {
		mode, op, offset, end := r.Byte(), opcode(r.Byte()), r.Signed(), opcode(r.Byte())
		if mode != 0 || op != opI32Const || end != opEnd {
			return nil, errors.New("a data segment that is not for a fixed place in memory")
		}
		segments = append(segments, segment{uint32(offset), r.Bytes(int(r.Number()))})
	}
	if r.Failed || len(r.Rest) > 0 {
		return nil, fmt.Errorf("%w: data", wasmfile.ErrFormat)
	}
	return segments, nil
}

// A packed image is a sequence of records: a byte that says how many zeros to
// leave, a byte that says how many bytes follow, and these bytes.
const (
	recordHeader = 2
	recordMost   = 255
)

// pack returns content as records. A run of zeros that is no longer than a header
// stays among the bytes.
func pack(content []byte) []byte {
	var out []byte
	for len(content) > 0 {
		zeros := min(zerosAt(content), recordMost)
		content = content[zeros:]
		n := 0
		for n < len(content) && n < recordMost {
			run := zerosAt(content[n:])
			if run > recordHeader || n+run == len(content) {
				break
			}
			n = min(n+max(run, 1), recordMost)
		}
		out = append(out, byte(zeros), byte(n))
		out = append(out, content[:n]...)
		content = content[n:]
	}
	return out
}

func zerosAt(content []byte) int {
	for n, b := range content {
		if b != 0 {
			return n
		}
	}
	return len(content)
}

// unpacker returns the body of a function of type () → () that lays a packed image
// of this size out from start on. The two bytes of a header are put for a moment
// where the record's own bytes are to go: memory there holds zeros yet, and is
// made to hold zeros again before it is left.
func unpacker(start uint32, size int) []byte {
	const (
		to, from, n = 0, 1, 2
		init        = "\xfc\x08\x00\x00" // memory.init of segment 0, which pops to, from and n
		dataDrop    = "\xfc\x09\x00"     // of segment 0
		i32Load16   = 0x2f
		i32Store16  = 0x3b
		i32LtU      = 0x49
		i32And      = 0x71
		i32ShrU     = 0x76
	)
	get := func(local int64) instruction { return instruction{op: opLocalGet, a: local} }
	set := func(local int64) instruction { return instruction{op: opLocalSet, a: local} }
	tee := func(local int64) instruction { return instruction{op: opLocalTee, a: local} }
	number := func(value int64) instruction { return instruction{op: opI32Const, a: value} }
	add := instruction{op: opI32Add}

	body := []byte{1, 3, typeI32} // three locals
	body = append(body, encode([]instruction{
		number(int64(start)), set(to),
		{op: opLoop, a: void},
		get(to), get(from), number(recordHeader),
	})...)
	body = append(body, init...)
	body = append(body, encode([]instruction{
		get(to), {op: i32Load16}, set(n),
		get(to), number(0), {op: i32Store16},
		get(to), get(n), number(0xff), {op: i32And}, add, tee(to),
		get(from), number(recordHeader), add, tee(from),
		get(n), number(8), {op: i32ShrU}, tee(n),
	})...)
	body = append(body, init...)
	body = append(body, encode([]instruction{
		get(to), get(n), add, set(to),
		get(from), get(n), add, tee(from),
		number(int64(size)), {op: i32LtU}, {op: opBrIf, a: 0},
		{op: opEnd},
	})...)
	body = append(body, dataDrop...)
	return append(body, byte(opEnd))
}
