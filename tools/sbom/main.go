// Command sbom writes what the filter is made of as CycloneDX JSON, with OWASP's
// cyclonedx-gomod.
//
// That tool takes the version of the main module from a git tag, and puts a hash of
// its own binary into the document. Neither is the same for everyone who has the
// sources: a release file, a worktree and a copy have no tag or no repository, and
// every kind of machine has another binary. So the tool is shown a copy of the
// sources with a repository of one tagged commit, and its hash is left out: the
// same sources give the same bytes.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"
)

func main() {
	root := flag.String("root", ".", "top folder of the module")
	tool := flag.String("tool", "", "cyclonedx-gomod to run")
	version := flag.String("version", "", "version of the module, such as v1.2.3")
	out := flag.String("o", "build/holdfast.cdx.json", "file to write")
	flag.Parse()
	if err := run(*root, *tool, *version, *out); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(root, tool, version, out string) error {
	if tool == "" || version == "" {
		return errors.New("-tool and -version are needed")
	}
	copied, err := os.MkdirTemp("", "sbom-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(copied)
	if err := copySources(root, copied); err != nil {
		return err
	}
	if err := tag(copied, version); err != nil {
		return err
	}
	document, err := generate(tool, copied)
	if err != nil {
		return err
	}
	if document, err = withoutToolHashes(document); err != nil {
		return err
	}
	return os.WriteFile(out, document, 0o644)
}

// copySources copies what says which modules the filter needs: its Go files, go.mod
// and go.sum.
func copySources(root, to string) error {
	return fs.WalkDir(os.DirFS(root), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path != "." && (strings.HasPrefix(name, ".") || path == "build" || isModule(filepath.Join(root, path))) {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".go" && path != "go.mod" && path != "go.sum" {
			return nil
		}
		content, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return err
		}
		copied := filepath.Join(to, path)
		if err := os.MkdirAll(filepath.Dir(copied), 0o755); err != nil {
			return err
		}
		return os.WriteFile(copied, content, 0o644)
	})
}

// isModule reports whether the folder begins another Go module.
func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// tag makes the folder a repository with one commit, which has the tag.
func tag(dir, name string) error {
	repository, err := git.PlainInit(dir, false)
	if err != nil {
		return err
	}
	tree, err := repository.Worktree()
	if err != nil {
		return err
	}
	commit, err := tree.Commit("the sources", &git.CommitOptions{
		AllowEmptyCommits: true,
		Author:            &object.Signature{Name: "sbom", When: time.Unix(0, 0).UTC()},
	})
	if err != nil {
		return err
	}
	_, err = repository.CreateTag(name, commit, nil)
	return err
}

// generate runs the tool for the platform that the filter is built for.
func generate(tool, dir string) ([]byte, error) {
	tool, err := filepath.Abs(tool)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(tool, "app", "-json", "-noserial", "-notimestamp", "-std", "-output", "-", dir)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	document, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", tool, err)
	}
	return document, nil
}

func withoutToolHashes(document []byte) ([]byte, error) {
	bom := new(cdx.BOM)
	if err := cdx.NewBOMDecoder(bytes.NewReader(document), cdx.BOMFileFormatJSON).Decode(bom); err != nil {
		return nil, err
	}
	if bom.Metadata == nil || bom.Metadata.Tools == nil || bom.Metadata.Tools.Tools == nil {
		return nil, errors.New("the document does not say which tool wrote it")
	}
	for i := range *bom.Metadata.Tools.Tools {
		(*bom.Metadata.Tools.Tools)[i].Hashes = nil
	}
	var result bytes.Buffer
	err := cdx.NewBOMEncoder(&result, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom)
	return result.Bytes(), err
}
