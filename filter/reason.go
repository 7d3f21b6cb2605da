package filter

// Reason says why a request was let through or refused. The list is closed:
// its words are metric names, log fields, host properties and response code
// details, and docs/decision.md explains each.
type Reason uint8

// The reasons that let a request through.
const (
	// TokenAccepted: the token is valid, bound as the configuration asks, and
	// meets the rule.
	TokenAccepted Reason = iota
	// Anonymous: the rule's access is anonymous and no token was sent.
	Anonymous
	// Preflight: a CORS preflight, with "cors_preflight": "bypass".
	Preflight
	// Metadata: the RFC 9728 document was asked for and answered.
	Metadata

	// The rest refuse. Step 0, the rule:

	// InternalError: the host failed a call or the filter had a fault.
	InternalError
	// MisdirectedRequest: the authority is not the connection's SNI.
	MisdirectedRequest
	// AmbiguousPath: the path has more than one reading.
	AmbiguousPath
	// AmbiguousHost: the authority is not a plain host name or address.
	AmbiguousHost
	// AmbiguousMethod: the method has lower-case letters, and a rule matches by method.
	AmbiguousMethod
	// HeaderNotAllowed: a header that Holdfast sets, or twice one that it replaces, on a
	// host that can't take it away.
	HeaderNotAllowed
	// TooManyHeaders: more than the host shows.
	TooManyHeaders
	// NoRuleMatched: no rule matched and "unmatched" is "deny".
	NoRuleMatched

	// Step 1, one token:

	// NoToken: no token in any of the token sources.
	NoToken
	// MultipleTokens: more than one token or credentials field.
	MultipleTokens
	// MalformedCredentials: not "scheme 1*SP b64token" (RFC 9110 §11.4, RFC 6750 §2.1).
	MalformedCredentials
	// TokenTooLarge: longer than limits.token_bytes.
	TokenTooLarge

	// Step 2, a valid token:

	// TokenNotJWT: an opaque token where no issuer has introspection.
	TokenNotJWT
	// TokenMalformed: not a well-formed compact JWS (RFC 7515 §3.1).
	TokenMalformed
	// TokenEncrypted: a JWE; only signed tokens are taken.
	TokenEncrypted
	// CriticalHeader: the header has crit (RFC 7515 §4.1.11).
	CriticalHeader
	// AlgorithmNotAllowed: alg is unknown, none or not on the issuer's list.
	AlgorithmNotAllowed
	// TokenTypeNotAllowed: typ is not on the issuer's list (RFC 9068 §4).
	TokenTypeNotAllowed
	// IssuerUnknown: iss names no configured issuer.
	IssuerUnknown
	// AudienceMismatch: aud holds none of the issuer's audiences.
	AudienceMismatch
	// Expired: exp has passed.
	Expired
	// NotYetValid: nbf is still to come.
	NotYetValid
	// IssuedInFuture: iat is still to come.
	IssuedInFuture
	// LifetimeTooLong: exp - iat is over max_lifetime.
	LifetimeTooLong
	// ClaimMissing: a required claim is missing.
	ClaimMissing
	// ClaimMalformed: a claim has the wrong type or an impossible value.
	ClaimMalformed
	// KeyUnknown: no key of the issuer fits the token.
	KeyUnknown
	// KeyAmbiguous: more than one key of the issuer fits the token.
	KeyAmbiguous
	// SignatureInvalid: the signature is not by that key.
	SignatureInvalid
	// KeysUnavailable: the issuer's keys could not be fetched (in time).
	KeysUnavailable
	// TokenInactive: the authorization server does not say that the token is active (RFC 7662 §2.2).
	TokenInactive
	// TokenContradicted: a JWT and the introspection answer about it do not agree.
	TokenContradicted
	// IntrospectionUnavailable: the authorization server gave no answer that can be used (in time).
	IntrospectionUnavailable
	// TooManyWaiting: limits.waiting_requests requests wait for keys or answers already.
	TooManyWaiting

	// Step 3, a bound token:

	// CnfMissing: the token is not bound and the mode is strict.
	CnfMissing
	// CnfMalformed: cnf is no object, or a thumbprint in it is not one.
	CnfMalformed
	// CnfUnsupported: cnf names no binding that the configuration verifies.
	CnfUnsupported
	// CertificateMissing: the caller showed no certificate.
	CertificateMissing
	// CertificateMalformed: the certificate is there but can't be read as one, or twice.
	CertificateMalformed
	// CertificateUnreadable: the host failed to say which certificate.
	CertificateUnreadable
	// CertificateNotValidated: require_validated, and the host does not say that it did.
	CertificateNotValidated
	// CnfMismatch: the certificate is not the one that the token is bound to.
	CnfMismatch
	// JKTMissing: a token without jkt came under the scheme DPoP.
	JKTMissing
	// DPoPSchemeRequired: a token with jkt came as Bearer, from a header or from a cookie (RFC 9449 §7.2).
	DPoPSchemeRequired
	// DPoPProofMissing: the request has no DPoP field.
	DPoPProofMissing
	// DPoPProofMultiple: it has more than one (RFC 9449 §4.3, 1).
	DPoPProofMultiple
	// DPoPProofMalformed: not a JWS with the claims of RFC 9449 §4.2.
	DPoPProofMalformed
	// DPoPTypeNotAllowed: typ is not dpop+jwt.
	DPoPTypeNotAllowed
	// DPoPAlgorithmNotAllowed: alg is not on the list for proofs.
	DPoPAlgorithmNotAllowed
	// DPoPKeyInvalid: jwk is not a public key of the algorithm's type.
	DPoPKeyInvalid
	// DPoPSignatureInvalid: the signature is not by jwk.
	DPoPSignatureInvalid
	// DPoPMethodMismatch: htm is another method.
	DPoPMethodMismatch
	// DPoPURIMismatch: htu is another URI.
	DPoPURIMismatch
	// DPoPNonceRequired: the proof has no nonce, or not a current one of ours (RFC 9449 §9).
	DPoPNonceRequired
	// DPoPProofTooOld: iat is too long ago, or exp has passed.
	DPoPProofTooOld
	// DPoPProofInFuture: iat or nbf is still to come.
	DPoPProofInFuture
	// DPoPTokenMismatch: ath is of another token.
	DPoPTokenMismatch
	// JKTMismatch: the key of the proof is not the one that the token is bound to.
	JKTMismatch
	// DPoPReplayed: the proof was used before.
	DPoPReplayed
	// DPoPReplayFull: there is no room to remember the proof.
	DPoPReplayFull
	// DPoPReplayFailed: the host failed to remember the proof.
	DPoPReplayFailed

	// Step 4, what the rule asks:

	// ScopeInsufficient: a scope of the rule is missing.
	ScopeInsufficient
	// ClaimNotAllowed: a claim is not one of the rule's values.
	ClaimNotAllowed
	// IssuerNotAllowed: the rule takes tokens of other issuers.
	IssuerNotAllowed
	// AudienceNotAllowed: aud holds none of the rule's audiences.
	AudienceNotAllowed
	// ACRNotMet: acr is not one of the rule's acr_values (RFC 9470).
	ACRNotMet
	// AuthenticationTooOld: auth_time is missing or older than max_age (RFC 9470).
	AuthenticationTooOld

	reasonCount
)

