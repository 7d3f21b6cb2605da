package guards

import (
	"slices"
	"strings"
	"testing"
)

// forbiddenPackages must not be part of the module. Each is large, or reaches
// for files, processes or the network, which are not there.
var forbiddenPackages = []string{
	"context", "crypto/tls", "crypto/x509", "encoding/gob", "encoding/json", "encoding/xml",
	"expvar", "flag", "html", "html/template", "log", "log/slog", "net", "net/http",
	"os/exec", "os/signal", "os/user", "plugin", "regexp", "runtime/pprof", "testing",
	"text/template",
}

func TestForbiddenPackages(t *testing.T) {
	for _, p := range wasmPackages(t) {
		if slices.Contains(forbiddenPackages, p.ImportPath) {
			t.Errorf("package %s is part of the module: go mod why %s", p.ImportPath, p.ImportPath)
		}
	}
}

// wasmModules are the modules beside Go's own library whose code is in the
// product. One more is a decision, not an accident.
var wasmModules = []string{
	"filippo.io/bigmod", // ECDSA: see package jwt
	"filippo.io/nistec", // ECDSA: see package jwt
	"github.com/proxy-wasm/proxy-wasm-go-sdk",
	"github.com/tidwall/gjson",
	"github.com/tidwall/match",  // gjson imports it
	"github.com/tidwall/pretty", // gjson imports it
	"golang.org/x/sys",          // bigmod and nistec ask it about the CPU
	module,
}

func TestModules(t *testing.T) {
	var got []string
	for _, p := range wasmPackages(t) {
		if !p.Standard {
			got = append(got, p.Module.Path)
		}
	}
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, wasmModules) {
		t.Errorf("the module is made of\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wasmModules, "\n"))
	}
}

// TestSDKStaysAtTheEdge keeps the SDK out of everything that decides. e2e/probe is a
// filter of the tests, which decides nothing.
func TestSDKStaysAtTheEdge(t *testing.T) {
	// The empty filter is what Holdfast is measured against.
	edge := []string{"main.go", "filter/proxywasm/", "e2e/probe/", "bench/emptyfilter/"}
	for _, s := range goFiles(t) {
		atEdge := slices.ContainsFunc(edge, func(prefix string) bool { return strings.HasPrefix(s.name, prefix) })
		for _, spec := range s.file.Imports {
			if strings.Contains(spec.Path.Value, "proxy-wasm-go-sdk") && !atEdge {
				t.Errorf("%s imports the SDK: only %s may", s.at(spec), strings.Join(edge, " and "))
			}
		}
	}
}

// TestOneJSONReader keeps JSON behind the one strict reader.
func TestOneJSONReader(t *testing.T) {
	for _, p := range ourWasmPackages(t) {
		if slices.Contains(p.Imports, "github.com/tidwall/gjson") && p.ImportPath != module+"/strictjson" {
			t.Errorf("%s imports gjson: only strictjson may", p.ImportPath)
		}
	}
}

// purePackages know no host, no clock and no I/O.
var purePackages = []string{
	module + "/strictjson", module + "/jwt", module + "/thumbprint", module + "/clientcert",
	module + "/introspection", module + "/session",
	module + "/filter/config", module + "/filter/canonical", module + "/filter/structpb",
	module + "/internal/base64url", module + "/internal/percent", module + "/internal/jsontext", module + "/internal/lru",
	module + "/internal/keylist", module + "/internal/authority",
	module + "/internal/replay", module + "/dpop",
}

// impure is what a pure package does not import.
var impure = []string{
	"context", "crypto/rand", "embed", "io/fs", "io/ioutil", "log", "math/rand", "math/rand/v2", "net", "net/http", "os", "os/exec",
	"runtime", "runtime/debug", "sync", "sync/atomic", "syscall", "unsafe",
}

func TestPurePackages(t *testing.T) {
	found := 0
	for _, p := range ourWasmPackages(t) {
		if !slices.Contains(purePackages, p.ImportPath) {
			continue
		}
		found++
		for _, path := range p.Imports {
			if slices.Contains(impure, path) || strings.Contains(path, "proxy-wasm") {
				t.Errorf("%s is to be pure, but imports %s", p.ImportPath, path)
			}
			if strings.HasPrefix(path, module) && !slices.Contains(purePackages, path) {
				t.Errorf("%s is to be pure, but imports %s, which is not", p.ImportPath, path)
			}
		}
		for _, s := range p.parse(t) {
			for _, use := range uses(s, "time", "Now", "Since", "Until") {
				t.Errorf("%s: a pure package is told the time", use)
			}
		}
	}
	if found != len(purePackages) {
		t.Errorf("%d of the %d pure packages are part of the module", found, len(purePackages))
	}
}
