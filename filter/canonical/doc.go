// Package canonical gives the path and the host of a request one spelling, so
// that no other spelling of a protected path slips past the rule that protects
// it, and refuses what different servers would read differently.
//
// The configuration and the requests go through the same two functions. It is
// pure, and both functions are idempotent.
package canonical
