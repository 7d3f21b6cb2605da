package deploycheck

import (
	"slices"
	"strings"
	"testing"

	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	httpwasm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/wasm/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	wasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/wasm/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"istio.io/istio/pilot/pkg/config/kube/extensions"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/networking/core"
	"istio.io/istio/pkg/config/protocol"

	"holdfast/filter/config"
)

// pilot is Istio's control plane with some of the manifests, and one proxy that asks it
// for its configuration.
type pilot struct {
	*core.ConfigGenTest
	proxy *model.Proxy
}

func newPilot(t *testing.T, proxy *model.Proxy, files ...string) pilot {
	t.Helper()
	var documents []string
	for _, file := range files {
		documents = append(documents, string(read(t, deploy+"/istio/"+file)))
	}
	return pilotOf(t, proxy, documents)
}

func pilotOf(t *testing.T, proxy *model.Proxy, documents []string) pilot {
	t.Helper()
	options := core.TestOptions{
		ConfigString: strings.Join(documents, "\n---\n"),
		// Pilot makes a TrafficExtension of each WasmPlugin.
		CreateConfigStore: func(c model.ConfigStoreController) model.ConfigStoreController {
			return extensions.NewController(c, nil, nil)
		},
	}
	if proxy.Type == model.SidecarProxy {
		service := &model.Service{
			Hostname: "api.default.svc.cluster.local", DefaultAddress: "10.0.0.1", Resolution: model.ClientSideLB,
			Ports:      model.PortList{{Name: "http", Port: 8080, Protocol: protocol.HTTP}},
			Attributes: model.ServiceAttributes{Name: "api", Namespace: "default"},
		}
		options.Services = []*model.Service{service}
		options.Instances = []*model.ServiceInstance{{
			Service: service, ServicePort: service.Ports[0],
			Endpoint: &model.IstioEndpoint{Addresses: []string{"1.1.1.1"}, EndpointPort: 8080, ServicePortName: "http", Namespace: "default"},
		}}
	}
	p := pilot{ConfigGenTest: core.NewConfigGenTest(t, options)}
	p.proxy = p.SetupProxy(proxy)
	return p
}

func gatewayProxy() *model.Proxy {
	labels := map[string]string{"istio": "ingress"}
	return &model.Proxy{
		Type: model.Router, ConfigNamespace: "istio-ingress", Labels: labels,
		Metadata: &model.NodeMetadata{Namespace: "istio-ingress", Labels: labels, IstioVersion: "1.31.0"},
	}
}

func sidecarProxy() *model.Proxy {
	labels := map[string]string{"app": "api"}
	return &model.Proxy{
		Type: model.SidecarProxy, ConfigNamespace: "default", Labels: labels,
		Metadata: &model.NodeMetadata{Namespace: "default", Labels: labels, IstioVersion: "1.31.0"},
	}
}

// chain is a filter chain that carries HTTP.
type chain struct {
	listener, name string
	hcm            *hcm.HttpConnectionManager
	tls            *tls.DownstreamTlsContext // nil on a plain connection
}

func (p pilot) chains(t *testing.T) []chain {
	t.Helper()
	var found []chain
	for _, l := range p.Listeners(p.proxy) {
		chains := l.FilterChains
		if l.DefaultFilterChain != nil {
			chains = append(slices.Clone(chains), l.DefaultFilterChain)
		}
		for _, fc := range chains {
			c := chain{listener: l.Name, name: fc.Name, hcm: connectionManager(t, fc)}
			if config := fc.GetTransportSocket().GetTypedConfig(); config != nil {
				c.tls = new(tls.DownstreamTlsContext)
				if err := config.UnmarshalTo(c.tls); err != nil {
					t.Fatal(err)
				}
			}
			if c.hcm != nil {
				found = append(found, c)
			}
		}
	}
	return found
}

func connectionManager(t *testing.T, fc *listener.FilterChain) *hcm.HttpConnectionManager {
	t.Helper()
	for _, filter := range fc.Filters {
		if filter.GetTypedConfig().MessageIs(new(hcm.HttpConnectionManager)) {
			manager := new(hcm.HttpConnectionManager)
			if err := filter.GetTypedConfig().UnmarshalTo(manager); err != nil {
				t.Fatal(err)
			}
			return manager
		}
	}
	return nil
}

