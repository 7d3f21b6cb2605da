package wasmshrink

import (
	"errors"
	"slices"
	"testing"

	"holdfast/tools/wasmfile"
)

func TestStackAddresses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ before, want []instruction }{
		"a load": {
			code(stackAddress(16), load(8), set(2), get(localSP), get(2), store(0)),
			code(get(localSP), load(24), set(2), get(localSP), get(2), store(0)),
		},
		"a store, and its value is another load": {
			code(stackAddress(16), stackAddress(200), load(0), store(4)),
			code(get(localSP), get(localSP), load(200), store(20)),
		},
		"a store, and its value is an address": {
			code(stackAddress(16), get(localSP), op(opI64ExtendI32), i64(72), op(opI64Add), store(0)),
			code(get(localSP), get(localSP), op(opI64ExtendI32), i64(72), op(opI64Add), store(16)),
		},
		"neither": {
			code(stackAddress(16), stackAddress(64), i32(32), op(opMemoryCopy)),
			code(get(localSP), i32(16), op(opI32Add), get(localSP), i32(64), op(opI32Add), i32(32), op(opMemoryCopy)),
		},
		"the value that is stored, not where": {
			code(get(localSP), stackAddress(16), op(opI64ExtendI32), store(0)),
			code(get(localSP), get(localSP), i32(16), op(opI32Add), op(opI64ExtendI32), store(0)),
		},
		"a call in between": {
			code(stackAddress(16), i32(0), call(1), op(opI64ExtendI32), store(0), i32(1016), setGlobal()),
			code(get(localSP), i32(16), op(opI32Add), i32(0), call(1), op(opI64ExtendI32), store(0), i32(1016), setGlobal()),
		},
		"below the stack pointer": {
			code(stackAddress(-8), load(0), set(2)),
			code(stackAddress(-8), load(0), set(2)),
		},
	} {
		t.Run(name, func(t *testing.T) { shrunk(t, goFunction(test.before), goFunction(test.want), 0) })
	}
}

// jump is how Go jumps within a function.
func jump(pc, loop int64) []instruction { return code(i32(pc), set(localPC), br(loop)) }

// note adds 1 to what is there.
func note(offset uint32) []instruction {
	return code(get(localSP), get(localSP), load(offset), i64(1), op(opI64Add), store(offset))
}

// blocks is a Go function of three blocks that notes at 16, 24 and 32 that they
// were run. Between the first two and the last two stand these instructions. PC 1
// and 2 both are the second block, as after a change of line within one.
func blocks(first, second []instruction) []instruction {
	return goFunction(loop(), block(), block(), block(), get(localPC), table(0, 1, 1, 2), end(),
		note(16), first, end(), note(24), second, end(), note(32), i32(7), op(opReturn), end(), op(opUnreachable))
}

func TestDirectJumps(t *testing.T) {
	t.Parallel()
	twice := func(code_ ...any) []instruction { // while fewer than two runs were noted at 24
		return code(get(localSP), load(24), i64(2), op(0x54), then(), code(code_...), end())
	}
	twiceIf := func(label int64) []instruction {
		return code(get(localSP), load(24), i64(2), op(0x54), brIf(label))
	}
	for name, test := range map[string]struct{ before, want []instruction }{
		"to the next block":         {blocks(jump(1, 2), nil), blocks(nil, nil)},
		"over a block":              {blocks(jump(3, 2), nil), blocks(code(br(1)), nil)},
		"beyond the table":          {blocks(jump(9, 2), nil), blocks(code(br(1)), nil)},
		"over a block, if":          {blocks(twice(jump(3, 3)), nil), blocks(twiceIf(1), nil)},
		"to the end of its own, if": {blocks(twice(jump(2, 3)), nil), blocks(twiceIf(0), nil)},
		"back, if":                  {blocks(nil, twice(jump(2, 2))), blocks(nil, twice(jump(2, 2)))},
		"both ways":                 {blocks(jump(2, 2), twice(jump(0, 2))), blocks(nil, twice(jump(0, 2)))},
		"an indirect call's swap":   {blocks(code(i32(5), set(localPC), i32(0), get(localPC), op(opDrop), op(opDrop), jump(3, 2)), nil), blocks(code(i32(5), set(localPC), i32(0), get(localPC), op(opDrop), op(opDrop), br(1)), nil)},
	} {
		t.Run(name, func(t *testing.T) { shrunk(t, test.before, test.want, 0, 1, 2, 3, 4) })
	}
	unread := code(get(localPC), op(opDrop))
	for name, before := range map[string][]instruction{
		"something else reads PC":     blocks(code(unread, jump(3, 2)), nil),
		"something keeps PC":          blocks(code(i32(1), tee(localPC), op(opDrop), jump(3, 2)), nil),
		"a jump that does not set PC": blocks(jump(3, 2), twice(br(2))),
		"a conditional jump":          blocks(jump(3, 2), code(i32(0), brIf(1))),
		"a table that has the loop":   blocks(jump(3, 2), code(block(), i32(0), table(0, 2), end())),
		"another loop around it":      goFunction(loop(), blocks(jump(3, 2), nil)[2:9], note(16), jump(3, 2), end(), note(24), end(), note(32), get(localSP), load(32), i64(2), op(0x54), brIf(1), end(), end()),
		"no loop":                     goFunction(block(), block(), get(localPC), table(0, 1), end(), end()),
		"a table that begins with it": goFunction(loop(), block(), get(localPC), table(0, 1), end(), jump(0, 0), end()),
	} {
		t.Run(name, func(t *testing.T) {
			if got := directJumps(before); !slices.EqualFunc(got, before, same) {
				t.Errorf("got\n%v\nwant\n%v", got, before)
			}
		})
	}
}

