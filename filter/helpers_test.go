package filter_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

// What most tests are about: one issuer, one API, one client.
const (
	issuerURL = "https://as.example.com"
	audience  = "https://api.example.com"
	host      = "api.example.com"
)

// certA is the client's certificate and certB another one: the shortest DER that
// counts as one.
var (
	certA = []byte{0x30, 0x03, 0x02, 0x01, 0x0A}
	certB = []byte{0x30, 0x03, 0x02, 0x01, 0x0B}
)

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func x5t(der []byte) string {
	digest := sha256.Sum256(der)
	return encode(digest[:])
}

// newKey makes the P-256 key of this name once.
func newKey(name string) *ecdsa.PrivateKey {
	keysMu.Lock()
	defer keysMu.Unlock()
	if keys[name] == nil {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		keys[name] = key
	}
	return keys[name]
}

var (
	keysMu sync.Mutex
	keys   = map[string]*ecdsa.PrivateKey{}
)

// jwks is a JWK Set with a key for each name, which is also its kid.
func jwks(names ...string) string {
	var set []string
	for _, name := range names {
		point, err := newKey(name).PublicKey.Bytes()
		if err != nil {
			panic(err)
		}
		set = append(set, `{"kty":"EC","crv":"P-256","kid":"`+name+`","x":"`+encode(point[1:33])+`","y":"`+encode(point[33:])+`"}`)
	}
	return `{"keys":[` + strings.Join(set, ",") + `]}`
}

// object is a JSON object.
type object = map[string]any

// An edit changes a token before it is signed.
type edit func(header, claims object)

// claim sets a claim, or removes it with nil.
func claim(name string, value any) edit {
	return func(_, claims object) { set(claims, name, value) }
}

// param sets a header parameter, or removes it with nil.
func param(name string, value any) edit {
	return func(header, _ object) { set(header, name, value) }
}

func set(o object, name string, value any) {
	if value == nil {
		delete(o, name)
		return
	}
	o[name] = value
}

// cnf binds to this certificate.
func cnf(der []byte) edit { return claim("cnf", object{"x5t#S256": x5t(der)}) }

// seconds is a NumericDate this far from the epoch of the fake clock.
func seconds(d time.Duration) int64 { return filtertest.Epoch.Add(d).Unix() }

// mint signs a token with the key of this name. Without edits it is good for an
// hour, and bound to certA.
func mint(key string, edits ...edit) string {
	header := object{"alg": "ES256", "typ": "at+jwt", "kid": key}
	claims := object{
		"iss": issuerURL, "aud": audience, "sub": "alice", "client_id": "app", "scope": "read",
		"iat": seconds(-time.Minute), "exp": seconds(time.Hour),
	}
	cnf(certA)(header, claims)
	for _, e := range edits {
		e(header, claims)
	}
	return sign(key, marshal(header), marshal(claims))
}

// sign signs any header and payload as ES256.
func sign(key, header, payload string) string {
	input := encode([]byte(header)) + "." + encode([]byte(payload))
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, newKey(key), digest[:])
	if err != nil {
		panic(err)
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + encode(signature[:])
}

func marshal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// good is a token without edits, minted once.
var good = sync.OnceValue(func() string { return mint("k1") })

// configure is a configuration: the shortest one with its keys inline, changed
// as change, a JSON object, says. Its member "issuer" changes the one issuer, and
// null removes.
func configure(t *testing.T, change string) string {
	t.Helper()
	issuer := object{"issuer": issuerURL, "audiences": []any{audience}, "jwks": parse(t, `{"inline":`+jwks("k1")+`}`)}
	doc := object{}
	if change != "" {
		changes := parse(t, change)
		if c, ok := changes["issuer"].(object); ok {
			merge(issuer, c)
			delete(changes, "issuer")
		}
		merge(doc, changes)
	}
	if doc["issuers"] == nil {
		doc["issuers"] = []any{issuer}
	}
	return marshal(doc)
}

func parse(t *testing.T, doc string) object {
	t.Helper()
	var o object
	if err := json.Unmarshal([]byte(doc), &o); err != nil {
		t.Fatalf("%v in %s", err, doc)
	}
	return o
}

