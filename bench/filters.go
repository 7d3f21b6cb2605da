package main

import (
	"fmt"
	"strings"

	"holdfast/e2e"
)

// emptyGo is a filter of Go's SDK that does nothing: what any Go filter costs.
func emptyGo(wasm string) string {
	return fmt.Sprintf(`          - name: empty
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              config:
                name: empty
                failure_policy: FAIL_RELOAD
                vm_config:
                  runtime: envoy.wasm.runtime.v8
                  vm_id: empty
                  code:
                    local: { filename: %s }
                  environment_variables:
                    key_values: { GOGC: "50", GOMEMLIMIT: 64MiB }
`, wasm)
}

// jwtAuthn is Envoy's own filter: signature, issuer, audience and time, no binding.
func jwtAuthn(keys string, cached bool) string {
	cache := ""
	if cached {
		cache = "\n                  jwt_cache_config: { jwt_cache_size: 1000 }"
	}
	return fmt.Sprintf(`          - name: envoy.filters.http.jwt_authn
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
              providers:
                as:
                  issuer: %s
                  audiences: [%s]
                  forward: true
                  payload_in_metadata: payload%s
                  local_jwks: { inline_string: '%s' }
              rules:
              - match: { prefix: / }
                requires: { provider_name: as }
`, e2e.Issuer, e2e.Resource, cache, keys)
}

// luaBinding compares the thumbprint behind jwt_authn (RFC 8705 §3.1).
const luaBinding = `          - name: envoy.filters.http.lua
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
              default_source_code:
                inline_string: |
                  local byte = {}
                  for i = 0, 255 do byte[string.format("%02x", i)] = string.char(i) end
                  local url = { ["+"] = "-", ["/"] = "_", ["="] = "" }
                  local function bound(handle)
                    local info = handle:streamInfo()
                    local tls = info:downstreamSslConnection()
                    local verified = info:dynamicMetadata():get("envoy.filters.http.jwt_authn")
                    if tls == nil or verified == nil then return false end
                    local confirmation = verified["payload"]["cnf"]
                    if confirmation == nil then return false end
                    local digest = tls:sha256PeerCertificateDigest()
                    if digest == nil or #digest ~= 64 then return false end
                    local shown = handle:base64Escape((digest:gsub("..", byte))):gsub("[+/=]", url)
                    return confirmation["x5t#S256"] == shown
                  end
                  function envoy_on_request(handle)
                    if not bound(handle) then
                      handle:respond({ [":status"] = "401" }, "")
                    end
                  end
`

// extAuthz asks the helper about every request (see authz.go).
const extAuthz = `          - name: envoy.filters.http.ext_authz
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
              transport_api_version: V3
              include_peer_certificate: true
              grpc_service:
                envoy_grpc: { cluster_name: authz }
                timeout: 5s
`

// authzCluster is where the helper listens.
func authzCluster(address string) string {
	host, port, _ := strings.Cut(address, ":")
	return fmt.Sprintf(`  - name: authz
    type: STATIC
    connect_timeout: 2s
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: { http2_protocol_options: {} }
    load_assignment:
      cluster_name: authz
      endpoints:
      - lb_endpoints:
        - endpoint:
            address:
              socket_address: { address: %s, port_value: %s }
`, host, port)
}
