package scenario

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/e2e"
	"holdfast/filter"
)

// The scenarios on a real Envoy: one process, and in it one listener for each
// configuration, so that the module is compiled once. All of them live in one VM
// for each worker, and must not notice each other.
func TestScenariosOnEnvoy(t *testing.T) { onEnvoy(t, Envoy, "HOLDFAST_ENVOY") }

// The same on the oldest Envoy that Holdfast supports.
func TestScenariosOnOldEnvoy(t *testing.T) { onEnvoy(t, Old, "HOLDFAST_ENVOY_OLD") }

func onEnvoy(t *testing.T, host, variable string) {
	binary := os.Getenv(variable)
	if binary == "" {
		t.Fatal(variable + " is not set: run make test")
	}
	files := load(t)
	raw, err := environment(files)
	if err != nil {
		t.Fatal(err)
	}
	env, err := newWorld(pki(), "").environment(raw)
	if err != nil {
		t.Fatal(err)
	}
	var instances []*instance
	dir := t.TempDir()
	accessLog := filepath.Join(dir, "access.log")
	var setup e2e.Setup
	for _, f := range files {
		for _, in := range instancesOf(t, host, f) {
			listeners, err := in.listeners(accessLog, env)
			if err != nil {
				t.Fatalf("%s: %v", in.name, err)
			}
			instances = append(instances, in)
			setup.Listeners = append(setup.Listeners, listeners...)
		}
	}
	stack, err := e2e.Start(context.Background(), e2e.Options{
		Setup: setup, PKI: pki(), Envoy: binary, Dir: dir,
		// One worker: limits.waiting_requests and "one fetch" are each worker's.
		Concurrency: 1,
		Prepare: func(s *e2e.Stack) error {
			for _, in := range instances {
				in.serve(s.Auth)
			}
			return nil
		},
	})
	t.Cleanup(func() {
		if err := stack.Close(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		log := ""
		if stack.Envoy != nil {
			log = stack.Envoy.Log()
		}
		t.Fatalf("%v\n%s", err, log)
	}
	var wait sync.WaitGroup
	for _, in := range instances {
		wait.Go(func() { in.play(t, host, stack, accessLog, env) })
	}
	wait.Wait()
}

// instance is one configuration, on a listener of its own, with the scenarios
// that are played there one after the other. Others have listeners beside it.
type instance struct {
	name           string
	file           *File
	scenarios      []*Scenario
	world          *world
	server         *server
	configurations map[string]string // by name; "" is the scenarios' own
}

// listenerOf is the name of the listener of one of the configurations.
func (in *instance) listenerOf(other string) string {
	if other == "" {
		return in.name
	}
	return in.name + "-" + other
}

// instancesOf shares the file's own configuration among the scenarios that do
// not change it.
func instancesOf(t *testing.T, host string, f *File) []*instance {
	var instances []*instance
	var shared *instance
	for i, s := range f.Scenarios {
		switch {
		case !s.RunsOn(host):
			continue
		case !s.Alone() && shared != nil:
			shared.scenarios = append(shared.scenarios, s)
			continue
		}
		in := &instance{name: f.Name + strconv.Itoa(i), file: f, scenarios: []*Scenario{s}}
		in.world = newWorld(pki(), in.name)
		in.server = newServer(in.world, s.KeyServer)
		var err error
		if in.configurations, err = in.world.configurations(f, s); err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		if !s.Alone() {
			shared = in
		}
		instances = append(instances, in)
	}
	return instances
}

func (in *instance) listeners(accessLog string, env map[string]string) ([]e2e.Listener, error) {
	var listeners []e2e.Listener
	for other, configuration := range in.configurations {
		listener, err := listenerWith(in.listenerOf(other), configuration, accessLog, env)
		if err != nil {
			return nil, err
		}
		listeners = append(listeners, listener)
	}
	return listeners, nil
}

// listenerWith is the one of envoy.yaml with another configuration, and with less
// help: what Envoy would have taken away is left for Holdfast to deal with.
func listenerWith(name, configuration, accessLog string, env map[string]string) (e2e.Listener, error) {
	text, err := e2e.ReadConfig()
	if err != nil {
		return e2e.Listener{}, err
	}
	base, err := e2e.Config(text)
	if err != nil {
		return e2e.Listener{}, err
	}
	var wanted map[string]json.RawMessage
	if err := json.Unmarshal([]byte(configuration), &wanted); err != nil {
		return e2e.Listener{}, err
	}
	patch := e2e.M{}
	for name := range base {
		patch[name] = nil
	}
	for name, v := range wanted {
		patch[name] = v // no object, so it replaces and does not merge
	}
	var variables strings.Builder
	for variable, v := range env {
		quoted, err := json.Marshal(v) // a text in JSON is one in YAML
		if err != nil {
			return e2e.Listener{}, err
		}
		fmt.Fprintf(&variables, "\n                      %s: %s", variable, quoted)
	}
	const firstVariable = "GOGC: \"50\""
	return e2e.Listener{Name: name, Patch: patch, Edits: []e2e.Edit{
		// The same for all: listeners share a VM, which has the first one's.
		{Old: firstVariable, New: firstVariable + variables.String()},
		// Envoy takes no variable from two places.
		{Old: "host_env_keys: [HOLDFAST_INTROSPECTION_SECRET, HOLDFAST_SESSION_KEY]", New: "host_env_keys: []"},
		{Old: "headers_with_underscores_action: REJECT_REQUEST", New: "headers_with_underscores_action: ALLOW"},
		{Old: "forward_client_cert_details: SANITIZE", New: "forward_client_cert_details: ALWAYS_FORWARD_ONLY"},
		{Old: "stat_prefix: api\n", New: "stat_prefix: " + name + "\n"},
		// Not between the lines of Envoy's own log, which may cut it in two.
		{Old: "path: /dev/stdout", New: "path: " + accessLog},
		{Old: `time: "%START_TIME%"`, New: `tag: "%REQ(` + e2e.TagHeader + `)%"`},
	}}, nil
}

// serve puts the server of the scenarios before the paths of its issuers.
func (in *instance) serve(auth *e2e.AuthServer) {
	for path, endpoint := range in.server.paths() {
		auth.Fault(path, func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				q := &question{method: r.Method, path: r.RequestURI, fields: headerList(r.Header), body: string(body)}
				in.server.count(endpoint, q)
				in.answer(endpoint, q, w, r)
			})
		})
	}
}