func merge(into, changes object) {
	maps.Copy(into, changes)
	maps.DeleteFunc(into, func(_ string, v any) bool { return v == nil })
}

// worker is a started plugin in its worker.
type worker struct {
	*filtertest.Host
	t      *testing.T
	proxy  *filtertest.Proxy
	plugin *filter.Plugin
}

// start starts one worker of a proxy of its own.
func start(t *testing.T, change string) *worker {
	t.Helper()
	return startIn(t, filtertest.NewProxy(), configure(t, change))
}

// startIn starts a worker of this proxy.
func startIn(t *testing.T, proxy *filtertest.Proxy, configuration string) *worker {
	t.Helper()
	w := &worker{Host: proxy.Worker(), t: t, proxy: proxy}
	plugin, err := w.Start(configuration)
	if err != nil {
		t.Fatalf("%s\nrefused: %v", configuration, err)
	}
	w.plugin = plugin
	t.Cleanup(func() {
		if len(proxy.Violations) > 0 {
			t.Errorf("violations: %q", proxy.Violations)
		}
	})
	return w
}

// get is a request with this token, if there is one, of a client that presents
// certA.
func get(token string, fields ...filter.Header) *filtertest.Stream {
	return ask("GET", "/accounts", token, fields...)
}

func ask(method, path, token string, fields ...filter.Header) *filtertest.Stream {
	if token != "" {
		fields = append([]filter.Header{{Name: "authorization", Value: "Bearer " + token}}, fields...)
	}
	return filtertest.NewStream(method, host, path, fields...).Present(certA)
}

func field(name, value string) filter.Header { return filter.Header{Name: name, Value: value} }

// send lets a request arrive.
func (w *worker) send(s *filtertest.Stream) *filter.Exchange {
	w.t.Helper()
	x := w.plugin.NewExchange(s)
	x.OnRequestHeaders()
	w.t.Cleanup(func() {
		if len(s.Violations) > 0 {
			w.t.Errorf("violations: %q", s.Violations)
		}
	})
	return x
}

// judge sends a request that does not wait, and says what became of it. It checks
// what holds for each: continued or answered, never both, and all that tell of the
// reason agree.
func (w *worker) judge(s *filtertest.Stream) string {
	w.t.Helper()
	w.send(s)
	return w.outcome(s)
}

func (w *worker) outcome(s *filtertest.Stream) string {
	w.t.Helper()
	reason := s.Left["holdfast.reason"]
	switch {
	case s.Waits():
		return "waits"
	case s.Continued && s.Answer != nil:
		w.t.Errorf("continued and answered (%s)", reason)
	case s.Answer != nil && s.Answer.Status != 200:
		if want := "holdfast_denied{" + reason + "}"; s.Answer.Details != want {
			w.t.Errorf("details %q, want %q", s.Answer.Details, want)
		}
		if s.Left["holdfast.outcome"] != "denied" {
			w.t.Errorf("outcome %q of %s", s.Left["holdfast.outcome"], reason)
		}
	case s.Left["holdfast.outcome"] != "allowed":
		w.t.Errorf("outcome %q of %s", s.Left["holdfast.outcome"], reason)
	}
	return reason
}

// expect sends a request and checks its reason.
func (w *worker) expect(s *filtertest.Stream, reason string) {
	w.t.Helper()
	if got := w.judge(s); got != reason {
		w.t.Errorf("%s, want %s", got, reason)
	}
}

// expectNow checks what became of a request that was sent before.
func (w *worker) expectNow(s *filtertest.Stream, reason string) {
	w.t.Helper()
	if got := w.outcome(s); got != reason {
		w.t.Errorf("%s, want %s", got, reason)
	}
}

// only checks the values of a header field.
func only(t *testing.T, s *filtertest.Stream, name string, values ...string) {
	t.Helper()
	if got := s.Field(name); strings.Join(got, "\n") != strings.Join(values, "\n") || len(got) != len(values) {
		t.Errorf("%s is %q, want %q", name, got, values)
	}
}
