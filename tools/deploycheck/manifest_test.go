package deploycheck

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const deploy = "../../deploy"

// manifest is one document of a file.
type manifest struct {
	file string
	json []byte // what the YAML says; a member that is there twice is an error
	head struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        metav1.ObjectMeta `json:"metadata"`
		Spec            json.RawMessage   `json:"spec"`
	}
}

func (m manifest) String() string { return m.file + ": " + m.head.Kind + " " + m.head.Metadata.Name }

// manifests returns every document in a folder of deploy, but for the values of a Helm
// chart, which are no resource.
func manifests(t *testing.T, folder string) []manifest {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(deploy, folder, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var found []manifest
	for _, file := range files {
		if strings.HasSuffix(file, "-values.yaml") {
			continue
		}
		for _, document := range bytes.Split(read(t, file), []byte("\n---\n")) {
			m := manifest{file: filepath.Base(file)}
			if m.json, err = yaml.YAMLToJSONStrict(document); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if err := json.Unmarshal(m.json, &m.head); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			found = append(found, m)
		}
	}
	if len(found) == 0 {
		t.Fatalf("there is nothing in %s", folder)
	}
	return found
}

// one returns the only document of a kind in a file.
func one(t *testing.T, folder, file, kind string) manifest {
	t.Helper()
	var found []manifest
	for _, m := range manifests(t, folder) {
		if m.file == file && m.head.Kind == kind {
			found = append(found, m)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s has %d documents of kind %s, want one", file, len(found), kind)
	}
	return found[0]
}

// with returns the document with one more member, or another value of one. path leads
// to it through objects.
func (m manifest) with(t *testing.T, value any, path ...string) manifest {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal(m.json, &document); err != nil {
		t.Fatal(err)
	}
	at := document
	for _, name := range path[:len(path)-1] {
		next, ok := at[name].(map[string]any)
		if !ok {
			t.Fatalf("%s has no object %s", m, name)
		}
		at = next
	}
	at[path[len(path)-1]] = value
	changed, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	m.json = changed
	m.head.Spec = nil
	if err := json.Unmarshal(changed, &m.head); err != nil {
		t.Fatal(err)
	}
	return m
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// moduleDir is where the go command keeps the sources of a module.
func moduleDir(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", path).Output()
	if err != nil {
		t.Fatalf("go list -m %s: %v", path, err)
	}
	return strings.TrimSpace(string(out))
}
