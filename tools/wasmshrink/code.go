package wasmshrink

import (
	"encoding/binary"
	"fmt"

	"holdfast/tools/wasmfile"
)

// shrinkCode rewrites a code section.
func shrinkCode(content []byte) ([]byte, error) {
	r := &wasmfile.Reader{Rest: content}
	count := r.Number()
	out := binary.AppendUvarint(nil, uint64(count))
	for n := range count {
		body, err := shrinkFunction(r.Bytes(int(r.Number())))
		if err != nil {
			return nil, fmt.Errorf("function %d: %w", n, err)
		}
		out = binary.AppendUvarint(out, uint64(len(body)))
		out = append(out, body...)
	}
	if r.Failed || len(r.Rest) > 0 {
		return nil, fmt.Errorf("%w: code", wasmfile.ErrFormat)
	}
	return out, nil
}

// shrinkFunction rewrites one function: its locals stay, its instructions get
// fewer.
func shrinkFunction(function []byte) ([]byte, error) {
	r := &wasmfile.Reader{Rest: function}
	for n := r.Number(); n > 0 && !r.Failed; n-- {
		r.Number()
		r.Byte()
	}
	locals := function[:len(function)-len(r.Rest)]
	code, err := decode(r.Rest)
	if err != nil || r.Failed {
		return nil, fmt.Errorf("%w: %w", wasmfile.ErrFormat, err)
	}
	if !isGo(code) {
		return function, nil
	}
	code = deadStackPointers(peephole(directJumps(stackAddresses(code))))
	return append(locals[:len(locals):len(locals)], encode(code)...), nil
}
