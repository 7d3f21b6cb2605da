package filter_test

import (
	"encoding/base64"
	"encoding/pem"
	"net/url"
	"strings"
	"testing"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

// How each kind of source presents a certificate.
func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
func escapedPEM(der []byte) string { return url.PathEscape(pemOf(der)) }
func base64DER(der []byte) string  { return base64.StdEncoding.EncodeToString(der) }
func rfc9440(der []byte) string    { return ":" + base64DER(der) + ":" }
func digest(der []byte) string {
	return filtertest.NewStream("GET", host, "/").Present(der).Properties["connection.sha256_peer_certificate_digest"]
}
func xfcc(der []byte) string { return "Hash=" + digest(der) }

// bare is a request with a good token on a connection without a certificate,
// from the trusted proxy 127.0.0.1.
func bare(fields ...filter.Header) *filtertest.Stream {
	return filtertest.NewStream("GET", host, "/accounts", append([]filter.Header{field("authorization", "Bearer "+good())}, fields...)...)
}

// sources is a configuration with these certificate sources.
func sources(list string) string {
	return `{"certificate":{"sources":[` + list + `],"trusted_proxies":{"addresses":["127.0.0.0/8"]}}}`
}

func TestContract1_CertificateSources(t *testing.T) {
	t.Parallel()
	const (
		accepted, missing, malformed, mismatch = "token_accepted", "certificate_missing", "certificate_malformed", "cnf_mismatch"

		last, first, second = `{"xfcc":{"element":"last"}}`, `{"xfcc":{"element":"first"}}`, `{"xfcc":{"element":2}}`
		clientCert          = `{"header":{"name":"client-cert","format":"rfc9440"}}`
		escaped             = `{"header":{"name":"x-cert","format":"url_encoded_pem"}}`
		der                 = `{"header":{"name":"x-cert","format":"base64_der"}}`
	)
	tests := []struct {
		name, source string
		fields       []filter.Header
		reason       string
	}{
		{"xfcc last", last, []filter.Header{field("x-forwarded-client-cert", xfcc(certB)+","+xfcc(certA))}, accepted},
		{"xfcc first", first, []filter.Header{field("X-Forwarded-Client-Cert", xfcc(certA)+","+xfcc(certB))}, accepted},
		{"xfcc first is another", first, []filter.Header{field("x-forwarded-client-cert", xfcc(certB)+","+xfcc(certA))}, mismatch},
		{"xfcc from the end", second, []filter.Header{field("x-forwarded-client-cert", xfcc(certA)+","+xfcc(certB))}, accepted},
		{"xfcc from the end, too few", second, []filter.Header{field("x-forwarded-client-cert", xfcc(certA))}, malformed},
		{"xfcc by Cert", last, []filter.Header{field("x-forwarded-client-cert", `By=spiffe://x;Cert="`+escapedPEM(certA)+`"`)}, accepted},
		{"xfcc Hash and Cert disagree", last, []filter.Header{field("x-forwarded-client-cert", xfcc(certA)+`;Cert="`+escapedPEM(certB)+`"`)}, malformed},
		{"xfcc Hash twice", last, []filter.Header{field("x-forwarded-client-cert", xfcc(certA)+";"+xfcc(certA))}, malformed},
		{"xfcc without either", last, []filter.Header{field("x-forwarded-client-cert", `Subject="CN=a"`)}, malformed},
		{"xfcc in two fields", last, []filter.Header{field("x-forwarded-client-cert", xfcc(certA)), field("x-forwarded-client-cert", xfcc(certA))}, malformed},
		{"xfcc empty", last, []filter.Header{field("x-forwarded-client-cert", "")}, malformed},
		{"xfcc absent", last, nil, missing},
		{"T15 xfcc with underscores is not it", last, []filter.Header{field("x_forwarded_client_cert", xfcc(certA))}, missing},
		{"RFC9440", clientCert, []filter.Header{field("Client-Cert", rfc9440(certA))}, accepted},
		{"RFC9440 another", clientCert, []filter.Header{field("client-cert", rfc9440(certB))}, mismatch},
		{"RFC9440 twice", clientCert, []filter.Header{field("client-cert", rfc9440(certA)), field("Client-Cert", rfc9440(certA))}, malformed},
		{"RFC9440 list", clientCert, []filter.Header{field("client-cert", rfc9440(certA)+", "+rfc9440(certB))}, malformed},
		{"RFC9440 without colons", clientCert, []filter.Header{field("client-cert", base64DER(certA))}, malformed},
		{"T13d a second certificate behind the first", clientCert, []filter.Header{field("client-cert", rfc9440(append(append([]byte(nil), certA...), certB...)))}, malformed},
		{"escaped PEM", escaped, []filter.Header{field("x-cert", escapedPEM(certA))}, accepted},
		{"escaped PEM garbage", escaped, []filter.Header{field("x-cert", "%")}, malformed},
		{"base64 DER", der, []filter.Header{field("x-cert", base64DER(certA))}, accepted},
		{"base64 DER, other format", der, []filter.Header{field("x-cert", rfc9440(certA))}, malformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start(t, sources(tt.source)).expect(bare(tt.fields...), tt.reason)
		})
	}
}

