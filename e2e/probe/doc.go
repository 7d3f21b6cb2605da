// Command probe is a Proxy-Wasm filter that uses what Holdfast uses of its host and
// says what came of it. It runs in the place of Holdfast in tests that have to know
// what an Envoy can do, and fills the table of docs/hosts.md (see e2e.Probe).
//
// Each request field "x-probe" is a question, a verb and its arguments:
//
//	property connection mtls    what the host says of a property, its value in hex
//	foreign NAME HEX            what a foreign function returns, in hex
//	shared-set KEY VALUE CAS    what writing shared data comes to
//	shared-get KEY              its value and its compare-and-swap number
//	environ NAME, random, clock, configuration
//	poll_oneoff, sched_yield    the errno of WASI
//	call CLUSTER PATH           what an HTTP call, made on a tick, comes to
//	through                     no answer: the request goes on, changed, after a tick
//
// The answer is a local response, a line for each question.
package main

func main() {}
