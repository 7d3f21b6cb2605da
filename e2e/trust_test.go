package e2e

import (
	"fmt"
	"os"
	"testing"
)

// The edits that take envoy.yaml back to Envoy's defaults, or further.
var (
	followXFF      = Edit{"use_remote_address: true", "use_remote_address: false"}
	forwardXFCC    = Edit{"forward_client_cert_details: SANITIZE", "forward_client_cert_details: ALWAYS_FORWARD_ONLY"}
	noRemoteFilter = Edit{"- object_key: holdfast.direct_remote_address", "- object_key: something.else"}
)

// A client's own x-forwarded-for becomes source.address with Envoy's defaults:
// measured here, and shown to buy nothing, with and without the filter state that
// says who is really connected.
func TestSpoofedAddressBuysNothing(t *testing.T) {
	trust := func(addresses ...any) M {
		return M{"certificate": M{
			"sources":         []any{M{"xfcc": M{"element": "last"}}, M{"connection": M{}}},
			"trusted_proxies": M{"addresses": addresses},
		}}
	}
	var listeners []Listener
	for name, edits := range map[string][]Edit{
		"shipped":                        {forwardXFCC},
		"defaults":                       {forwardXFCC, followXFF},
		"shipped, without filter state":  {forwardXFCC, noRemoteFilter},
		"defaults, without filter state": {forwardXFCC, followXFF, noRemoteFilter},
		"shipped, trusted":               {forwardXFCC},
		"defaults, trusted":              {forwardXFCC, followXFF},
		"shipped, no state, trusted":     {forwardXFCC, noRemoteFilter},
	} {
		config := trust("192.0.2.0/24", "2001:db8::/32")
		if len(name) > 7 && name[len(name)-7:] == "trusted" {
			config = trust("127.0.0.0/8")
		}
		listeners = append(listeners, Listener{Name: name, Patch: config, Edits: edits})
	}
	f := start(t, Options{Setup: Setup{Listeners: append(listeners, Listener{})}})
	token, forged := f.bearer(t, f.PKI.A), "x-forwarded-client-cert: "+f.PKI.A.XFCC()
	for _, l := range listeners {
		t.Run(l.Name, func(t *testing.T) {
			thief, own := f.ClientOf(l.Name, Caller{Certificate: f.PKI.B}), f.ClientOf(l.Name, Caller{Certificate: f.PKI.A})
			if len(l.Name) > 7 && l.Name[len(l.Name)-7:] == "trusted" {
				// The other half: the real peer is trusted, and its header is believed.
				seen := passed(t, thief.Get(path, token, forged))
				if got := seen.Header.Get("x-auth-cert-thumbprint"); got != f.PKI.A.X5T() {
					t.Errorf("the upstream was told of %q", got)
				}
				f.refused(t, thief.Get(path, token, "x-forwarded-client-cert: "+f.PKI.B.XFCC()), 401, "invalid_token")
				f.refused(t, thief.Get(path, token, "x-forwarded-client-cert: garbage"), 401, "invalid_token")
				f.refused(t, own.Get(path, token, "x-forwarded-client-cert: "), 401, "invalid_token")
				f.refused(t, thief.Get(path, token, "x-forwarded-client-cert: "+f.PKI.A.XFCC()+","+f.PKI.B.XFCC()), 401, "invalid_token")
				f.refused(t, thief.Get(path, token), 401, "invalid_token")
				passed(t, own.Get(path, token)) // no header: the next source
				return
			}
			for _, xff := range []string{"192.0.2.7", "192.0.2.7, 192.0.2.8", "192.0.2.7:443", "2001:db8::1", "[2001:db8::1]:443"} {
				f.refused(t, thief.Get(path, token, forged, "x-forwarded-for: "+xff), 401, "invalid_token")
				f.refused(t, thief.Get(path, token, forged, "x-forwarded-for: "+xff, "x-real-ip: "+xff, "forwarded: for="+xff), 401, "invalid_token")
			}
			// Removed and counted as absent: the caller's own certificate decides.
			seen := passed(t, own.Get(path, token, "x-forwarded-client-cert: "+f.PKI.B.XFCC()))
			if got := seen.Header.Values("x-forwarded-client-cert"); got != nil {
				t.Errorf("the upstream saw x-forwarded-client-cert %q", got)
			}
		})
	}
}