// filters returns the names of the chain's HTTP filters.
func (c chain) filters() []string {
	var names []string
	for _, filter := range c.hcm.HttpFilters {
		names = append(names, filter.Name)
	}
	return names
}

// isHoldfast: pilot names a filter "<kind>/<namespace>.<name>", and marks one that it
// made of a WasmPlugin.
func isHoldfast(name string) bool { return strings.Contains(name, ".holdfast") }

// plugin returns what the proxy is told about a filter.
func (p pilot) plugin(t *testing.T, name string) *wasmv3.PluginConfig {
	t.Helper()
	answers := p.ConfigGen.BuildExtensionConfiguration(p.proxy, p.PushContext(), []string{name}, nil)
	if len(answers) != 1 {
		t.Fatalf("%d answers about %s, want one", len(answers), name)
	}
	wasm := new(httpwasm.Wasm)
	if err := answers[0].TypedConfig.UnmarshalTo(wasm); err != nil {
		t.Fatal(err)
	}
	return wasm.Config
}

// checkPlugin looks at what every filter must have in the proxy, whatever made it.
func checkPlugin(t *testing.T, plugin *wasmv3.PluginConfig, want wasmv3.FailurePolicy) {
	t.Helper()
	if plugin.FailurePolicy != want {
		t.Errorf("failure policy %s, want %s", plugin.FailurePolicy, want)
	}
	vm := plugin.GetVmConfig()
	if got := vm.EnvironmentVariables.HostEnvKeys; !slices.Equal(got, []string{"HOLDFAST_INTROSPECTION_SECRET"}) {
		t.Errorf("from the host the VM has %v", got)
	}
	if vm.EnvironmentVariables.KeyValues["GOMEMLIMIT"] != "64MiB" {
		t.Errorf("the VM has %v", vm.EnvironmentVariables.KeyValues)
	}
	// The reason for "shared_data": false. Where this fails it may go.
	if vm.VmId != "" {
		t.Errorf("vm_id is %q: Istio gives each filter one of its own now", vm.VmId)
	}
	text := new(wrapperspb.StringValue)
	if err := plugin.Configuration.UnmarshalTo(text); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Parse(text.Value); err != nil {
		t.Error(err)
	}
}

// TestIstioGateway: what Istio makes of the gateway's manifests.
func TestIstioGateway(t *testing.T) {
	for file, policy := range map[string]wasmv3.FailurePolicy{
		"wasmplugin.yaml":       wasmv3.FailurePolicy_FAIL_CLOSED,
		"trafficextension.yaml": wasmv3.FailurePolicy_FAIL_RELOAD,
	} {
		t.Run(file, func(t *testing.T) {
			p := newPilot(t, gatewayProxy(), "gateway.yaml", "authorization-server.yaml", file)
			chains := p.chains(t)
			if len(chains) != 1 {
				t.Fatalf("%d chains carry HTTP, want one", len(chains))
			}
			c := chains[0]
			names := c.filters()
			at := slices.IndexFunc(names, isHoldfast)
			if at < 0 {
				t.Fatalf("Holdfast is not among %v", names)
			}
			// What comes before it neither answers nor routes.
			for _, name := range names[:at] {
				if name != "istio.metadata_exchange" && name != "envoy.filters.http.grpc_stats" && name != "istio.alpn" {
					t.Errorf("%s comes before Holdfast", name)
				}
			}
			checkPlugin(t, p.plugin(t, names[at]), policy)
			if c.tls == nil || c.tls.CommonTlsContext.GetCombinedValidationContext() == nil {
				t.Errorf("the listener does not ask for client certificates: %v", c.tls)
			}
			if c.tls.GetRequireClientCertificate().GetValue() {
				t.Error("a caller without a certificate gets no answer")
			}
			if c.hcm.ForwardClientCertDetails != hcm.HttpConnectionManager_SANITIZE_SET {
				t.Errorf("x-forwarded-client-cert: %s", c.hcm.ForwardClientCertDetails)
			}
			checkAuthorizationServer(t, p)
		})
	}
}

