package wasmshrink

import (
	"math/rand/v2"
	"testing"

	"holdfast/tools/wasmfile"
)

// FuzzRandomFunctions writes functions of the shape that Go's assembler gives them
// (cmd/internal/obj/wasm, preprocess), with a random content and random data, and runs each at all of
// its blocks, before and after it was shrunk. What can be seen must be the same.
func FuzzRandomFunctions(f *testing.F) {
	for seed := range uint64(150) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		w := &writer{random: rand.New(rand.NewPCG(seed, 0))}
		before := machine(w.function(), append(w.data(), segment{fuel, []byte{30}})...)
		after, err := Shrink(before)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := len(wasmfile.Join(before)), len(wasmfile.Join(after)); a <= b-200 {
			t.Errorf("%d bytes became %d", a, b)
		}
		for pc := range uint64(w.blocks) + 2 {
			if a, b := run(t, before, pc), run(t, after, pc); a != b {
				t.Errorf("PC %d: result %d, stack %d and then %d, %d; memory differs at %d", pc, a.result, a.stack, b.result, b.stack, differs(a.memory, b.memory))
			}
		}
	})
}

// fuel is where memory says how many jumps there may be yet.
const fuel = 512

// The numbers that writer.function has for itself.
const (
	callee = 1
	first  = 2 // of two locals of 64 bits
)

// writer writes one function.
type writer struct {
	random *rand.Rand
	blocks int // that can be jumped to, the default one included
	loops  bool
	unwind bool
}

func (w *writer) one(of int) bool       { return w.random.IntN(of) == 0 }
func (w *writer) offset() int64         { return int64(w.random.IntN(30)) * 8 }
func (w *writer) local() int64          { return first + int64(w.random.IntN(2)) }
func (w *writer) any(of ...any) any     { return of[w.random.IntN(len(of))] }
func (w *writer) small(most int) uint32 { return uint32(w.random.IntN(most)) }

// function is
//
//	block (unwind), loop, block …, local.get PC, br_table, end,
//	content, end, content, end …, unreachable, end (unwind), 1, return
//
// of which loop and the outer block are left out where nothing jumps there.
func (w *writer) function() []instruction {
	w.blocks, w.loops, w.unwind = 1+w.random.IntN(6), !w.one(6), w.one(2)
	var body []instruction
	if w.unwind {
		body = append(body, block())
	}
	if w.loops {
		body = append(body, loop())
	}
	for range w.blocks {
		body = append(body, block())
	}
	var places []uint32 // several numbers may mean one block
	for n := range uint32(w.blocks) {
		for range 1 + w.small(2) {
			places = append(places, n)
		}
	}
	body = append(body, get(localPC), table(places...))
	for n := range w.blocks {
		body = append(body, end())
		for range 1 + w.small(4) {
			body = append(body, w.statement(w.blocks-1-n, 0, len(places))...)
		}
	}
	body = append(body, w.leave()...)
	if w.loops {
		body = append(body, end())
	}
	body = append(body, op(opUnreachable))
	if w.unwind {
		body = append(body, end())
		return code(getGlobal(), set(localSP), body, i32(1), end())
	}
	return code(getGlobal(), set(localSP), body, end())
}

// data is some segments, with runs of zeros and of others in them, from 900 on, where
// the stack is.
func (w *writer) data() []segment {
	var all []segment
	for at := uint32(900); at < 4000; at += 1 + w.small(600) {
		var s segment
		s.start = at
		for range w.random.IntN(4) {
			s.content = append(s.content, make([]byte, w.small(9))...)
			for range w.random.IntN(300) {
				s.content = append(s.content, byte(1+w.random.IntN(255)))
			}
		}
		at += uint32(len(s.content))
		all = append(all, s)
	}
	return all
}

// leave returns from the function: it gives back a frame, and the return address.
func (w *writer) leave() []instruction {
	return code(move(64, opI32Add), move(8, opI32Add), i32(0), op(opReturn))
}

