// Package dpop checks DPoP proofs (RFC 9449): JWTs by which a client shows, request by
// request, that it holds the key which its access token is bound to.
//
// The twelve checks of RFC 9449 §4.3, and who makes each:
//
//  1. not more than one header field      the caller
//  2. one well-formed JWT                 Parse
//  3. all required claims                 Parse; ath: Check
//  4. typ                                 Parse
//  5. alg is asymmetric and allowed       Parse; the list: Verify
//  6. the signature, by the jwk           Verify
//  7. no private key in the jwk           Parse
//  8. htm is the request's method         Check
//  9. htu is the request's URI            Check
//  10. nonce is one that was given out    Check, with NonceKeys
//  11. iat is in the window               Check; once only: the caller
//  12. ath is the token's, and so the key Check; jkt: the caller, with Thumbprint
//
// The intended use has four steps:
//
//	proof, err := dpop.Parse(field)                      // the form; nothing is believed yet
//	ok := proof.Thumbprint().Equal(jkt)                  // cheap, so before the signature
//	err = proof.Verify(algorithms, (*jwt.Key).Verify)    // now the claims are the client's
//	err = proof.Check(dpop.Expected{Method: …})          // they are about this request
//
// Whoever lets a request through has done all four, and has seen to it that no other
// request came with the same Thumbprint, ID and URI.
//
// The package is pure: no clock, no I/O, no goroutines and no state. No input makes it
// panic. Errors are sentinels for errors.Is, and their texts never hold anything of a
// proof.
package dpop
