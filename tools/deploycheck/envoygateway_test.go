package deploycheck

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	eg "github.com/envoyproxy/gateway/api/v1alpha1"
	bootstrap "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"k8s.io/apimachinery/pkg/runtime"
	gwapi "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	holdfast "holdfast/filter"
	"holdfast/filter/config"
)

// gatewayKinds are the types of Envoy Gateway and the Gateway API behind the kinds.
var gatewayKinds = map[string]func() runtime.Object{
	"gateway.envoyproxy.io/v1alpha1 ClientTrafficPolicy":  func() runtime.Object { return new(eg.ClientTrafficPolicy) },
	"gateway.envoyproxy.io/v1alpha1 EnvoyExtensionPolicy": func() runtime.Object { return new(eg.EnvoyExtensionPolicy) },
	"gateway.envoyproxy.io/v1alpha1 EnvoyProxy":           func() runtime.Object { return new(eg.EnvoyProxy) },
	"gateway.networking.k8s.io/v1 GatewayClass":           func() runtime.Object { return new(gwapi.GatewayClass) },
	"gateway.networking.k8s.io/v1 Gateway":                func() runtime.Object { return new(gwapi.Gateway) },
	"gateway.networking.k8s.io/v1 HTTPRoute":              func() runtime.Object { return new(gwapi.HTTPRoute) },
}

func checkGateway(t *testing.T, m manifest) error {
	t.Helper()
	kind := m.head.APIVersion + " " + m.head.Kind
	fresh := gatewayKinds[kind]
	if fresh == nil {
		return fmt.Errorf("%s is no kind that is known here", kind)
	}
	if err := decodeStrict(m.json, fresh()); err != nil {
		return err
	}
	return checkSchema(t, m)
}

func TestEnvoyGatewayManifests(t *testing.T) {
	kinds := map[string]bool{}
	for _, m := range manifests(t, "envoy-gateway") {
		if err := checkGateway(t, m); err != nil {
			t.Errorf("%s: %v", m, err)
		}
		if refused := m.with(t, true, "spec", "holdfast"); checkGateway(t, refused) == nil {
			t.Errorf("%s: an unknown field is taken", m)
		}
		kinds[m.head.APIVersion+" "+m.head.Kind] = true
	}
	for kind := range gatewayKinds {
		if !kinds[kind] {
			t.Errorf("no manifest is a %s", kind)
		}
	}
}

func envoyProxy(t *testing.T) *eg.EnvoyProxy {
	t.Helper()
	proxy := new(eg.EnvoyProxy)
	strict(t, one(t, "envoy-gateway", "envoyproxy.yaml", "EnvoyProxy").json, proxy)
	return proxy
}

// TestEnvoyGatewayFilter reads the configuration as Holdfast does in Envoy, and looks
// for what would open a hole or keep it from starting.
func TestEnvoyGatewayFilter(t *testing.T) {
	policy := new(eg.EnvoyExtensionPolicy)
	strict(t, one(t, "envoy-gateway", "policies.yaml", "EnvoyExtensionPolicy").json, policy)
	if len(policy.Spec.Wasm) != 1 {
		t.Fatalf("the policy has %d Wasm filters, want one", len(policy.Spec.Wasm))
	}
	wasm := policy.Spec.Wasm[0]
	// Envoy Gateway hands these bytes to Envoy, in a StringValue.
	c, err := config.Parse(string(wasm.Config.Raw))
	if err != nil {
		t.Fatal(err)
	}
	if url := wasm.Code.Image.URL; !strings.HasSuffix(url, ":"+holdfast.Version) {
		t.Errorf("%s is not this version", url)
	}
	if wasm.FailOpen != nil && *wasm.FailOpen {
		t.Error("failOpen lets everything through")
	}
	// hostKeys can hand in only what the container has.
	has := map[string]bool{}
	for _, v := range envoyProxy(t).Spec.Provider.Kubernetes.EnvoyDeployment.Container.Env {
		has[v.Name] = true
		if slices.Contains(variables(c), v.Name) && (v.Value != "" || v.ValueFrom.SecretKeyRef == nil) {
			t.Errorf("%s does not come from a secret", v.Name)
		}
	}
	for _, name := range append(variables(c), "GOGC", "GOMEMLIMIT") {
		if !slices.Contains(wasm.Env.HostKeys, name) || !has[name] {
			t.Errorf("%s does not get from the container (%v) to the VM (%v)", name, has[name], wasm.Env.HostKeys)
		}
	}
	for _, name := range clusters(c) {
		if extraBootstrap(t).cluster(name) == nil {
			t.Errorf("the bootstrap has no cluster %s", name)
		}
	}
	// The page promises a line of the log that Envoy Gateway's default hides.
	if level := envoyProxy(t).Spec.Logging.Level[eg.LogComponentDefault]; level != eg.LogLevelInfo {
		t.Errorf("Envoy logs at %q, want info", level)
	}
}

