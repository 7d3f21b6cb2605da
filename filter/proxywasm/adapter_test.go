//go:build !wasm

package proxywasm

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/proxytest"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"holdfast/jwt"
)

const digestOfClient = "6f070ad1eb1cdc0082dc3076639fe5112b1713ca3d96d734e4ef3d8dd37e760d"

var key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func jwks() string {
	point, _ := key.PublicKey.Bytes()
	return `{"keys":[{"kty":"EC","crv":"P-256","kid":"k1","x":"` + encode(point[1:33]) + `","y":"` + encode(point[33:]) + `"}]}`
}

// mint signs a token for this subject that is bound to the client's certificate
// and good for an hour by the real clock, which the adapter reads.
func mint(subject string) string {
	print, _ := hex.DecodeString(digestOfClient)
	claims, _ := json.Marshal(map[string]any{
		"iss": "https://as.example.com", "aud": "https://api.example.com", "sub": subject,
		"exp": time.Now().Add(time.Hour).Unix(), "cnf": map[string]string{"x5t#S256": encode(print)},
	})
	input := encode([]byte(`{"alg":"ES256","typ":"at+jwt","kid":"k1"}`)) + "." + encode(claims)
	hash := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, key, hash[:])
	if err != nil {
		panic(err)
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + encode(signature[:])
}

// configuration is a configuration with these keys and this rest.
func configuration(keys, rest string) string {
	return `{"issuers":[{"issuer":"https://as.example.com","audiences":["https://api.example.com"],"jwks":` + keys + `}],
		"forward":{"claims":[{"claim":"sub","header":"x-sub"}]}` + rest + `}`
}

var (
	inline = `{"inline":` + jwks() + `}`
	uri    = `{"uri":"https://as.example.com/jwks","cluster":"as","timeout":"5s"}`
)

// emulate runs the adapter in the SDK's host emulator, which there is one of at
// a time.
func emulate(t *testing.T, configuration string, properties ...string) (host proxytest.HostEmulator, started types.OnPluginStartStatus) {
	t.Helper()
	output := log.Writer()
	log.SetOutput(io.Discard) // the emulator tells of every call
	option := proxytest.NewEmulatorOption().WithVMContext(NewVMContext()).WithPluginConfiguration([]byte(configuration))
	for i := 0; i < len(properties); i += 2 {
		option.WithProperty(strings.Split(properties[i], "/"), []byte(properties[i+1]))
	}
	host, reset := proxytest.NewHostEmulator(option)
	t.Cleanup(func() {
		reset()
		log.SetOutput(output)
	})
	// The emulator ends the process where a host says that it has no such function.
	// This one fails, which is as good: the sandbox verifies.
	host.RegisterForeignFunction("verify_signature", func([]byte) []byte { return nil })
	if status := host.StartVM(); status != types.OnVMStartStatusOK {
		t.Fatal("the VM does not start")
	}
	return host, host.StartPlugin()
}

// running starts the adapter, with the client's certificate on every connection.
func running(t *testing.T, configuration string) proxytest.HostEmulator {
	t.Helper()
	host, started := emulate(t, configuration, "connection/sha256_peer_certificate_digest", digestOfClient)
	if started != types.OnPluginStartStatusOK {
		t.Fatalf("not started: %v", host.GetErrorLogs())
	}
	return host
}

// request sends the headers of a request with this token, if there is one.
func request(host proxytest.HostEmulator, token string, more ...[2]string) (id uint32, action types.Action) {
	headers := [][2]string{{":method", "GET"}, {":authority", "api.example.com"}, {":path", "/x"}}
	if token != "" {
		headers = append(headers, [2]string{"authorization", "Bearer " + token})
	}
	id = host.InitializeHttpContext()
	return id, host.CallOnRequestHeaders(id, append(headers, more...), false)
}

// valuesOf are the values of a header.
func valuesOf(headers [][2]string, name string) (values []string) {
	for _, h := range headers {
		if h[0] == name {
			values = append(values, h[1])
		}
	}
	return values
}

func expectSub(t *testing.T, host proxytest.HostEmulator, id uint32, want ...string) {
	t.Helper()
	if got := valuesOf(host.GetCurrentRequestHeaders(id), "x-sub"); !slices.Equal(got, want) {
		t.Errorf("x-sub is %q, want %q", got, want)
	}
}

