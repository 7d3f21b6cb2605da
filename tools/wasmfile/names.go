package wasmfile

import "fmt"

// WithoutNames returns the module without the names of its functions, which no
// host needs to run it. The error wraps ErrFormat.
func WithoutNames(content []byte) ([]byte, error) {
	r := &reader{rest: content}
	kept := append([]byte(nil), r.bytes(8)...)
	for len(r.rest) > 0 && !r.failed {
		start := r.rest
		id := r.byte()
		body := &reader{rest: r.bytes(int(r.number()))}
		if id == sectionCustom && body.text() == "name" {
			continue
		}
		kept = append(kept, start[:len(start)-len(r.rest)]...)
	}
	if r.failed {
		return nil, fmt.Errorf("%w: cut short", ErrFormat)
	}
	return kept, nil
}
