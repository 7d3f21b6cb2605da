package scenario

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/e2e"
	"holdfast/filter"
	"holdfast/filter/filtertest"
)

// What a random walk is made of. Durations are short, so that a walk meets
// expiry, staleness and every interval.
const (
	walkWorkers  = 3
	walkSteps    = 400
	walkWaiting  = 3
	walkTimeout  = 2 * time.Second
	walkCache    = time.Minute
	walkStale    = 2 * time.Minute
	walkInterval = 5 * time.Second
	walkAnswer   = 20 * time.Second // how long an introspection answer is kept
	walkCalls    = 2                // of introspection at once
	walkLifetime = time.Minute      // of a session
	walkNonce    = 61 * time.Second // how long a DPoP nonce counts, with the skew
)

const walkConfig = `{
	"issuers": [{"issuer": "${issuer}", "audiences": ["https://api.example.com"], "max_lifetime": "24h", "jwks": {
		"uri": "${keys_uri}", "cluster": "as", "timeout": "2s", "cache_duration": "1m", "stale_if_error": "2m", "unknown_kid_interval": "5s"},
		"introspection": {"endpoint": "${introspect_uri}", "cluster": "as", "timeout": "2s", "client_auth": "none",
			"cache_ttl": "20s", "negative_cache_ttl": "5s", "cache_entries": 4}}],
	"proof_of_possession": {"methods": ["mtls", "dpop"],
		"dpop": {"origin": ["https://api.example.com"], "nonce": "required", "nonce_key_env": "HOLDFAST_NONCE_KEY", "proof_lifetime": "30s", "clock_skew": "1s"}},
	"limits": {"waiting_requests": 3, "introspection_calls": 2, "replay_entries": 1024},
	"forward": {"thumbprint_header": "x-auth-thumbprint", "claims": [{"claim": "sub", "header": "x-auth-sub"}]},
	"session": {"key_env": "HOLDFAST_SESSION_KEY", "lifetime": "1m"}
}`

// Requests, ticks, answers, clients that leave, several workers, failures and
// lost shared data, in any order: T23. What must never happen, never does.
func TestT23_RandomWalk(t *testing.T) {
	seeds := make([]uint64, 0, 120)
	for seed := range uint64(100) {
		seeds = append(seeds, seed)
	}
	for range 20 {
		seeds = append(seeds, rand.Uint64()) // the name of a failed subtest tells it
	}
	var sent, waited, passed, opaque, sessions, resumed, proven, replayed int
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			w := newWalk(t, seed, startNative, true)
			w.run()
			sent, waited, passed = sent+w.sent, waited+w.waited, passed+w.passed
			opaque, sessions, resumed = opaque+w.opaque, sessions+len(w.sessions), resumed+w.resumed
			proven, replayed = proven+w.proven, replayed+w.replayed
		})
	}
	t.Logf("%d walks of %d steps: %d requests, of which %d waited and %d passed, %d with an opaque token, %d with a DPoP proof; %d sessions, used %d times; %d proofs were used twice",
		len(seeds), walkSteps, sent, waited, passed, opaque, proven, sessions, resumed, replayed)
	if waited*20 < sent || passed*20 < sent || opaque*20 < passed || sessions*20 < passed || resumed*20 < passed ||
		proven*40 < passed || replayed*10 < proven {
		t.Error("the walks show too little: hardly any request waited, or passed with each kind of token")
	}
}

// The same on the module, where a failing host is a matter of statuses: a panic
// in the host would not be the module's.
func TestT23_RandomWalkInVM(t *testing.T) {
	m := module(t, true)
	for seed := range uint64(6) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			newWalk(t, seed, starter(m), false).run()
		})
	}
}

// walk is one random walk.
type walk struct {
	t       *testing.T
	random  *rand.Rand
	panics  bool // the host may panic, and fail at single requests
	world   *world
	proxy   *filtertest.Proxy
	workers []*walkWorker

	requests []*walkRequest
	served   []served
	active   map[asked]time.Time // until when the last answer counts, if it was an active one
	sessions []*walkSession
	nonces   []walkNonceOf
	proofs   []*walkProof
	lastUsed *walkProof
	keeps    bool // shared data is never lost: after a loss hardly any proof passes
	history  []string
	began    time.Time     // the last step
	jumped   time.Duration // what the clock was set back and forth
	back     bool          // it was set back
	ended    bool          // no more failures

	sent, waited, passed, opaque, resumed, proven, replayed int
}

