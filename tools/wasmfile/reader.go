package wasmfile

// reader takes values off the front of rest. After a failure it returns only
// zero values, so that callers check once.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) bytes(n int) []byte {
	if r.failed || n < 0 || n > len(r.rest) {
		r.failed = true
		r.rest = nil
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) byte() byte {
	taken := r.bytes(1)
	if taken == nil {
		return 0
	}
	return taken[0]
}

// number reads an unsigned LEB128 number of at most 32 bits.
func (r *reader) number() uint32 {
	var n uint64
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			if n > 1<<32-1 {
				break
			}
			return uint32(n)
		}
	}
	r.failed = true
	return 0
}

func (r *reader) text() string {
	return string(r.bytes(int(r.number())))
}

// limits skips the bounds of a table or a memory.
func (r *reader) limits() {
	flags := r.byte()
	r.number()
	if flags&1 != 0 {
		r.number()
	}
}
