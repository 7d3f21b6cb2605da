package filter

import (
	"time"

	"holdfast/jwt"
)

// Header is one header field of a request or of an answer, as the host holds
// it: on Envoy names are in lower case, and pseudo-headers begin with ":".
type Header struct {
	Name, Value string
}

// LogLevel is the severity of a log line.
type LogLevel uint8

// The levels that the filter writes.
const (
	LogInfo LogLevel = iota
	LogWarn
	LogError
)

// Call is an HTTP request that the host sends to a configured cluster.
type Call struct {
	Cluster   string // the host's own name of the upstream
	Method    string
	Authority string
	Path      string
	Headers   []Header      // beyond the pseudo-headers
	Body      string        // sent when it is not empty
	Timeout   time.Duration // the host answers or gives up within it
	MaxBody   int           // bytes; a longer body arrives as TooLarge
}

// CallResult is what came back from a Call. A host that could not reach the
// upstream may still present an answer of its own (Envoy: 503 or 504), so only
// status 200 together with a body that parses means success.
type CallResult struct {
	Status   int // 0 when the host gave no answer at all
	Headers  []Header
	Body     []byte
	TooLarge bool // the body was longer than Call.MaxBody and was not read
}

// Metric names a counter or a histogram that the host has defined.
type Metric uint32

// Host is what the filter needs of the proxy outside of any single request.
// The filter owns this interface; filter/proxywasm implements it over the
// Proxy-Wasm ABI and the tests implement it in memory. No method panics.
type Host interface {
	// Now is the wall clock.
	Now() time.Time
	// Random fills b with bytes from the host's source of randomness.
	Random(b []byte) error
	// Env reads a variable of the VM's environment. Secrets come from there.
	Env(name string) (value string, found bool)
	// Log writes one line. The line holds no secret: that is the caller's duty.
	Log(level LogLevel, line string)
	// SetTick asks for Plugin.OnTick every period from now on, replacing any
	// earlier period.
	SetTick(period time.Duration) error
	// Dispatch starts a call and returns at once. done runs later, once, in the
	// plugin's own context, never from within Dispatch. An error means that done
	// never runs. Dispatch is legal only from OnTick and from done functions:
	// the SDK drops the answers to calls that a finished request started.
	Dispatch(call Call, done func(CallResult)) error
	// SharedGet reads a value that the VMs of one vm_id share. A missing key is
	// found == false with a nil error.
	SharedGet(key string) (value []byte, cas uint32, found bool, err error)
	// SharedSet writes if cas is still the current one; cas 0 always writes.
	// ok is false when another VM was faster.
	SharedSet(key string, value []byte, cas uint32) (ok bool, err error)
	// VerifySignature has the host's own crypto library check a signature. An error
	// says that there is no answer: the host has no such function, or it failed.
	VerifySignature(s jwt.X509Signature) (valid bool, err error)
	// DefineCounter and DefineHistogram register a metric under its full name.
	DefineCounter(name string) (Metric, error)
	DefineHistogram(name string) (Metric, error)
	// Add adds n, at least 1, to a counter; Record puts a value in a histogram.
	Add(m Metric, n uint64)
	Record(m Metric, value uint64)
}

// Stream is one request. Every method may be called from any callback: the
// adapter switches the host to this stream first. No method panics.
type Stream interface {
	// RequestHeaders returns all fields of the request, pseudo-headers included,
	// in order, duplicates apart.
	RequestHeaders() ([]Header, error)
	// RemoveRequestHeader removes every field of exactly this name.
	RemoveRequestHeader(name string) error
	// SetRequestHeader replaces every field of this name by one.
	SetRequestHeader(name, value string) error
	// RequestTrailers returns all trailer fields, once they have arrived.
	RequestTrailers() ([]Header, error)
	// RemoveRequestTrailer removes every trailer field of exactly this name.
	RemoveRequestTrailer(name string) error
	// SetResponseHeader replaces every field of this name in the response by one;
	// AddResponseHeader adds one beside those that are there; RemoveResponseHeader
	// removes them all. They are legal only in Exchange.OnResponseHeaders.
	SetResponseHeader(name, value string) error
	AddResponseHeader(name, value string) error
	RemoveResponseHeader(name string) error
	// Property reads a host property. Absent is found == false with a nil error;
	// an error means that the host could not tell.
	Property(path ...string) (value []byte, found bool, err error)
	// SetProperty leaves a value for access logs and later filters.
	SetProperty(name, value string) error
	// Respond answers the request in place of the upstream.
	Respond(answer Answer) error
	// Continue lets the request go on to the upstream. It is called from exactly
	// one place: conclude in exchange.go.
	Continue() error
}

// Answer is a response that the filter gives itself.
type Answer struct {
	Status  int
	Headers []Header
	Body    string
	// GRPCStatus is what a gRPC client gets in place of Status.
	GRPCStatus int
	// Details is the host's response code details: Envoy's
	// %RESPONSE_CODE_DETAILS%.
	Details string
}
