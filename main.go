// Command holdfast is the Proxy-Wasm module: built with GOOS=wasip1 and
// -buildmode=c-shared it is the holdfast.wasm that Envoy loads. The way of a
// request through it is written down in filter/doc.go.
package main

import (
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"

	adapter "holdfast/filter/proxywasm"
)

// The host calls init, and from then on the exports of the SDK; main never runs.
func init() { proxywasm.SetVMContext(adapter.NewVMContext()) }

func main() {}
