//go:build wasip1

package main

import "unsafe"

// The SDK's own SendHttpResponse has no details.
//
//go:wasmimport env proxy_send_local_response
func proxySendLocalResponse(status uint32, details *byte, detailsSize int32, body *byte, bodySize int32,
	headers *byte, headersSize int32, grpcStatus int32) uint32

func sendLocalResponse(status uint32, details, body string) uint32 {
	noHeaders := make([]byte, 4) // the number of pairs
	return proxySendLocalResponse(status, unsafe.StringData(details), int32(len(details)),
		unsafe.StringData(body), int32(len(body)), &noHeaders[0], int32(len(noHeaders)), -1)
}

//go:wasmimport wasi_snapshot_preview1 random_get
func randomGet(b *byte, size int32) uint32

//go:wasmimport wasi_snapshot_preview1 sched_yield
func schedYield() uint32

//go:wasmimport wasi_snapshot_preview1 poll_oneoff
func wasiPollOneoff(in, out unsafe.Pointer, subscriptions uint32, events *uint32) uint32

// pollOneoff waits for nothing as Go's runtime does: one subscription to a clock,
// which is due at once (a __wasi_subscription_t that is zero but for the clock's id).
func pollOneoff() uint32 {
	var subscription [48]byte
	var event [32]byte
	var events uint32
	subscription[16] = 1 // CLOCK_MONOTONIC
	return wasiPollOneoff(unsafe.Pointer(&subscription), unsafe.Pointer(&event), 1, &events)
}
