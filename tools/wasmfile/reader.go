package wasmfile

// Reader takes values off the front of Rest. After a failure it returns only
// zero values, so that callers check Failed once.
type Reader struct {
	Rest   []byte
	Failed bool
}

// Bytes takes the next n bytes.
func (r *Reader) Bytes(n int) []byte {
	if r.Failed || n < 0 || n > len(r.Rest) {
		r.Failed = true
		r.Rest = nil
		return nil
	}
	taken := r.Rest[:n]
	r.Rest = r.Rest[n:]
	return taken
}

// Byte takes one byte.
func (r *Reader) Byte() byte {
	taken := r.Bytes(1)
	if taken == nil {
		return 0
	}
	return taken[0]
}

// Number takes an unsigned LEB128 number of at most 32 bits.
func (r *Reader) Number() uint32 {
	var n uint64
	for shift := 0; shift < 35; shift += 7 {
		b := r.Byte()
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			if n > 1<<32-1 {
				break
			}
			return uint32(n)
		}
	}
	r.Failed = true
	return 0
}

// Signed takes a signed LEB128 number of at most 64 bits.
func (r *Reader) Signed() int64 {
	var n int64
	for shift := 0; shift < 70; shift += 7 {
		b := r.Byte()
		n |= int64(b&0x7f) << shift
		if b < 0x80 {
			if b&0x40 != 0 && shift < 57 {
				n |= -1 << (shift + 7)
			}
			return n
		}
	}
	r.Failed = true
	return 0
}

// Text takes a name: its length and its bytes.
func (r *Reader) Text() string {
	return string(r.Bytes(int(r.Number())))
}

// limits skips the bounds of a table or a memory.
func (r *Reader) limits() {
	flags := r.Byte()
	r.Number()
	if flags&1 != 0 {
		r.Number()
	}
}
