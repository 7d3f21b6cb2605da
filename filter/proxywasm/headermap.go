package proxywasm

import (
	"encoding/binary"
	"errors"
	"unsafe"

	"holdfast/filter"
)

// fieldMap names one of the lists of fields of a stream: the ABI's proxy_map_type_t.
type fieldMap int32

const (
	requestHeaders  fieldMap = 0
	requestTrailers fieldMap = 1
)

var errHeaderMap = errors.New("the host's list of header fields is not whole")

// parseHeaders reads what serializeHeaders writes. The texts of the fields are those in
// b, which is not to be changed any more. A list that is cut off is an error. No bytes
// at all are how Envoy writes a list without fields (get_header_map_pairs in exports.cc).
func parseHeaders(b []byte) ([]filter.Header, error) {
	if len(b) == 0 {
		return nil, nil
	}
	if len(b) < 4 {
		return nil, errHeaderMap
	}
	count := int(binary.LittleEndian.Uint32(b))
	sizes := b[4:]
	if count > len(sizes)/8 {
		return nil, errHeaderMap
	}
	texts := sizes[8*count:]
	text := func(size uint32) (s string, ok bool) {
		if uint64(size) >= uint64(len(texts)) {
			return "", false // not even its zero byte
		}
		s = unsafe.String(unsafe.SliceData(texts), int(size))
		texts = texts[size+1:]
		return s, true
	}
	headers := make([]filter.Header, count)
	for i := range headers {
		name, okName := text(binary.LittleEndian.Uint32(sizes[8*i:]))
		value, okValue := text(binary.LittleEndian.Uint32(sizes[8*i+4:]))
		if !okName || !okValue {
			return nil, errHeaderMap
		}
		headers[i] = filter.Header{Name: name, Value: value}
	}
	return headers, nil
}

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
