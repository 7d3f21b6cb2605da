// Package introspection writes the questions and reads the answers of OAuth 2.0
// Token Introspection (RFC 7662), signed ones (RFC 9701) included, and makes the
// assertions by which a client authenticates (RFC 7523).
//
// It is pure: it sends nothing, knows no clock and keeps no keys of issuers.
// Whether an active token is good for a resource is not decided here.
package introspection