type walkWorker struct {
	host   *filtertest.Host
	engine engine
	jumped int // how many calls it had sent when the clock was last set
}

type walkRequest struct {
	worker *walkWorker
	stream *filtertest.Stream
	judge  judge
	what   string
	grant  grant
	holder *e2e.Certificate
	scheme string       // beside a proof
	from   *walkSession // whose cookie was sent
	proof  *walkProof   // that was sent, by DPoP
	told   bool         // its answer was looked at
	honest bool         // the token is good, provided that somebody vouches for it, and its holder's own
	faulty bool         // the host failed to answer it or to let it go
	passed bool         // and that was right
	done   bool
}

// grant is a token: a JWT that a key signed, or an opaque one.
type grant struct{ text, key, opaque string }

// asked is who asked about which opaque token.
type asked struct {
	host *filtertest.Host
	name string
}

// walkSession is a session that a response started.
type walkSession struct {
	cookie string
	grant  grant
	holder *e2e.Certificate
	until  time.Time
}

// walkNonceOf is a DPoP nonce and when an answer brought it.
type walkNonceOf struct {
	nonce string
	at    time.Time
}

// walkProof is a DPoP proof, and what it is for.
type walkProof struct {
	text   string
	grant  grant
	nonce  walkNonceOf
	honest bool
	used   bool // a request passed with it
}

// served is a JWK set that some worker got.
type served struct {
	at   time.Time
	keys string
}

var errHost = errors.New("the host fails")

func newWalk(t *testing.T, seed uint64, start func(*filtertest.Host, string) (engine, error), panics bool) *walk {
	w := &walk{t: t, random: rand.New(rand.NewPCG(seed, 0)), panics: panics, proxy: filtertest.NewProxy(), active: map[asked]time.Time{}}
	w.keeps = w.random.IntN(2) == 0
	w.world = newWorld(pki(), fmt.Sprintf("walk%d", seed))
	configuration, err := w.world.text(walkConfig)
	if err != nil {
		t.Fatal(err)
	}
	for range walkWorkers {
		host := w.proxy.Worker()
		key := base64.StdEncoding.EncodeToString(make([]byte, 32))
		host.Environment = map[string]string{"HOLDFAST_SESSION_KEY": key, "HOLDFAST_NONCE_KEY": key}
		e, err := start(host, configuration)
		if err != nil {
			t.Fatal(err)
		}
		host.Plugin = e
		w.workers = append(w.workers, &walkWorker{host: host, engine: e})
		t.Cleanup(e.close)
	}
	return w
}

func (w *walk) run() {
	for range walkSteps {
		w.began = w.proxy.Now()
		w.step()
		w.check()
		if w.t.Failed() {
			w.t.Logf("the last steps: %s", strings.Join(w.history[max(0, len(w.history)-30):], "\n  "))
			return
		}
	}
	w.end()
}

func (w *walk) note(format string, args ...any) {
	w.history = append(w.history, fmt.Sprintf("%s ", w.proxy.Now().Format("15:04:05.000"))+fmt.Sprintf(format, args...))
}

func (w *walk) step() {
	switch n := w.random.IntN(100); {
	case n < 35:
		w.send()
	case n < 55:
		d := time.Duration(w.random.IntN(3000)) * time.Millisecond
		if w.random.IntN(12) == 0 {
			d = time.Duration(w.random.IntN(150)) * time.Second
		}
		w.note("pass %s", d)
		w.proxy.Advance(d)
	case n < 75:
		w.answer()
	case n < 85:
		w.leave()
	case n < 90 && w.keeps:
		w.send()
	case n < 88:
		w.note("shared data is lost")
		w.proxy.LoseShared()
		w.forgetProofs()
	case n < 90:
		for _, key := range w.proxy.SharedKeys() {
			w.note("garbage in %s", key)
			w.proxy.WriteShared(key, []byte("garbage"))
		}
		w.forgetProofs()
	case n < 92:
		d := time.Duration(w.random.IntN(20)-10) * time.Second
		w.note("the clock jumps by %s", d)
		w.proxy.Jump(d)
		w.jumped += d.Abs()
		w.back = w.back || d < 0
		for _, worker := range w.workers {
			worker.jumped = len(worker.host.Dispatched)
		}
	default:
		w.breakHost()
	}
}

