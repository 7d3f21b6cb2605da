// Command wasmbuild builds the filter as a WebAssembly module that every host
// can load and keep running: build/holdfast.wasm.
//
// An ordinary Go build of a filter imports two functions of WASI, poll_oneoff
// and sched_yield, and Go's runtime gives up when a host answers one of them
// with an error, which Envoy did until 1.39. So the runtime is built with those
// two functions given a body (see overlay.go), by way of "go build -overlay".
//
// What the linker writes is made smaller (tools/wasmshrink), and with it Envoy's
// memory and its start; "-shrink=false" leaves its code and its data as they are.
// Callbacks without a use are not exported either way (see exports.go): what the
// filter decides must not depend on how it was built. The names of functions go
// into a twin,
// build/holdfast.names.wasm: the same code, for those who look at its size or at a
// host's stack trace.
//
// The module's bytes depend on the sources, on the version of Go, which go.mod
// pins, and on -shrink, and on nothing else: not on the folder, the module cache or
// the environment.
package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"holdfast/tools/wasmfile"
	"holdfast/tools/wasmshrink"
)

func main() {
	root := flag.String("root", ".", "top folder of the module to build")
	out := flag.String("o", "build/holdfast.wasm", "file to write, from the root")
	shrink := flag.Bool("shrink", true, "rewrite what Go's linker wrote into less code that does the same")
	flag.Parse()
	if err := run(*root, *out, *shrink); err != nil {
		fmt.Fprintln(os.Stderr, "wasmbuild:", err)
		os.Exit(1)
	}
}

// toolsFolder holds what the build needs and git ignores. It is part of the
// module's build information, so it has no say in the environment.
const toolsFolder = ".tools"

func run(root, out string, shrink bool) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	if !filepath.IsAbs(out) {
		out = filepath.Join(root, out)
	}
	settings, err := findGo(root)
	if err != nil {
		return err
	}
	tools := filepath.Join(root, toolsFolder)
	goroot, err := linkGo(settings["GOROOT"], tools)
	if err != nil {
		return err
	}
	overlay, err := writeOverlay(goroot, filepath.Join(tools, "overlay"))
	if err != nil {
		return err
	}
	linked, err := compile(root, goroot, environment(os.Environ(), settings, goroot), "-overlay="+overlay)
	if err != nil {
		return err
	}
	sections, err := wasmfile.Split(linked)
	if err != nil {
		return err
	}
	if sections, err = withoutExports(sections, unused); err != nil {
		return err
	}
	if shrink {
		if sections, err = wasmshrink.Shrink(sections); err != nil {
			return fmt.Errorf("%w (-shrink=false, or make build SHRINK=off, does without)", err)
		}
	}
	return install(root, out, sections)
}

// findGo returns the settings of the Go on the path, and an error unless that
// is the version that go.mod pins: another one gives other bytes.
func findGo(root string) (map[string]string, error) {
	cmd := exec.Command("go", append([]string{"env", "-json", "GOROOT", "GOVERSION"}, reached...)...)
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	answer, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	var settings map[string]string
	if err := json.Unmarshal(answer, &settings); err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	pinned, err := toolchain(string(mod))
	if err != nil {
		return nil, err
	}
	if found := settings["GOVERSION"]; found != pinned {
		return nil, fmt.Errorf("this is %s, but go.mod pins %s: set GOTOOLCHAIN=%s or use make", found, pinned, pinned)
	}
	return settings, nil
}

// toolchain returns the version in the toolchain line of a go.mod file.
func toolchain(mod string) (string, error) {
	for line := range strings.Lines(mod) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == "toolchain" {
			return f[1], nil
		}
	}
	return "", errors.New("go.mod has no toolchain line")
}

// compile returns the module, with the names of its functions.
func compile(root, goroot string, env []string, flags ...string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "wasmbuild-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	part := filepath.Join(dir, "module.wasm")
	args := append([]string{"build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-mod=readonly", "-o", part}, flags...)
	cmd := exec.Command(filepath.Join(goroot, "bin", "go"), append(args, ".")...)
	cmd.Dir, cmd.Env = root, env
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go build: %w", err)
	}
	return os.ReadFile(part)
}

// install checks the module and puts it in place, and its twin beside it.
func install(root, out string, sections []wasmfile.Raw) error {
	content := wasmfile.Join(wasmfile.WithoutNames(sections))
	if err := check(content); err != nil {
		return err
	}
	if err := writeFile(strings.TrimSuffix(out, ".wasm")+".names.wasm", wasmfile.Join(sections)); err != nil {
		return err
	}
	if err := writeFile(out, content); err != nil {
		return err
	}
	shown := out
	if rel, err := filepath.Rel(root, out); err == nil && filepath.IsLocal(rel) {
		shown = rel
	}
	fmt.Printf("%s: %d bytes, sha256 %x\n", shown, len(content), sha256.Sum256(content))
	return nil
}

// check refuses a module that still imports what the overlay takes away.
func check(content []byte) error {
	file, err := wasmfile.Parse(content)
	if err != nil {
		return err
	}
	for _, i := range file.Imports {
		for _, p := range patches {
			if i.Name == p.function {
				return fmt.Errorf("the module still imports %s.%s: the overlay had no effect", i.Module, i.Name)
			}
		}
	}
	return nil
}