func (in *instance) answer(endpoint string, q *question, w http.ResponseWriter, r *http.Request) {
	for {
		answer, changed := in.server.reply(endpoint, q)
		if answer.Hold {
			select {
			case <-changed:
				continue
			case <-r.Context().Done():
				return
			}
		}
		select {
		case <-time.After(answer.Delay):
		case <-r.Context().Done():
			return
		}
		if answer.Reset {
			panic(http.ErrAbortHandler)
		}
		w.Header()["Content-Type"] = nil // or net/http would guess one
		for _, h := range answer.Headers {
			w.Header().Add(h[0], h[1])
		}
		w.WriteHeader(answer.Status)
		io.WriteString(w, answer.Body)
		return
	}
}

func (in *instance) play(t *testing.T, host string, stack *e2e.Stack, accessLog string, env map[string]string) {
	p := &envoyProxy{stack: stack, instance: in, log: accessLog, active: map[string]int{}}
	for _, s := range in.scenarios {
		t.Run(in.file.Name+"/"+s.Name, func(t *testing.T) {
			play := &play{host: host, proxy: p, world: in.world, server: in.server, configurations: in.configurations, env: env}
			if err := play.run(s); err != nil {
				t.Errorf("%s (%s): %v", s.Name, s.Ref, err)
			}
			access, err := os.ReadFile(accessLog)
			if err != nil {
				t.Error(err)
			}
			if leak := leaked(play.secrets(), stack.Envoy.Log()+string(access)); leak != "" {
				t.Errorf("a log of Envoy holds a part of a secret: %.12s…", leak)
			}
		})
	}
}

// envoyProxy is one listener of an Envoy.
type envoyProxy struct {
	stack    *e2e.Stack
	instance *instance
	log      string         // the file of the access log
	active   map[string]int // requests that wait, by listener
}

func (p *envoyProxy) now() time.Time            { return time.Now() }
func (p *envoyProxy) pass(d time.Duration)      { time.Sleep(d) }
func (p *envoyProxy) jump(time.Duration)        {} // refused by Scenario.check
func (p *envoyProxy) breakMethods([]string)     {} // refused by Scenario.check
func (p *envoyProxy) serverChanged()            {}
func (p *envoyProxy) metric(name string) uint64 { return p.stack.Envoy.Metric(name) }

