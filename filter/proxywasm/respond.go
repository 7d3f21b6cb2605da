package proxywasm

import (
	"encoding/binary"

	"holdfast/filter"
)

// serializeHeaders writes a header map as the Proxy-Wasm ABI 0.2.1 defines it:
// the number of pairs, the sizes of each name and value (all 32 bits, little
// endian), then the texts, each followed by a zero byte.
func serializeHeaders(headers []filter.Header) []byte {
	size := 4
	for _, h := range headers {
		size += 8 + len(h.Name) + 1 + len(h.Value) + 1
	}
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, size), uint32(len(headers)))
	for _, h := range headers {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(h.Name)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(h.Value)))
	}
	for _, h := range headers {
		b = append(append(b, h.Name...), 0)
		b = append(append(b, h.Value...), 0)
	}
	return b
}
