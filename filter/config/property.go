package config

import (
	"slices"
	"strings"

	"holdfast/strictjson"
)

// readProperty reads the path of a host property that holds the caller's
// certificate. A property that a client can write is a forged certificate
// (threats T13), so of the families that hosts have built in only the members
// that come from the TLS handshake itself are taken.
func readProperty(f field) []string {
	if !f.is(strictjson.Array) {
		return nil
	}
	var path []string
	readable := f.r.fine(func() {
		f.notEmpty().each(func(element field) {
			path = append(path, element.text("", printable))
		})
	})
	switch {
	case !readable:
	case len(path) > maxPropertyDepth:
		f.fail("has too many elements")
	case strings.Contains(path[0], "."):
		// ngx_wasm_module joins a path with dots: "ngx.http_x" is ngx, http_x.
		f.fail("must not have a dot in its first element: each part is an element of its own")
	case !holdsCertificate(path):
		f.fail("is not a property that holds the client's certificate as the TLS handshake showed it")
	default:
		return path
	}
	return nil
}

// certificateProperties are the built-in families that have the certificate,
// each with the members that are it. The others of these families are refused:
// text out of the certificate, such as a serial number or a SAN, is the client's
// choice, too, and could be made to look like a digest; an nginx variable that
// is not the server's own may be copied from the request.
var certificateProperties = map[string][]string{
	"connection": {"sha256_peer_certificate_digest", "peer_certificate"},
	"ngx":        {"ssl_client_raw_cert", "ssl_client_cert"},
}

// otherProperties are the built-in families without the client's certificate:
// about the request, the answer, the upstream, the host, or written by filters
// out of what the request holds.
var otherProperties = []string{
	"request", "response", "metadata", "source", "destination",
	"upstream", "upstream_filter_state", "upstream_host_metadata",
	"node", "xds", "kong", "plugin_name", "plugin_root_id", "plugin_vm_id",
	"cluster_name", "cluster_metadata", "listener_direction", "listener_metadata", "route_name", "route_metadata",
	"connection_id", "traffic_direction",
}

// holdsCertificate lets pass what an operator's own filters leave behind, such
// as filter_state, which nobody but the operator writes.
func holdsCertificate(path []string) bool {
	family := strings.ToLower(path[0])
	if members, builtIn := certificateProperties[family]; builtIn {
		return len(path) == 2 && slices.Contains(members, path[1])
	}
	return !slices.Contains(otherProperties, family)
}
