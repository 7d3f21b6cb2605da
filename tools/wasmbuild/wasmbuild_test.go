package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"holdfast/tools/wasmfile"
)

func TestPatchIsMadeExactlyOnce(t *testing.T) {
	p := patch{file: "a.go", function: "f", old: "//go:wasmimport m f\nfunc f()\n", new: "func f() {}\n"}
	got, err := p.apply("package a\n\n//go:wasmimport m f\nfunc f()\n\nvar x int\n")
	if want := "package a\n\nfunc f() {}\n\nvar x int\n"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	for name, text := range map[string]string{
		"the text is not there":    "package a\n",
		"the text is there twice":  p.old + p.old,
		"the function has changed": "//go:wasmimport m f\nfunc f() int32\n",
	} {
		if _, err := p.apply(text); err == nil {
			t.Errorf("%s: no error", name)
		} else if !strings.Contains(err.Error(), p.function) {
			t.Errorf("%s: the error does not name the function: %v", name, err)
		}
	}
}

// TestOverlayOfTheInstalledGo makes the real overlay.
func TestOverlayOfTheInstalledGo(t *testing.T) {
	dir := t.TempDir()
	goroot := installedGo(t)
	list, err := writeOverlay(goroot, dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range patches {
		original := filepath.Join(goroot, p.file)
		text := readFile(t, filepath.Join(dir, filepath.Base(original)))
		if strings.Contains(text, "wasmimport wasi_snapshot_preview1 "+p.function+"\n") {
			t.Errorf("%s is still imported", p.function)
		}
		if !strings.Contains(text, p.new) {
			t.Errorf("%s has no body", p.function)
		}
		if !strings.Contains(readFile(t, list), original) {
			t.Errorf("%s does not replace %s", list, original)
		}
	}
}

func TestOverlayFailsOnAnotherRuntime(t *testing.T) {
	goroot, dir := t.TempDir(), t.TempDir()
	for _, p := range patches {
		if err := writeFile(filepath.Join(goroot, p.file), []byte("package runtime\n")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := writeOverlay(goroot, dir); err == nil {
		t.Error("no error")
	}
}

// TestLinkGo: a toolchain in the module cache is reached by a path outside of it.
func TestLinkGo(t *testing.T) {
	place := t.TempDir()
	first, second := filepath.Join(place, "modules", "toolchain@1"), filepath.Join(place, "modules", "toolchain@2")
	tools := filepath.Join(place, "tools")
	for _, goroot := range []string{first, second} {
		if err := os.MkdirAll(goroot, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// The second time the link is right already, the third time it is not.
	for _, goroot := range []string{first, first, second} {
		link, err := linkGo(goroot, tools)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Dir(link) != tools {
			t.Errorf("the link %s is not in the tools folder", link)
		}
		to, err := filepath.EvalSymlinks(link)
		if want, _ := filepath.EvalSymlinks(goroot); err != nil || to != want {
			t.Errorf("the link leads to %s, %v, want %s", to, err, want)
		}
	}
	if entries, err := os.ReadDir(tools); err != nil || len(entries) != 1 {
		t.Errorf("the tools folder holds %v, %v, want the link only", entries, err)
	}
}

func TestEnvironment(t *testing.T) {
	got := environment(
		[]string{"GOFLAGS=-ldflags=-s", "GOOS=linux", "GOROOT=/usr/go", "PATH=/bin", "GOPROXY=off"},
		map[string]string{"GOPROXY": "direct", "GOMODCACHE": "/modules"}, "/link")
	for _, want := range []string{"GOFLAGS=", "GOOS=wasip1", "GOROOT=/link", "PATH=/bin", "GOPROXY=direct", "GOMODCACHE=/modules"} {
		name, _, _ := strings.Cut(want, "=")
		var values []string
		for _, pair := range got {
			if strings.HasPrefix(pair, name+"=") {
				values = append(values, pair)
			}
		}
		if !slices.Equal(values, []string{want}) {
			t.Errorf("%s: got %q, want only %q", name, values, want)
		}
	}
}

func TestToolchain(t *testing.T) {
	got, err := toolchain("module m\n\ngo 1.26\n\ntoolchain go1.26.8\n")
	if err != nil || got != "go1.26.8" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := toolchain("module m\n\ngo 1.26\n"); err == nil {
		t.Errorf("got %q, want an error", got)
	}
}

// TestCheck: what the overlay was to take away must be away.
func TestCheck(t *testing.T) {
	const header = "\x00asm\x01\x00\x00\x00"
	importing := func(name string) []byte {
		entry := "\x01m" + string(rune(len(name))) + name + "\x00\x00"
		return []byte(header + "\x02" + string(rune(len(entry)+1)) + "\x01" + entry)
	}
	if err := check(importing("fd_write")); err != nil {
		t.Errorf("fd_write: %v", err)
	}
	for _, name := range []string{"poll_oneoff", "sched_yield"} {
		if err := check(importing(name)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := check([]byte("no module")); err == nil {
		t.Error("no module: no error")
	}
}

// TestWithoutExports: the others stay, and a name that is not there is a mistake.
func TestWithoutExports(t *testing.T) {
	sections := []wasmfile.Raw{
		{ID: wasmfile.TypeSection, Content: []byte{0}},
		{ID: wasmfile.ExportSection, Content: []byte("\x03\x01f\x00\x00\x01m\x02\x00\x01g\x03\x00")},
	}
	got, err := withoutExports(sections, []string{"m"})
	if err != nil {
		t.Fatal(err)
	}
	file, err := wasmfile.Parse(wasmfile.Join(got))
	if want := []wasmfile.Export{{Name: "f", Kind: wasmfile.Func}, {Name: "g", Kind: wasmfile.Global}}; err != nil || !slices.Equal(file.Exports, want) {
		t.Errorf("%v, %v, want %v", file, err, want)
	}
	if _, err := withoutExports(sections, []string{"f", "absent"}); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("an absent export: %v", err)
	}
	if _, err := withoutExports(sections[:1], nil); err == nil {
		t.Error("no exports at all: no error")
	}
	for _, content := range []string{"\x02\x01f\x00\x00", "\x01\x01f\x00\x00\x00"} {
		if _, err := withoutExports([]wasmfile.Raw{{ID: wasmfile.ExportSection, Content: []byte(content)}}, nil); !errors.Is(err, wasmfile.ErrFormat) {
			t.Errorf("%q: %v", content, err)
		}
	}
}

func installedGo(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