// breakHost lets some methods of one worker's host fail for a while, or mends it.
func (w *walk) breakHost() {
	worker := w.workers[w.random.IntN(len(w.workers))]
	if w.random.IntN(2) == 0 {
		w.note("the host works")
		worker.host.Faults = nil
		return
	}
	methods := []string{"SharedGet", "SharedSet", "Dispatch", "Random"}
	method := methods[w.random.IntN(len(methods))]
	w.note("%s fails", method)
	worker.host.Faults = filtertest.FailOn(errHost, method)
}

// send sends a request of some kind to some worker.
func (w *walk) send() {
	r := &walkRequest{worker: w.workers[w.random.IntN(len(w.workers))], holder: pki().A, honest: true}
	switch n := w.random.IntN(14); {
	case n < 4:
		w.useDPoP(r)
	case n < 9:
		w.useJWT(r)
	case n < 12 || len(w.sessions) == 0:
		w.useOpaque(r)
	default:
		w.useSession(r)
	}
	r.what = fmt.Sprintf("request %d: %s, honest %t", len(w.requests), r.what, r.honest)
	w.note("%s", r.what)
	fields := headersOf("x-auth-sub", "forged")
	switch {
	case r.from != nil:
		fields = append(fields, headersOf("cookie", r.grant.text)...)
	case r.proof != nil:
		fields = append(fields, headersOf("authorization", r.scheme+" "+r.grant.text, "dpop", r.proof.text)...)
	default:
		fields = append(fields, headersOf("authorization", "Bearer "+r.grant.text)...)
	}
	r.stream = filtertest.NewStream("GET", "api.example.com", "/x", fields...).Present(r.holder.Leaf.Raw)
	if w.panics && w.random.IntN(6) == 0 {
		r.stream.Faults = w.streamFaults(r)
	}
	r.judge = r.worker.engine.begin(r.stream)
	w.requests = append(w.requests, r)
	r.judge.OnRequestHeaders()
	w.sent++
	if r.stream.Waits() && !r.faulty {
		w.waited++
	}
}

// useJWT gives the request a JWT, good or bad.
func (w *walk) useJWT(r *walkRequest) {
	token := &Token{Key: "main", Claims: map[string]any{"exp": "${now+7200}"}}
	switch w.random.IntN(8) {
	case 0, 1:
		token.Key = "next"
	case 2:
		token.Key = "attacker"
	case 3:
		r.honest, token.Key, token.Header = false, "attacker", map[string]any{"kid": "main"}
	case 4:
		r.honest, r.holder = false, pki().B
	case 5:
		r.honest, token.Mutate = false, "flip_signature"
	}
	world := *w.world
	world.now = w.proxy.Now()
	text, err := world.mint(token, false)
	if err != nil {
		w.t.Fatal(err)
	}
	r.grant = grant{text: text, key: token.Key}
	r.what = "key " + token.Key
}

// useDPoP gives it a token that is bound to a key, and a proof: of that key, made for
// this request, or bad in some way, or from before.
func (w *walk) useDPoP(r *walkRequest) {
	r.scheme = "DPoP"
	kind := []string{"good", "good", "good", "good", "again", "again", "another key", "Bearer", "old", "another nonce", "another URI"}[w.random.IntN(11)]
	if kind == "again" && len(w.proofs) > 0 {
		r.proof = w.proofs[w.random.IntN(len(w.proofs))]
		if w.lastUsed != nil && w.random.IntN(4) > 0 {
			r.proof = w.lastUsed
		}
		r.grant, r.honest = r.proof.grant, r.proof.honest
		r.what = fmt.Sprintf("a proof again, used %t", r.proof.used)
		return
	}
	r.proof = w.newProof(kind)
	r.grant = r.proof.grant
	if kind == "Bearer" {
		r.scheme, r.honest = kind, false
	} else {
		r.honest = r.proof.honest
	}
	r.what = "a proof: " + kind
	w.proofs = append(w.proofs, r.proof)
}

