package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"holdfast/tools/wasmfile"
)

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

// withoutExports returns a module that does not export these names. It is an error
// if one was not exported. The functions stay where they are.
func withoutExports(sections []wasmfile.Raw, names []string) ([]wasmfile.Raw, error) {
	out := slices.Clone(sections)
	for i, s := range out {
		if s.ID == wasmfile.ExportSection {
			content, err := without(s.Content, names)
			out[i].Content = content
			return out, err
		}
	}
	return nil, errors.New("the module exports nothing")
}

// without rewrites an export section.
func without(content []byte, names []string) ([]byte, error) {
	missing := map[string]bool{}
	for _, name := range names {
		missing[name] = true
	}
	r := &wasmfile.Reader{Rest: content}
	var kept []byte
	count := uint64(0)
	for n := r.Number(); n > 0 && !r.Failed; n-- {
		start := r.Rest
		name := r.Text()
		r.Byte() // kind
		r.Number()
		if missing[name] {
			delete(missing, name)
			continue
		}
		kept = append(kept, start[:len(start)-len(r.Rest)]...)
		count++
	}
	if r.Failed || len(r.Rest) > 0 {
		return nil, fmt.Errorf("%w: exports", wasmfile.ErrFormat)
	}
	for _, name := range names {
		if missing[name] {
			return nil, fmt.Errorf("the module does not export %s", name)
		}
	}
	return append(binary.AppendUvarint(nil, count), kept...), nil
}