func TestPeephole(t *testing.T) {
	t.Parallel()
	// note stores a number of 32 bits where it can be seen.
	note := func(value ...any) []instruction {
		return code(get(localSP), code(value...), op(opI64ExtendI32), store(40))
	}
	for name, test := range map[string]struct{ before, want []instruction }{
		"nop":                        {code(op(opNop), note(i32(1)), op(opNop)), note(i32(1))},
		"longer and shorter":         {note(i32(-1), op(opI64ExtendI32), op(opI32WrapI64)), note(i32(-1))},
		"a constant made shorter":    {note(i64(1<<32+5), op(opI32WrapI64)), note(i32(5))},
		"… of which a bit is lost":   {note(i64(0x80000000), op(opI32WrapI64)), note(i32(-1 << 31))},
		"not a comparison":           {note(i32(3), i32(4), op(0x49), op(opI64ExtendI32), op(opI64Eqz)), note(i32(3), i32(4), op(0x4f))},
		"not not a comparison":       {note(i64(3), op(opI64Eqz), op(opI32Eqz), op(opI32Eqz)), note(i64(3), op(opI64Eqz))},
		"not a test for zero":        {note(i64(0), op(opI64Eqz), op(opI32Eqz)), note(i64(0), op(opI64Eqz), op(opI32Eqz))},
		"not a comparison of floats": {note(op(opF64Const), op(opF64Const), op(0x63), op(opI32Eqz)), note(op(opF64Const), op(opF64Const), op(0x63), op(opI32Eqz))},
		"a number is no comparison":  {note(i32(3), op(opI64ExtendI32), op(opI64Eqz)), note(i32(3), op(opI64ExtendI32), op(opI64Eqz))},
		"a jump in an if":            {code(block(), i32(1), then(), br(1), end(), note(i32(1)), end()), code(block(), i32(1), brIf(0), note(i32(1)), end())},
		"a jump to the end of an if": {code(i32(1), then(), br(0), end()), code(i32(1), then(), br(0), end())},
	} {
		t.Run(name, func(t *testing.T) { shrunk(t, goFunction(test.before), goFunction(test.want), 0) })
	}
}

// Every inverse, on numbers around each other: equal, and less or more as signed and
// as unsigned ones.
func TestInverses(t *testing.T) {
	t.Parallel()
	for comparison, inverse := range inverses {
		if inverses[inverse] != comparison {
			t.Errorf("the inverse of %#x is not mutual", inverse)
		}
		number := i64
		if comparison < opI64Eqz {
			number = i32
		}
		for _, pair := range [][2]int64{{1, 1}, {1, 2}, {2, 1}, {-1, 1}, {1, -1}} {
			before := goFunction(get(localSP), number(pair[0]), number(pair[1]), op(comparison), op(opI32Eqz), op(opI64ExtendI32), store(0))
			want := goFunction(get(localSP), number(pair[0]), number(pair[1]), op(inverse), op(opI64ExtendI32), store(0))
			shrunk(t, before, want, 0)
		}
	}
}

