//go:build slow

package guards

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSlowSameBytesElsewhere builds the module again as another machine would:
// in another folder, with an empty build cache, another module cache, and a Go
// that was downloaded, which lies within that module cache. The bytes must be the
// same. A simulated download: a copy of the installed Go at the place where the go
// command puts toolchains.
func TestSlowSameBytesElsewhere(t *testing.T) {
	here, err := os.ReadFile(builtWasm(t))
	if err != nil {
		t.Fatalf("%v: run make guards-slow", err)
	}
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
	t.Log(run(t, tree, env, downloaded, "run", "./tools/wasmbuild"))
	there, err := os.ReadFile(filepath.Join(tree, "build", "holdfast.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(here, there) {
		t.Errorf("another machine builds other bytes: %d here, %d there", len(here), len(there))
	}
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
