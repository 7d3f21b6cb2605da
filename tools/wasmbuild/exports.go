package main

// unused lists the callbacks that the SDK exports and Holdfast has no use for. A
// host calls none that is not exported and goes on as if it had been told to
// continue (proxy-wasm-cpp-host, src/context.cc), so bodies never enter the VM.
//
// That the body of a request needs no callback is for
// filter/proxywasm/contexts.go to make sure: it stops headers and body alike.
// proxy_on_done, proxy_on_log and proxy_on_delete stay, for the SDK's
// OnHttpStreamDone hangs on them.
var unused = []string{
	"proxy_on_request_body",
	"proxy_on_response_body",
	"proxy_on_response_trailers",
	"proxy_on_queue_ready",
	"proxy_on_new_connection",
	"proxy_on_downstream_data",
	"proxy_on_downstream_connection_close",
	"proxy_on_upstream_data",
	"proxy_on_upstream_connection_close",
}
