package config

import (
	"time"

	"holdfast/jwt"
)

// Every default and every bound. docs/configuration.md and holdfast.schema.json
// repeat them, and tests compare.
const (
	defaultRealm = "holdfast"

	maxDocument = 1 << 20 // bytes

	defaultClockSkew = 10 * time.Second
	maxClockSkew     = 60 * time.Second
	minMaxLifetime   = time.Second

	fapi2MinClockSkew = 10 * time.Second

	defaultProofLifetime = 60 * time.Second
	minProofLifetime     = time.Second
	maxProofLifetime     = 10 * time.Minute

	defaultNonceLifetime = 60 * time.Second
	minNonceLifetime     = 2 * time.Second
	maxNonceLifetime     = 24 * time.Hour

	defaultTimeout = 5 * time.Second
	minTimeout     = time.Millisecond
	maxTimeout     = 60 * time.Second

	defaultCacheDuration = 10 * time.Minute
	minCacheDuration     = time.Second

	defaultStaleIfError = time.Hour

	defaultUnknownKeyInterval = 30 * time.Second
	minUnknownKeyInterval     = time.Second

	defaultAnswerTTL   = 30 * time.Second
	defaultNegativeTTL = 5 * time.Second
	maxAnswerTTL       = 24 * time.Hour

	defaultSessionCookie   = "__Host-holdfast"
	defaultSessionLifetime = 15 * time.Minute
	minSessionLifetime     = time.Second
	maxSessionLifetime     = 24 * time.Hour

	lastElement = -1
	maxElement  = 100 // from the end of x-forwarded-client-cert

	maxPropertyDepth = 16
)

// A bound is the default and the range of a whole number.
type bound struct{ fallback, min, max int }

var (
	tokenBytes         = bound{16384, 256, 65536}
	jwksBytes          = bound{262144, 1024, 4194304}
	waitingRequests    = bound{1024, 1, 65536}
	introspectionCalls = bound{64, 1, 65536}
	introspectionBytes = bound{65536, 1024, 1048576}
	cacheEntries       = bound{10000, 1, 1000000}
	tokenCacheEntries  = bound{2048, 0, 1000000}
	keyTables          = bound{8, 0, 64}
	replayEntries      = bound{262144, 1024, 4194304}
)

func defaultAlgorithms() []jwt.Algorithm {
	return []jwt.Algorithm{jwt.ES256, jwt.PS256, jwt.EdDSA, jwt.RS256}
}

// fapi2Algorithms: FAPI 2.0 Security Profile, 5.4.1.
func fapi2Algorithms() []jwt.Algorithm {
	return []jwt.Algorithm{jwt.ES256, jwt.PS256, jwt.EdDSA}
}

func defaultTokenTypes() []string { return []string{"at+jwt"} }

func defaultScopeClaims() []string { return []string{"scope"} }

func defaultCertificateSources() []CertificateSource {
	return []CertificateSource{{Kind: SourceConnection}}
}

func defaultTokenSources() []TokenSource {
	return []TokenSource{{Kind: TokenFromAuthorization}}
}