func TestStackPointer(t *testing.T) {
	t.Parallel()
	frame := move(64, opI32Sub)
	gone := code(get(localSP), i32(8), op(opI32Sub), setGlobal(), getGlobal(), i64(5), store(0), i32(0), call(1), getGlobal(), set(localSP), op(opDrop))
	for name, test := range map[string]struct{ before, want []instruction }{
		"a function gives back its frame and its return address": {
			code(frame, move(64, opI32Add), move(8, opI32Add)),
			code(frame, get(localSP), i32(72), op(opI32Add), setGlobal()),
		},
		"a call": {
			code(frame, move(8, opI32Sub), get(localSP), i64(5), store(0), i32(0), call(1), getGlobal(), set(localSP), op(opDrop)),
			code(frame, gone),
		},
		"a call, and the old value is read before it": {
			code(frame, move(8, opI32Sub), get(localSP), i64(5), store(0), get(localSP), i64(6), store(0), i32(0), call(1), getGlobal(), set(localSP), op(opDrop)),
			code(frame, move(8, opI32Sub), get(localSP), i64(5), store(0), get(localSP), i64(6), store(0), i32(0), call(1), getGlobal(), set(localSP), op(opDrop)),
		},
		"a jump before the end": {
			code(block(), move(8, opI32Sub), br(0), end(), get(localSP), i64(5), store(0)),
			code(block(), move(8, opI32Sub), br(0), end(), get(localSP), i64(5), store(0)),
		},
	} {
		t.Run(name, func(t *testing.T) { shrunk(t, goFunction(test.before), goFunction(test.want), 0) })
	}
}

// What does not begin as Go's functions do stays as it is, to the byte.
func TestOtherFunctions(t *testing.T) {
	t.Parallel()
	function := append([]byte{0}, encode(code(op(opNop), stackAddress(8), load(0), op(opDrop), end()))...)
	if got, err := shrinkFunction(function); err != nil || string(got) != string(function) {
		t.Errorf("%x, %v", got, err)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"every kind": "\x00\x01\x02\x40\x03\x40\x04\x7f\x05\x0b\x0c\x01\x0d\x81\x01\x0e\x02\x00\x01\x02\x0f\x10\x05\x11\x01\x00\x1a\x1b" +
			"\x20\x00\x21\x01\x22\x02\x23\x03\x24\x04\x28\x02\x10\x3e\x02\x80\x01\x3f\x00\x40\x00\x41\x7f\x42\xff\x00" +
			"\x43\x00\x00\x80\x3f\x44\x00\x00\x00\x00\x00\x00\xf0\xbf\x45\xc4\xfc\x00\xfc\x0a\x00\x00\xfc\x0b\x00\x0b\x0b\x0b",
	} {
		got, err := decode([]byte(body))
		if err != nil || string(encode(got)) != body {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for name, body := range map[string]string{
		"a block of a type with results": "\x02\x00", "an unknown instruction": "\xd0\x70", "an unknown one of two parts": "\xfc\x09\x00",
		"an unknown one of a number that is cut": "\xfc\x8a\x80\x04\x00\x00",
		"a second memory to fill":                "\xfc\x0b\x01", "a second memory to copy to": "\xfc\x0a\x01\x00", "… and from": "\xfc\x0a\x00\x01",
		"a second memory to grow": "\x40\x01", "a second memory to load from": "\x28\x42\x01\x00",
		"a constant cut short": "\x44\x00", "a table cut short": "\x0e\x05\x00",
	} {
		if got, err := decode([]byte(body)); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestShrinkRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(sections []wasmfile.Raw){
		"an unknown instruction":  func(s []wasmfile.Raw) { s[6].Content = []byte("\x01\x04\x00\xd0\x70\x0b") },
		"code cut short":          func(s []wasmfile.Raw) { s[6].Content = []byte("\x01\x04\x00\x0b") },
		"more than its functions": func(s []wasmfile.Raw) { s[6].Content = append(s[6].Content, 0) },
		"an end too many":         func(s []wasmfile.Raw) { s[6].Content = []byte("\x01\x03\x00\x0b\x0b") },
		"an end that is missing":  func(s []wasmfile.Raw) { s[6].Content = []byte("\x01\x04\x00\x02\x40\x0b") },
		"code behind the end":     func(s []wasmfile.Raw) { s[6].Content = []byte("\x01\x03\x00\x0b\x01") },
		"locals cut short":        func(s []wasmfile.Raw) { s[6].Content = []byte("\x01\x01\x05") },
	} {
		sections := machine(goFunction())
		change(sections)
		if _, err := Shrink(sections); !errors.Is(err, wasmfile.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
