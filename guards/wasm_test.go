package guards

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"holdfast/tools/wasmfile"
)

// sizeLimit is the most that the module may have, in bytes. The memory that Envoy
// needs and the time until it is ready follow the size.
//
// What makes up the size, in MB ("make size" shows today's figures):
//
//	1.5   data: constants, types and the tables that Go's stack traces need
//	1.0   code of Go's runtime
//	0.5   code of Holdfast
//	0.35  code of the curves P-256, P-384 and P-521
//	0.2   code of RSA and Ed25519, math/big included
//	0.3   code of fmt, reflect and time, which the SDK and math/big bring
//	0.7   code of all else
//
// What keeps it there, with the MB that it saves, measured:
//
//	1.1   ECDSA on filippo.io/nistec in place of crypto/ecdsa, for verifying
//	      (jwt/ecdsa.go) and for signing (introspection/es256.go)
//	0.61  code that is made shorter after the linker (tools/wasmshrink)
//	0.53  one data segment in place of 58,000 (tools/wasmshrink/data.go)
//	0.11  the names of functions go into a twin (tools/wasmbuild/main.go)
//	0.09  RSA signing on filippo.io/bigmod in place of crypto/rsa, which brings
//	      crypto/rand, a timer and fd_read with it (introspection/ps256.go)
//	      no encoding/json, crypto/x509, net/http or JOSE library: 0.4 to 2.9
//	      each (TestForbiddenPackages; the replace line in go.mod)
//
// And what would make it smaller still: no net/netip (about 0.12), gjson without its
// path language, which is never used (about 0.15), and RSA verification on bigmod: it is
// crypto/rsa that keeps math/big, package fmt and reflection alive.
const sizeLimit = 4_900_000

// asLinkedLimit is the same for a module whose code and data are as Go's linker wrote
// them (make build SHRINK=off).
const asLinkedLimit = 6_100_000

func TestSize(t *testing.T) {
	file, limit := open(t, builtWasm(t)), sizeLimit
	// The start function, which lays out the data, is of the rewriting alone.
	if !slices.ContainsFunc(file.Sections, func(s wasmfile.Section) bool { return s.Name == "start" }) {
		limit = asLinkedLimit
	}
	t.Logf("%d bytes, %d below the limit", file.Size, limit-file.Size)
	if file.Size > limit {
		t.Errorf("the module has %d bytes, %d over the limit of %d: make size shows why", file.Size, file.Size-limit, limit)
	}
}

// allowedImports lists the host functions that the module may import, each with
// the reason. A host that lacks one of them cannot load the module, so nothing
// comes in here without a look at every supported host. In particular there is no
// poll_oneoff and no sched_yield, which Envoy before 1.39 answers with an error
// that ends the VM, no path_* and no fd_readdir or fd_read, which hosts lack.
var allowedImports = map[string]string{
	// Go's runtime and package os ask for these, whatever the program does.
	"wasi_snapshot_preview1.args_get":            "os.Args",
	"wasi_snapshot_preview1.args_sizes_get":      "os.Args",
	"wasi_snapshot_preview1.clock_time_get":      "time.Now and the collector",
	"wasi_snapshot_preview1.environ_get":         "GOGC and GOMEMLIMIT",
	"wasi_snapshot_preview1.environ_sizes_get":   "GOGC and GOMEMLIMIT",
	"wasi_snapshot_preview1.fd_close":            "os.File",
	"wasi_snapshot_preview1.fd_fdstat_get":       "os.Stdout",
	"wasi_snapshot_preview1.fd_fdstat_set_flags": "os.Stdout",
	"wasi_snapshot_preview1.fd_prestat_dir_name": "package syscall's list of folders",
	"wasi_snapshot_preview1.fd_prestat_get":      "package syscall's list of folders",
	"wasi_snapshot_preview1.fd_write":            "what the runtime says before it gives up",
	"wasi_snapshot_preview1.proc_exit":           "the runtime giving up",
	"wasi_snapshot_preview1.random_get":          "seeds of maps and crypto/rand",

	// The Proxy-Wasm ABI 0.2.0, as far as the filter uses it.
	"env.proxy_add_header_map_value":         "forwarded headers",
	"env.proxy_call_foreign_function":        "signatures, where the host verifies them; other hosts have it and say no",
	"env.proxy_define_metric":                "counters and histograms",
	"env.proxy_get_buffer_bytes":             "the configuration and fetched documents",
	"env.proxy_get_current_time_nanoseconds": "the wall clock",
	"env.proxy_get_header_map_pairs":         "request headers, answers to fetches",
	"env.proxy_get_property":                 "the client's certificate and address",
	"env.proxy_get_shared_data":              "keys that another worker fetched",
	"env.proxy_http_call":                    "fetching keys",
	"env.proxy_increment_metric":             "counters",
	"env.proxy_log":                          "log lines",
	"env.proxy_continue_stream":              "requests that waited for keys",
	"env.proxy_record_metric":                "histograms",
	"env.proxy_remove_header_map_value":      "spoofed headers",
	"env.proxy_replace_header_map_value":     "forwarded headers",
	"env.proxy_send_local_response":          "answers",
	"env.proxy_set_effective_context":        "requests that waited for keys",
	"env.proxy_set_property":                 "what access logs show",
	"env.proxy_set_shared_data":              "keys for the other workers",
	"env.proxy_set_tick_period_milliseconds": "refreshing keys",
}

