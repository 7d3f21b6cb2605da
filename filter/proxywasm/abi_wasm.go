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