// statement leaves the operand stack as it was. So many blocks are open to be jumped
// out of, and so many ifs around it.
func (w *writer) statement(open, ifs, places int) []instruction {
	if w.one(25) { // nothing of Go's reads PC: then jumps stay as they are
		return code(w.address(), get(localPC), op(opI64ExtendI32), store(0))
	}
	switch w.random.IntN(13) {
	case 0:
		return w.call(open, ifs)
	case 1, 2:
		if ifs > 2 {
			return nil
		}
		inner := w.statement(open, ifs+1, places)
		if w.one(2) {
			inner = append(w.statement(open, ifs+1, places), inner...)
		}
		if w.one(4) {
			inner = code(inner, op(opElse), w.statement(open, ifs+1, places))
		}
		return code(w.condition(0), then(), inner, end())
	case 3, 4, 5:
		return w.jump(open, ifs, places)
	case 6:
		return code(w.value(0), set(w.local()))
	case 7: // a frame that is taken and given back
		return code(move(16, opI32Sub), w.statement(-1, 3, places), move(16, opI32Add))
	case 8:
		return code(w.address(), w.address(), i32(16), op(opMemoryCopy))
	case 9: // as an indirect call swaps two values
		return code(w.condition(0), set(localPC), i32(0), get(localPC), op(opI32Add), set64(w.local()))
	case 10: // an address is what is stored, and where
		return code(w.address(), w.address(), instruction{op: opFirstStore, b: w.small(30) * 8})
	case 11:
		return code(op(opNop), get(localSP), getGlobal(), op(opI64ExtendI32), store(w.small(30)*8))
	}
	return code(w.address(), w.value(0), store(w.small(30)*8))
}

// set64 keeps 32 bits in a local of 64.
func set64(local int64) []instruction { return code(op(opI64ExtendI32), set(local)) }

// jump goes to some block, as long as there is fuel.
func (w *writer) jump(open, ifs, places int) []instruction {
	if !w.loops || open < 0 {
		return nil
	}
	return code(
		i32(0), load(fuel), op(opI64Eqz), then(), i32(5), op(opReturn), end(),
		i32(0), i32(0), load(fuel), i64(1), op(0x7d), store(fuel),
		w.condition(0), then(), jump(int64(w.random.IntN(places+2)), int64(open+ifs+1)), end(),
		w.any([]instruction(nil), jump(int64(w.random.IntN(places+2)), int64(open+ifs))),
	)
}

// call is a call of a Go function, after which the caller looks whether to unwind.
func (w *writer) call(open, ifs int) []instruction {
	body := code(move(8, opI32Sub), get(localSP), w.value(1), store(0), i32(0), call(callee), getGlobal(), set(localSP))
	if !w.unwind || open < 0 {
		return code(body, then(), op(opUnreachable), end())
	}
	label := int64(open + ifs)
	if w.loops {
		label++
	}
	return code(body, brIf(label))
}

// address is a place near the stack pointer, in one of the ways to write it.
func (w *writer) address() []instruction {
	if w.one(4) {
		return code(get(localSP))
	}
	return stackAddress(w.offset())
}

// condition is a value of 32 bits: a comparison in one of the forms that Go gives
// it, or any number.
func (w *writer) condition(depth int) []instruction {
	if depth > 2 {
		return code(get(w.local()), op(opI32WrapI64))
	}
	a, b := w.value(depth+1), w.value(depth+1)
	var compared []instruction
	switch w.random.IntN(5) {
	case 0:
		compared = code(a, op(opI32WrapI64), b, op(opI32WrapI64), op(opcode(0x46+w.random.IntN(10))))
	case 1: // floats
		compared = code(a, op(0xbf), b, op(0xbf), op(opcode(0x61+w.random.IntN(6))))
	case 2:
		compared = code(a, op(opI64Eqz))
	default:
		compared = code(a, b, op(opcode(0x51+w.random.IntN(10))))
	}
	switch w.random.IntN(6) {
	case 0:
		return code(compared, op(opI32Eqz))
	case 1:
		return code(compared, op(opI64ExtendI32), op(opI64Eqz))
	case 2:
		return code(compared, op(opI64ExtendI32), op(opI32WrapI64))
	case 3:
		return code(compared, op(opI32Eqz), op(opI32Eqz))
	case 4:
		return code(a, op(opI32WrapI64))
	}
	return compared
}

// value is one of 64 bits.
func (w *writer) value(depth int) []instruction {
	if depth > 2 {
		return code(w.any(get(w.local()), i64(w.offset()-64)))
	}
	switch w.random.IntN(9) {
	case 0:
		return code(get(w.local()))
	case 1:
		return code(i64(w.random.Int64N(5) - 2))
	case 2:
		return code(w.value(depth+1), w.value(depth+1), op(opcode(w.any(opI64Add, opcode(0x7d), opcode(0x7e), opcode(0x83), opcode(0x85)).(opcode))))
	case 3:
		return code(w.address(), op(opI64ExtendI32))
	case 4:
		return code(w.condition(depth+1), op(opI64ExtendI32))
	case 5:
		return code(w.value(depth+1), w.value(depth+1), w.condition(depth+1), op(opSelect))
	case 6:
		return code(w.value(depth+1), tee(w.local()))
	}
	return code(w.address(), load(w.small(30)*8))
}
