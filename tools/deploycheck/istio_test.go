package deploycheck

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"istio.io/api/annotation"
	extensions "istio.io/api/extensions/v1alpha1"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pkg/util/protomarshal"
	corev1 "k8s.io/api/core/v1"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/santhosh-tekuri/jsonschema/v6"

	holdfast "holdfast/filter"
	"holdfast/filter/config"
)

// istioKinds are the messages of istio.io/api behind the kinds. A version v1 of an API
// is another name for the messages of the version before.
var istioKinds = map[string]func() proto.Message{
	"extensions.istio.io/v1alpha1 WasmPlugin":       func() proto.Message { return new(extensions.WasmPlugin) },
	"extensions.istio.io/v1alpha1 TrafficExtension": func() proto.Message { return new(extensions.TrafficExtension) },
	"networking.istio.io/v1 Gateway":                func() proto.Message { return new(networking.Gateway) },
	"networking.istio.io/v1 VirtualService":         func() proto.Message { return new(networking.VirtualService) },
	"networking.istio.io/v1 ServiceEntry":           func() proto.Message { return new(networking.ServiceEntry) },
	"networking.istio.io/v1 DestinationRule":        func() proto.Message { return new(networking.DestinationRule) },
	"networking.istio.io/v1alpha3 EnvoyFilter":      func() proto.Message { return new(networking.EnvoyFilter) },
	"security.istio.io/v1 PeerAuthentication":       func() proto.Message { return new(security.PeerAuthentication) },
}

// istioSpec decodes the document's spec; unknown fields are refused.
func istioSpec(m manifest) (proto.Message, error) {
	kind := m.head.APIVersion + " " + m.head.Kind
	fresh := istioKinds[kind]
	if fresh == nil {
		return nil, fmt.Errorf("%s is no kind of Istio's that is known here", kind)
	}
	spec := fresh()
	return spec, protojson.UnmarshalOptions{DiscardUnknown: false}.Unmarshal(m.head.Spec, spec)
}

// checkIstio holds the document against Istio's types, its schemas and its own
// validation, which is what its webhook does.
func checkIstio(t *testing.T, m manifest) error {
	t.Helper()
	if _, err := istioSpec(m); err != nil {
		return err
	}
	if err := checkSchema(t, m); err != nil {
		return err
	}
	known, unknown, err := crd.ParseInputs(string(m.json))
	if err == nil && (len(known) != 1 || len(unknown) != 0) {
		err = fmt.Errorf("Istio knows %d documents and does not know %d", len(known), len(unknown))
	}
	return err
}

func TestIstioManifests(t *testing.T) {
	kinds := map[string]bool{}
	for _, m := range manifests(t, "istio") {
		if err := checkIstio(t, m); err != nil {
			t.Errorf("%s: %v", m, err)
		}
		if refused := m.with(t, true, "spec", "holdfast"); checkIstio(t, refused) == nil {
			t.Errorf("%s: an unknown field is taken", m)
		}
		kinds[m.head.APIVersion+" "+m.head.Kind] = true
	}
	for kind := range istioKinds {
		if !kinds[kind] {
			t.Errorf("no manifest is a %s", kind)
		}
	}
}

// istioFilters are the filters in the manifests, in the words of the newer API, which
// has all that the older one has.
func istioFilters(t *testing.T) map[string]*extensions.TrafficExtension {
	t.Helper()
	found := map[string]*extensions.TrafficExtension{}
	for _, m := range manifests(t, "istio") {
		spec, err := istioSpec(m)
		if err != nil {
			t.Fatalf("%s: %v", m, err)
		}
		switch spec := spec.(type) {
		case *extensions.TrafficExtension:
			found[m.file] = spec
		case *extensions.WasmPlugin:
			found[m.file] = &extensions.TrafficExtension{
				Selector: spec.Selector, Priority: spec.Priority, Phase: extensions.TrafficExtension_ExecutionPhase(spec.Phase),
				FilterConfig: &extensions.TrafficExtension_Wasm{Wasm: &extensions.WasmConfig{
					Url: spec.Url, PluginConfig: spec.PluginConfig, FailStrategy: spec.FailStrategy, VmConfig: spec.VmConfig,
				}},
			}
		}
	}
	if len(found) != 3 {
		t.Fatalf("%d files have a filter, want three", len(found))
	}
	return found
}

