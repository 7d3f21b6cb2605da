module holdfast

go 1.26

toolchain go1.26.8

// In the filter. The SDK has no tags: this is the one version that the module
// proxy serves.
require (
	filippo.io/bigmod v0.1.0
	filippo.io/nistec v0.0.4
	github.com/proxy-wasm/proxy-wasm-go-sdk v0.0.0-20250212164326-ab4161dcf924
	github.com/tidwall/gjson v1.20.1
)

// In the tests and the demo only: guards/packages_test.go keeps them out of the
// filter.
require (
	github.com/go-jose/go-jose/v4 v4.1.9
	github.com/luikyv/go-oidc v0.10.0
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.2
	github.com/tetratelabs/wazero v1.12.0
	golang.org/x/crypto v0.39.0
	google.golang.org/protobuf v1.36.12
)

require (
	github.com/google/uuid v1.6.0 // indirect
	github.com/tidwall/match v1.1.1 // indirect
	github.com/tidwall/pretty v1.2.0 // indirect
	golang.org/x/sys v0.44.0 // indirect
	golang.org/x/text v0.26.0 // indirect
)

// gjson asks for pretty 1.2.0, which brings encoding/json and 0.4 MB into the
// module. Nothing of pretty is used: 1.1.0 does.
replace github.com/tidwall/pretty => github.com/tidwall/pretty v1.1.0