// class is the row of the contract's table of answers that a reason falls in.
type class struct {
	status     int
	code       string // the error; empty for none
	grpcStatus int
	challenge  bool // carries WWW-Authenticate
}

// gRPC status numbers: google.golang.org/grpc/codes.
var (
	pass            = class{status: 200}
	noCredentials   = class{status: 401, grpcStatus: 16, challenge: true}
	badRequest      = class{status: 400, code: "invalid_request", grpcStatus: 3, challenge: true}
	invalidToken    = class{status: 401, code: "invalid_token", grpcStatus: 16, challenge: true}
	invalidProof    = class{status: 401, code: "invalid_dpop_proof", grpcStatus: 16, challenge: true}
	nonceNeeded     = class{status: 401, code: "use_dpop_nonce", grpcStatus: 16, challenge: true}
	insufficient    = class{status: 403, code: "insufficient_scope", grpcStatus: 7, challenge: true}
	accessDenied    = class{status: 403, code: "access_denied", grpcStatus: 7, challenge: true}
	stepUp          = class{status: 401, code: "insufficient_user_authentication", grpcStatus: 16, challenge: true}
	unavailable     = class{status: 503, code: "temporarily_unavailable", grpcStatus: 14}
	misdirectedHost = class{status: 421, code: "misdirected_request", grpcStatus: 3}
)