// TestIstioFilters reads the configuration in the manifests as Holdfast does in the
// proxy, and looks for what would open a hole or keep it from starting.
func TestIstioFilters(t *testing.T) {
	for file, filter := range istioFilters(t) {
		wasm := filter.GetWasm()
		// Istio hands a Struct to the proxy as this JSON.
		document, err := protomarshal.ToJSON(wasm.PluginConfig)
		if err != nil {
			t.Fatal(err)
		}
		c, err := config.Parse(document)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if !strings.HasSuffix(wasm.Url, ":"+holdfast.Version) {
			t.Errorf("%s: %s is not this version", file, wasm.Url)
		}
		if filter.Phase != extensions.TrafficExtension_AUTHN {
			t.Errorf("%s: phase %s lets Istio's own authorization decide first", file, filter.Phase)
		}
		if wasm.FailStrategy == extensions.FailStrategy_FAIL_OPEN {
			t.Errorf("%s: FAIL_OPEN", file)
		}
		// Every Wasm filter of a proxy has the same vm_id: TestIstioGateway.
		if c.SharedData {
			t.Errorf("%s: any other filter of the proxy may write the shared data", file)
		}
		if file == "sidecar.yaml" {
			// The last element is the gateway: TestIstioSidecar. Only its identity is trusted.
			cert := c.Certificate
			if len(cert.Sources) != 1 || cert.Sources[0].Kind != config.SourceXFCC || cert.Sources[0].Element != -2 {
				t.Errorf("%s: the client's certificate is read from %+v", file, cert.Sources)
			}
			if len(cert.TrustedProxies.URISANs) != 1 || len(cert.TrustedProxies.Addresses) != 0 {
				t.Errorf("%s: trusted are %+v", file, cert.TrustedProxies)
			}
		}
		env := map[string]*extensions.EnvVar{}
		for _, v := range wasm.VmConfig.Env {
			env[v.Name] = v
		}
		for _, name := range variables(c) {
			if v := env[name]; v == nil || v.ValueFrom != extensions.EnvValueSource_HOST || v.Value != "" {
				t.Errorf("%s: %s is to come from the host: %v", file, name, v)
			}
		}
		if got, want := clusters(c), []string{"outbound|443||as.example.com"}; !slices.Equal(got, want) {
			t.Errorf("%s calls the clusters %v, want %v", file, got, want)
		}
	}
}

// TestIstioAlternativesAgree: the two APIs say the same of the gateway.
func TestIstioAlternativesAgree(t *testing.T) {
	filters := istioFilters(t)
	older, newer := filters["wasmplugin.yaml"], filters["trafficextension.yaml"]
	// FAIL_RELOAD, which not every Istio with WasmPlugin has.
	newer.GetWasm().FailStrategy = older.GetWasm().FailStrategy
	if !proto.Equal(older, newer) {
		t.Errorf("wasmplugin.yaml and trafficextension.yaml differ:\n%v\n%v", older, newer)
	}
}

// variables and clusters are what a configuration needs of its surroundings.
func variables(c *config.Config) []string {
	var names []string
	for _, issuer := range c.Issuers {
		if issuer.Introspection != nil {
			names = append(names, issuer.Introspection.Client.SecretEnv)
		}
	}
	return names
}

func clusters(c *config.Config) []string {
	var names []string
	for _, issuer := range c.Issuers {
		names = append(names, issuer.Keys.Cluster)
		if issuer.Introspection != nil {
			names = append(names, issuer.Introspection.Cluster)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// TestIstioGatewayValues holds the values against the schema of Istio's own chart, and
// what the chart copies into the pod against Kubernetes' types.
func TestIstioGatewayValues(t *testing.T) {
	values, err := yaml.YAMLToJSONStrict(read(t, deploy+"/istio/gateway-values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.NewCompiler().Compile(moduleDir(t, "istio.io/istio") + "/manifests/charts/gateway/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(values)))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(document); err != nil {
		t.Error(err)
	}
	var chart struct {
		EnvVarFrom     json.RawMessage   `json:"envVarFrom"`
		PodAnnotations map[string]string `json:"podAnnotations"`
	}
	if err := json.Unmarshal(values, &chart); err != nil {
		t.Fatal(err)
	}
	var env []corev1.EnvVar
	strict(t, chart.EnvVarFrom, &env)
	if len(env) != 1 || env[0].Name != "HOLDFAST_INTROSPECTION_SECRET" || env[0].ValueFrom.SecretKeyRef == nil {
		t.Errorf("the environment is %+v, want the secret of introspection", env)
	}
	// The page promises a line of the log that Istio's default hides.
	if levels := chart.PodAnnotations[annotation.SidecarComponentLogLevel.Name]; !strings.Contains(levels, "wasm:info") {
		t.Errorf("the proxy logs %q, want wasm:info", levels)
	}
}

// strict decodes JSON as an API server does that is told to be strict: an unknown
// member, a wrong case or a member twice is an error.
func strict(t *testing.T, document []byte, into any) {
	t.Helper()
	if err := decodeStrict(document, into); err != nil {
		t.Fatal(err)
	}
}

func decodeStrict(document []byte, into any) error {
	problems, err := kjson.UnmarshalStrict(document, into)
	if err == nil && len(problems) > 0 {
		err = problems[0]
	}
	return err
}
