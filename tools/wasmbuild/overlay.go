package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// patch changes one function of a file that is not ours.
type patch struct {
	file     string
	function string
	old, new string
}

// patches, below GOROOT, leaves nothing in the runtime that waits for the host. A filter never
// sleeps and never reads a file, so an answer of "no event" is always right;
// nosplit because the imports that they replace need no stack either.
var patches = []patch{
	{
		file:     "src/runtime/os_wasip1.go",
		function: "poll_oneoff",
		old: `//go:wasmimport wasi_snapshot_preview1 poll_oneoff
//go:noescape
func poll_oneoff(in *subscription, out *event, nsubscriptions size, nevents *size) errno
`,
		new: `//go:nosplit
func poll_oneoff(in *subscription, out *event, nsubscriptions size, nevents *size) errno {
	*nevents = 0
	return 0
}
`,
	},
	{
		file:     "src/runtime/lock_wasip1.go",
		function: "sched_yield",
		old: `//go:wasmimport wasi_snapshot_preview1 sched_yield
func sched_yield() errno
`,
		new: `//go:nosplit
func sched_yield() errno {
	return 0
}
`,
	},
}

// apply returns the text with the patch made, and an error when the text to
// replace is not there exactly once: then this is not the version that the patch
// was written for.
func (p patch) apply(text string) (string, error) {
	if n := strings.Count(text, p.old); n != 1 {
		return "", fmt.Errorf("%s: the text to replace in %s is there %d times, want once: look at the new version before going on", p.file, p.function, n)
	}
	return strings.Replace(text, p.old, p.new, 1), nil
}

// writeOverlay makes patched copies of the installed Go's own files in dir, and
// returns the path of the file that "go build -overlay" takes. goroot is the
// linked one.
func writeOverlay(goroot, dir string) (string, error) {
	replace := map[string]string{}
	for _, p := range patches {
		original := filepath.Join(goroot, filepath.FromSlash(p.file))
		text, err := os.ReadFile(original)
		if err != nil {
			return "", err
		}
		patched, err := p.apply(string(text))
		if err != nil {
			return "", err
		}
		copied := filepath.Join(dir, filepath.Base(original))
		if err := writeFile(copied, []byte(patched)); err != nil {
			return "", err
		}
		replace[original] = copied
	}
	list, err := json.MarshalIndent(map[string]any{"Replace": replace}, "", "\t")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, writeFile(path, append(list, '\n'))
}

// writeFile writes in one step, so that two builds at once do not read half a
// file, and leaves a file alone that is right already.
func writeFile(path string, content []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(path), ".part-*")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	_, err = part.Write(content)
	if closed := part.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err := os.Chmod(part.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(part.Name(), path)
}