// reasons holds a word, a class and, for the refusals, a description for each
// reason. Descriptions are fixed text: nothing of the request is ever in one.
var reasons = [reasonCount]struct {
	word        string
	class       *class
	description string
}{
	TokenAccepted: {"token_accepted", &pass, ""},
	Anonymous:     {"anonymous", &pass, ""},
	Preflight:     {"preflight", &pass, ""},
	Metadata:      {"metadata", &pass, ""},

	InternalError:      {"internal_error", &unavailable, "the request could not be judged"},
	MisdirectedRequest: {"misdirected_request", &misdirectedHost, "the connection was made for another host name"},
	AmbiguousPath:      {"ambiguous_path", &badRequest, "the path has more than one reading"},
	AmbiguousHost:      {"ambiguous_host", &badRequest, "the host name has more than one reading"},
	AmbiguousMethod:    {"ambiguous_method", &badRequest, "the method has more than one reading"},
	HeaderNotAllowed:   {"header_not_allowed", &badRequest, "a header was sent that is not for clients to set, or twice"},
	TooManyHeaders:     {"too_many_headers", &badRequest, "too many header fields"},
	NoRuleMatched:      {"no_rule_matched", &accessDenied, "nothing is served here"},

	NoToken:              {"no_token", &noCredentials, ""},
	MultipleTokens:       {"multiple_tokens", &badRequest, "more than one access token was sent"},
	MalformedCredentials: {"malformed_credentials", &badRequest, "the credentials are malformed"},
	TokenTooLarge:        {"token_too_large", &badRequest, "the access token is too long"},

	TokenNotJWT:         {"token_not_jwt", &invalidToken, "the access token is not a JWT"},
	TokenMalformed:      {"token_malformed", &invalidToken, "the access token is malformed"},
	TokenEncrypted:      {"token_encrypted", &invalidToken, "encrypted access tokens are not accepted"},
	CriticalHeader:      {"critical_header", &invalidToken, "the access token has a crit header"},
	AlgorithmNotAllowed: {"algorithm_not_allowed", &invalidToken, "the algorithm of the access token is not accepted"},
	TokenTypeNotAllowed: {"token_type_not_allowed", &invalidToken, "the typ of the access token is not accepted"},
	IssuerUnknown:       {"issuer_unknown", &invalidToken, "the issuer of the access token is not trusted"},
	AudienceMismatch:    {"audience_mismatch", &invalidToken, "the access token is meant for another audience"},
	Expired:             {"expired", &invalidToken, "the access token has expired"},
	NotYetValid:         {"not_yet_valid", &invalidToken, "the access token is not valid yet"},
	IssuedInFuture:      {"issued_in_future", &invalidToken, "the access token was issued in the future"},
	LifetimeTooLong:     {"lifetime_too_long", &invalidToken, "the access token lives too long"},
	ClaimMissing:        {"claim_missing", &invalidToken, "the access token lacks a required claim"},
	ClaimMalformed:      {"claim_malformed", &invalidToken, "a claim of the access token is malformed"},
	KeyUnknown:          {"key_unknown", &invalidToken, "the key of the access token is not known"},
	KeyAmbiguous:        {"key_ambiguous", &invalidToken, "the key of the access token is ambiguous"},
	SignatureInvalid:    {"signature_invalid", &invalidToken, "the signature of the access token is not valid"},
	KeysUnavailable:     {"keys_unavailable", &unavailable, "the keys of the issuer are out of reach"},
	TokenInactive:       {"token_inactive", &invalidToken, "the access token is not active"},
	TokenContradicted:   {"token_contradicted", &invalidToken, "the access token is not what its issuer says of it"},
	TooManyWaiting:      {"too_many_waiting", &unavailable, "too many requests are waiting"},

	IntrospectionUnavailable: {"introspection_unavailable", &unavailable, "the authorization server is out of reach"},

	CnfMissing:              {"cnf_missing", &invalidToken, "the access token is not bound to a key"},
	CnfMalformed:            {"cnf_malformed", &invalidToken, "the cnf of the access token is malformed"},
	CnfUnsupported:          {"cnf_unsupported", &invalidToken, "the access token is bound in a way that is not accepted here"},
	CertificateMissing:      {"certificate_missing", &invalidToken, "the access token is bound to a certificate and none was presented"},
	CertificateMalformed:    {"certificate_malformed", &invalidToken, "the client certificate could not be read"},
	CertificateUnreadable:   {"certificate_unreadable", &invalidToken, "the client certificate could not be read"},
	CertificateNotValidated: {"certificate_not_validated", &invalidToken, "the client certificate was not validated"},
	CnfMismatch:             {"cnf_mismatch", &invalidToken, "the access token is bound to another certificate"},
	JKTMissing:              {"jkt_missing", &invalidToken, "the access token is not bound to a DPoP key"},
	DPoPSchemeRequired:      {"dpop_scheme_required", &invalidToken, "the access token is bound to a DPoP key and was not sent under the scheme DPoP"},
	DPoPProofMissing:        {"dpop_proof_missing", &invalidProof, "the DPoP proof is missing"},
	DPoPProofMultiple:       {"dpop_proof_multiple", &invalidProof, "more than one DPoP proof was sent"},
	DPoPProofMalformed:      {"dpop_proof_malformed", &invalidProof, "the DPoP proof is malformed"},
	DPoPTypeNotAllowed:      {"dpop_type_not_allowed", &invalidProof, "the typ of the DPoP proof is not dpop+jwt"},
	DPoPAlgorithmNotAllowed: {"dpop_algorithm_not_allowed", &invalidProof, "the algorithm of the DPoP proof is not accepted"},
	DPoPKeyInvalid:          {"dpop_key_invalid", &invalidProof, "the jwk of the DPoP proof is not accepted"},
	DPoPSignatureInvalid:    {"dpop_signature_invalid", &invalidProof, "the signature of the DPoP proof is not valid"},
	DPoPMethodMismatch:      {"dpop_method_mismatch", &invalidProof, "the DPoP proof is for another method"},
	DPoPURIMismatch:         {"dpop_uri_mismatch", &invalidProof, "the DPoP proof is for another URI"},
	DPoPNonceRequired:       {"dpop_nonce_required", &nonceNeeded, "the DPoP proof needs the nonce that is sent along"},
	DPoPProofTooOld:         {"dpop_proof_too_old", &invalidProof, "the DPoP proof is too old"},
	DPoPProofInFuture:       {"dpop_proof_in_future", &invalidProof, "the DPoP proof was made in the future"},
	DPoPTokenMismatch:       {"dpop_token_mismatch", &invalidProof, "the DPoP proof is for another access token"},
	JKTMismatch:             {"jkt_mismatch", &invalidToken, "the access token is bound to another key"},
	DPoPReplayed:            {"dpop_replayed", &invalidProof, "the DPoP proof was used before"},
	DPoPReplayFull:          {"dpop_replay_full", &unavailable, "too many DPoP proofs"},
	DPoPReplayFailed:        {"dpop_replay_failed", &unavailable, "the DPoP proof could not be remembered"},

	ScopeInsufficient:    {"scope_insufficient", &insufficient, "the access token lacks a scope"},
	ClaimNotAllowed:      {"claim_not_allowed", &insufficient, "a claim of the access token is not allowed here"},
	IssuerNotAllowed:     {"issuer_not_allowed", &insufficient, "the issuer of the access token is not allowed here"},
	AudienceNotAllowed:   {"audience_not_allowed", &insufficient, "the access token is meant for another audience"},
	ACRNotMet:            {"acr_not_met", &stepUp, "a stronger authentication is required"},
	AuthenticationTooOld: {"authentication_too_old", &stepUp, "a more recent authentication is required"},
}