// newProof makes a proof, and the token that it goes with. Without a nonce from some
// answer none is good.
func (w *walk) newProof(kind string) *walkProof {
	world := *w.world
	world.now = w.proxy.Now()
	proof := &walkProof{honest: slices.Contains([]string{"good", "Bearer", "again"}, kind) && len(w.nonces) > 0}
	if w.random.IntN(3) == 0 {
		name := fmt.Sprintf("token-%d", walkKeyed+w.random.IntN(2))
		proof.grant = grant{text: name, opaque: name}
	} else {
		key := []string{"main", "next"}[w.random.IntN(2)]
		text, err := world.mint(&Token{Key: key, Claims: map[string]any{"exp": "${now+7200}"}}, true)
		if err != nil {
			w.t.Fatal(err)
		}
		proof.grant = grant{text: text, key: key}
	}
	world.token = proof.grant.text
	p := &Proof{Token: Token{Claims: map[string]any{"jti": strconv.FormatUint(w.random.Uint64(), 36)}}}
	if len(w.nonces) > 0 {
		proof.nonce = w.nonces[len(w.nonces)-1-w.random.IntN(min(len(w.nonces), 3))]
		p.Claims["nonce"] = proof.nonce.nonce
	}
	switch kind {
	case "another key":
		p.Key = "thief"
	case "old":
		p.Claims["iat"] = "${now-600}"
	case "another nonce":
		p.Claims["nonce"] = strings.Repeat("A", 32)
	case "another URI":
		p.Claims["htu"] = origin + "/y"
	}
	var err error
	if proof.text, err = world.prove(p, "GET", "/x"); err != nil {
		w.t.Fatal(err)
	}
	return proof
}

// forgetProofs is for shared data that is lost after the clock was set back: no
// worker can tell then until when proofs were accepted before.
func (w *walk) forgetProofs() {
	if !w.back {
		return
	}
	for _, proof := range w.proofs {
		proof.used = false
	}
}

// useOpaque gives it one of a few opaque tokens. Those with an even number are
// bound to the honest client, the others to somebody else.
func (w *walk) useOpaque(r *walkRequest) {
	n := w.random.IntN(6)
	name := fmt.Sprintf("token-%d", n)
	r.grant = grant{text: name, opaque: name}
	if n%2 == 1 {
		r.holder = pki().B
	}
	if w.random.IntN(5) == 0 {
		r.honest = false
		r.holder = map[bool]*e2e.Certificate{true: pki().A, false: pki().B}[r.holder == pki().B]
	}
	r.what = name
}

// useSession gives it a cookie from before: of its own client, stolen or spoiled.
func (w *walk) useSession(r *walkRequest) {
	r.from = w.sessions[w.random.IntN(len(w.sessions))]
	r.grant, r.holder = r.from.grant, r.from.holder
	r.grant.text = r.from.cookie
	r.what = "a session"
	switch w.random.IntN(6) {
	case 0:
		r.honest = false
		r.holder = map[bool]*e2e.Certificate{true: pki().A, false: pki().B}[r.holder == pki().B]
	case 1:
		r.honest = false
		spoiled, err := spoil(r.from.cookie, []string{"first", "key", "nonce", "middle", "last", "cut"}[w.random.IntN(6)])
		if err != nil {
			w.t.Fatal(err)
		}
		r.grant.text = spoiled
	}
}

// streamFaults lets one method of a request's host fail, by an error or a panic.
func (w *walk) streamFaults(r *walkRequest) filtertest.Faults {
	methods := []string{"RequestHeaders", "RemoveRequestHeader", "SetRequestHeader", "Property", "SetProperty", "Respond", "Continue", "SetResponseHeader", "AddResponseHeader"}
	failing, panics := methods[w.random.IntN(len(methods))], w.random.IntN(2) == 0
	return func(method string) error {
		if method != failing || w.ended {
			return nil
		}
		r.faulty = true
		if panics {
			panic(errHost)
		}
		return errHost
	}
}

// answer answers one of the open calls, or loses it.
func (w *walk) answer() {
	calls := w.proxy.Calls()
	if len(calls) == 0 {
		return
	}
	call := calls[w.random.IntN(len(calls))]
	if call.Method == "POST" {
		w.answerQuestion(call)
		return
	}
	kinds := []string{"main", "main,next", "next", "main,next", "", "500", "reset", "huge", "lost"}
	kind := kinds[w.random.IntN(len(kinds))]
	w.note("a call gets %q", kind)
	switch kind {
	case "":
		call.Answer(filter.CallResult{Status: 200, Body: []byte("{}")})
	case "500":
		call.Answer(filter.CallResult{Status: 500, Body: []byte(`{"keys":[]}`)})
	case "reset":
		call.Answer(filter.CallResult{})
	case "huge":
		call.Answer(filter.CallResult{Status: 200, Body: make([]byte, 300000)})
	case "lost":
		call.Lose()
	default:
		w.serve(call, kind)
	}
}

