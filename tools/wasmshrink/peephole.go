package wasmshrink

// peephole replaces short runs of instructions by shorter ones that do the same.
// Nothing can jump into a run, for only an end is jumped to, and a loop.
func peephole(code []instruction) []instruction {
	var out []instruction
	for _, i := range code {
		if i.op == opNop {
			continue
		}
		out = append(out, i)
		for {
			n, with, ok := shorter(out)
			if !ok {
				break
			}
			out = append(out[:len(out)-n], with...)
		}
	}
	return out
}

// shorter returns how many instructions at the end of code can be replaced, and by
// what.
func shorter(code []instruction) (n int, with []instruction, ok bool) {
	last := func(n int) []instruction {
		if len(code) < n {
			return nil
		}
		return code[len(code)-n:]
	}

	// A number that is made longer and shorter again.
	if c := last(2); c != nil && c[1].op == opI32WrapI64 {
		switch c[0].op {
		case opI64ExtendI32:
			return 2, nil, true
		case opI64Const:
			return 2, []instruction{{op: opI32Const, a: int64(int32(c[0].a))}}, true
		}
	}

	// The truth of a comparison is 0 or 1, in 32 bits; Go makes 64 of it and asks
	// whether that is 0.
	if c := last(3); c != nil && isComparison(c[0].op) && c[1].op == opI64ExtendI32 && c[2].op == opI64Eqz {
		return 2, []instruction{{op: opI32Eqz}}, true
	}
	if c := last(2); c != nil && c[1].op == opI32Eqz {
		if inverse, ok := inverses[c[0].op]; ok {
			return 2, []instruction{{op: inverse}}, true
		}
	}
	if c := last(3); c != nil && isComparison(c[0].op) && c[1].op == opI32Eqz && c[2].op == opI32Eqz {
		return 2, nil, true
	}

	// A jump that is all that an if holds.
	if c := last(3); c != nil && c[0].is(opIf, void) && c[1].op == opBr && c[1].a > 0 && c[2].op == opEnd {
		return 3, []instruction{{op: opBrIf, a: c[1].a - 1}}, true
	}

	// A function gives back its frame and then its return address.
	if c := last(10); c != nil && isMove(c[:5], opI32Add) && isMove(c[5:], opI32Add) && c[1].a+c[6].a <= maxOffset {
		c[1].a += c[6].a
		return 5, nil, true
	}
	return 0, nil, false
}

// isMove matches an addition to the stack pointer or a subtraction from it.
func isMove(code []instruction, op opcode) bool {
	return code[0].is(opLocalGet, localSP) && code[1].op == opI32Const && 0 < code[1].a && code[2].op == op &&
		code[3].is(opLocalTee, localSP) && code[4].is(opGlobalSet, globalSP)
}

func isComparison(op opcode) bool { return opI32Eqz <= op && op <= 0x66 }

// inverses holds the comparisons of integers. One of floats and its opposite are
// both false of a NaN.
var inverses = map[opcode]opcode{
	0x46: 0x47, 0x47: 0x46, // i32.eq, i32.ne
	0x48: 0x4e, 0x4e: 0x48, // i32.lt_s, i32.ge_s
	0x49: 0x4f, 0x4f: 0x49, // i32.lt_u, i32.ge_u
	0x4a: 0x4c, 0x4c: 0x4a, // i32.gt_s, i32.le_s
	0x4b: 0x4d, 0x4d: 0x4b, // i32.gt_u, i32.le_u
	0x51: 0x52, 0x52: 0x51, // and the same for i64
	0x53: 0x59, 0x59: 0x53,
	0x54: 0x5a, 0x5a: 0x54,
	0x55: 0x57, 0x57: 0x55,
	0x56: 0x58, 0x58: 0x56,
}
