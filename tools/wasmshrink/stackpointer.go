package wasmshrink

// deadStackPointers leaves out the local copy of a stack pointer that nobody reads:
// the function returns, or it calls another one, after which it copies the stack
// pointer anew. In
//
//	local.tee SP, global.set SP, local.get SP
//
// the one reader that there is before a call can read the global.
func deadStackPointers(code []instruction) []instruction {
	var out []instruction
	for i := 0; i < len(code); i++ {
		if !code[i].is(opLocalTee, localSP) || i+2 >= len(code) || !code[i+1].is(opGlobalSet, globalSP) {
			out = append(out, code[i])
			continue
		}
		next := i + 2
		reads := code[next].is(opLocalGet, localSP)
		if reads {
			next++
		}
		if !isDead(localSP, code[next:]) {
			out = append(out, code[i])
			continue
		}
		out = append(out, code[i+1])
		if reads {
			out = append(out, instruction{op: opGlobalGet, a: globalSP})
		}
		i = next - 1
	}
	return out
}

// isDead tells whether the local is written before it is read, or never read,
// where code goes on without a jump.
func isDead(local int64, code []instruction) bool {
	for _, i := range code {
		switch i.op {
		case opReturn:
			return true
		case opLocalSet:
			if i.a == local {
				return true
			}
		case opCall, opCallIndirect:
		default:
			if _, _, ok := effect(i); !ok || (i.op == opLocalGet || i.op == opLocalTee) && i.a == local {
				return false
			}
		}
	}
	return false
}
