package filter

import (
	"slices"
	"strings"

	"holdfast/filter/config"
	"holdfast/strictjson"
)

// forwarder edits a request that passes: what the client must not say is
// removed, what Holdfast knows is added.
type forwarder struct {
	config  *config.Config
	kind    *hostKind
	sets    []string // every header that Holdfast sets, in lower case
	spent   []string // what was for Holdfast and is used up: the DPoP proof
	proxies []string // headers that only trusted proxies may set
}

func newForwarder(c *config.Config) *forwarder {
	f := &forwarder{config: c, kind: &hostKinds[c.Host]}
	for _, forward := range c.Forward.Claims {
		f.sets = append(f.sets, forward.Header)
	}
	for _, forward := range c.Forward.Certificate {
		f.sets = append(f.sets, forward.Header)
	}
	for _, name := range []string{c.Forward.PayloadHeader, c.Forward.ThumbprintHeader} {
		if name != "" {
			f.sets = append(f.sets, name)
		}
	}
	if c.Binding.DPoP != nil {
		f.spent = append(f.spent, "dpop")
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
	take := s.RemoveRequestHeader
	if f.kind.keepsHeaders {
		take = func(name string) error { return s.SetRequestHeader(name, takenAway) }
	}
	if err := removeAll(r.fields, f.sets, take); err != nil {
		return err
	}
	if err := removeAll(r.fields, f.spent, take); err != nil {
		return err
	}
	if len(f.proxies) > 0 && !trustsPeer() {
		if err := removeAll(r.fields, f.proxies, take); err != nil {
			return err
		}
	}
	if err := f.editToken(d, r, s); err != nil {
		return err
	}
	if !d.validated.accepted {
		return nil
	}
	return f.identify(d, s)
}

// takenAway takes the place of a header that can't be removed.
const takenAway = "-"

// inTheWay reports whether a request brings a header that could not be kept from the
// upstream where headers can't be taken away: one that Holdfast sets, or more than one
// of what it replaces. (Of tokens there is one at most in any case.)
func (f *forwarder) inTheWay(r *request) bool {
	for _, name := range f.sets {
		if r.spellings(name) > 0 {
			return true
		}
	}
	for _, name := range slices.Concat(f.spent, f.proxies) {
		if r.spellings(name) > 1 {
			return true
		}
	}
	for _, source := range f.config.TokenSources {
		if source.Kind == config.TokenFromCookie && r.spellings("cookie") > 1 {
			return true
		}
	}
	return false
}

// cleanTrailers removes the same names from the trailers, and those of trusted
// proxies too: none of them sends a certificate there.
func (f *forwarder) cleanTrailers(s Stream) error {
	var cookies []string
	if f.config.Session != nil {
		cookies = []string{"cookie"}
	}
	if len(f.sets)+len(f.spent)+len(f.proxies)+len(cookies) == 0 {
		return nil
	}
	trailers, err := s.RequestTrailers()
	if err != nil {
		return err
	}
	for _, names := range [...][]string{f.sets, f.spent, cookies} {
		if err := removeAll(trailers, names, s.RemoveRequestTrailer); err != nil {
			return err
		}
	}
	return removeAll(trailers, f.proxies, s.RemoveRequestTrailer)
}

// identify sets the headers that tell the upstream who is calling.
func (f *forwarder) identify(d Decision, s Stream) error {
	for _, header := range d.identity.headers {
		if err := s.SetRequestHeader(header.Name, header.Value); err != nil {
			return err
		}
	}
	if name := f.config.Forward.PayloadHeader; name != "" {
		if err := s.SetRequestHeader(name, d.validated.payload()); err != nil {
			return err
		}
	}
	if d.proof.binding&byCertificate == 0 {
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
		value, found, err := s.Property(f.kind.fields[forward.Field]...)
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

// editToken does with the token what "forward.token" says, and takes the session
// cookie away from the upstream, whatever became of it.
func (f *forwarder) editToken(d Decision, r *request, s Stream) error {
	var drop []string // cookies
	if f.config.Session != nil {
		drop = append(drop, f.config.Session.Cookie)
	}
	if !d.validated.accepted {
		return editCookies(s, r, drop, "", "")
	}
	source, fromSession := d.credential.source, d.session.state == sessionUsed
	value := d.credential.token
	switch answer := d.validated.answer; {
	case f.config.Forward.Token == config.ForwardStrip:
		value = ""
	case f.config.Forward.Token == config.ForwardIntrospectionJWT && answer != nil && answer.signed != "":
		value = answer.signed
	}
	asBearer := f.config.Forward.Token == config.ForwardBearer && d.credential.scheme == schemeDPoP
	strip, place := value == "" && !fromSession, value != "" && (fromSession || asBearer || value != d.credential.token)
	if source.Kind == config.TokenFromCookie {
		switch {
		case strip:
			drop = append(drop, source.Name)
		case place:
			return editCookies(s, r, drop, source.Name, value)
		}
		return editCookies(s, r, drop, "", "")
	}
	if err := editCookies(s, r, drop, "", ""); err != nil {
		return err
	}
	name, prefix := "authorization", "Bearer "
	if source.Kind == config.TokenFromHeader {
		name, prefix = source.Name, ""
	}
	switch {
	case strip:
		return s.RemoveRequestHeader(name)
	case place:
		return s.SetRequestHeader(name, prefix+value)
	}
	return nil
}

// editCookies takes cookies out of the request and, with a name, puts that one in,
// in its old place if it had one.
func editCookies(s Stream, r *request, drop []string, name, value string) error {
	var pairs []string
	changed, placed := name != "", name == ""
	for i := range r.fields {
		if !sameName(r.fields[i].Name, "cookie") {
			continue
		}
		for pair := range strings.SplitSeq(r.fields[i].Value, ";") {
			pair = strings.Trim(pair, " \t")
			n, _, _ := strings.Cut(pair, "=")
			switch n = strings.Trim(n, " \t"); {
			case contains(drop, n):
				changed = true
			case n == name && !placed:
				pairs, placed = append(pairs, name+"="+value), true
			case pair != "" && (name == "" || n != name):
				pairs = append(pairs, pair)
			}
		}
	}
	if !placed {
		pairs = append(pairs, name+"="+value)
	}
	switch {
	case !changed:
		return nil
	case len(pairs) == 0:
		return s.RemoveRequestHeader("cookie")
	}
	return s.SetRequestHeader("cookie", strings.Join(pairs, "; "))
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
	escaped := func(i int) bool {
		c, edge := s[i], i == 0 || i == len(s)-1
		return c == '%' || c < 0x20 || c > 0x7e || c == ' ' && edge || c == ',' && inArray
	}
	plain := 0
	for plain < len(s) && !escaped(plain) {
		plain++
	}
	if plain == len(s) {
		return s
	}
	var b strings.Builder
	b.WriteString(s[:plain])
	for i := plain; i < len(s); i++ {
		c := s[i]
		if escaped(i) {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