// Behind a TLS-terminating proxy: a second, real Envoy in front ends the client's
// TLS, writes x-forwarded-client-cert, and is trusted by address, by certificate
// or by SPIFFE id.
func TestXFCCFromSecondHop(t *testing.T) {
	sources := []any{M{"xfcc": M{"element": "last"}}}
	by := func(trusted M) M { return M{"certificate": M{"sources": sources, "trusted_proxies": trusted}} }
	pki := NewPKI()
	edits := []Edit{forwardXFCC}
	// A sidecar of Istio appends its peer, the gateway, so the client is the one before:
	// deploy/istio/sidecar.yaml.
	sidecar := M{"certificate": M{"sources": []any{M{"xfcc": M{"element": 2}}}, "trusted_proxies": M{"uri_sans": []any{EdgeID}}}}
	appendXFCC := Edit{"forward_client_cert_details: SANITIZE", "forward_client_cert_details: APPEND_FORWARD"}
	o := Options{PKI: pki, Setup: Setup{Listeners: []Listener{
		{Name: "address", Patch: by(M{"addresses": []any{"127.0.0.1"}}), Edits: edits},
		{Name: "thumbprint", Patch: by(M{"thumbprints": []any{pki.Edge.X5T()}}), Edits: edits},
		{Name: "uri_san", Patch: by(M{"uri_sans": []any{EdgeID}}), Edits: edits},
		{Name: "appended", Patch: sidecar, Edits: []Edit{appendXFCC}},
		{Name: "nobody", Patch: by(M{"addresses": []any{"192.0.2.1"}, "uri_sans": []any{EdgeID + "x"}, "thumbprints": []any{pki.B.X5T()}}), Edits: edits},
		{}, // where good requests pass
	}}}
	f := start(t, o)
	token := f.bearer(t, f.PKI.A)
	for _, trust := range []string{"address", "thumbprint", "uri_san", "appended", "nobody"} {
		t.Run(trust, func(t *testing.T) {
			edge := startEdge(t, f, f.Address(trust))
			through := func(c *Certificate) *Client {
				return newClient(edge, f.PKI.CA.Pool(), f.Upstream, Caller{Certificate: c}, f.secrets.add)
			}
			if trust == "nobody" {
				f.refused(t, through(f.PKI.A).Get(path, token), 401, "invalid_token")
				return
			}
			passed(t, through(f.PKI.A).Get(path, token))
			f.refused(t, through(f.PKI.B).Get(path, token), 401, "invalid_token")
			f.refused(t, through(nil).Get(path, token), 401, "invalid_token")
			f.refused(t, through(f.PKI.B).Get(path, token, "x-forwarded-client-cert: "+f.PKI.A.XFCC()), 401, "invalid_token")
			if trust != "address" {
				// Around the edge: a client that reaches the inner proxy itself is not it.
				direct := f.ClientOf(trust, Caller{Certificate: f.PKI.B})
				f.refused(t, direct.Get(path, token, "x-forwarded-client-cert: "+f.PKI.A.XFCC()), 401, "invalid_token")
			}
		})
	}
}

// startEdge runs the Envoy of testdata/edge.yaml, which sends everything to inner.
func startEdge(t *testing.T, f *fixture, inner string) (address string) {
	t.Helper()
	dir := t.TempDir()
	f.PKI.Server.Write(dir, "server")
	f.PKI.Edge.Write(dir, "edge")
	text := must(applyAll(string(must(os.ReadFile("testdata/edge.yaml"))), []Edit{
		{"INNER_ADDRESS", socketAddress(inner)},
		{"SERVER_CERT", dir + "/server.pem"}, {"SERVER_KEY", dir + "/server-key.pem"},
		{"EDGE_CERT", dir + "/edge.pem"}, {"EDGE_KEY", dir + "/edge-key.pem"},
		{"CLIENT_CA", f.Dir + "/client-ca.pem"}, {"INNER_CA", f.Dir + "/client-ca.pem"},
	}))
	bootstrap := dir + "/edge.yaml"
	if err := os.WriteFile(bootstrap, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := StartEnvoy(t.Context(), f.options.Envoy, dir, bootstrap, 1, nil)
	t.Cleanup(func() {
		e.Stop()
		if t.Failed() {
			t.Log(e.Log())
		}
	})
	if err != nil {
		t.Fatal(fmt.Errorf("%w\n%s", err, e.Log()))
	}
	return must(e.listeners())["edge"]
}
