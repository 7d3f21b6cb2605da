package wasmshrink

// localPC is the parameter by which a Go function is told where to go on: the
// number of one of its blocks. Jumps within the function go by it, too.
const localPC = 0

// dispatcher is the place of a Go function that all its jumps go by:
//
//	loop, block …, local.get PC, br_table
//
// A jump sets PC and begins the loop anew, which does nothing but to choose one of
// the blocks, and to go on behind its end.
type dispatcher struct {
	loop   int   // index of the loop
	table  int   // index of the br_table
	blocks []int // the index of the block for each value of PC, the default last
}

// directJumps replaces
//
//	i32.const pc, local.set PC, br loop
//
// by a jump to the end of the very block that the loop would choose, wherever that
// block is still open, as it is for every jump forward. PC is left as it was: it
// has no other reader than the dispatcher, and every jump to that sets it before.
func directJumps(code []instruction) []instruction {
	d, ok := findDispatcher(code)
	if !ok || !d.governs(code) {
		return code
	}
	var out []instruction
	var open labels
	for i := 0; i < len(code); i++ {
		if i+2 < len(code) && isJump(code[i:i+3]) && open.target(code[i+2].a) == d.loop {
			block := d.blocks[min(int(uint32(code[i].a)), len(d.blocks)-1)]
			if label, ok := open.find(block); ok {
				i += 2
				// Right before the end of the block there is nothing to jump over.
				if label != 0 || code[i+1].op != opEnd {
					out = append(out, instruction{op: opBr, a: int64(label)})
				}
				continue
			}
		}
		open.enter(i, code[i])
		out = append(out, code[i])
	}
	return out
}

// findDispatcher returns the first one.
func findDispatcher(code []instruction) (dispatcher, bool) {
	var open labels
	for i := range code {
		open.enter(i, code[i])
		if code[i].op != opBrTable || i < 2 {
			continue
		}
		d := dispatcher{table: i, loop: i - 2}
		for d.loop >= 0 && code[d.loop].is(opBlock, void) {
			d.loop--
		}
		if !code[i-1].is(opLocalGet, localPC) || d.loop < 0 || code[d.loop].op != opLoop {
			return d, false
		}
		for _, around := range open {
			// A turn of an outer loop would come by without having set PC.
			if around < d.loop && code[around].op == opLoop {
				return d, false
			}
		}
		for _, label := range code[i].labels {
			block := open.target(int64(label))
			if block <= d.loop {
				return d, false
			}
			d.blocks = append(d.blocks, block)
		}
		return d, true
	}
	return dispatcher{}, false
}

// governs tells whether every jump to the loop sets PC before, and nothing reads
// what was set but the br_table. An indirect call uses the same local to swap two
// values, which is no reading of what a jump has set.
func (d dispatcher) governs(code []instruction) bool {
	var open labels
	for i := range code {
		open.enter(i, code[i])
		switch code[i].op {
		case opBr:
			if open.target(code[i].a) == d.loop && (i < 2 || !isJump(code[i-2:i+1])) {
				return false
			}
		case opBrIf:
			if open.target(code[i].a) == d.loop {
				return false
			}
		case opBrTable:
			for _, label := range code[i].labels {
				if open.target(int64(label)) == d.loop {
					return false
				}
			}
		case opLocalTee:
			if code[i].a == localPC {
				return false
			}
		case opLocalGet:
			swap := i >= 2 && code[i-1].op == opI32Const && code[i-2].is(opLocalSet, localPC)
			if code[i].a == localPC && i != d.table-1 && !swap {
				return false
			}
		}
	}
	return true
}

func isJump(code []instruction) bool {
	return code[0].op == opI32Const && code[1].is(opLocalSet, localPC) && code[2].op == opBr
}

// labels holds the indices of the blocks, loops and ifs that are open, the
// innermost last.
type labels []int

// enter notes an instruction that opens or ends one of them.
func (l *labels) enter(index int, i instruction) {
	switch i.op {
	case opBlock, opLoop, opIf:
		*l = append(*l, index)
	case opEnd:
		if len(*l) > 0 { // else it ends the function
			*l = (*l)[:len(*l)-1]
		}
	}
}

// target returns what a label stands for, or -1 for the function itself.
func (l labels) target(label int64) int {
	if label >= int64(len(l)) {
		return -1
	}
	return l[len(l)-1-int(label)]
}

// find returns the label of what was opened at the index.
func (l labels) find(index int) (label int, ok bool) {
	for label := range l {
		if l.target(int64(label)) == index {
			return label, true
		}
	}
	return 0, false
}
