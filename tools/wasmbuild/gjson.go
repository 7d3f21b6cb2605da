package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const gjsonModule = "github.com/tidwall/gjson"

// gjsonPatch keeps gjson from registering the functions of its path language when
// the program starts. Holdfast has no use for paths, but the registration keeps
// all of that language in the module: 0.2 MB of code that could only be a way in.
var gjsonPatch = patch{
	file:     "gjson.go",
	function: "init",
	old:      "\nfunc init() {\n\tstockModifiers = ",
	new:      "\nfunc neverCalled() {\n\tstockModifiers = ",
}

// slimGJSON makes a patched copy of gjson in the tools folder, and returns the
// path of a go.mod file that puts it in gjson's place. An overlay would not do:
// Go refuses to overlay what lies in the module cache. go.sum has the hash of
// what is copied.
func slimGJSON(root, tools string) (string, error) {
	found, err := locate(root)
	if err != nil {
		return "", err
	}
	folder := "gjson-" + found.Version
	names, err := filepath.Glob(filepath.Join(found.Dir, "*.go"))
	if err != nil {
		return "", err
	}
	patched := 0
	for _, name := range append(names, filepath.Join(found.Dir, "go.mod"), filepath.Join(found.Dir, "LICENSE")) {
		content, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		text := string(content)
		if filepath.Base(name) == gjsonPatch.file {
			patched++
			if text, err = gjsonPatch.apply(text); err != nil {
				return "", err
			}
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if err := writeFile(filepath.Join(tools, folder, filepath.Base(name)), []byte(text)); err != nil {
			return "", err
		}
	}
	if patched != 1 {
		return "", fmt.Errorf("%s has no file %s", gjsonModule, gjsonPatch.file)
	}
	return writeModfile(root, tools, folder)
}

// writeModfile writes the project's go.mod with one line more, and go.sum beside
// it, where the go command looks for it. The replacement's path is relative, so
// that the module does not tell where it was built.
func writeModfile(root, tools, folder string) (string, error) {
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", err
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		return "", err
	}
	line := fmt.Sprintf("\nreplace %s => ./%s/%s\n", gjsonModule, toolsFolder, folder)
	if err := writeFile(filepath.Join(tools, "wasm.sum"), sum); err != nil {
		return "", err
	}
	path := filepath.Join(tools, "wasm.mod")
	return path, writeFile(path, append(mod, line...))
}

// located is where a module lies in the module cache.
type located struct {
	Version, Dir string
}

// locate downloads gjson if need be; the go command checks it against go.sum.
func locate(root string) (located, error) {
	cmd := exec.Command("go", "mod", "download", "-json", gjsonModule)
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	answer, err := cmd.Output()
	if err != nil {
		return located{}, fmt.Errorf("go mod download %s: %w\n%s", gjsonModule, err, answer)
	}
	var found located
	if err := json.Unmarshal(answer, &found); err != nil {
		return located{}, err
	}
	return found, nil
}
