//go:build slow

package guards

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"holdfast/filter"
)

// TestSlowSameBytesElsewhere makes the release again as another machine would: in
// another folder without a history, with an empty build cache, another module cache,
// and a Go that was downloaded, which lies within that module cache. Every file must
// have the same bytes. A simulated download: a copy of the installed Go at the place
// where the go command puts toolchains.
func TestSlowSameBytesElsewhere(t *testing.T) {
	here := filepath.Join(root(t), "build", "dist")
	place := t.TempDir()
	t.Cleanup(func() { makeWritable(t, place) })
	tree := filepath.Join(place, "some where", "tree")
	for _, name := range treeFiles(t) {
		copyFile(t, filepath.Join(root(t), name), filepath.Join(tree, name))
	}
	modules := filepath.Join(place, "modules")
	toolchain := filepath.Join(modules, "golang.org", "toolchain@v0.0.1-"+goEnv(t, "GOVERSION")+"."+goEnv(t, "GOHOSTOS")+"-"+goEnv(t, "GOHOSTARCH"))
	copyGo(t, goEnv(t, "GOROOT"), toolchain)
	downloaded := filepath.Join(toolchain, "bin", "go")
	// Modules come from the files that the go command keeps of every download;
	// go.sum checks them.
	env := []string{
		"PATH=" + filepath.Dir(downloaded) + string(os.PathListSeparator) + os.Getenv("PATH"),
		"HOME=" + filepath.Join(place, "nobody"),
		"GOCACHE=" + filepath.Join(place, "cache"),
		"GOMODCACHE=" + modules,
		"GOPROXY=file://" + filepath.ToSlash(filepath.Join(goEnv(t, "GOMODCACHE"), "cache", "download")),
		"GOSUMDB=off",
		"GOTOOLCHAIN=local",
		"GOFLAGS=-buildvcs=false",
		"GOTMPDIR=" + t.TempDir(),
	}
	if got := strings.TrimSpace(run(t, tree, env, downloaded, "env", "GOROOT")); got != toolchain {
		t.Fatalf("GOROOT is %s, want %s: the copy is not in use", got, toolchain)
	}
	t.Log(run(t, tree, env, "make", "dist"))
	names := fileNames(t, here)
	if there := fileNames(t, filepath.Join(tree, "build", "dist")); !slices.Equal(names, there) {
		t.Fatalf("another machine makes the files %v, this one %v: run make guards-slow", there, names)
	}
	for _, name := range names {
		ours, theirs := read(t, filepath.Join("build", "dist", name)), readFile(t, filepath.Join(tree, "build", "dist", name))
		if ours != theirs {
			t.Errorf("%s: another machine makes other bytes: %d here, %d there", name, len(ours), len(theirs))
		}
	}
	if module := readFile(t, builtWasm(t)); module != read(t, "build/dist/holdfast.wasm") {
		t.Error("the release has another module than build/")
	}
}

// TestSlowSBOM: the list of what the filter is made of is the list that a person
// approved, and says neither when nor where it was written.
func TestSlowSBOM(t *testing.T) {
	var bom struct {
		SerialNumber string
		Metadata     struct {
			Timestamp string
			Component struct{ Name, Version string }
		}
		Components []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(read(t, "build/dist/holdfast.cdx.json")), &bom); err != nil {
		t.Fatal(err)
	}
	if bom.SerialNumber != "" || bom.Metadata.Timestamp != "" {
		t.Errorf("serial number %q, time %q, want none", bom.SerialNumber, bom.Metadata.Timestamp)
	}
	if bom.Metadata.Component.Name != module || bom.Metadata.Component.Version != "v"+filter.Version {
		t.Errorf("it is about %+v", bom.Metadata.Component)
	}
	got := []string{module}
	for _, component := range bom.Components {
		if component.Name != "std" {
			got = append(got, component.Name)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, wasmModules) {
		t.Errorf("the SBOM lists %v, want %v", got, wasmModules)
	}
}

func fileNames(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatalf("%v: run make guards-slow", err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(run(t, root(t), os.Environ(), "go", "env", name))
}

// run returns what the command writes on its standard output.
func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, env, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return string(out)
}

// copyGo copies what a build needs of an installed Go.
func copyGo(t *testing.T, from, to string) {
	t.Helper()
	from, err := filepath.EvalSymlinks(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bin", "lib", "pkg", "src"} {
		err := filepath.WalkDir(filepath.Join(from, name), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			rel, err := filepath.Rel(from, path)
			if err == nil {
				copyFile(t, path, filepath.Join(to, rel))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"VERSION", "go.env"} {
		copyFile(t, filepath.Join(from, name), filepath.Join(to, name))
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, info.Mode().Perm()); err != nil {
		t.Fatal(err)
	}
}

// makeWritable lets the test's folder be removed: a module cache is read-only.
func makeWritable(t *testing.T, dir string) {
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			err = os.Chmod(path, 0o755)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
