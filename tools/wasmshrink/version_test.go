package wasmshrink

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/tools/wasmfile"
)

// sourcesOfGo are those that decide which instructions Go writes for WebAssembly, and
// sourcesSHA256 is what they were when the rules of this package were last held
// against them.
var sourcesOfGo = []string{
	"cmd/compile/internal/wasm/ssa.go",
	"cmd/internal/obj/wasm/a.out.go",
	"cmd/internal/obj/wasm/anames.go",
	"cmd/internal/obj/wasm/wasmobj.go",
	"cmd/link/internal/wasm/asm.go",
}

const sourcesSHA256 = "263efe96453f331d2b512eeee42b1d2d5c86e69a58fa9c1528cd03278bde6b18"

// A new Go of the same sources needs goVersion and nothing else. One of others needs
// somebody who reads what has changed in them.
func TestSourcesOfGo(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.New()
	for _, name := range sourcesOfGo {
		content, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "src", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(hash, "%s %d\n%s", name, len(content), content)
	}
	if got := fmt.Sprintf("%x", hash.Sum(nil)); got != sourcesSHA256 {
		t.Errorf("Go's assembler or linker has changed: read %s, then make sourcesSHA256 %s", strings.Join(sourcesOfGo, ", "), got)
	}
}

// producers is the section by which Go's linker says which Go it is of.
func producers(version string) wasmfile.Raw {
	text := func(s string) string { return sized([]byte(s)) }
	return wasmfile.Raw{ID: wasmfile.CustomSection, Content: []byte(text("producers") + "\x02" +
		text("language") + "\x01" + text("Go") + text(version) +
		text("processed-by") + "\x01" + text("Go cmd/compile") + text(version))}
}

func TestShrinkRefusesAnotherGo(t *testing.T) {
	t.Parallel()
	for name, sections := range map[string][]wasmfile.Raw{
		"another version": {producers("go1.26.9")},
		"an experiment":   {producers(goVersion + " X:simd")},
		"another section": {{ID: wasmfile.CustomSection, Content: []byte("\x01x")}},
		"cut short":       {{ID: wasmfile.CustomSection, Content: producers(goVersion).Content[:40]}},
		"none":            nil,
	} {
		if _, err := Shrink(sections); err == nil || !strings.Contains(err.Error(), goVersion) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
