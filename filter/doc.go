// Package filter decides, for each request, whether its caller holds the key
// that its access token is bound to.
//
// The way of a request, top to bottom:
//
//	proxywasm (adapter)    the host's callback arrives; plugin.go holds what outlives a request
//	exchange.go            one request: fresh, parked (waiting.go) or finished
//	decide.go              the five steps of the decision, in order; TokenAccepted means "go on"
//	  match.go, ruleindex.go 0. which rule, is the path unambiguous
//	  credentials.go         1. exactly one token, or
//	  session.go                a cookie that stands for one
//	  validate.go, keys.go   2. signature and claims, with the issuer's keys, or
//	  introspect.go             what the authorization server says of it
//	  tokencache.go             for a token that was verified before, without its signature
//	  bind.go                3. the token's cnf against what the caller holds:
//	  certificate.go, trust.go  a certificate, where it is read, and who may say it
//	  dpop.go, replay.go        a key, by a DPoP proof that counts once
//	  authorize.go           4. what the rule asks beyond that
//	exchange.go: conclude  the only place that lets a request continue
//	forward.go, identity.go what the upstream gets, or
//	answer.go              what the client gets
//
// Beside that way run the issuer's keys: keyrefresh.go keeps them current on
// ticks, keyfetch.go fetches them, keyrecord.go shares them between workers. And
// beside it run the questions about tokens: inquiry.go asks, client.go says who is
// asking, breaker.go says when not to, verdict.go reads the answer. secrets.go takes
// what the configuration only names out of the VM's environment. tables.go makes
// ES256 fast for keys that are in use.
//
// What differs between hosts stands in hostkind.go and nowhere else; owncall.go is how
// a request waits where only a call of its own wakes it.
//
// A decision is a value ([Decision]) with one [Reason] out of a closed list.
// Everything that the host has to do goes through two small interfaces, [Host]
// and [Stream], so that the whole package runs and is tested without Wasm.
//
// Everything fails closed: what is missing, malformed, unreadable, over a limit
// or in doubt refuses the request.
package filter

// Version is what the start-up log line names.
const Version = "0.2.0"
