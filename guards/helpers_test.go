package guards

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"holdfast/tools/wasmfile"
)

const module = "holdfast"

// root returns the top folder of the project.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// builtWasm returns the path of the module that make built.
func builtWasm(t *testing.T) string {
	t.Helper()
	path := os.Getenv("HOLDFAST_WASM")
	if path == "" {
		t.Fatal("HOLDFAST_WASM is not set: run make test or make guards")
	}
	return path
}

func open(t *testing.T, path string) *wasmfile.File {
	t.Helper()
	file, err := wasmfile.Open(path)
	if err != nil {
		t.Fatalf("%v: run make test or make guards", err)
	}
	return file
}

// pkg is a package as "go list" tells of it.
type pkg struct {
	ImportPath string
	Dir        string
	Standard   bool
	Module     struct{ Path string }
	GoFiles    []string
	Imports    []string
}

// ours tells whether the package is part of this project.
func (p pkg) ours() bool { return p.Module.Path == module }

// wasmPackages returns every package that the module is made of.
func wasmPackages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,Standard,Module,GoFiles,Imports", ".")
	cmd.Dir = root(t)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []pkg
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var p pkg
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if len(packages) < 50 {
		t.Fatalf("go list found only %d packages", len(packages))
	}
	return packages
}

// ourWasmPackages returns those of wasmPackages that this project wrote.
func ourWasmPackages(t *testing.T) []pkg {
	t.Helper()
	return slices.DeleteFunc(wasmPackages(t), func(p pkg) bool { return !p.ours() })
}

// source is one parsed file.
type source struct {
	name string // from the top folder
	fset *token.FileSet
	file *ast.File
}

// at says where a node is, for a message.
func (s source) at(n ast.Node) string {
	position := s.fset.Position(n.Pos())
	position.Filename = s.name
	return position.String()
}

// imported returns the path of the package that name stands for in this file, or
// "" when name is not the name of an import.
func (s source) imported(name string) string {
	for _, spec := range s.file.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		known := path[strings.LastIndexByte(path, '/')+1:]
		if spec.Name != nil {
			known = spec.Name.Name
		}
		if known == name {
			return path
		}
	}
	return ""
}

// parse reads the files that the package gives to the module.
func (p pkg) parse(t *testing.T) []source {
	t.Helper()
	var sources []source
	fset := token.NewFileSet()
	for _, name := range p.GoFiles {
		sources = append(sources, parseFile(t, fset, filepath.Join(p.Dir, name)))
	}
	return sources
}

func parseFile(t *testing.T, fset *token.FileSet, path string) source {
	t.Helper()
	file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	name, err := filepath.Rel(root(t), path)
	if err != nil {
		t.Fatal(err)
	}
	return source{name: filepath.ToSlash(name), fset: fset, file: file}
}

// goFiles returns every Go file of the project, parsed.
func goFiles(t *testing.T) []source {
	t.Helper()
	var sources []source
	fset := token.NewFileSet()
	for _, name := range treeFiles(t) {
		if strings.HasSuffix(name, ".go") {
			sources = append(sources, parseFile(t, fset, filepath.Join(root(t), name)))
		}
	}
	return sources
}

// treeFiles returns every file of the project, as paths from the top folder: all
// but what git ignores and git's own.
func treeFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := fs.WalkDir(os.DirFS(root(t)), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == ".git" || path == ".tools" || path == "build":
			if entry.IsDir() {
				return fs.SkipDir
			}
		case entry.Type().IsRegular():
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