func TestContract1_CertificateFromAProperty(t *testing.T) {
	t.Parallel()
	w := start(t, sources(`{"property":["ngx","ssl_client_raw_cert"]}`))
	for name, tt := range map[string]struct {
		value, reason string
	}{
		"PEM":         {pemOf(certA), "token_accepted"},
		"DER":         {string(certA), "token_accepted"},
		"hex":         {digest(certA), "token_accepted"},
		"another":     {pemOf(certB), "cnf_mismatch"},
		"two":         {pemOf(certA) + pemOf(certB), "certificate_malformed"},
		"garbage":     {"none", "certificate_malformed"},
		"short hex":   {digest(certA)[1:], "certificate_malformed"},
		"empty":       {"", "certificate_missing"},
		"of the peer": {"", "certificate_missing"},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			s := bare()
			if name == "of the peer" {
				s.Present(certA)
			}
			s.Properties["ngx.ssl_client_raw_cert"] = tt.value
			w.expect(s, tt.reason)
		})
	}
	w.t = t
	w.expect(bare(), "certificate_missing")
	s := bare()
	s.Unreadable = []string{"ngx.ssl_client_raw_cert"}
	w.expect(s, "certificate_unreadable")
}

// Threat T13c: whatever the host says of the connection but a digest refuses.
func TestT13c_ConnectionCertificate(t *testing.T) {
	t.Parallel()
	const property = "connection.sha256_peer_certificate_digest"
	w := start(t, ``)
	for name, tt := range map[string]struct{ value, reason string }{
		"own":           {digest(certA), "token_accepted"},
		"own, upper":    {strings.ToUpper(digest(certA)), "token_accepted"},
		"another":       {digest(certB), "cnf_mismatch"},
		"empty":         {"", "certificate_missing"},
		"short":         {digest(certA)[:63], "certificate_malformed"},
		"long":          {digest(certA) + "0", "certificate_malformed"},
		"with colons":   {digest(certA)[:2] + ":" + digest(certA)[3:], "certificate_malformed"},
		"NUL in front":  {"\x00" + digest(certA)[1:], "certificate_malformed"},
		"raw digest":    {string(make([]byte, 32)), "certificate_malformed"},
		"whole PEM":     {pemOf(certA), "certificate_malformed"},
		"only zeros":    {strings.Repeat("0", 64), "cnf_mismatch"},
		"base64url x5t": {x5t(certA), "certificate_malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			s := bare()
			s.Properties[property] = tt.value
			w.expect(s, tt.reason)
		})
	}
	w.t = t
	w.expect(bare(), "certificate_missing")
	s := bare().Present(certA)
	s.Unreadable = []string{property}
	w.expect(s, "certificate_unreadable")
	// A header is never believed unless it is configured (threat T13).
	w.expect(bare(field("x-forwarded-client-cert", xfcc(certA)), field("client-cert", rfc9440(certA)), field("ssl-client-cert", escapedPEM(certA))), "certificate_missing")
}