// String is the reason's word: lower case and underscores.
func (r Reason) String() string {
	if r >= reasonCount {
		return "unknown"
	}
	return reasons[r].word
}

// Refuses reports whether the reason refuses the request. A reason outside of
// the list does.
func (r Reason) Refuses() bool { return r >= InternalError }

// class returns the answer's row; anything outside of the list is an internal error.
func (r Reason) class() *class {
	if r >= reasonCount {
		return reasons[InternalError].class
	}
	return reasons[r].class
}

// Step is the step of the decision that gives this reason, 0 to 4 as in
// docs/decision.md. What lets a request through has passed all the steps up to it.
func (r Reason) Step() int {
	switch {
	case r == TokenAccepted:
		return 4
	case r <= NoRuleMatched && r != Anonymous:
		return 0
	case r <= TokenTooLarge:
		return 1
	case r <= TooManyWaiting:
		return 2
	case r.ofBinding():
		return 3
	case r < reasonCount:
		return 4
	}
	return 0
}

// Description says in a few words why a request was refused, as answers do. It is
// empty for the reasons that let one through, and for no_token.
func (r Reason) Description() string {
	if r >= reasonCount {
		return ""
	}
	return reasons[r].description
}

// Reasons lists all reasons, in the order of the decision.
func Reasons() []Reason {
	all := make([]Reason, reasonCount)
	for i := range all {
		all[i] = Reason(i)
	}
	return all
}
