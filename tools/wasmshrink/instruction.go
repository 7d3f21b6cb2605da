package wasmshrink

import (
	"encoding/binary"
	"errors"
	"fmt"

	"holdfast/tools/wasmfile"
)

// opcode is the number of an instruction (§5.4). Those of two parts, which begin
// with 0xfc, have the second part in the low byte.
type opcode uint16

const (
	opUnreachable  opcode = 0x00
	opNop          opcode = 0x01
	opBlock        opcode = 0x02
	opLoop         opcode = 0x03
	opIf           opcode = 0x04
	opElse         opcode = 0x05
	opEnd          opcode = 0x0b
	opBr           opcode = 0x0c
	opBrIf         opcode = 0x0d
	opBrTable      opcode = 0x0e
	opReturn       opcode = 0x0f
	opCall         opcode = 0x10
	opCallIndirect opcode = 0x11
	opDrop         opcode = 0x1a
	opSelect       opcode = 0x1b
	opLocalGet     opcode = 0x20
	opLocalSet     opcode = 0x21
	opLocalTee     opcode = 0x22
	opGlobalGet    opcode = 0x23
	opGlobalSet    opcode = 0x24
	opFirstLoad    opcode = 0x28
	opLastLoad     opcode = 0x35
	opFirstStore   opcode = 0x36
	opI64Store     opcode = 0x37
	opLastStore    opcode = 0x3e
	opMemorySize   opcode = 0x3f
	opMemoryGrow   opcode = 0x40
	opI32Const     opcode = 0x41
	opI64Const     opcode = 0x42
	opF32Const     opcode = 0x43
	opF64Const     opcode = 0x44
	opI32Eqz       opcode = 0x45
	opI64Eqz       opcode = 0x50
	opI32Add       opcode = 0x6a
	opI32Sub       opcode = 0x6b
	opI64Add       opcode = 0x7c
	opI32WrapI64   opcode = 0xa7
	opI64ExtendI32 opcode = 0xad // unsigned
	opLastNumeric  opcode = 0xc4
	opTruncFirst   opcode = 0xfc00
	opTruncLast    opcode = 0xfc07
	opMemoryCopy   opcode = 0xfc0a
	opMemoryFill   opcode = 0xfc0b
)

// The types of blocks: what they leave on the stack.
const (
	void    = 0x40 // nothing
	typeF64 = 0x7c // the types of values are from here …
	typeI32 = 0x7f // … to here
)

// instruction is one of a function's body. What its numbers mean depends on op:
//
//	block, loop, if             a: type of the block
//	br, br_if                   a: label
//	br_table                    labels: the table, the default last
//	call, local.*, global.*     a: index
//	call_indirect               a: type, b: table
//	load, store                 a: alignment, b: offset
//	i32.const, i64.const        a: value
//	f32.const, f64.const        a: the bits of the value
//	memory.*                    none: there is one memory, number 0
type instruction struct {
	op     opcode
	a      int64
	b      uint32
	labels []uint32
}

func (i instruction) is(op opcode, a int64) bool { return i.op == op && i.a == a }

func (i instruction) isLoad() bool  { return opFirstLoad <= i.op && i.op <= opLastLoad }
func (i instruction) isStore() bool { return opFirstStore <= i.op && i.op <= opLastStore }

// alignMost is the alignment of 64 bits. Higher ones announce the number of a memory.
const alignMost = 3

