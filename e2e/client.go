package e2e

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Client calls the API as one caller: one certificate, one way to connect.
// It is safe for several goroutines.
type Client struct {
	http     *http.Client
	upstream *Upstream
	host     string
	seal     func(secret string)
}

// Caller says who calls and how. The zero value has no certificate and speaks
// HTTP/1.1 over TLS 1.3.
type Caller struct {
	Certificate *Certificate
	HTTP2       bool
	MaxTLS      uint16                 // default TLS 1.3
	Sessions    tls.ClientSessionCache // default none: a full handshake each time
	ServerName  string                 // SNI; default api.example.com
	Reconnect   bool                   // a connection of its own for each request
}

func newClient(address string, roots *x509.CertPool, upstream *Upstream, c Caller, seal func(string)) *Client {
	config := &tls.Config{
		RootCAs: roots, ServerName: or(c.ServerName, apiHost),
		MaxVersion: c.MaxTLS, ClientSessionCache: c.Sessions,
	}
	if c.Certificate != nil {
		certificate := c.Certificate.TLS()
		// Always sent, even when the server's list of CAs does not name its issuer:
		// an attacker would.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificate, nil }
	}
	transport := &http.Transport{
		TLSClientConfig: config, DialContext: dialTo(address), DisableKeepAlives: c.Reconnect,
		DisableCompression: true, MaxIdleConnsPerHost: 64, Protocols: new(http.Protocols),
	}
	transport.Protocols.SetHTTP1(!c.HTTP2)
	transport.Protocols.SetHTTP2(c.HTTP2)
	return &Client{
		host: config.ServerName, upstream: upstream, seal: seal,
		http: &http.Client{
			Transport: transport, Timeout: 30 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Answer is what came back, and what the upstream saw of the request.
type Answer struct {
	Err    error // no answer at all: the handshake or the connection failed
	Status int
	Header http.Header
	Body   string
	Proto  string
	TLS    *tls.ConnectionState
	Seen   *Seen // nil: the upstream never saw it
}

// Code is the JSON member "error" of the body, or "".
func (a *Answer) Code() string {
	var body struct{ Error string }
	json.Unmarshal([]byte(a.Body), &body)
	return body.Error
}

// Get is Do with GET and no body.
func (c *Client) Get(path string, header ...string) *Answer {
	return c.Do(context.Background(), http.MethodGet, path, nil, header...)
}

// Do sends one request. The path goes out exactly as it is, and so does each
// header line ("name: value"); lines of one name stay apart. A line of the form
// "trailer name: value" goes out behind the body.
func (c *Client) Do(ctx context.Context, method, path string, body io.Reader, header ...string) *Answer {
	tag := rand.Text()
	request, err := http.NewRequestWithContext(ctx, method, "https://"+c.host+"/", body)
	if err != nil {
		return &Answer{Err: err}
	}
	request.URL = &url.URL{Scheme: "https", Host: c.host, Opaque: path}
	request.Header[TagHeader] = []string{tag}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		if name == "host" {
			request.Host = value
			continue
		}
		if trailer, ok := strings.CutPrefix(name, "trailer "); ok {
			if request.Trailer == nil {
				request.Trailer = http.Header{}
				request.ContentLength = -1 // HTTP/1.1 has trailers behind chunks only
			}
			request.Trailer[trailer] = append(request.Trailer[trailer], value)
			continue
		}
		if scheme, token, ok := strings.Cut(value, " "); ok && c.seal != nil && (scheme == "Bearer" || scheme == "DPoP") {
			c.seal(token)
		}
		request.Header[name] = append(request.Header[name], value)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return &Answer{Err: err, Seen: c.upstream.Saw(tag)}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return &Answer{
		Err: err, Status: response.StatusCode, Header: response.Header, Body: string(text),
		Proto: response.Proto, TLS: response.TLS, Seen: c.upstream.Saw(tag),
	}
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// secrets collects what must never show up in a log.
type secrets struct {
	mu  sync.Mutex
	all map[string]bool
}

// add keeps the parts of a token that give it away: payload and signature.
func (s *secrets) add(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := strings.Split(token, ".")
	for _, part := range parts[min(1, len(parts)-1):] {
		if len(part) >= 16 {
			s.all[part] = true
		}
	}
}

// leaked returns a secret that text contains, or "".
func (s *secrets) leaked(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for secret := range s.all {
		if strings.Contains(text, secret) {
			return secret
		}
	}
	return ""
}
