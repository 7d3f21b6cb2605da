package filter

import (
	"strings"

	"holdfast/filter/config"
	"holdfast/strictjson"
)

// forwarder edits a request that passes: what the client must not say is
// removed, what Holdfast knows is added.
type forwarder struct {
	config  *config.Config
	managed []string // every header that Holdfast sets, in lower case
	proxies []string // headers that only trusted proxies may set
}

func newForwarder(c *config.Config) *forwarder {
	f := &forwarder{config: c}
	for _, forward := range c.Forward.Claims {
		f.managed = append(f.managed, forward.Header)
	}
	for _, forward := range c.Forward.Certificate {
		f.managed = append(f.managed, forward.Header)
	}
	for _, name := range []string{c.Forward.PayloadHeader, c.Forward.ThumbprintHeader} {
		if name != "" {
			f.managed = append(f.managed, name)
		}
	}
	for i := range c.Certificate.Sources {
		if name := headerOf(&c.Certificate.Sources[i]); name != "" {
			f.proxies = append(f.proxies, name)
		}
	}
	return f
}

// forward edits the request for the upstream. An error means that the request
// must not go on: it may still carry what the client wrote.
func (f *forwarder) forward(d Decision, r *request, s Stream, trustsPeer func() bool) error {
	if err := removeAll(r.fields, f.managed, s.RemoveRequestHeader); err != nil {
		return err
	}
	if len(f.proxies) > 0 && !trustsPeer() {
		if err := removeAll(r.fields, f.proxies, s.RemoveRequestHeader); err != nil {
			return err
		}
	}
	if d.validated.token == nil {
		return nil
	}
	if f.config.Forward.Token == config.ForwardStrip {
		if err := stripToken(s, r, d.credential.source); err != nil {
			return err
		}
	}
	return f.identify(d, s)
}

// cleanTrailers removes the same names from the trailers, and those of trusted
// proxies too: none of them sends a certificate there.
func (f *forwarder) cleanTrailers(s Stream) error {
	if len(f.managed)+len(f.proxies) == 0 {
		return nil
	}
	trailers, err := s.RequestTrailers()
	if err != nil {
		return err
	}
	if err := removeAll(trailers, f.managed, s.RemoveRequestTrailer); err != nil {
		return err
	}
	return removeAll(trailers, f.proxies, s.RemoveRequestTrailer)
}

// identify sets the headers that tell the upstream who is calling.
func (f *forwarder) identify(d Decision, s Stream) error {
	claims := d.validated.token.Claims()
	for _, forward := range f.config.Forward.Claims {
		if text, ok := headerText(claims.Lookup(forward.Claim)); ok {
			if err := s.SetRequestHeader(forward.Header, text); err != nil {
				return err
			}
		}
	}
	if name := f.config.Forward.PayloadHeader; name != "" {
		// The payload segment is the base64url JSON of the claims already.
		if err := s.SetRequestHeader(name, d.validated.token.PayloadSegment()); err != nil {
			return err
		}
	}
	if d.proof.binding != bound {
		return nil
	}
	if name := f.config.Forward.ThumbprintHeader; name != "" {
		if err := s.SetRequestHeader(name, d.proof.presented.thumbprint.String()); err != nil {
			return err
		}
	}
	if !d.proof.presented.ofConnection {
		return nil // the host's certificate properties are about a proxy in between
	}
	for _, forward := range f.config.Forward.Certificate {
		value, found, err := s.Property("connection", certificateProperties[forward.Field])
		if err != nil {
			return err
		}
		if found && len(value) > 0 {
			if err := s.SetRequestHeader(forward.Header, escapeHeader(string(value), false)); err != nil {
				return err
			}
		}
	}
	return nil
}

var certificateProperties = [...]string{
	config.FieldSubject: "subject_peer_certificate",
	config.FieldURISAN:  "uri_san_peer_certificate",
	config.FieldDNSSAN:  "dns_san_peer_certificate",
}

// removeAll removes these headers in every spelling that an upstream could take
// for them (threats T15).
func removeAll(fields []Header, names []string, remove func(name string) error) error {
	for _, name := range names {
		for i := range fields {
			if readsAs(fields[i].Name, name) {
				if err := remove(fields[i].Name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// stripToken takes the token out of where it came from.
func stripToken(s Stream, r *request, source config.TokenSource) error {
	switch source.Kind {
	case config.TokenFromAuthorization:
		return s.RemoveRequestHeader("authorization")
	case config.TokenFromHeader:
		return s.RemoveRequestHeader(source.Name)
	}
	var rest []string
	for i := range r.fields {
		if !sameName(r.fields[i].Name, "cookie") {
			continue
		}
		for pair := range strings.SplitSeq(r.fields[i].Value, ";") {
			pair = strings.Trim(pair, " \t")
			if name, _, _ := strings.Cut(pair, "="); strings.Trim(name, " \t") != source.Name && pair != "" {
				rest = append(rest, pair)
			}
		}
	}
	if len(rest) == 0 {
		return s.RemoveRequestHeader("cookie")
	}
	return s.SetRequestHeader("cookie", strings.Join(rest, "; "))
}

// headerText writes a claim as a header value: strings, numbers and booleans as
// text, arrays joined by commas, objects as JSON. A missing claim, null and an
// empty array have none.
func headerText(v strictjson.Value) (string, bool) {
	switch v.Kind() {
	case strictjson.Missing, strictjson.Null:
		return "", false
	case strictjson.Array:
		items, _ := v.Array()
		texts := make([]string, 0, len(items))
		for _, item := range items {
			texts = append(texts, escapeHeader(plainText(item), true))
		}
		return strings.Join(texts, ","), len(texts) > 0
	}
	return escapeHeader(plainText(v), false), true
}

func plainText(v strictjson.Value) string {
	if text, ok := v.Text(); ok {
		return text
	}
	return v.Raw()
}

// escapeHeader percent-encodes what could change a header's meaning on the way:
// "%" itself, bytes outside of 0x20–0x7E, spaces at the edges and, within an
// array, commas. It can be undone by ordinary percent-decoding.
func escapeHeader(s string, inArray bool) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		edge := i == 0 || i == len(s)-1
		if c == '%' || c < 0x20 || c > 0x7e || c == ' ' && edge || c == ',' && inArray {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