// answerQuestion answers a call about an opaque token, or loses it. Only one kind
// of answer lets the token pass.
func (w *walk) answerQuestion(call *filtertest.Call) {
	name := strings.TrimPrefix(call.Body, "token=")
	kinds := []string{"active", "active", "active", "soon over", "inactive", "inactive", "500", "503", "reset", "html", "untyped", "cut", "twice", "huge", "lost"}
	kind := kinds[w.random.IntN(len(kinds))]
	w.note("%s is %q", name, kind)
	result := w.activeAnswer(name, 7200)
	body := string(result.Body)
	switch kind {
	case "active":
		w.active[asked{call.From(), name}] = w.proxy.Now().Add(walkAnswer)
	case "soon over":
		w.active[asked{call.From(), name}] = w.proxy.Now().Add(3 * time.Second)
		result = w.activeAnswer(name, 3)
	case "inactive":
		// Who waited for the answer before is still to be told.
		w.active[asked{call.From(), name}] = w.proxy.Now().Add(time.Millisecond)
		result.Body = []byte(`{"active":false}`)
	case "500", "503":
		result.Status, _ = strconv.Atoi(kind)
	case "reset":
		result = filter.CallResult{}
	case "html":
		result.Headers[0].Value = "text/html"
	case "untyped":
		result.Headers = nil
	case "cut":
		result.Body = []byte(body[:len(body)-1])
	case "twice":
		result.Body = []byte(`{"active":false,` + body[1:])
	case "huge":
		result.Body = []byte(body + strings.Repeat(" ", 70000))
	case "lost":
		call.Lose()
		return
	}
	call.Answer(result)
}

// walkKeyed is the number of the first opaque token that is bound to a DPoP key;
// token-100 is not.
const walkKeyed = 1000

// activeAnswer is a good answer about an opaque token of the walk.
func (w *walk) activeAnswer(name string, seconds int64) filter.CallResult {
	holder := pki().A
	n, _ := strconv.Atoi(strings.TrimPrefix(name, "token-"))
	if n%2 == 1 {
		holder = pki().B
	}
	cnf := fmt.Sprintf(`{"x5t#S256":%q}`, holder.X5T())
	if n >= walkKeyed {
		cnf = fmt.Sprintf(`{"jkt":%q}`, keyring[deviceKey]().thumbprint())
	}
	body := fmt.Sprintf(`{"active":true,"aud":"https://api.example.com","sub":"client-a","iat":%d,"exp":%d,"cnf":%s}`,
		w.proxy.Now().Unix(), w.proxy.Now().Unix()+seconds, cnf)
	return filter.CallResult{Status: 200, Headers: headersOf("content-type", "application/json"), Body: []byte(body)}
}

func (w *walk) serve(call *filtertest.Call, keys string) {
	body, err := w.world.text("${keys:" + keys + "}")
	if err != nil {
		w.t.Fatal(err)
	}
	w.served = append(w.served, served{w.proxy.Now(), keys})
	call.Answer(filter.CallResult{Status: 200, Body: []byte(body)})
}

// leave ends some request, whether it waits or not.
func (w *walk) leave() {
	if len(w.requests) == 0 {
		return
	}
	w.finish(w.requests[w.random.IntN(len(w.requests))])
}

func (w *walk) finish(r *walkRequest) {
	if r.done {
		return
	}
	w.note("%s ends", r.what)
	r.done = true
	r.judge.OnDone()
	r.stream.Gone()
}