// The first source that yields decides; one that is there but unreadable refuses.
func TestT13_OrderOfSources(t *testing.T) {
	t.Parallel()
	const connection, header, both = `{"connection":{}}`, `{"xfcc":{"element":"last"}}`, `{"connection":{}},{"xfcc":{"element":"last"}}`
	forwarded := func(value string) filter.Header { return field("x-forwarded-client-cert", value) }
	tests := []struct {
		name, sources string
		s             *filtertest.Stream
		reason        string
	}{
		{"connection decides", both, bare(forwarded(xfcc(certB))).Present(certA), "token_accepted"},
		{"connection decides against", both, bare(forwarded(xfcc(certA))).Present(certB), "cnf_mismatch"},
		{"connection has none, the header yields", both, bare(forwarded(xfcc(certA))), "token_accepted"},
		{"header first decides", header + "," + connection, bare(forwarded(xfcc(certB))).Present(certA), "cnf_mismatch"},
		{"header first, absent", header + "," + connection, bare().Present(certA), "token_accepted"},
		{"header first, unparsable: no next source", header + "," + connection, bare(forwarded("x")).Present(certA), "certificate_malformed"},
		{"header first, twice: no next source", header + "," + connection, bare(forwarded(xfcc(certA)), forwarded(xfcc(certA))).Present(certA), "certificate_malformed"},
		{"none yields", both, bare(), "certificate_missing"},
		{"untrusted header, next source", header + "," + connection, untrusted(bare(forwarded(xfcc(certA))).Present(certB)), "cnf_mismatch"},
		{"untrusted unparsable header, next source", header + "," + connection, untrusted(bare(forwarded("x")).Present(certA)), "token_accepted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { start(t, sources(tt.sources)).expect(tt.s, tt.reason) })
	}
	unreadable := bare(forwarded(xfcc(certA))).Present(certA)
	unreadable.Unreadable = []string{"connection.sha256_peer_certificate_digest"}
	start(t, sources(both)).expect(unreadable, "certificate_unreadable")
	malformed := bare(forwarded(xfcc(certA)))
	malformed.Properties["connection.sha256_peer_certificate_digest"] = "x"
	start(t, sources(both)).expect(malformed, "certificate_malformed")
}

// untrusted moves the request to a connection from elsewhere.
func untrusted(s *filtertest.Stream) *filtertest.Stream {
	s.Properties["filter_state.holdfast.direct_remote_address"] = "203.0.113.9"
	s.Properties["source.address"] = "203.0.113.9:4711"
	return s
}

// Threat T13: on a connection that is not trusted the header is absent for
// everybody, the upstream included.
func TestT13_UntrustedHeaderIsRemoved(t *testing.T) {
	t.Parallel()
	w := start(t, `{"certificate":{"sources":[{"connection":{}},{"xfcc":{"element":"last"}},{"header":{"name":"client-cert","format":"rfc9440"}}],
		"trusted_proxies":{"addresses":["127.0.0.0/8"]}},"rules":[{"match":{"path_prefix":"/public/"},"access":"anonymous"}],"cors_preflight":"bypass"}`)
	spoofed := []filter.Header{
		field("x-forwarded-client-cert", xfcc(certA)), field("X-Forwarded-Client-Cert", xfcc(certA)), field("x_forwarded_client_cert", xfcc(certA)),
		field("client-cert", rfc9440(certA)), field("Client_Cert", rfc9440(certA)), field("client-cert-chain", "x"),
	}
	gone := []string{"x-forwarded-client-cert", "x_forwarded_client_cert", "client-cert", "client_cert"}
	w.expect(untrusted(bare(spoofed...)), "certificate_missing")
	w.expect(untrusted(bare(spoofed...).Present(certB)), "cnf_mismatch")
	for reason, s := range map[string]*filtertest.Stream{
		"token_accepted": bare(spoofed...).Present(certA),
		"anonymous":      ask("GET", "/public/", "", spoofed...),
		"preflight":      ask("OPTIONS", "/x", "", append(spoofed, field("origin", "https://x.example"), field("access-control-request-method", "GET"))...),
	} {
		w.expect(untrusted(s), reason)
		for _, name := range gone {
			only(t, s, name)
		}
		only(t, s, "client-cert-chain", "x")
	}
	trusted := bare(field("x-forwarded-client-cert", xfcc(certA)))
	w.expect(trusted, "token_accepted")
	only(t, trusted, "x-forwarded-client-cert", xfcc(certA))
}

// require_validated: only what the host positively validated.
func TestContract1_RequireValidated(t *testing.T) {
	t.Parallel()
	const property = "connection.peer_certificate_valid"
	w := start(t, `{"certificate":{"require_validated":true}}`)
	w.expect(get(good()), "token_accepted")
	for name, value := range map[string]string{"no": "\x00", "empty": "", "text": "true", "one as text": "1", "two bytes": "\x01\x00"} {
		s := get(good())
		s.Properties[property] = value
		if got := w.judge(s); got != "certificate_not_validated" {
			t.Errorf("%s: %s", name, got)
		}
	}
	silent := get(good()) // Envoy before 1.39
	delete(silent.Properties, property)
	w.expect(silent, "certificate_not_validated")
	unreadable := get(good())
	unreadable.Unreadable = []string{property}
	w.expect(unreadable, "certificate_not_validated")
	w.expect(bare(), "certificate_missing")
}

// A certificate that came in a header was validated by nobody that this host
// could ask: the start fails.
func TestContract1_RequireValidatedIsAboutTheConnection(t *testing.T) {
	t.Parallel()
	for _, list := range []string{`{"connection":{}},{"xfcc":{"element":"last"}}`, `{"property":["ngx","ssl_client_raw_cert"]}`} {
		doc := configure(t, `{"certificate":{"require_validated":true,"sources":[`+list+`],"trusted_proxies":{"addresses":["127.0.0.0/8"]}}}`)
		if _, err := filtertest.NewProxy().Worker().Start(doc); err == nil || !strings.Contains(err.Error(), "certificate.require_validated") {
			t.Errorf("%s: %v", list, err)
		}
	}
}
