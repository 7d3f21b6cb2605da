// Package wasmhost is a Proxy-Wasm host (ABI 0.2.1) on wazero, for tests of
// holdfast.wasm without Envoy: one plugin in one VM, over any [filter.Host] and
// [filter.Stream]. What the module asks of its host is answered by these two, so
// the same fakes serve the package filter and the module made of it.
//
// It follows Envoy where the ABI leaves a choice (proxy-wasm-cpp-host,
// src/context.cc and src/exports.cc): a missing property is NotFound; an answer
// of the filter's own is sent, and re-enters the filter as response headers, only
// after the VM has returned; every call begins without an effective context.
// What Holdfast has no use for is answered with Unimplemented.
package wasmhost