// check holds the walk to what must be true after every step.
func (w *walk) check() {
	w.t.Helper()
	for _, violation := range w.proxy.Violations {
		w.t.Errorf("the host objects: %s", violation)
	}
	waiting := map[*walkWorker]int{}
	for _, r := range w.requests {
		for _, violation := range r.stream.Violations {
			w.t.Errorf("%s: %s", r.what, violation)
		}
		switch {
		case r.stream.Continued && r.stream.Answer != nil:
			w.t.Errorf("%s was let go and answered", r.what)
		case r.passed:
		case r.stream.Continued && r.proof != nil && r.proof.used:
			w.t.Errorf("%s passed twice", r.what)
		case r.stream.Continued && len(r.stream.Field("dpop")) > 0:
			w.t.Errorf("%s passed, and its proof with it", r.what)
		case r.stream.Continued && !r.honest:
			w.t.Errorf("%s passed", r.what)
		case r.stream.Continued && !w.vouched(r):
			w.t.Errorf("%s passed, and nobody vouched for it lately: %v, %v", r.what, w.served, w.active)
		case r.stream.Continued && fmt.Sprint(r.stream.Field("x-auth-sub")) != "[client-a]":
			w.t.Errorf("%s passed with x-auth-sub %q", r.what, r.stream.Field("x-auth-sub"))
		case r.stream.Waits() && !r.done && !r.faulty:
			waiting[r.worker]++
		}
		if r.stream.Continued && !r.passed {
			r.passed = true
			w.passed++
			switch {
			case r.from != nil:
				w.resumed++
			case r.proof != nil:
				w.proven++
				r.proof.used, w.lastUsed = true, r.proof
			case r.grant.opaque != "":
				w.opaque++
			}
			w.respond(r)
		}
		if answer := r.stream.Answer; answer != nil && !r.told {
			r.told = true
			w.takeNonce(values(answer.Headers, "dpop-nonce"))
			if r.proof != nil && r.proof.used && strings.Contains(answer.Details, "dpop_replayed") {
				w.replayed++
			}
		}
	}
	for _, worker := range w.workers {
		if err := worker.engine.err(); err != nil {
			w.t.Error(err)
		}
		if waiting[worker] > walkWaiting {
			w.t.Errorf("%d requests wait, at most %d may", waiting[worker], walkWaiting)
		}
		calls := 0
		// Those from before the clock was set may have been given up.
		for _, call := range worker.host.Dispatched[worker.jumped:] {
			if call.Method == "POST" && call.Open() {
				calls++
			}
		}
		if calls > walkCalls {
			w.t.Errorf("%d calls at once, at most %d may be", calls, walkCalls)
		}
	}
	w.requests = slices.DeleteFunc(w.requests, func(r *walkRequest) bool { return r.done })
}

// respond lets the upstream's response pass, and takes the session that it starts.
func (w *walk) respond(r *walkRequest) {
	if r.done {
		return
	}
	r.stream.Response(r.judge.OnResponseHeaders, headersOf(":status", "200")...)
	w.takeNonce(r.stream.ResponseField("dpop-nonce"))
	set := r.stream.ResponseField("set-cookie")
	if len(set) == 0 {
		return
	}
	cookie, _, _ := strings.Cut(set[0], ";")
	if len(set) > 1 || r.from != nil || r.proof != nil || strings.HasSuffix(cookie, "=") {
		w.t.Errorf("%s passed, and its response sets %q", r.what, set)
		return
	}
	w.note("%s starts a session", r.what)
	w.sessions = append(w.sessions, &walkSession{cookie, r.grant, r.holder, w.proxy.Now().Add(walkLifetime)})
}

// takeNonce keeps the nonce that an answer brings.
func (w *walk) takeNonce(set []string) {
	for _, nonce := range set {
		w.note("nonce %d", len(w.nonces))
		w.nonces = append(w.nonces, walkNonceOf{nonce, w.proxy.Now()})
	}
}

// vouched reports whether somebody vouched for the request's token, and for its
// session, so lately that it could count when the last step began.
func (w *walk) vouched(r *walkRequest) bool {
	lately := w.began.Add(-w.jumped)
	if r.from != nil && !r.from.until.After(lately) {
		return false
	}
	if r.proof != nil && r.proof.nonce.at.Add(walkNonce).Before(lately) {
		return false
	}
	if r.grant.opaque != "" {
		return w.active[asked{r.worker.host, r.grant.opaque}].After(lately)
	}
	return w.known(r.grant.key)
}

// known reports whether the key was in a JWK set that was not too old when the
// last step began.
func (w *walk) known(key string) bool {
	oldest := w.began.Add(-walkCache - walkStale - w.jumped)
	for _, s := range w.served {
		if !s.at.Before(oldest) && strings.Contains(s.keys+",", key+",") {
			return true
		}
	}
	return false
}

