// Package scenario tells what Holdfast does, as stories in JSON, and plays each
// of them on every host:
//
//   - the package filter, natively, on filter/filtertest;
//   - build/holdfast.wasm on wazero (scenario/wasmhost), once with all of WASI and
//     once with as little as the oldest Envoy has;
//   - build/holdfast.wasm on the newest and on the oldest Envoy (package e2e).
//
// One file of testdata is one configuration and the stories about it. The format
// is the Go types [File], [Scenario], [Step], [Token], [Proof], [Want], [Endpoint],
// [Answer] and [Asked]: README.md shows it by example. Files are read strictly.
//
// In memory every scenario has a Holdfast and a clock of its own. On Envoy one
// process has a listener for each configuration; scenarios share one, unless they
// change the configuration, say how the key server behaves, or let an introspection
// server fail. Each listener has an issuer of its own, so that none ever knows the
// keys of another.
//
// Whatever a scenario wants, each runner asserts of every answer what contract §3
// and §6 promise of all: status, error, challenges, headers, response code details,
// host properties; that no answer and no log holds a token, a DPoP proof, a session, a
// secret of the environment or a credential that an introspection server got; that a
// response sets no session cookie and brings no nonce unless that is wanted; that a
// refused request never reaches the upstream, and no proof does; and in memory that metrics add up and that the filter asked nothing
// of its host that no host grants.
//
// The package is for tests only: nothing of it is in the module.
package scenario
