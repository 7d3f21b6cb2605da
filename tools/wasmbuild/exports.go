package main

// unused lists the callbacks that the SDK exports and no host has to find.
//
// Those of bodies and of a response's trailers stay, although Holdfast has no use for
// them: Envoy goes on without (proxy-wasm-cpp-host, src/context.cc), but
// ngx_wasm_module calls them without a look whether they are there, and its worker
// crashes (src/http/proxy_wasm/ngx_http_proxy_wasm.c). proxy_on_done, proxy_on_log and
// proxy_on_delete stay, for the SDK's OnHttpStreamDone hangs on them.
var unused = []string{
	"proxy_on_queue_ready",
	"proxy_on_new_connection",
	"proxy_on_downstream_data",
	"proxy_on_downstream_connection_close",
	"proxy_on_upstream_data",
	"proxy_on_upstream_connection_close",
}