func TestAllowed(t *testing.T) {
	host := running(t, configuration(inline, ""))
	id, action := request(host, mint("alice"), [2]string{"X-Sub", "forged"})
	if action != types.ActionContinue || host.GetSentLocalResponse(id) != nil {
		t.Fatalf("action %v, answer %+v", action, host.GetSentLocalResponse(id))
	}
	expectSub(t, host, id, "alice")
	for name, want := range map[string]string{"holdfast.outcome": "allowed", "holdfast.reason": "token_accepted", "holdfast.sub": "alice", "holdfast.binding": "mtls"} {
		if got, err := host.GetProperty([]string{name}); string(got) != want {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	if host.CallOnRequestTrailers(id, nil) != types.ActionContinue {
		t.Error("trailers held back")
	}
	if n, err := host.GetCounterMetric("holdfast.allowed"); n != 1 {
		t.Errorf("allowed is %d, %v", n, err)
	}
	host.CompleteHttpContext(id)
}

// No response is held back, whoever gave it: the upstream, Holdfast, or Holdfast
// before it was asked about the request.
func TestContract4_ResponsesAreNeverHeldBack(t *testing.T) {
	host := running(t, configuration(inline, ""))
	allowed, _ := request(host, mint("alice"))
	refused, _ := request(host, "")
	waiting := host.InitializeHttpContext()
	for name, id := range map[string]uint32{"allowed": allowed, "refused": refused, "waiting": waiting} {
		fields := [][2]string{{":status", "200"}, {"cache-control", "public"}}
		if host.CallOnResponseHeaders(id, fields, false) != types.ActionContinue {
			t.Errorf("%s: the response is held back", name)
		}
		// Nothing is edited without a reason.
		if got := host.GetCurrentResponseHeaders(id); !slices.Equal(got, fields) {
			t.Errorf("%s: the response became %q", name, got)
		}
	}
}

// Fields of a response are replaced and added, in the response of their own
// request. (The emulator glues an added field to one of its name: that hosts keep
// them apart is for the scenarios to show.)
func TestContract4_EditsOfAResponse(t *testing.T) {
	host := running(t, configuration(inline, ""))
	other, _ := request(host, mint("bob"))
	id, _ := request(host, mint("alice"))
	fields := [][2]string{{":status", "200"}, {"cache-control", "public"}}
	host.CallOnResponseHeaders(other, fields, true)
	host.CallOnResponseHeaders(id, fields, true)
	s := &stream{vm: &vmContext{}, contextID: id}
	if err := s.SetResponseHeader("cache-control", "private, no-store"); err != nil {
		t.Error(err)
	}
	if err := s.AddResponseHeader("set-cookie", "b=2"); err != nil {
		t.Error(err)
	}
	got := host.GetCurrentResponseHeaders(id)
	if !slices.Equal(valuesOf(got, "cache-control"), []string{"private, no-store"}) || !slices.Equal(valuesOf(got, "set-cookie"), []string{"b=2"}) {
		t.Errorf("the response became %q", got)
	}
	if got := host.GetCurrentResponseHeaders(other); !slices.Equal(got, fields) {
		t.Errorf("the other response became %q", got)
	}
}

// A session starts with the response of its own request, and its cookie stands for
// the token.
func TestContract4_SessionStarts(t *testing.T) {
	t.Setenv("HOLDFAST_TEST_KEY", strings.Repeat("A", 43)+"=")
	host := running(t, configuration(inline, `,"session":{"key_env":"HOLDFAST_TEST_KEY"}`))
	refused, _ := request(host, "")
	allowed, _ := request(host, mint("alice"))
	fields := [][2]string{{":status", "200"}, {"cache-control", "public"}}
	host.CallOnResponseHeaders(refused, fields, true)
	host.CallOnResponseHeaders(allowed, fields, true)
	if got := host.GetCurrentResponseHeaders(refused); !slices.Equal(got, fields) {
		t.Errorf("the answer became %q", got)
	}
	got := host.GetCurrentResponseHeaders(allowed)
	cookies := valuesOf(got, "set-cookie")
	if len(cookies) != 1 || !slices.Equal(valuesOf(got, "cache-control"), []string{"private, no-store"}) {
		t.Fatalf("the response became %q", got)
	}
	cookie, _, _ := strings.Cut(cookies[0], ";")
	id, action := request(host, "", [2]string{"cookie", cookie})
	if action != types.ActionContinue {
		t.Fatalf("%+v", host.GetSentLocalResponse(id))
	}
	expectSub(t, host, id, "alice")
}

// An opaque token is asked about with a body, and its request goes on from the
// callback of the answer's tick.
func TestRFC7662_OpaqueToken(t *testing.T) {
	const introspection = `,"introspection":{"endpoint":"https://as.example.com/introspect","cluster":"as","client_auth":"none"}`
	doc := strings.Replace(configuration(inline, ""), `}],`, introspection+`}],`, 1)
	host := running(t, doc)
	id, action := request(host, "opaque")
	if action != stopAll || host.GetSentLocalResponse(id) != nil {
		t.Fatalf("%v, %+v", action, host.GetSentLocalResponse(id))
	}
	host.Tick()
	calls := host.GetCalloutAttributesFromContext(proxytest.PluginContextID)
	if len(calls) != 1 || string(calls[0].Body) != "token=opaque" || !slices.Equal(valuesOf(calls[0].Headers, ":method"), []string{"POST"}) {
		t.Fatalf("%+v", calls)
	}
	print, _ := hex.DecodeString(digestOfClient)
	answer := `{"active":true,"sub":"alice","aud":"https://api.example.com","cnf":{"x5t#S256":"` + encode(print) + `"}}`
	host.CallOnHttpCallResponse(calls[0].CalloutID, [][2]string{{":status", "200"}, {"content-type", "application/json"}}, nil, []byte(answer))
	host.Tick()
	if host.GetCurrentHttpStreamAction(id) != types.ActionContinue {
		t.Fatalf("%+v, %q", host.GetSentLocalResponse(id), host.GetWarnLogs())
	}
	expectSub(t, host, id, "alice")
}

func TestRefused(t *testing.T) {
	host := running(t, configuration(inline, ""))
	id, action := request(host, "")
	answer := host.GetSentLocalResponse(id)
	if action != stopAll || answer == nil {
		t.Fatalf("action %v, answer %+v", action, answer)
	}
	if answer.StatusCode != 401 || answer.GRPCStatus != 16 || string(answer.Data) != "{}" ||
		!slices.Equal(valuesOf(answer.Headers, "www-authenticate"), []string{`Bearer realm="holdfast"`}) {
		t.Errorf("%+v", answer)
	}
	// stopAll stops bodies; trailers are asked about.
	if host.CallOnRequestTrailers(id, nil) != types.ActionPause {
		t.Error("trailers of a refused request go on")
	}
	if host.CallOnResponseHeaders(id, [][2]string{{":status", "401"}}, true) != types.ActionContinue {
		t.Error("the answer is held back")
	}
	host.CompleteHttpContext(id)
	if logs := host.GetWarnLogs(); len(logs) != 1 || !strings.Contains(logs[0], "reason=no_token") {
		t.Errorf("log %q", logs)
	}
	if _, action := request(host, mint("alice")); action != types.ActionContinue {
		t.Error("the next request does not pass")
	}
}

// Requests wait for the keys and go on from a callback of the plugin: each edit
// and each answer reaches its own stream.
func TestWaitsForKeys(t *testing.T) {
	host := running(t, configuration(uri, ""))
	if host.GetTickPeriod() != 1 || len(host.GetCalloutAttributesFromContext(proxytest.PluginContextID)) != 0 {
		t.Errorf("tick %d", host.GetTickPeriod())
	}
	host.Tick()
	calls := host.GetCalloutAttributesFromContext(proxytest.PluginContextID)
	if len(calls) != 1 || calls[0].Upstream != "as" || !slices.Equal(calls[0].Headers[:4], [][2]string{
		{":method", "GET"}, {":scheme", "https"}, {":authority", "as.example.com"}, {":path", "/jwks"},
	}) || !slices.Equal(valuesOf(calls[0].Headers, "accept"), []string{"application/json"}) {
		t.Fatalf("%+v", calls)
	}
	subjects := []string{"alice", "bob", "", "carol"}
	tokens := []string{mint("alice"), mint("bob"), "not.a.jwt", mint("carol")}
	ids := make([]uint32, len(tokens))
	for i, token := range tokens {
		var action types.Action
		if ids[i], action = request(host, token); action != stopAll {
			t.Fatalf("request %d does not wait", i)
		}
	}
	if host.GetSentLocalResponse(ids[2]) == nil || host.GetSentLocalResponse(ids[0]) != nil {
		t.Fatal("answers went to the wrong streams")
	}
	host.CompleteHttpContext(ids[1]) // bob leaves
	host.CallOnHttpCallResponse(calls[0].CalloutID, [][2]string{{":status", "200"}, {"cache-control", "max-age=60"}}, nil, []byte(jwks()))
	host.Tick()
	for i, subject := range subjects {
		switch {
		case i == 1 || subject == "":
			expectSub(t, host, ids[i])
			if host.GetCurrentHttpStreamAction(ids[i]) != stopAll {
				t.Errorf("request %d went on", i)
			}
		default:
			expectSub(t, host, ids[i], subject)
			if host.GetCurrentHttpStreamAction(ids[i]) != types.ActionContinue {
				t.Errorf("request %d waits", i)
			}
		}
	}
	for range 2*jwt.TableSteps - 1 { // the generator's table and the key's, after a first slice
		if host.GetTickPeriod() != 20 {
			t.Errorf("tick %d while there are tables to make", host.GetTickPeriod())
		}
		host.Tick()
	}
	if host.GetTickPeriod() != 1000 {
		t.Errorf("tick %d", host.GetTickPeriod())
	}
}

// What a call brings, good or bad, and what is not even read.
func TestAnswersToCalls(t *testing.T) {
	status := func(code string) [][2]string { return [][2]string{{":status", code}} }
	for name, tt := range map[string]struct {
		headers [][2]string
		body    string
		log     string // of the failure; empty for success
	}{
		"keys":        {status("200"), jwks(), ""},
		"no answer":   {nil, "", "status 0"},
		"no status":   {[][2]string{{"a", "b"}}, jwks(), "status 0"},
		"bad status":  {status("x"), jwks(), "status 0"},
		"empty":       {status("200"), "", "of no use"},
		"T25 moved":   {status("302"), jwks(), "status 302"},
		"T22d bigger": {status("200"), jwks() + strings.Repeat(" ", 262144), "longer than limits.jwks_bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			host := running(t, configuration(uri, ""))
			host.Tick()
			id, _ := request(host, mint("alice"))
			host.CallOnHttpCallResponse(host.GetCalloutAttributesFromContext(proxytest.PluginContextID)[0].CalloutID, tt.headers, nil, []byte(tt.body))
			host.Tick()
			if passed := host.GetCurrentHttpStreamAction(id) == types.ActionContinue; passed != (tt.log == "") {
				t.Errorf("passed: %v", passed)
			}
			if logs := strings.Join(host.GetWarnLogs(), "\n"); !strings.Contains(logs, tt.log) {
				t.Errorf("log %q", logs)
			}
		})
	}
}

func TestStartFailure(t *testing.T) {
	for name, configuration := range map[string]string{"empty": "", "no JSON": "x", "unknown key": `{"isuers":[]}`, "no Struct": "\n\x7f"} {
		t.Run(name, func(t *testing.T) {
			host, started := emulate(t, configuration)
			if started != types.OnPluginStartStatusFailed || len(host.GetErrorLogs()) != 1 {
				t.Errorf("%v, log %q", started, host.GetErrorLogs())
			}
			// A host that sends requests all the same gets them refused.
			id, action := request(host, mint("alice"))
			answer := host.GetSentLocalResponse(id)
			if action != stopAll || answer == nil || answer.StatusCode != 503 || answer.GRPCStatus != 14 {
				t.Errorf("%v, %+v", action, answer)
			}
			if host.CallOnRequestTrailers(id, nil) != types.ActionPause {
				t.Error("the trailers go on")
			}
			host.Tick()
			host.CompleteHttpContext(id)
		})
	}
}

func TestContract1_StructConfiguration(t *testing.T) {
	doc := configuration(inline, "")
	var object structpb.Struct
	if err := object.UnmarshalJSON([]byte(doc)); err != nil {
		t.Fatal(err)
	}
	message, err := proto.Marshal(&object)
	if err != nil {
		t.Fatal(err)
	}
	host := running(t, string(message))
	if _, action := request(host, mint("alice")); action != types.ActionContinue {
		t.Errorf("%v: %q", action, host.GetWarnLogs())
	}
	doc = "\n" + doc // JSON may begin with the byte that a Struct begins with
	if got := configurationJSON([]byte(doc)); got != doc {
		t.Errorf("became %q", got)
	}
}

// A fault of the host in a callback: 503, and the VM lives.
func TestT23_FaultOfTheHost(t *testing.T) {
	// The emulator panics on a property without a byte.
	host, _ := emulate(t, configuration(inline, ""), "connection/sha256_peer_certificate_digest", "")
	id, action := request(host, mint("alice"))
	if answer := host.GetSentLocalResponse(id); action != stopAll || answer == nil || answer.StatusCode != 503 {
		t.Errorf("%v, %+v", action, answer)
	}
	if logs := host.GetErrorLogs(); len(logs) != 1 || !strings.Contains(logs[0], "fault") {
		t.Errorf("log %q", logs)
	}
	if id, action := request(host, ""); action != stopAll || host.GetSentLocalResponse(id).StatusCode != 401 {
		t.Error("the next request is not judged")
	}
}
