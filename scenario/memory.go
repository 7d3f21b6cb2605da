package scenario

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast/e2e"
	"holdfast/filter"
	"holdfast/filter/filtertest"
)

// engine is Holdfast in one worker of a [filtertest.Proxy]: the package itself,
// or the module in a VM.
type engine interface {
	filtertest.Ticker
	begin(s *filtertest.Stream) judge
	err() error // that ended the VM
	close()
}

// judge is an Exchange, in the package or in the VM.
type judge interface {
	OnRequestHeaders()
	OnResponseHeaders()
	OnDone()
}

// native is the package filter.
type native struct{ *filter.Plugin }

func (n native) begin(s *filtertest.Stream) judge { return n.NewExchange(s) }
func (native) err() error                         { return nil }
func (native) close()                             {}

func startNative(h *filtertest.Host, configuration string) (engine, error) {
	p, err := filter.Start(h, configuration)
	return native{p}, err
}

// memory is a proxy in memory, with a worker for each Holdfast.
type memory struct {
	proxy   *filtertest.Proxy
	workers map[string]*memoryWorker
	server  *server
	sent    []*memoryExchange

	releasing bool // calls that were counted before are asked about again
}

type memoryWorker struct {
	host   *filtertest.Host
	engine engine
}

// newMemory starts Holdfasts on a proxy in memory, and gives them the moment that
// a real proxy gets before its first request.
func newMemory(start func(*filtertest.Host, string) (engine, error), configurations, env map[string]string, server *server) (*memory, error) {
	m := &memory{proxy: filtertest.NewProxy(), workers: map[string]*memoryWorker{}, server: server}
	server.now = m.proxy.Now
	m.serve()
	for _, name := range slices.Sorted(maps.Keys(configurations)) {
		host := m.proxy.Worker()
		host.Environment = env
		e, err := start(host, configurations[name])
		if err != nil {
			m.closeEngines()
			return nil, fmt.Errorf("the start failed: %w\n%s", err, host.LogText())
		}
		host.Plugin = e
		m.workers[name] = &memoryWorker{host, e}
	}
	m.pass(50 * time.Millisecond)
	return m, nil
}

// serve lets the server answer the calls of all workers.
func (m *memory) serve() {
	paths := m.server.paths()
	m.proxy.Server = func(call filter.Call) filtertest.Reply {
		endpoint := paths[call.Path]
		q := &question{method: call.Method, path: call.Path, fields: call.Headers, body: call.Body}
		if !m.releasing {
			m.server.count(endpoint, q)
		}
		r, _ := m.server.reply(endpoint, q)
		if r.Hold {
			return filtertest.Reply{}
		}
		result := filter.CallResult{Status: r.Status, Body: []byte(r.Body)}
		for _, h := range r.Headers {
			result.Headers = append(result.Headers, filter.Header{Name: h[0], Value: h[1]})
		}
		if r.Reset {
			result = filter.CallResult{}
		}
		return filtertest.Reply{Result: result, Delay: r.Delay, Reset: r.Reset}
	}
}

func (m *memory) closeEngines() {
	for _, w := range m.workers {
		w.engine.close()
	}
}

// log is what all Holdfasts logged.
func (m *memory) log() string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m.workers)) {
		text.WriteString(m.workers[name].host.LogText())
	}
	return text.String()
}

func (m *memory) now() time.Time       { return m.proxy.Now() }
func (m *memory) pass(d time.Duration) { m.proxy.Advance(d) }
func (m *memory) jump(d time.Duration) { m.proxy.Jump(d) }
func (m *memory) breakMethods(methods []string) {
	for _, w := range m.workers {
		w.host.Faults = filtertest.FailOn(errors.New("the host fails"), methods...)
	}
}
func (m *memory) serverChanged() {
	m.releasing = true
	m.proxy.Release()
	m.releasing = false
}

func (m *memory) send(r *request, _ bool) (exchange, error) {
	s := filtertest.NewStream(r.method, r.authority, r.path, lower(r.fields)...)
	if r.certificate != nil {
		s.Present(r.certificate.Leaf.Raw)
		s.Properties["connection.subject_peer_certificate"] = r.certificate.Leaf.Subject.String() // RFC 2253, as Envoy writes it
		if len(r.certificate.Leaf.URIs) > 0 {
			s.Properties["connection.uri_san_peer_certificate"] = r.certificate.Leaf.URIs[0].String()
		}
	}
	s.Properties["connection.requested_server_name"] = r.sni
	for name, v := range r.properties {
		switch {
		case v == nil:
			delete(s.Properties, name)
		case *v == unreadable:
			s.Unreadable = append(s.Unreadable, name)
		default:
			s.Properties[name] = *v
		}
	}
	e := m.workers[r.at].engine
	x := &memoryExchange{memory: m, request: r, stream: s, judge: e.begin(s)}
	m.sent = append(m.sent, x)
	x.judge.OnRequestHeaders()
	return x, e.err()
}

