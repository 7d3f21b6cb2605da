// Package config reads Holdfast's configuration: JSON in, a checked and
// complete [Config] out, or every problem at once, each with its path.
//
// It is pure: it knows no host, no clock and no environment. The names and the
// defaults are the ones of docs/configuration.md, and holdfast.schema.json
// describes the same language as a JSON Schema.
package config

import (
	"crypto/sha256"
	"net/netip"
	"time"

	"holdfast/jwt"
	"holdfast/thumbprint"
)

// Config is a whole configuration with all defaults filled in. Nothing in it
// changes after [Parse].
type Config struct {
	Realm             string
	Issuers           []Issuer
	Binding           Binding
	Certificate       Certificate
	TokenSources      []TokenSource
	DenyUnmatched     bool // "unmatched": "deny"
	BypassPreflight   bool // "cors_preflight": "bypass"
	Rules             []Rule
	Forward           Forward
	Session           *Session          // nil without "session"
	Resource          *ResourceMetadata // nil without "resource_metadata"
	ExposeDescription bool
	Limits            Limits
	SharedData        bool
	FAPI2             bool // "profile": "fapi2"
	Verification      Verification

	// Digest is that of what the whole document says, in whatever order and spelling:
	// Envoy writes the members of a google.protobuf.Struct in another order each time.
	Digest [sha256.Size]byte
}

// Algorithms are those that any issuer or proof may use; some may be there twice.
func (c *Config) Algorithms() []jwt.Algorithm {
	var all []jwt.Algorithm
	for i := range c.Issuers {
		all = append(all, c.Issuers[i].Policy.Algorithms...)
	}
	if d := c.Binding.DPoP; d != nil {
		all = append(all, d.Algorithms...)
	}
	return all
}

// Verification says who verifies signatures.
type Verification uint8

// The values of "verification".
const (
	VerifyByEither  Verification = iota // "auto": the host where it can
	VerifyByHost                        // the host, in all that a host can do
	VerifyInSandbox                     // the filter itself
)

// Issuer is an authorization server whose tokens are taken.
type Issuer struct {
	Policy      jwt.Policy // issuer, audiences, algorithms, types, times, claims
	ScopeClaims []string
	Keys        Keys

	Introspection *Introspection // nil without "introspection"
}

// Introspection says how an issuer is asked about tokens (RFC 7662), and for how
// long its answers count.
type Introspection struct {
	Endpoint Endpoint
	Cluster  string
	Timeout  time.Duration

	All        bool // "tokens": "all": JWTs too, after their own checks
	Signed     bool // "accept": "application/token-introspection+jwt", RFC 9701
	RequireAud bool // an answer without aud is refused

	Client  IntrospectionClient
	Params  []Pair // form parameters sent along, sorted by name
	Headers []Pair // header fields sent along, names in lower case, sorted

	CacheTTL         time.Duration // 0: no answer is kept
	NegativeCacheTTL time.Duration // 0: no answer is kept
	CacheEntries     int
}

// ClientAuth is how Holdfast shows an introspection endpoint who is asking.
type ClientAuth uint8

// The values of [IntrospectionClient.Auth].
const (
	ClientSecretBasic ClientAuth = iota // RFC 6749 §2.3.1
	ClientSecretPost                    // RFC 6749 §2.3.1
	PrivateKeyJWT                       // RFC 7523 §2.2
	TLSClientAuth                       // RFC 8705 §2: the cluster's own TLS
	ClientAuthNone
)

// IntrospectionClient is who asks. Secrets that are named by an environment
// variable are read when the plugin starts: a Config holds only the names.
type IntrospectionClient struct {
	Auth      ClientAuth
	ID        string // "client_id"; may be empty with ClientAuthNone only
	Secret    string // "client_secret"; empty with SecretEnv
	SecretEnv string // "client_secret_env"
	KeyEnv    string // "private_key_env": holds a private JWK, for PrivateKeyJWT
	Audience  string // "client_assertion_audience": aud of the assertion; default the issuer
}

// Pair is a name and a value.
type Pair struct {
	Name, Value string
}

// Session is "session": the cookie that stands for a token.
type Session struct {
	Cookie   string
	KeyEnv   string        // the environment variable with the list of keys
	Lifetime time.Duration // longest, whatever the token's exp
	// Settings is a digest of everything that a session must not outlive: cookie
	// name, realm, profile, issuers, binding and certificate settings. It is
	// the associated data of the seal.
	Settings [sha256.Size]byte
}

// Keys says where an issuer's keys come from: exactly one of Inline, URI and
// Discovery.
type Keys struct {
	Inline    *jwt.KeySet
	URI       *Endpoint
	Discovery bool

	Cluster            string
	Timeout            time.Duration
	CacheDuration      time.Duration
	StaleIfError       time.Duration
	UnknownKeyInterval time.Duration // "unknown_kid_interval"
}

// Endpoint is an absolute http or https URL, split the way a call-out needs it.
type Endpoint struct {
	Authority string // host[:port]
	Path      string // with the query, at least "/"
}

// Binding is "proof_of_possession".
type Binding struct {
	MTLS       bool
	DPoP       *DPoP // nil when "dpop" is not among the methods
	Optional   bool  // "mode": "optional"
	ReportOnly bool
}

