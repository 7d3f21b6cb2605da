package filtertest

import (
	"bytes"
	"encoding/pem"
	"errors"
	"net/url"
	"path"
	"slices"
	"strings"

	"holdfast/filter"
	"holdfast/internal/authority"
)

// Kong's host, ngx_wasm_module, where it is not like Envoy. What ends the instance or
// the worker there, hangs a request, fills the log with alerts, or lets a request go on
// that nobody has let go on, is a violation.

// NewKong returns a proxy without workers that behaves as ngx_wasm_module does. Its
// streams come from [Host.NewStream].
func NewKong() *Proxy {
	p := NewProxy()
	p.kong = true
	return p
}

// IsKong reports whether it behaves as ngx_wasm_module does.
func (p *Proxy) IsKong() bool { return p.kong }

// kongServer is the name and the port of the server in NGINX' configuration.
const kongServer = "kong:8443"

// kongShows is how many fields a header list has at most, pseudo-headers included.
const kongShows = 100

// NewStream returns a request as the worker's proxy presents it, of a caller at
// 127.0.0.1 without a certificate.
func (h *Host) NewStream(method, authority, target string, fields ...filter.Header) *Stream {
	if !h.Proxy.kong {
		return NewStream(method, authority, target, fields...)
	}
	s := &Stream{kong: h, Left: map[string]string{}}
	s.pseudo = []filter.Header{
		{Name: ":path", Value: nginxPath(target)}, {Name: ":method", Value: method},
		{Name: ":scheme", Value: "https"}, {Name: ":authority", Value: kongServer},
	}
	s.Headers = append([]filter.Header{{Name: "Host", Value: authority}}, fields...)
	s.Properties = map[string]string{
		"request.host":           "the-machine",
		"connection.mtls":        "false",
		"ngx.request_uri":        target,
		"ngx.ssl_client_verify":  "NONE",
		"ngx.ssl_server_name":    "api.example.com",
		"ngx.realip_remote_addr": "127.0.0.1",
	}
	return s
}

// nginxPath is what NGINX makes of a request target: decoded, merged, without dots.
func nginxPath(target string) string {
	raw, query, hasQuery := strings.Cut(target, "?")
	decoded, err := url.PathUnescape(raw)
	if err != nil {
		decoded = raw
	}
	clean := path.Clean(decoded)
	if strings.HasSuffix(decoded, "/") && clean != "/" {
		clean += "/"
	}
	if hasQuery {
		clean += "?" + query
	}
	return clean
}

func (s *Stream) presentToKong(der []byte, subject string) {
	s.Properties["connection.mtls"] = "true"
	s.Properties["connection.subject_local_certificate"] = subject
	s.Properties["ngx.ssl_client_verify"] = "SUCCESS"
	s.Properties["ngx.ssl_client_raw_cert"] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	s.Properties["ngx.ssl_client_fingerprint"] = "the SHA-1"
	s.Properties["ngx.ssl_client_s_dn"] = subject
}

// Callback runs a callback of the request's own, before the response, and then does
// what the host does.
func (s *Stream) Callback(callback func()) {
	if s.kong == nil {
		callback()
		return
	}
	s.within(callback)
	switch {
	case s.Continued && s.calls > 0:
		s.violation("the request went on with a call under way: the worker crashes")
	case s.Waits() && s.calls == 0 && !s.gone:
		s.violation("the request waits for no call of its own: it hangs")
	}
}

// within is the time in which calls of the filter reach this request: the host has no
// other way to tell them apart.
func (s *Stream) within(callback func()) {
	s.depth++
	s.kong.inRequest++
	s.kong.counted = ""
	defer func() {
		s.depth--
		s.kong.inRequest--
		if fault := recover(); fault != nil {
			s.violation("a panic left a callback: the worker crashes: %v", fault)
		}
	}()
	callback()
}