// send writes the request as it is, byte for byte: a client library would mend it.
func (p *envoyProxy) send(r *request, waits bool) (exchange, error) {
	config := &tls.Config{RootCAs: p.stack.PKI.CA.Pool(), ServerName: r.sni}
	if r.sni == "" {
		// No SNI at all, which crypto/tls has for names that are addresses.
		config.ServerName = "127.0.0.1"
	}
	if r.certificate != nil {
		certificate := r.certificate.TLS()
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificate, nil }
	}
	listener := p.instance.listenerOf(r.at)
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", p.stack.Address(listener), config)
	if err != nil {
		return nil, err
	}
	x := &envoyExchange{proxy: p, listener: listener, conn: conn, tag: rand.Text(), done: make(chan struct{})}
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s HTTP/1.1\r\nhost: %s\r\n%s: %s\r\n", r.method, r.path, r.authority, e2e.TagHeader, x.tag)
	for _, f := range r.fields {
		fmt.Fprintf(&text, "%s: %s\r\n", f.Name, f.Value)
	}
	text.WriteString("content-length: 0\r\n\r\n")
	if _, err := io.WriteString(conn, text.String()); err != nil {
		return nil, err
	}
	go x.read(r.method)
	if !waits {
		return x, nil
	}
	if err := p.settle(listener, p.active[listener]+1); err != nil {
		return nil, err
	}
	select {
	case <-x.done: // it was refused at once
	case <-time.After(100 * time.Millisecond):
		p.active[listener]++
		x.counted = true
	}
	return x, nil
}

// settle waits until so many requests are under way.
func (p *envoyProxy) settle(listener string, want int) error {
	name, active := "http."+listener+".downstream_rq_active", p.active[listener]
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		body, err := p.stack.Envoy.Get("/stats?filter=^" + strings.ReplaceAll(name, ".", `\.`) + "$")
		if err != nil {
			return err
		}
		if strings.TrimSpace(body) == name+": "+strconv.Itoa(want) || active < want && strings.TrimSpace(body) == name+": "+strconv.Itoa(active) {
			return nil
		}
	}
	return fmt.Errorf("not %d requests under way", want)
}

type envoyExchange struct {
	proxy    *envoyProxy
	listener string
	conn     net.Conn
	tag      string
	counted  bool

	done     chan struct{} // closed once there is an answer, or none will come
	response *http.Response
	body     string
	err      error
}

func (x *envoyExchange) read(method string) {
	defer close(x.done)
	x.response, x.err = http.ReadResponse(bufio.NewReader(x.conn), &http.Request{Method: method})
	if x.err != nil {
		return
	}
	var body []byte
	body, x.err = io.ReadAll(x.response.Body)
	x.body = string(body)
}

func (x *envoyExchange) leave() {
	x.end()
	x.proxy.settle(x.listener, x.proxy.active[x.listener])
}

func (x *envoyExchange) end() {
	x.conn.Close()
	if x.counted {
		x.counted = false
		x.proxy.active[x.listener]--
	}
}

func (x *envoyExchange) outcome() *outcome {
	select {
	case <-x.done:
	default:
		return nil
	}
	x.end()
	o := &outcome{properties: map[string]string{}}
	if x.err != nil {
		o.body = "no answer: " + x.err.Error()
		return o
	}
	o.status, o.body = x.response.StatusCode, x.body
	o.headers = headerList(x.response.Header)
	if seen := x.proxy.stack.Upstream.Saw(x.tag); seen != nil {
		o.passed, o.upstream = true, headerList(seen.Header)
	}
	for name, v := range x.accessLog() {
		text, _ := v.(string)
		if name == "details" {
			o.details = text
		} else if text != "" {
			o.properties[name] = text
		}
	}
	return o
}

// accessLog waits for the request's line in the access log.
func (x *envoyExchange) accessLog() (line map[string]any) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		text, _ := os.ReadFile(x.proxy.log)
		log := string(text)
		at := strings.Index(log, x.tag)
		if at < 0 {
			continue
		}
		begin := strings.LastIndexByte(log[:at], '\n') + 1
		end := strings.IndexByte(log[at:], '\n')
		if end >= 0 && json.Unmarshal([]byte(log[begin:at+end]), &line) == nil {
			return line
		}
	}
	return nil
}

func headerList(h http.Header) []filter.Header {
	var list []filter.Header
	for name, values := range h {
		for _, v := range values {
			list = append(list, filter.Header{Name: strings.ToLower(name), Value: v})
		}
	}
	return list
}
