//go:build wasm

package proxywasm

import (
	"fmt"
	"time"
	"unsafe"

	"holdfast/filter"
)

// The SDK's own SendHttpResponse leaves the details empty, and with them
// Envoy's %RESPONSE_CODE_DETAILS%.
//
//go:wasmimport env proxy_send_local_response
func proxySendLocalResponse(status uint32, details *byte, detailsSize int32, body *byte, bodySize int32,
	headers *byte, headersSize int32, grpcStatus int32) uint32

// crypto/rand would bring a timer and the import of fd_read with it.
//
//go:wasmimport wasi_snapshot_preview1 random_get
func randomGet(b *byte, size int32) uint32

func random(b []byte) error {
	if errno := randomGet(unsafe.SliceData(b), int32(len(b))); errno != 0 {
		return fmt.Errorf("random_get: errno %d", errno)
	}
	return nil
}

// The SDK writes the path anew each time, on the heap; ours has one element, which is
// its own form. Holdfast leaves six properties with every request.
//
//go:wasmimport env proxy_set_property
//go:noescape
func proxySetProperty(path *byte, pathSize int32, value *byte, valueSize int32) uint32

func setProperty(name, value string) error {
	status := proxySetProperty(unsafe.StringData(name), int32(len(name)), unsafe.StringData(value), int32(len(value)))
	if status != 0 {
		return fmt.Errorf("proxy_set_property: status %d", status)
	}
	return nil
}

// buffers are what host calls write to and read from, one of each for a VM. A variable on
// the stack would have to be moved to the heap each time: the host calls back meanwhile.
type buffers struct {
	// Where the host leaves the buffer that a call has it allocate.
	data *byte
	size int32

	path [256]byte // of a property: its elements, with zero bytes in between
}

// taken is that buffer, which is nobody else's. It is taken whatever the call's status is,
// so that the next call never finds what another one left.
func (b *buffers) taken() []byte {
	data, size := b.data, b.size
	b.data, b.size = nil, 0 // before the next line, which panics for a size that fits nothing
	return unsafe.Slice(data, size)
}

//go:wasmimport env proxy_get_header_map_pairs
func proxyGetHeaderMapPairs(mapType int32, data, size unsafe.Pointer) uint32

// The SDK's own makes a list of pairs, to be copied into one of fields.
func (b *buffers) fields(m fieldMap) ([]filter.Header, error) {
	status := proxyGetHeaderMapPairs(int32(m), unsafe.Pointer(&b.data), unsafe.Pointer(&b.size))
	pairs := b.taken()
	if status != 0 {
		return nil, fmt.Errorf("proxy_get_header_map_pairs: status %d", status)
	}
	return parseHeaders(pairs)
}

//go:wasmimport env proxy_get_property
func proxyGetProperty(path unsafe.Pointer, pathSize int32, data, size unsafe.Pointer) uint32

func (b *buffers) property(path []string) (value []byte, found bool, err error) {
	joined := b.path[:0]
	for i, element := range path {
		if i > 0 {
			joined = append(joined, 0)
		}
		joined = append(joined, element...)
	}
	status := proxyGetProperty(unsafe.Pointer(unsafe.SliceData(joined)), int32(len(joined)),
		unsafe.Pointer(&b.data), unsafe.Pointer(&b.size))
	value = b.taken()
	const notFound = 1
	switch status {
	case 0:
		return value, true, nil
	case notFound:
		return nil, false, nil
	}
	return nil, false, fmt.Errorf("proxy_get_property: status %d", status)
}

//go:wasmimport env proxy_increment_metric
func proxyIncrementMetric(id uint32, offset int64) uint32

// A metric is not worth a request: the SDK's own panics when the host refuses.
func increment(id uint32, n uint64) { _ = proxyIncrementMetric(id, int64(n)) }

// time.Now asks the host twice, for a monotonic reading that nothing here has a use for.
//
//go:wasmimport wasi_snapshot_preview1 clock_time_get
//go:noescape
func clockTimeGet(clock int32, precision int64, nanoseconds *uint64) uint32

func now() time.Time {
	const realtime = 0
	var nanoseconds uint64
	if clockTimeGet(realtime, 1, &nanoseconds) != 0 {
		return time.Now()
	}
	return time.Unix(0, int64(nanoseconds))
}

func sendLocalResponse(answer filter.Answer) error {
	headers := serializeHeaders(answer.Headers)
	status := proxySendLocalResponse(uint32(answer.Status),
		unsafe.StringData(answer.Details), int32(len(answer.Details)),
		unsafe.StringData(answer.Body), int32(len(answer.Body)),
		unsafe.SliceData(headers), int32(len(headers)), int32(answer.GRPCStatus))
	if status != 0 {
		return fmt.Errorf("proxy_send_local_response: status %d", status)
	}
	return nil
}
