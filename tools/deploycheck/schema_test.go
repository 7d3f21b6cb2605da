package deploycheck

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"istio.io/istio/pkg/config/crd"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// schemas holds the CustomResourceDefinitions of all three APIs, in the versions that
// go.mod pins.
var schemas struct {
	sync.Mutex
	*crd.Validator
}

// checkSchema holds the document against what an API server would: the schema of its
// CustomResourceDefinition, and the rules in CEL there. It is stricter than Go's types,
// which know neither enumerations nor bounds.
func checkSchema(t *testing.T, m manifest) error {
	t.Helper()
	schemas.Lock()
	defer schemas.Unlock()
	if schemas.Validator == nil {
		schemas.Validator = loadSchemas(t)
	}
	object := new(unstructured.Unstructured)
	if err := object.UnmarshalJSON(m.json); err != nil {
		return err
	}
	return schemas.ValidateCustomResource(object)
}

func loadSchemas(t *testing.T) *crd.Validator {
	t.Helper()
	files := []string{filepath.Join(moduleDir(t, "istio.io/api"), "kubernetes", "customresourcedefinitions.gen.yaml")}
	for _, kind := range []string{"gatewayclasses", "gateways", "httproutes"} {
		files = append(files, filepath.Join(moduleDir(t, "sigs.k8s.io/gateway-api"), "config", "crd", "standard", "gateway.networking.k8s.io_"+kind+".yaml"))
	}
	charts := filepath.Join(moduleDir(t, "github.com/envoyproxy/gateway"), "charts", "gateway-crds-helm", "templates", "generated")
	for _, kind := range []string{"clienttrafficpolicies", "envoyextensionpolicies", "envoyproxies"} {
		files = append(files, withoutTemplate(t, filepath.Join(charts, "gateway.envoyproxy.io_"+kind+".yaml")))
	}
	validator, err := crd.NewValidatorFromFilesWithOptions(files, crd.WithoutCRDValidation())
	if err != nil {
		t.Fatal(err)
	}
	return validator
}

// withoutTemplate copies a file of a Helm chart without the lines that are Helm's.
func withoutTemplate(t *testing.T, file string) string {
	t.Helper()
	var lines [][]byte
	for line := range bytes.Lines(read(t, file)) {
		if !strings.HasPrefix(string(line), "{{") {
			lines = append(lines, line)
		}
	}
	copied := filepath.Join(t.TempDir(), filepath.Base(file))
	if err := os.WriteFile(copied, bytes.Join(lines, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	return copied
}

// TestSchemaRefuses: what each document must not say, its schema refuses.
func TestSchemaRefuses(t *testing.T) {
	wasm := one(t, "istio", "wasmplugin.yaml", "WasmPlugin")
	policy := one(t, "envoy-gateway", "policies.yaml", "EnvoyExtensionPolicy")
	client := one(t, "envoy-gateway", "policies.yaml", "ClientTrafficPolicy")
	for name, m := range map[string]manifest{
		"an unknown phase":       wasm.with(t, "AUTH", "spec", "phase"),
		"no url":                 wasm.with(t, "", "spec", "url"),
		"a digest with a prefix": wasm.with(t, "sha256:00", "spec", "sha256"),
		"a secret written out and from the host": wasm.with(t, []any{map[string]any{"name": "A", "value": "b", "valueFrom": "HOST"}},
			"spec", "vmConfig", "env"),
		"an unknown member":      policy.with(t, true, "spec", "failOpen"),
		"another target":         policy.with(t, []any{map[string]any{"group": "", "kind": "Service", "name": "api"}}, "spec", "targetRefs"),
		"an unknown mode":        client.with(t, "Require", "spec", "tls", "clientValidation", "mode"),
		"an unknown path action": client.with(t, "Keep", "spec", "path", "escapedSlashesAction"),
	} {
		if checkSchema(t, m) == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
