//go:build slow

package wasmshrink

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"holdfast/tools/wasmfile"
)

// TestSlowGosOwnTests shrinks the tests of some of Go's own packages and of the
// curves, and passes them: they go through goroutines, panics, collections, floats
// and generics.
func TestSlowGosOwnTests(t *testing.T) {
	for _, name := range []string{
		"strconv", "math", "reflect", "slices", "sync", "encoding/json", "internal/runtime/maps",
		"crypto/ed25519", "filippo.io/nistec",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "test.wasm")
			build := exec.Command("go", "test", "-c", "-trimpath", "-o", file, name)
			build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sections, err := wasmfile.Split(content)
			if err != nil {
				t.Fatal(err)
			}
			if sections, err = Shrink(sections); err != nil {
				t.Fatal(err)
			}
			smaller := wasmfile.Join(sections)
			t.Logf("%d bytes of %d", len(smaller), len(content))
			dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", name).Output()
			if err != nil {
				t.Fatal(err)
			}
			passGoTest(t, smaller, strings.TrimSpace(string(dir)))
		})
	}
}

// passGoTest runs a test binary in a folder.
func passGoTest(t *testing.T, wasm []byte, dir string) {
	t.Helper()
	ctx := context.Background()
	runtime := wazero.NewRuntime(ctx)
	defer runtime.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, runtime)
	var output bytes.Buffer
	_, err := runtime.InstantiateWithConfig(ctx, wasm, wazero.NewModuleConfig().
		WithArgs("test", "-test.short").WithEnv("PWD", dir).WithFSConfig(wazero.NewFSConfig().WithDirMount("/", "/")).
		WithStdout(&output).WithStderr(&output).WithRandSource(rand.Reader).
		WithSysWalltime().WithSysNanotime().WithSysNanosleep())
	if err != nil || !strings.HasSuffix(output.String(), "PASS\n") {
		t.Errorf("%v\n%s", err, output.String())
	}
}