// DPoP is "dpop": how proofs (RFC 9449 §4.2) are judged.
type DPoP struct {
	ProofLifetime time.Duration // from a proof's iat
	ClockSkew     time.Duration // widens it on both sides
	Algorithms    []jwt.Algorithm
	Origins       []string      // what htu is compared with, as [dpop.NormalizeOrigin] writes them
	NonceKeyEnv   string        // the environment variable with the list of keys; empty: no nonce is required
	NonceLifetime time.Duration // how long a nonce is good for
	PerWorker     bool          // "replay": "per_worker"
}

// Certificate is "certificate": where the caller's certificate is read.
type Certificate struct {
	Sources          []CertificateSource
	TrustedProxies   TrustedProxies
	RequireValidated bool
	MatchSNI         bool
}

// SourceKind tells the kinds of certificate sources apart.
type SourceKind uint8

// The kinds of [CertificateSource].
const (
	SourceConnection SourceKind = iota
	SourceXFCC
	SourceHeader
	SourceProperty
)

// HeaderFormat is how a proxy in front wrote a certificate into a header.
type HeaderFormat uint8

// The formats of a certificate header.
const (
	FormatRFC9440 HeaderFormat = iota
	FormatURLEncodedPEM
	FormatBase64DER
)

// CertificateSource is one entry of "certificate.sources".
type CertificateSource struct {
	Kind     SourceKind
	Element  int          // SourceXFCC: 0 is the first, -1 the last, -2 the one before
	Header   string       // SourceHeader: name in lower case
	Format   HeaderFormat // SourceHeader
	Property []string     // SourceProperty
}

// TrustedProxies says on which connections certificate headers are believed.
type TrustedProxies struct {
	Addresses   []netip.Prefix
	URISANs     []string
	Thumbprints []thumbprint.Thumbprint
}

// TokenSourceKind tells the kinds of token sources apart.
type TokenSourceKind uint8

// The kinds of [TokenSource].
const (
	TokenFromAuthorization TokenSourceKind = iota
	TokenFromHeader
	TokenFromCookie
)

// TokenSource is one entry of "token_sources". Name is a header name in lower
// case or a cookie name; empty for TokenFromAuthorization.
type TokenSource struct {
	Kind TokenSourceKind
	Name string
}

// Rule is one entry of "rules". A request has to meet all of Match, and is then
// judged by the rest.
type Rule struct {
	Match     Match
	Anonymous bool // "access": "anonymous"
	Strict    bool // "mode": "strict": tightens Binding.Optional for this rule

	Scopes    []string // all of them
	Issuers   []string // one of them, when there are any
	Audiences []string // the token's aud holds at least one, when there are any
	Claims    []ClaimRule
	ACRValues []string // RFC 9470
	MaxAge    time.Duration
	HasMaxAge bool
}

// Match says which requests a rule is for. An empty field matches everything.
type Match struct {
	Path       string // canonical, compared whole
	PathPrefix string // canonical, compared as text
	Methods    []string
	Hosts      []string // in lower case, without a port
}

// ClaimRule asks that a claim is, or as an array holds, one of Values.
type ClaimRule struct {
	Claim  string
	Values []string
}

// ForwardToken is what becomes of the token on the way to the upstream.
type ForwardToken uint8

// The values of [Forward.Token].
const (
	ForwardKeep ForwardToken = iota
	ForwardStrip
	// ForwardBearer: a DPoP token goes on under the scheme Bearer.
	ForwardBearer
	// ForwardIntrospectionJWT: the signed answer (RFC 9701) in the token's place.
	ForwardIntrospectionJWT
)

// Forward is "forward". Header names are in lower case and each occurs once.
type Forward struct {
	Token            ForwardToken
	Claims           []ForwardClaim
	PayloadHeader    string // empty: not set
	ThumbprintHeader string // empty: not set
	Certificate      []ForwardCertificate
}

// ForwardClaim puts a claim into a request header.
type ForwardClaim struct {
	Claim, Header string
}

// CertificateField is a part of the client certificate that a host can tell.
type CertificateField uint8

// The fields of [ForwardCertificate].
const (
	FieldSubject CertificateField = iota
	FieldURISAN
	FieldDNSSAN
)

// ForwardCertificate puts a part of the client certificate into a request header.
type ForwardCertificate struct {
	Field  CertificateField
	Header string
}

// ResourceMetadata is "resource_metadata", RFC 9728.
type ResourceMetadata struct {
	Resource        string   // the resource identifier, a URL
	Origin          string   // its origin, as [dpop.NormalizeOrigin] writes it
	WellKnownURL    string   // RFC 9728 §3.1: what resource_metadata="…" names
	WellKnownPath   string   // its path: where the document is served
	ScopesSupported []string // may be empty
}

// Limits bounds what one worker keeps and reads.
type Limits struct {
	TokenBytes      int
	JWKSBytes       int
	WaitingRequests int
	// IntrospectionCalls is how many calls one worker has under way at once.
	IntrospectionCalls int
	// IntrospectionBytes is how long an answer may be.
	IntrospectionBytes int
	// TokenCacheEntries is how many verified JWTs one worker keeps; 0 keeps none.
	TokenCacheEntries int
	// ReplayEntries is how many DPoP proofs are remembered.
	ReplayEntries int
	// KeyTables is how many keys have tables of multiples (jwt.Table); 0 for none.
	KeyTables int
}