// decode reads the instructions of a body, up to its very end. It knows what Go's
// compiler writes, and gives an error for all else.
func decode(body []byte) ([]instruction, error) {
	r := reader{&wasmfile.Reader{Rest: body}}
	var code []instruction
	depth := 0 // of what is open, below the function itself
	for len(r.Rest) > 0 && !r.Failed {
		i := instruction{op: opcode(r.Byte())}
		switch {
		case i.op == opBlock || i.op == opLoop || i.op == opIf:
			if i.a = int64(r.Byte()); i.a != void && (i.a < typeF64 || typeI32 < i.a) {
				return nil, fmt.Errorf("block of type %#x", i.a)
			}
		case i.op == opBr || i.op == opBrIf || i.op == opCall || opLocalGet <= i.op && i.op <= opGlobalSet:
			i.a = int64(r.Number())
		case i.op == opBrTable:
			for n := int(r.Number()) + 1; n > 0 && !r.Failed; n-- {
				i.labels = append(i.labels, r.Number())
			}
		case i.op == opCallIndirect:
			i.a, i.b = int64(r.Number()), r.Number()
		case i.isLoad() || i.isStore():
			if i.a, i.b = int64(r.Number()), r.Number(); i.a > alignMost {
				return nil, fmt.Errorf("alignment %#x", i.a)
			}
		case i.op == opMemorySize || i.op == opMemoryGrow:
			r.memory(1)
		case i.op == opI32Const || i.op == opI64Const:
			i.a = r.Signed()
		case i.op == opF32Const:
			if b := r.Bytes(4); b != nil {
				i.a = int64(binary.LittleEndian.Uint32(b))
			}
		case i.op == opF64Const:
			if b := r.Bytes(8); b != nil {
				i.a = int64(binary.LittleEndian.Uint64(b))
			}
		case i.op == 0xfc:
			second := r.Number()
			i.op = 0xfc00 | opcode(second)
			switch {
			case second > 0xff:
				return nil, fmt.Errorf("instruction 0xfc %#x", second)
			case i.op == opMemoryCopy:
				r.memory(2)
			case i.op == opMemoryFill:
				r.memory(1)
			case i.op < opTruncFirst || opTruncLast < i.op:
				return nil, fmt.Errorf("instruction %#x", i.op)
			}
		case i.op <= opNop || i.op == opElse || i.op == opEnd || i.op == opReturn || i.op == opDrop || i.op == opSelect:
		case opI32Eqz <= i.op && i.op <= opLastNumeric:
		default:
			return nil, fmt.Errorf("instruction %#x", i.op)
		}
		code = append(code, i)
		switch i.op {
		case opBlock, opLoop, opIf:
			depth++
		case opEnd:
			depth--
		}
		if depth < 0 && len(r.Rest) > 0 {
			return nil, errors.New("code behind the end")
		}
	}
	if r.Failed || depth >= 0 {
		return nil, errors.New("cut short, or with numbers that are not Go's")
	}
	return code, nil
}

// reader reads what wasmfile does, and the numbers of memories.
type reader struct{ *wasmfile.Reader }

// memory takes numbers of memories, and fails unless all of them are 0.
func (r reader) memory(n int) {
	for range n {
		r.Failed = r.Byte() != 0 || r.Failed
	}
}

// encode is the opposite of decode.
func encode(code []instruction) []byte {
	var b []byte
	for _, i := range code {
		if i.op > 0xff {
			b = append(b, 0xfc)
		}
		b = append(b, byte(i.op))
		switch {
		case i.op == opBlock || i.op == opLoop || i.op == opIf:
			b = append(b, byte(i.a))
		case i.op == opBr || i.op == opBrIf || i.op == opCall || opLocalGet <= i.op && i.op <= opGlobalSet:
			b = binary.AppendUvarint(b, uint64(i.a))
		case i.op == opBrTable:
			b = binary.AppendUvarint(b, uint64(len(i.labels)-1))
			for _, label := range i.labels {
				b = binary.AppendUvarint(b, uint64(label))
			}
		case i.op == opCallIndirect || i.isLoad() || i.isStore():
			b = binary.AppendUvarint(b, uint64(i.a))
			b = binary.AppendUvarint(b, uint64(i.b))
		case i.op == opMemorySize || i.op == opMemoryGrow || i.op == opMemoryFill:
			b = append(b, 0)
		case i.op == opMemoryCopy:
			b = append(b, 0, 0)
		case i.op == opI32Const || i.op == opI64Const:
			b = appendSigned(b, i.a)
		case i.op == opF32Const:
			b = binary.LittleEndian.AppendUint32(b, uint32(i.a))
		case i.op == opF64Const:
			b = binary.LittleEndian.AppendUint64(b, uint64(i.a))
		}
	}
	return b
}

// appendSigned appends a number as signed LEB128.
func appendSigned(b []byte, n int64) []byte {
	for {
		low := byte(n & 0x7f)
		n >>= 7
		if n == 0 && low&0x40 == 0 || n == -1 && low&0x40 != 0 {
			return append(b, low)
		}
		b = append(b, low|0x80)
	}
}