// Dispatch implements [filter.Stream].
func (s *Stream) Dispatch(call filter.Call, done func(filter.CallResult)) error {
	if s.kong == nil {
		s.violation("a call of a request's own: its answer is dropped with the request")
		return errNotSent
	}
	if err := s.use("Dispatch", true); err != nil {
		return err
	}
	c, err := s.kong.Proxy.dispatch(s.kong, call, done)
	if err == nil {
		c.stream = s
		s.calls++
	}
	return err
}

// answered is the answer to a call of the request's own. After the last one the host
// lets the request go on by itself.
func (s *Stream) answered(done func()) {
	s.calls--
	if s.gone {
		return // the SDK drops it
	}
	s.within(done)
	if s.Waits() && s.calls == 0 {
		s.violation("nobody has decided by the end of the last call: the host lets the request go on")
		s.Continued = true
	}
}

// kongHeaders is the header list as far as the host shows it.
func (s *Stream) kongHeaders() []filter.Header {
	list := slices.Concat(s.pseudo, s.Headers)
	return slices.Clone(list[:min(len(list), kongShows)])
}

// kongReplaces overwrites the first field of the name; others stay.
func (s *Stream) kongReplaces(name, value string) {
	for i := range s.Headers {
		if strings.EqualFold(s.Headers[i].Name, name) {
			s.Headers[i] = filter.Header{Name: name, Value: value}
			return
		}
	}
	s.Headers = append(s.Headers, filter.Header{Name: name, Value: value})
}

// kongAnswers is what becomes of an answer: each name once, with the last value, and a
// line feed at the end of a body. The host knows nothing of gRPC.
func kongAnswers(answer filter.Answer) filter.Answer {
	var headers []filter.Header
	for i, h := range answer.Headers {
		later := slices.ContainsFunc(answer.Headers[i+1:], func(l filter.Header) bool { return strings.EqualFold(l.Name, h.Name) })
		if !later {
			headers = append(headers, h)
		}
	}
	answer.Headers, answer.GRPCStatus = headers, -1
	if answer.Body != "" {
		answer.Body += "\n"
	}
	return answer
}

var errNotFound = errors.New("the host takes no such property")

// kongProperty reports whether a property can be asked for without harm.
func (s *Stream) kongProperty(name string) bool {
	family, member, _ := strings.Cut(name, ".")
	switch {
	case name == "plugin_name":
		s.violation("%s was read: the worker crashes", name)
	case family == "connection" && !slices.Contains([]string{"mtls", "id", "requested_server_name", "tls_version", "subject_local_certificate"}, member):
		s.violation("%s was read: it is not implemented, and each time the log gets an alert", name)
	default:
		return true
	}
	return false
}

// kongTick takes one period, from the plugin's own context.
func (h *Host) kongTick() {
	switch {
	case h.inRequest > 0:
		h.Proxy.violation("a tick was asked for by a request: a trap")
	case h.period != 0:
		h.Proxy.violation("a tick was asked for a second time: a trap")
	}
}

// kongUpstream: calls go to host[:port].
func kongUpstream(call filter.Call) bool {
	_, _, ok := authority.Split(call.Cluster)
	return ok && (call.Scheme == "https" || call.Scheme == "http")
}

// kongSet writes only with the number that the key has: 0 where there is none.
func (p *Proxy) kongSet(key string, value []byte, cas uint32) bool {
	v, found := p.shared[key]
	if found && cas != v.cas || !found && cas != 0 {
		return false
	}
	p.cas++
	p.shared[key] = sharedValue{bytes.Clone(value), p.cas}
	return true
}

// kongVerify: there is no such function.
func (h *Host) kongVerify() error {
	h.Proxy.violation("a foreign function was called that is not there: a trap")
	return errNotFound
}

var errNoZone = errors.New("there is no zone for shared data")

// zone reports whether shared data may be asked for.
func (p *Proxy) zone() error {
	if p.NoZone {
		p.violation("shared data was asked for without a zone: a trap")
		return errNoZone
	}
	return nil
}
