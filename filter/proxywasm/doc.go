// Package proxywasm is the edge: it carries the calls of a Proxy-Wasm host to
// package filter and back. It decides nothing.
//
// It is the only package that imports the SDK.
package proxywasm