func TestImports(t *testing.T) {
	imports := open(t, builtWasm(t)).Imports
	if len(imports) == 0 {
		t.Error("the module imports nothing: it cannot be a filter")
	}
	for _, i := range imports {
		name := i.Module + "." + i.Name
		if _, ok := allowedImports[name]; !ok || i.Kind != wasmfile.Func {
			t.Errorf("the module imports %s, which is not on the list of what every host offers", name)
		}
	}
}

// wantExports is what a host may call, all of it functions but the memory. The SDK
// offers more, which the build takes away (tools/wasmbuild/exports.go): a host
// calls whatever is there.
var wantExports = []string{
	"_initialize",
	"memory",
	"proxy_abi_version_0_2_0",
	"proxy_on_configure",
	"proxy_on_context_create",
	"proxy_on_delete",
	"proxy_on_done",
	"proxy_on_http_call_response",
	"proxy_on_log",
	"proxy_on_memory_allocate",
	"proxy_on_request_body",
	"proxy_on_request_headers",
	"proxy_on_request_trailers",
	"proxy_on_response_body",
	"proxy_on_response_headers",
	"proxy_on_response_trailers",
	"proxy_on_tick",
	"proxy_on_vm_start",
}

func TestExports(t *testing.T) {
	var got []string
	for _, e := range open(t, builtWasm(t)).Exports {
		got = append(got, e.Name)
		if (e.Name == "memory") != (e.Kind == wasmfile.Memory) || e.Name != "memory" && e.Kind != wasmfile.Func {
			t.Errorf("export %s is of kind %d", e.Name, e.Kind)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, wantExports) {
		t.Errorf("the module exports\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wantExports, "\n"))
	}
}

// forbiddenFunctions begin with one of these, as the linker writes them. A timer
// needs the host to wake Go up, which no host does.
var forbiddenFunctions = regexp.MustCompile(`^(` +
	`time\.(Sleep|After|AfterFunc|NewTimer|NewTicker|Tick)$|` +
	`context\.With|encoding_json\.|regexp\.|crypto_x509\.|crypto_tls\.|net_http\.|os_exec\.)`)

// TestFunctions looks at the names of the functions in the module, and so sees
// what a dependency brings, too.
func TestFunctions(t *testing.T) {
	functions := open(t, strings.TrimSuffix(builtWasm(t), ".wasm")+".names.wasm").Functions
	named := 0
	for _, f := range functions {
		if f.Name != "" {
			named++
		}
		if forbiddenFunctions.MatchString(f.Name) {
			t.Errorf("the module contains %s", f.Name)
		}
	}
	if named < 1000 {
		t.Errorf("only %d of %d functions have a name: this test sees nothing", named, len(functions))
	}
}
