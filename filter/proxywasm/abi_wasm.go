//go:build wasm

package proxywasm

import (
	"fmt"
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
