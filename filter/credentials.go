package filter

import (
	"strings"

	"holdfast/filter/config"
	"holdfast/internal/percent"
)

// credential is the one token of a request and where it came from.
type credential struct {
	token  string
	source config.TokenSource
	scheme scheme
	known  *knownToken // the same in the cache; nil when it is not there
}

// scheme is the authentication scheme that a token was sent under.
type scheme uint8

const (
	schemeNone   scheme = iota // it came from a header of its own or from a cookie
	schemeBearer               // RFC 6750 §2.1
	schemeDPoP                 // RFC 9449 §7.1
)

// credentials finds the request's one token (RFC 6750 §2: no more than one
// method). The reason is TokenAccepted when there is exactly one.
func (d *decider) credentials(r *request) (credential, Reason) {
	var found credential
	count := 0
	add := func(token string, source config.TokenSource, s scheme) {
		found = credential{token: token, source: source, scheme: s}
		count++
	}
	for _, source := range d.config.TokenSources {
		switch source.Kind {
		case config.TokenFromAuthorization:
			value, fields := r.field("authorization")
			if fields > 1 {
				return credential{}, MultipleTokens
			}
			if fields == 0 {
				continue
			}
			token, s, ok := d.parseAuthorization(value)
			if !ok {
				return credential{}, MalformedCredentials
			}
			if s != schemeNone {
				add(token, source, s)
			}
		case config.TokenFromHeader:
			value, fields := r.field(source.Name)
			twins := r.twins(source.Name)
			if fields+twins > 1 {
				return credential{}, MultipleTokens
			}
			if twins > 0 {
				return credential{}, MalformedCredentials
			}
			if fields == 1 {
				add(value, source, schemeNone)
			}
		case config.TokenFromCookie:
			for _, value := range r.cookies(source.Name) {
				add(value, source, schemeNone)
			}
		}
	}
	switch {
	case count == 0:
		return credential{}, NoToken
	case count > 1 || r.queryHas("access_token"):
		return credential{}, MultipleTokens
	case len(found.token) > d.config.Limits.TokenBytes:
		return credential{}, TokenTooLarge
	}
	if found.known = d.tokens.get(found.token); found.known == nil && !isB64Token(found.token) {
		return credential{}, MalformedCredentials
	}
	return found, TokenAccepted
}

// schemeOf is the scheme of the request's Authorization field, whatever is to be said
// of it otherwise: there the error stands in challenges (RFC 9449 §7.1).
func (d *decider) schemeOf(r *request) scheme {
	value, _ := r.field("authorization")
	_, s, _ := d.parseAuthorization(value)
	return s
}

// parseAuthorization splits "scheme 1*SP b64token" (RFC 9110 §11.4). The scheme is
// schemeNone when it is not one of ours: that counts as no token. ok is false for
// a field that is no credentials at all. Whether the token is a b64token is
// checked by the caller.
func (d *decider) parseAuthorization(value string) (token string, s scheme, ok bool) {
	name, rest, spaced := strings.Cut(value, " ")
	if name == "" || !isHTTPToken(name) {
		return "", schemeNone, false
	}
	switch {
	case sameName(name, "bearer"):
		s = schemeBearer
	case sameName(name, "dpop") && d.config.Binding.DPoP != nil:
		s = schemeDPoP
	default:
		return "", schemeNone, !hidesToken(rest)
	}
	token = strings.TrimLeft(rest, " ")
	return token, s, spaced && token != ""
}

// hidesToken finds a second field behind credentials of another scheme: Envoy
// joins two Authorization fields with a comma.
func hidesToken(credentials string) bool {
	for {
		_, rest, found := strings.Cut(credentials, ",")
		if !found {
			return false
		}
		scheme, _, spaced := strings.Cut(strings.TrimLeft(rest, " \t"), " ")
		if spaced && (sameName(scheme, "bearer") || sameName(scheme, "dpop")) {
			return true
		}
		credentials = rest
	}
}

// cookies returns the values of all cookies of this name (RFC 6265 §4.2), blanks
// around it included: some servers take "name =value" for it.
func (r *request) cookies(name string) []string {
	var values []string
	for _, h := range r.fields {
		if !sameName(h.Name, "cookie") {
			continue
		}
		for pair := range strings.SplitSeq(h.Value, ";") {
			n, v, ok := strings.Cut(pair, "=")
			if ok && strings.Trim(n, " \t") == name {
				values = append(values, strings.Trim(v, " \t"))
			}
		}
	}
	return values
}

// queryHas reports whether a query parameter has this name, however its
// letters are escaped. Its value is never read.
func (r *request) queryHas(name string) bool {
	_, query, _ := strings.Cut(r.path, "?")
	for query != "" {
		var parameter string
		if i := strings.IndexAny(query, "&;#"); i >= 0 {
			parameter, query = query[:i], query[i+1:]
		} else {
			parameter, query = query, ""
		}
		n, _, _ := strings.Cut(parameter, "=")
		if unescapesTo(n, name) {
			return true
		}
	}
	return false
}

// unescapesTo compares without allocating; a bad escape stands for itself.
func unescapesTo(escaped, plain string) bool {
	for escaped != "" {
		if plain == "" {
			return false
		}
		c, size := escaped[0], 1
		if c == '%' {
			if decoded, ok := percent.Unescape(escaped[1:]); ok {
				c, size = decoded, 3
			}
		}
		if c != plain[0] {
			return false
		}
		escaped, plain = escaped[size:], plain[1:]
	}
	return plain == ""
}

// isB64Token checks RFC 6750 §2.1: 1*( ALPHA / DIGIT / -._~+/ ) *"=".
func isB64Token(s string) bool {
	s = strings.TrimRight(s, "=")
	if s == "" {
		return false
	}
	for i := 0; i < len(s); i++ {
		if !b64TokenBytes[s[i]] {
			return false
		}
	}
	return true
}

// b64TokenBytes are those characters: a table, as tokens are long.
var b64TokenBytes = func() (table [256]bool) {
	for c := range table {
		table[c] = isAlphanumeric(byte(c)) || strings.IndexByte("-._~+/", byte(c)) >= 0
	}
	return table
}()

// isHTTPToken checks RFC 9110 §5.6.2.
func isHTTPToken(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isAlphanumeric(s[i]) && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(s[i])) {
			return false
		}
	}
	return s != ""
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