// checkAuthorizationServer: the cluster that the filter calls is there under the name
// that Istio gives it, and the server's certificate is verified by a CA and by name.
func checkAuthorizationServer(t *testing.T, p pilot) {
	t.Helper()
	for _, c := range p.Clusters(p.proxy) {
		if c.Name != "outbound|443||as.example.com" {
			continue
		}
		context := new(tls.UpstreamTlsContext)
		if err := c.GetTransportSocket().GetTypedConfig().UnmarshalTo(context); err != nil {
			t.Fatal(err)
		}
		common := context.CommonTlsContext.GetCombinedValidationContext()
		//lint:ignore SA1019 the field that Istio sets
		names := common.GetDefaultValidationContext().GetMatchSubjectAltNames()
		if context.Sni != "as.example.com" || common.GetValidationContextSdsSecretConfig() == nil || len(names) != 1 {
			t.Errorf("the authorization server's TLS is %v", context)
		}
		return
	}
	t.Error("there is no cluster of the authorization server")
}

// TestIstioSidecar: what Istio makes of sidecar.yaml for the proxy of the workload.
func TestIstioSidecar(t *testing.T) {
	p := newPilot(t, sidecarProxy(), "sidecar.yaml")
	inbound, outbound := 0, 0
	for _, c := range p.chains(t) {
		names := c.filters()
		at := slices.IndexFunc(names, isHoldfast)
		if c.listener != model.VirtualInboundListenerName {
			outbound++
			if at >= 0 {
				t.Errorf("%s %s: Holdfast judges the workload's own calls", c.listener, c.name)
			}
			continue
		}
		inbound++
		if at < 0 {
			t.Errorf("%s: Holdfast is not among %v", c.name, names)
			continue
		}
		checkPlugin(t, p.plugin(t, names[at]), wasmv3.FailurePolicy_FAIL_CLOSED)
		// "xfcc": {"element": 2} rests on this.
		if c.hcm.ForwardClientCertDetails != hcm.HttpConnectionManager_APPEND_FORWARD {
			t.Errorf("%s: x-forwarded-client-cert: %s", c.name, c.hcm.ForwardClientCertDetails)
		}
		if c.tls == nil {
			t.Errorf("%s: a plain connection reaches the workload", c.name)
			continue
		}
		if !c.tls.GetRequireClientCertificate().GetValue() {
			t.Errorf("%s: a connection without a certificate reaches the workload", c.name)
		}
		if !c.tls.GetDisableStatelessSessionResumption() || !c.tls.GetDisableStatefulSessionResumption() {
			t.Errorf("%s: sessions are resumed, and the gateway's certificate then counts as not validated", c.name)
		}
		if len(c.tls.CommonTlsContext.GetTlsCertificateSdsSecretConfigs()) == 0 {
			t.Errorf("%s: the patch took the certificate away", c.name)
		}
	}
	if inbound == 0 || outbound == 0 {
		t.Errorf("%d chains carry HTTP to the workload and %d from it: does this test still see them?", inbound, outbound)
	}
	// Chains that do not end TLS are left alone: with a TLS context and no certificate
	// the proxy would refuse the listener.
	for _, l := range p.Listeners(p.proxy) {
		for _, fc := range l.FilterChains {
			if fc.GetFilterChainMatch().GetTransportProtocol() != "tls" && fc.TransportSocket != nil {
				t.Errorf("%s %s: a plain chain has a transport socket", l.Name, fc.Name)
			}
		}
	}
}

// TestIstioSidecarPatchIsNeeded: without the EnvoyFilter sessions are resumed.
func TestIstioSidecarPatchIsNeeded(t *testing.T) {
	var documents []string
	for _, m := range manifests(t, "istio") {
		if m.file == "sidecar.yaml" && m.head.Kind != "EnvoyFilter" {
			documents = append(documents, string(m.json))
		}
	}
	p := pilotOf(t, sidecarProxy(), documents)
	inbound := 0
	for _, c := range p.chains(t) {
		if c.tls == nil || c.listener != model.VirtualInboundListenerName {
			continue
		}
		inbound++
		if c.tls.GetDisableStatelessSessionResumption() && c.tls.GetDisableStatefulSessionResumption() {
			t.Errorf("%s: Istio resumes no session by itself now: the patch may go", c.name)
		}
	}
	if inbound == 0 {
		t.Error("no chain of the sidecar ends TLS")
	}
}
