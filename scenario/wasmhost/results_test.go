package wasmhost

import (
	"testing"
	"time"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

// replaceFunction has this answer to a host function until the test ends.
func replaceFunction(t *testing.T, name string, do func(vm *VM, a []uint64) uint32) {
	t.Helper()
	was := hostFunctions[name]
	t.Cleanup(func() { hostFunctions[name] = was })
	replaced := was
	replaced.do = do
	hostFunctions[name] = replaced
}

// What a call left that failed is never taken for the answer of the next one, and an
// answer that fits no memory refuses the request and no more than that.
func TestABI_OneCallNeverReadsTheResultOfAnother(t *testing.T) {
	const hexDigest = "6f070ad1eb1cdc0082dc3076639fe5112b1713ca3d96d734e4ef3d8dd37e760d"
	var left []func(vm *VM, a []uint64) uint32 // the answers to the next questions
	replaceFunction(t, "proxy_get_property", func(vm *VM, a []uint64) uint32 {
		next := left[0]
		left = left[1:]
		return next(vm, a)
	})
	gives := func(status uint32) func(vm *VM, a []uint64) uint32 {
		return func(vm *VM, a []uint64) uint32 {
			vm.give([]byte(hexDigest), uint32(a[2]), uint32(a[3]))
			return status
		}
	}
	writes := func(address, size uint32) func(vm *VM, a []uint64) uint32 {
		return func(vm *VM, a []uint64) uint32 {
			vm.writeUint32(uint32(a[2]), address)
			vm.writeUint32(uint32(a[3]), size)
			return statusOK
		}
	}
	nothing := func(*VM, []uint64) uint32 { return statusOK }
	const twoSources = `{"issuers":[{"issuer":"https://as.example.com","audiences":["https://api.example.com"],
		"introspection":{"endpoint":"https://as.example.com/introspect","cluster":"as","client_auth":"none"},"jwks":{"uri":"https://as.example.com/jwks","cluster":"as"}}],
		"certificate":{"sources":[{"property":["a","b"]},{"connection":{}}]}}`
	for name, test := range map[string]struct {
		answers []func(vm *VM, a []uint64) uint32
		allowed bool
	}{
		"found":                  {[]func(*VM, []uint64) uint32{gives(statusNotFound), gives(statusOK)}, true},
		"left behind":            {[]func(*VM, []uint64) uint32{gives(statusNotFound), nothing}, false},
		"of no size":             {[]func(*VM, []uint64) uint32{writes(0, 0), writes(64, 0)}, false},
		"of a size below zero":   {[]func(*VM, []uint64) uint32{writes(64, 0xFFFFFFFF)}, false},
		"of a size without text": {[]func(*VM, []uint64) uint32{writes(0, 64)}, false},
	} {
		proxy := filtertest.NewProxy()
		vm, host, err := startOn(t, proxy, twoSources, nil, true)
		if err != nil {
			t.Fatal(err, host.LogText())
		}
		host.Plugin = vm
		proxy.Server = func(filter.Call) filtertest.Reply {
			return filtertest.Reply{Result: filter.CallResult{Status: 200, Headers: []filter.Header{{Name: "content-type", Value: "application/json"}},
				Body: []byte(`{"active":true,"aud":"https://api.example.com","cnf":{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0"}}`)}}
		}
		left = test.answers
		stream := filtertest.NewStream("GET", "api.example.com", "/", filter.Header{Name: "authorization", Value: "Bearer opaque"})
		vm.NewExchange(stream).OnRequestHeaders()
		proxy.Advance(time.Second)
		if stream.Continued != test.allowed || stream.Waits() || vm.Err() != nil {
			t.Errorf("%s: allowed %t, waits %t, %s %v", name, stream.Continued, stream.Waits(), stream.Left["holdfast.reason"], vm.Err())
		}
	}
}
