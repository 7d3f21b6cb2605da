package wasmhost

import (
	"context"
	"os"
	"strings"
	"testing"

	"holdfast/filter/filtertest"
)

const configuration = `{"issuers": [{"issuer": "https://as.example.com", "audiences": ["https://api.example.com"],
	"jwks": {"uri": "https://as.example.com/jwks", "cluster": "as"}}]}`

func start(t *testing.T, configuration string) (*VM, *filtertest.Host, error) {
	t.Helper()
	return startWith(t, configuration, nil, true)
}

func startWith(t *testing.T, configuration string, environment map[string]string, hostile bool) (*VM, *filtertest.Host, error) {
	t.Helper()
	return startOn(t, filtertest.NewProxy(), configuration, environment, hostile)
}

func startOn(t *testing.T, proxy *filtertest.Proxy, configuration string, environment map[string]string, hostile bool) (*VM, *filtertest.Host, error) {
	t.Helper()
	name := os.Getenv("HOLDFAST_WASM")
	if name == "" {
		t.Fatal("HOLDFAST_WASM is not set: run make test")
	}
	wasm, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("%v: run make test", err)
	}
	ctx := context.Background()
	m, err := Load(ctx, wasm, hostile)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(ctx) })
	host := proxy.Worker()
	vm, err := m.Start(ctx, host, configuration, environment)
	return vm, host, err
}

// A trap is an error that tells what the VM said, and the VM is not used again.
func TestTrapIsAnError(t *testing.T) {
	vm, _, err := start(t, configuration)
	if err != nil {
		t.Fatal(err)
	}
	vm.call(99, "proxy_on_request_headers", 99, 0, 1) // no such context: the SDK panics
	if err := vm.Err(); err == nil || !strings.Contains(err.Error(), "invalid context") {
		t.Fatalf("got %v, want the panic of the SDK", err)
	}
	vm.OnTick()
	stream := filtertest.NewStream("GET", "api.example.com", "/")
	vm.NewExchange(stream).OnRequestHeaders()
	if !stream.Waits() {
		t.Error("a dead VM let a request go on")
	}
}

// What a request costs in the VM is gone when it is over.
func TestContextsEnd(t *testing.T) {
	vm, host, err := start(t, configuration)
	if err != nil {
		t.Fatal(err)
	}
	host.Plugin = vm
	for range 3 {
		x := vm.NewExchange(filtertest.NewStream("GET", "api.example.com", "/"))
		x.OnRequestHeaders()
		x.OnDone()
		x.OnDone() // as often as it likes
	}
	if n := len(vm.streams); n != 0 {
		t.Errorf("%d contexts are left", n)
	}
	if err := vm.Err(); err != nil {
		t.Error(err)
	}
}

func TestRefusedConfiguration(t *testing.T) {
	_, host, err := start(t, `{"issuers": [], "x": 1}`)
	if err != ErrStart {
		t.Errorf("got %v, want ErrStart", err)
	}
	if log := host.LogText(); !strings.Contains(log, "issuers") || !strings.Contains(log, "x: ") {
		t.Errorf("the log does not name both problems: %s", log)
	}
}

// The module reads its environment on either WASI.
func TestEnvironment(t *testing.T) {
	const session = `, "session": {"key_env": "KEY"}}`
	configuration := strings.TrimSuffix(configuration, "}") + session
	key := "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	for _, hostile := range []bool{true, false} {
		if _, host, err := startWith(t, configuration, map[string]string{"KEY2": key, "KE": key}, hostile); err != ErrStart || !strings.Contains(host.LogText(), "session.key_env") {
			t.Errorf("without the variable: %v, %s", err, host.LogText())
		}
		if _, host, err := startWith(t, configuration, map[string]string{"A": "", "KEY": key, "Z": "\u00e9=\n"}, hostile); err != nil {
			t.Errorf("with it: %v, %s", err, host.LogText())
		}
	}
}

// The module asks the host to verify, and reads its answers right: yes to the good
// signatures of its probe and no to the bad ones.
func TestHostVerifies(t *testing.T) {
	proxy := filtertest.NewProxy()
	for _, want := range []string{"sandbox", "host:ES256,RS256"} {
		if _, host, err := startOn(t, proxy, configuration, nil, true); err != nil || !strings.HasSuffix(host.LogText(), "verification="+want+"\n") {
			t.Errorf("%v, %s, want %s", err, host.LogText(), want)
		}
		proxy.Verifier = filtertest.GoCrypto
	}
}

// What is not VerifySignatureArguments, no host answers.
func TestForeignFunctions(t *testing.T) {
	t.Parallel()
	for _, malformed := range []string{"\x0a", "\x0a\x02a", "\x08\x01", "\x00\x00"} {
		if s, ok := readVerifyArguments([]byte(malformed)); ok {
			t.Errorf("%x: %+v", malformed, s)
		}
	}
}

// A response that passes is the upstream's: its fields can be edited in the call
// that shows them, and only there.
func TestResponsesPass(t *testing.T) {
	vm, _, err := start(t, configuration)
	if err != nil {
		t.Fatal(err)
	}
	stream := filtertest.NewStream("GET", "api.example.com", "/")
	x := vm.NewExchange(stream)
	stream.Continue()
	edit := hostFunctions["proxy_add_header_map_value"].do
	replace := hostFunctions["proxy_replace_header_map_value"].do
	vm.current = x.id
	stream.Response(func() {
		x.OnResponseHeaders()
		vm.current = x.id
		if edit(vm, []uint64{mapResponseHeaders, 0, 0, 0, 0}) != statusOK || replace(vm, []uint64{mapResponseHeaders, 0, 0, 0, 0}) != statusOK {
			t.Error("the response can't be edited")
		}
		if edit(vm, []uint64{mapRequestHeaders, 0, 0, 0, 0}) != statusBadArgument || replace(vm, []uint64{mapCallResponseHeaders, 0, 0, 0, 0}) != statusBadArgument {
			t.Error("something else can be edited")
		}
	})
	if stream.Violations != nil || vm.Err() != nil {
		t.Errorf("%q, %v", stream.Violations, vm.Err())
	}
	edit(vm, []uint64{mapResponseHeaders, 0, 0, 0, 0})
	if len(stream.Violations) != 1 {
		t.Error("an edit after the response is no violation")
	}
}

func TestHeaderMapsThereAndBack(t *testing.T) {
	t.Parallel()
	headers := filtertest.NewStream("GET", "api.example.com", "/").Headers
	headers[0].Value = "" // an empty value has a size and a zero byte all the same
	got := readHeaders(writeHeaders(headers))
	if len(got) != len(headers) {
		t.Fatalf("got %q, want %q", got, headers)
	}
	for i := range got {
		if got[i] != headers[i] {
			t.Errorf("got %q, want %q", got[i], headers[i])
		}
	}
}
