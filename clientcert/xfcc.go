package clientcert

import (
	"fmt"
	"strings"

	"holdfast/thumbprint"
)

// XFCC reads one element of Envoy's x-forwarded-client-cert: the Hash (64 hex
// digits of SHA-256) or, where there is no Hash, the Cert (percent-encoded PEM).
// When there are both they have to agree.
//
// element counts from the front, 0 being the first, or, when negative, from the
// end, -1 being the last: the one that the nearest proxy wrote.
//
// The whole field is parsed, not only that element: a quote or comma that an
// earlier hop left behind must not move the boundaries. Errors are ErrXFCC.
func XFCC(fieldValue string, element int) (thumbprint.Thumbprint, error) {
	if len(fieldValue) > maxInput {
		return thumbprint.Thumbprint{}, fmt.Errorf("%w: too long", ErrXFCC)
	}
	elements, ok := parseXFCC(fieldValue)
	if !ok {
		return thumbprint.Thumbprint{}, fmt.Errorf("%w: syntax", ErrXFCC)
	}
	if element < 0 {
		element += len(elements)
	}
	if element < 0 || element >= len(elements) {
		return thumbprint.Thumbprint{}, fmt.Errorf("%w: no such element", ErrXFCC)
	}
	return elements[element].thumbprint()
}

// xfccElement is what one proxy wrote, as far as it is used.
type xfccElement struct {
	hash, cert       string
	hasHash, hasCert bool
}

func (e xfccElement) thumbprint() (thumbprint.Thumbprint, error) {
	switch {
	case !e.hasHash && !e.hasCert:
		return thumbprint.Thumbprint{}, fmt.Errorf("%w: neither Hash nor Cert", ErrXFCC)
	case !e.hasHash:
		t, err := ofURLEncodedPEM(e.cert)
		return wrap(ErrXFCC, t, err)
	}
	t, err := thumbprint.ParseHex(e.hash)
	if err == nil && e.hasCert {
		var ofCert thumbprint.Thumbprint
		if ofCert, err = ofURLEncodedPEM(e.cert); err == nil && !ofCert.Equal(t) {
			return thumbprint.Thumbprint{}, fmt.Errorf("%w: Hash and Cert differ", ErrXFCC)
		}
	}
	return wrap(ErrXFCC, t, err)
}

// add takes one pair into the element. Hash and Cert may occur once and in no
// other case; keys that Holdfast does not read may repeat, as URI and DNS do.
func (e *xfccElement) add(key, value string) (ok bool) {
	switch {
	case key == "Hash" && !e.hasHash:
		e.hash, e.hasHash = value, true
	case key == "Cert" && !e.hasCert:
		e.cert, e.hasCert = value, true
	case strings.EqualFold(key, "Hash"), strings.EqualFold(key, "Cert"):
		return false
	}
	return true
}

// parseXFCC splits the field: elements by comma, pairs by semicolon, key from
// value by "=". A list may have blanks around its commas (RFC 9110 §5.6.1).
func parseXFCC(s string) (elements []xfccElement, ok bool) {
	var current xfccElement
	s = strings.Trim(s, " \t")
	for {
		key, value, rest, ok := cutPair(s)
		if !ok || !current.add(key, value) {
			return nil, false
		}
		if rest == "" {
			return append(elements, current), true
		}
		if rest[0] == ';' {
			s = rest[1:]
			continue
		}
		elements, current = append(elements, current), xfccElement{}
		s = strings.TrimLeft(rest[1:], " \t")
	}
}

// cutPair takes one pair off the front of s. rest is empty or begins with the
// separator: ";", or "," with the blanks before it taken off.
func cutPair(s string) (key, value, rest string, ok bool) {
	key, s, found := strings.Cut(s, "=")
	if !found || !isKey(key) {
		return "", "", "", false
	}
	if strings.HasPrefix(s, `"`) {
		value, rest, ok = cutQuoted(s[1:])
	} else {
		value, rest, ok = cutPlain(s)
	}
	if trimmed := strings.TrimLeft(rest, " \t"); strings.HasPrefix(trimmed, ",") {
		rest = trimmed
	}
	separated := rest == "" || rest[0] == ';' || rest[0] == ','
	return key, value, rest, ok && separated
}

// isKey: letters only, as all keys are (By, Hash, Cert, Chain, Subject, URI, DNS).
func isKey(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || 'z' < c {
			return false
		}
	}
	return s != ""
}

// cutQuoted reads up to the closing quote. A backslash takes the next character
// as it is: "\"" in Envoy's own syntax, "\," in a subject of RFC 2253.
func cutQuoted(s string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '"' {
			return b.String(), s[i+1:], true
		}
		if c == '\\' && i+1 < len(s) {
			i++
			c = s[i]
		}
		if isControl(c) {
			return "", "", false
		}
		b.WriteByte(c)
	}
	return "", "", false
}

// cutPlain reads up to the next separator. A value with a quote in it should
// have been quoted: where it ends is in doubt.
func cutPlain(s string) (value, rest string, ok bool) {
	end := strings.IndexAny(s, ";,")
	if end < 0 {
		end = len(s)
	}
	value, rest = s[:end], s[end:]
	if strings.HasPrefix(rest, ",") {
		value = strings.TrimRight(value, " \t")
	}
	for i := range len(value) {
		if c := value[i]; c == '"' || isControl(c) {
			return "", "", false
		}
	}
	return value, rest, true
}

func isControl(c byte) bool { return c < ' ' || c == 0x7F }