type clusterList struct{ *bootstrap.Bootstrap }

func (l clusterList) cluster(name string) []byte {
	for _, c := range l.StaticResources.Clusters {
		if c.Name == name {
			return c.GetTransportSocket().GetTypedConfig().GetValue()
		}
	}
	return nil
}

// extraBootstrap is what Envoy Gateway merges into the bootstrap, as it reads it: by
// Envoy's types, with their validation.
func extraBootstrap(t *testing.T) clusterList {
	t.Helper()
	extra := envoyProxy(t).Spec.Bootstrap
	if *extra.Type != eg.BootstrapTypeMerge {
		t.Fatalf("the bootstrap's type is %s: anything but Merge takes Envoy Gateway's own away", *extra.Type)
	}
	document, err := yaml.YAMLToJSONStrict([]byte(*extra.Value))
	if err != nil {
		t.Fatal(err)
	}
	parsed := new(bootstrap.Bootstrap)
	if err := protojson.Unmarshal(document, parsed); err != nil {
		t.Fatal(err)
	}
	if err := parsed.ValidateAll(); err != nil {
		t.Fatal(err)
	}
	return clusterList{parsed}
}

// TestEnvoyGatewayCluster: the authorization server's certificate is verified, by a CA
// and by name.
func TestEnvoyGatewayCluster(t *testing.T) {
	for _, c := range extraBootstrap(t).StaticResources.Clusters {
		context := new(tls.UpstreamTlsContext)
		if err := c.GetTransportSocket().GetTypedConfig().UnmarshalTo(context); err != nil {
			t.Fatal(err)
		}
		validation := context.GetCommonTlsContext().GetValidationContext()
		if validation.GetTrustedCa().GetFilename() == "" || len(validation.GetMatchTypedSubjectAltNames()) == 0 {
			t.Errorf("%s takes any certificate: %v", c.Name, validation)
		}
	}
}

// TestEnvoyGatewayBootstrapValidates gives the extra cluster to a real Envoy.
func TestEnvoyGatewayBootstrapValidates(t *testing.T) {
	envoy := os.Getenv("HOLDFAST_ENVOY")
	if envoy == "" {
		t.Fatal("HOLDFAST_ENVOY is not set: run make test-deploy")
	}
	text, dir := *envoyProxy(t).Spec.Bootstrap.Value, t.TempDir()
	// The CAs of Envoy's image may lie elsewhere on this machine, or be missing.
	const imageCAs = "/etc/ssl/certs/ca-certificates.crt"
	if !strings.Contains(text, imageCAs) {
		t.Fatalf("the bootstrap does not name %s", imageCAs)
	}
	ca, file := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "bootstrap.yaml")
	write(t, ca, selfSigned(t, time.Hour))
	write(t, file, []byte(strings.ReplaceAll(text, imageCAs, ca)))
	if out, err := exec.Command(envoy, "--mode", "validate", "-c", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
