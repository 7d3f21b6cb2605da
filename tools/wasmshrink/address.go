package wasmshrink

// localSP is the local in which a Go function keeps its stack pointer, a copy of
// the global globalSP (cmd/internal/obj/wasm).
const (
	localSP  = 1
	globalSP = 0
)

// isGo tells whether the function follows Go's calling convention: then it begins
// by copying the stack pointer.
func isGo(code []instruction) bool {
	return len(code) > 1 && code[0].is(opGlobalGet, globalSP) && code[1].is(opLocalSet, localSP)
}

// stackAddresses shortens how a place on the stack is addressed. Go writes
//
//	local.get SP, i64.extend_i32_u, i64.const c, i64.add, i32.wrap_i64
//
// which is SP+c, and then loads or stores at offset o: that can be the offset c+o
// from SP. The sums differ only where SP+c is beyond the 4 GiB that memory may
// have; but a function's frame, its arguments included, lies within the memory.
func stackAddresses(code []instruction) []instruction {
	const length = 5
	var out []instruction
	for i := 0; i < len(code); i++ {
		if i+length > len(code) || !isStackAddress(code[i:i+length]) {
			out = append(out, code[i])
			continue
		}
		offset := code[i+2].a
		out = append(out, code[i])
		i += length - 1
		if user := addressee(code, i+1); user >= 0 && offset+int64(code[user].b) <= maxOffset {
			code[user].b += uint32(offset)
			continue
		}
		out = append(out, instruction{op: opI32Const, a: offset}, instruction{op: opI32Add})
	}
	return out
}

// maxOffset bounds what this package makes of offsets. No frame is that large.
const maxOffset = 1 << 30

func isStackAddress(code []instruction) bool {
	return code[0].is(opLocalGet, localSP) && code[1].op == opI64ExtendI32 &&
		code[2].op == opI64Const && 0 <= code[2].a && code[2].a <= maxOffset &&
		code[3].op == opI64Add && code[4].op == opI32WrapI64
}

// addressee returns the load or store that takes as its address the value that
// lies on top of the stack before the instruction at start, or -1 when something
// else takes it, or it is not plain to see what does.
func addressee(code []instruction, start int) int {
	above := 0 // values on the stack above the address
	for i := start; i < len(code); i++ {
		pops, pushes, ok := effect(code[i])
		switch {
		case !ok:
			return -1
		case pops > above:
			if code[i].isLoad() || code[i].isStore() && above == 1 {
				return i
			}
			return -1
		}
		above += pushes - pops
	}
	return -1
}

// effect tells how many values an instruction takes from the stack and leaves
// there; ok is false for those that it does not know, all jumps and calls among
// them.
func effect(i instruction) (pops, pushes int, ok bool) {
	switch op := i.op; {
	case op == opLocalGet || op == opGlobalGet || opI32Const <= op && op <= opF64Const:
		return 0, 1, true
	case op == opLocalSet || op == opGlobalSet || op == opDrop:
		return 1, 0, true
	case op == opLocalTee || i.isLoad():
		return 1, 1, true
	case i.isStore():
		return 2, 0, true
	case op == opSelect:
		return 3, 1, true
	case op == opI32Eqz || op == opI64Eqz:
		return 1, 1, true
	case 0x46 <= op && op <= 0x66: // comparisons
		return 2, 1, true
	case 0x67 <= op && op <= 0x69, 0x79 <= op && op <= 0x7b: // clz, ctz, popcnt
		return 1, 1, true
	case 0x6a <= op && op <= 0x78, 0x7c <= op && op <= 0x8a: // arithmetic of integers
		return 2, 1, true
	case 0x8b <= op && op <= 0x91, 0x99 <= op && op <= 0x9f: // abs to sqrt
		return 1, 1, true
	case 0x92 <= op && op <= 0x98, 0xa0 <= op && op <= 0xa6: // arithmetic of floats
		return 2, 1, true
	case 0xa7 <= op && op <= opLastNumeric, opTruncFirst <= op && op <= opTruncLast: // conversions
		return 1, 1, true
	}
	return 0, 0, false
}
