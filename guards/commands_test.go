package guards

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	block      = regexp.MustCompile("(?m)^ *```sh\n((?s:.*?))^ *```$")
	makeTarget = regexp.MustCompile("(?m)(?:^ *|`)make\\s+([a-z][a-z0-9-]*)")
	goFolder   = regexp.MustCompile(`go (?:run|build -o \S+) (\./[\w/-]+)`)
	script     = regexp.MustCompile(`(?m)^ *(\S+\.sh)`)
	manifest   = regexp.MustCompile(`-f ([a-z-]+\.yaml)`)
)

// TestPagesCommandsExist: a shell can read the commands of every page, and the targets,
// programs, scripts and manifests that they name are there. It runs none of them.
func TestPagesCommandsExist(t *testing.T) {
	makefile := read(t, "Makefile")
	seen := map[string]int{}
	for _, page := range documents(t) {
		text := read(t, page)
		for _, match := range makeTarget.FindAllStringSubmatch(text, -1) {
			seen["target"]++
			if !strings.Contains(makefile, "\n"+match[1]+":") {
				t.Errorf("%s: there is no make %s", page, match[1])
			}
		}
		there := func(kind string, pattern *regexp.Regexp, text, dir string) {
			for _, match := range pattern.FindAllStringSubmatch(text, -1) {
				seen[kind]++
				if _, err := os.Stat(filepath.Join(root(t), dir, match[1])); err != nil {
					t.Errorf("%s: there is no %s %s", page, kind, match[1])
				}
			}
		}
		there("program", goFolder, text, ".")
		for _, match := range block.FindAllStringSubmatch(text, -1) {
			seen["block"]++
			shell := exec.CommandContext(t.Context(), "sh", "-n")
			shell.Stdin = strings.NewReader(match[1])
			if out, err := shell.CombinedOutput(); err != nil {
				t.Errorf("%s: no shell reads\n%s%s", page, match[1], out)
			}
			there("script", script, match[1], ".")
			there("manifest", manifest, match[1], path.Dir(page))
		}
	}
	for _, kind := range []string{"target", "program", "block", "script", "manifest"} {
		if seen[kind] == 0 {
			t.Errorf("no %s in any page: does this test still see them?", kind)
		}
	}
}