// lower puts names in lower case, as Envoy's HTTP/1 codec does.
func lower(fields []filter.Header) []filter.Header {
	out := slices.Clone(fields)
	for i := range out {
		out[i].Name = strings.ToLower(out[i].Name)
	}
	return out
}

// close ends everything and finds what no single outcome shows.
func (m *memory) close(secrets []string) error {
	defer m.closeEngines()
	for _, x := range m.sent {
		x.end()
	}
	for _, w := range m.workers {
		if err := w.engine.err(); err != nil {
			return err
		}
	}
	if len(m.proxy.Violations) > 0 {
		return fmt.Errorf("the host objects: %q", m.proxy.Violations)
	}
	log := m.log()
	if leak := leaked(secrets, log); leak != "" {
		return fmt.Errorf("the log holds a part of a secret: %.12s…\n%s", leak, log)
	}
	counted := map[string]uint64{}
	for _, x := range m.sent {
		if len(x.stream.Violations) > 0 {
			return fmt.Errorf("the host objects: %q", x.stream.Violations)
		}
		switch {
		case x.stream.Waits(): // the client left
		case x.stream.Left["holdfast.outcome"] == "denied":
			counted["denied."+x.stream.Left["holdfast.reason"]]++
		case x.stream.Continued:
			counted["allowed"]++
		}
	}
	for _, name := range m.workers[""].host.MetricNames() {
		short := strings.TrimPrefix(name, "holdfast.")
		if (short == "allowed" || strings.HasPrefix(short, "denied.")) && m.metric(name) != counted[short] {
			return fmt.Errorf("%s is %d, want %d", name, m.metric(name), counted[short])
		}
	}
	return nil
}

func (m *memory) metric(name string) (sum uint64) {
	for _, w := range m.workers {
		sum += w.host.Metric(name)
	}
	return sum
}

type memoryExchange struct {
	memory  *memory
	request *request
	stream  *filtertest.Stream
	judge   judge
	ended   bool
}

func (x *memoryExchange) leave() { x.end() }

// end is the end of the stream, however it came about.
func (x *memoryExchange) end() {
	if !x.ended {
		x.ended = true
		x.judge.OnDone()
		x.stream.Gone()
	}
}

func (x *memoryExchange) outcome() *outcome {
	s := x.stream
	if s.Waits() {
		return nil
	}
	o := &outcome{properties: map[string]string{}}
	for name, v := range s.Left {
		o.properties[strings.TrimPrefix(name, "holdfast.")] = v
	}
	if s.Continued {
		s.Response(x.judge.OnResponseHeaders, upstreamAnswer(s)...)
		o.passed, o.status, o.upstream, o.headers = true, 200, slices.Clone(s.Headers), s.ResponseHeaders
		x.end()
		return o
	}
	// An answer of Holdfast's own comes by there, too.
	s.Response(x.judge.OnResponseHeaders, s.Answer.Headers...)
	o.status, o.headers, o.body, o.details = s.Answer.Status, s.Answer.Headers, s.Answer.Body, s.Answer.Details
	if x.request.isGRPC() {
		o.asGRPC(s.Answer.GRPCStatus)
	}
	x.end()
	return o
}

// asGRPC does to an answer what Envoy does for a gRPC client.
func (o *outcome) asGRPC(status int) {
	headers := []filter.Header{
		{Name: "content-type", Value: "application/grpc"},
		{Name: "grpc-status", Value: strconv.Itoa(status)},
		{Name: "grpc-message", Value: o.body},
	}
	for _, h := range o.headers {
		if h.Name != "content-type" {
			headers = append(headers, h)
		}
	}
	o.status, o.body, o.headers = 200, "", headers
}

// upstreamAnswer is what package e2e's upstream answers with.
func upstreamAnswer(s *filtertest.Stream) []filter.Header {
	fields := headersOf(":status", "200", "content-type", "application/json")
	for _, field := range s.Field(e2e.ResponseHeader) {
		name, v, _ := strings.Cut(field, ": ")
		fields = append(fields, filter.Header{Name: name, Value: v})
	}
	return fields
}

func headersOf(pairs ...string) []filter.Header {
	var headers []filter.Header
	for i := 0; i < len(pairs); i += 2 {
		headers = append(headers, filter.Header{Name: pairs[i], Value: pairs[i+1]})
	}
	return headers
}
