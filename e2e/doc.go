// Package e2e runs Holdfast where it belongs: in a real Envoy, in front of a
// real authorization server and an upstream, all on loopback and free ports.
//
// [Start] brings everything up and [Stack.Close] ends it. The parts stand alone
// too: [NewPKI] makes the certificates, [NewAuthServer] issues tokens (and
// [AuthServer.Mint] those that no honest server issues), [NewUpstream] records
// what reached it, [StartEnvoy] runs one Envoy, [Client] calls it, and
// [Key.Authorize] makes DPoP proofs for it.
//
// What Envoy gets is the envoy.yaml of the project's top level with addresses
// and file paths replaced (see [Render]): what runs here is what users copy.
package e2e