// end mends everything, and then nobody may be left waiting: with an issuer that
// is silent, and after it speaks again.
func (w *walk) end() {
	w.ended = true
	for _, worker := range w.workers {
		worker.host.Faults = nil
	}
	w.proxy.Advance(w.jumped + 2*walkTimeout)
	for _, r := range w.requests {
		if r.stream.Waits() && !r.done && !r.faulty {
			w.t.Errorf("%s was never decided", r.what)
		}
		w.finish(r)
	}
	w.check()
	w.proxy.Server = func(call filter.Call) filtertest.Reply {
		if call.Method == "POST" {
			return filtertest.Reply{Result: w.activeAnswer(strings.TrimPrefix(call.Body, "token="), 7200), Delay: 10 * time.Millisecond}
		}
		body, _ := w.world.text("${keys:main,next}")
		w.served = append(w.served, served{w.proxy.Now(), "main,next"})
		return filtertest.Reply{Result: filter.CallResult{Status: 200, Body: []byte(body)}, Delay: 10 * time.Millisecond}
	}
	w.proxy.Advance(w.jumped + 2*walkCache)
	for _, worker := range w.workers {
		for _, token := range []*Token{{}, {Raw: "token-100"}} {
			r := w.good(worker, token)
			w.proxy.Advance(2 * walkTimeout)
			if !r.stream.Continued {
				w.t.Errorf("after all a good request did not pass: %+v\n%s", r.stream.Answer, worker.host.LogText())
			}
		}
		w.endDPoP(worker)
	}
	if w.t.Failed() {
		w.t.Logf("the last steps: %s", strings.Join(w.history[max(0, len(w.history)-30):], "\n  "))
	}
}

// endDPoP lets a good proof pass. Each place for proofs that was lost refuses once,
// and then for as long as a proof lives.
func (w *walk) endDPoP(worker *walkWorker) {
	const places, lifetime = 1024 / 256, 40 * time.Second
	for range 2 * (places + 1) { // each time there may be a new nonce to fetch
		proof := w.newProof("good")
		r := w.ask(worker, headersOf("authorization", "DPoP "+proof.grant.text, "dpop", proof.text))
		w.proxy.Advance(2 * walkTimeout)
		if r.stream.Continued {
			return
		}
		w.nonces = nil
		w.takeNonce(values(r.stream.Answer.Headers, "dpop-nonce"))
		if len(w.nonces) == 0 {
			w.proxy.Advance(lifetime)
		}
	}
	w.t.Errorf("after all no good proof passed\n%s", worker.host.LogText())
}

// good sends a request that has to pass.
func (w *walk) good(worker *walkWorker, token *Token) *walkRequest {
	world := *w.world
	world.now = w.proxy.Now()
	text, err := world.mint(token, false)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.ask(worker, headersOf("authorization", "Bearer "+text))
}

// ask sends one of the last requests.
func (w *walk) ask(worker *walkWorker, fields []filter.Header) *walkRequest {
	r := &walkRequest{worker: worker, what: "the last request"}
	r.stream = filtertest.NewStream("GET", "api.example.com", "/x", fields...).Present(pki().A.Leaf.Raw)
	r.judge = worker.engine.begin(r.stream)
	r.judge.OnRequestHeaders()
	return r
}

// T06: a storm of invented kids, on all workers and with a key server of any
// speed, causes one fetch for each unknown_kid_interval and no more.
func TestT06_StormOfUnknownKids(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			w := newWalk(t, seed, startNative, false)
			w.proxy.Server = func(call filter.Call) filtertest.Reply {
				if call.Method == "POST" {
					return filtertest.Reply{Result: filter.CallResult{Status: 500}}
				}
				body, _ := w.world.text("${keys:main}")
				w.served = append(w.served, served{w.proxy.Now(), "main"})
				delay := time.Duration(w.random.IntN(1500)) * time.Millisecond
				return filtertest.Reply{Result: filter.CallResult{Status: 200, Body: []byte(body)}, Delay: delay}
			}
			begin := w.proxy.Now()
			for range 1000 {
				w.send()
				w.proxy.Advance(time.Duration(w.random.IntN(200)) * time.Millisecond)
				w.check()
				for _, r := range w.requests {
					if !r.stream.Waits() {
						w.finish(r)
					}
				}
			}
			fetches := 0
			for _, worker := range w.workers {
				for _, call := range worker.host.Dispatched {
					if call.Method == "GET" {
						fetches++
					}
				}
			}
			passed := w.proxy.Now().Sub(begin)
			// The first fetch may be every worker's; then refreshes, and one for each interval.
			most := walkWorkers + int(passed/(walkCache*7/10)) + 1 + int(passed/walkInterval) + 1
			if fetches > most {
				t.Errorf("%d fetches in %s, want at most %d", fetches, passed, most)
			}
			w.end()
		})
	}
}
