// Command bench measures what Holdfast costs, side by side with what does the same
// or less, on a real Envoy with clients that show certificates.
//
// The way of a measurement, top to bottom:
//
//	main.go       flags, and which parts run
//	variant.go    what is compared: a filter, what its requests carry, what shows that it works
//	rounds.go     every variant once in each round, the order turned from round to round
//	sample.go     one variant: start, check, warm up, a fixed rate, saturation
//	gateway.go    one Envoy, and the helper of those that need one, on a core of their own
//	  config.go     envoy.yaml with another filter in Holdfast's place
//	  filters.go    those filters
//	  authz.go      the helper: ext_authz over gRPC, the same checks with go-jose
//	  process.go    cores and CPU time
//	load.go       the requests: vegeta, on the other core
//	  tokens.go     what they carry, made beforehand
//	  proof.go      DPoP proofs
//	flood.go      good clients while bad tokens pour in
//	memory.go     resident memory by workers, keys and cache entries, and over many requests
//	hosts.go      the start and the memory of each Envoy of the matrix
//	scale.go      few and many rules and issuers
//	tuning.go     settings of Go's collector
//	hostcalls.go  what a request asks of the host, and how much of it
//	report.go     docs/performance.md and its plots, with the ratios of ratios.go first, and
//	              with notes.md, which is written by hand
//
// A variant that does not answer what it has to (200 to a good token; 401 to a
// forged one, or to one of another certificate, as far as it claims to check that) is
// an error, and so is one whose counters do not show that it took the path that it is
// named after.
package main
