package wasmshrink

import (
	"encoding/binary"
	"fmt"

	"holdfast/tools/wasmfile"
)

// withoutExports rewrites an export section without those of these names. It is an
// error if one is not there.
func withoutExports(content []byte, names []string) ([]byte, error) {
	missing := map[string]bool{}
	for _, name := range names {
		missing[name] = true
	}
	r := &wasmfile.Reader{Rest: content}
	var kept []byte
	count := uint64(0)
	for n := r.Number(); n > 0 && !r.Failed; n-- {
		start := r.Rest
		name := r.Text()
		r.Byte() // kind
		r.Number()
		if missing[name] {
			delete(missing, name)
			continue
		}
		kept = append(kept, start[:len(start)-len(r.Rest)]...)
		count++
	}
	if r.Failed {
		return nil, fmt.Errorf("%w: exports", wasmfile.ErrFormat)
	}
	for _, name := range names {
		if missing[name] {
			return nil, fmt.Errorf("the module does not export %s", name)
		}
	}
	return append(binary.AppendUvarint(nil, count), kept...), nil
}
