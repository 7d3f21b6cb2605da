package scenario

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"holdfast/e2e"
)

// world is what placeholders stand for: it differs between the Holdfasts that
// scenarios run on, so that no two ever share keys.
type world struct {
	pki    *e2e.PKI
	issuer string
	now    time.Time
	token  string // of the request at hand
	proof  string // of the request at hand, when it has one proof
	nonce  string // that an answer brought, the last one
	answer string // of an introspection endpoint, the last one

	play    string            // differs in each playing of a scenario
	tokens  map[string]string // that have a name
	proofs  map[string]string // that have a name
	cookies map[string]string // the sessions that were kept, "NAME=VALUE", by name
}

// issuer2 is the second issuer.
func (w *world) issuer2() string { return w.issuer + "/two" }

// opaque is an opaque token: text that tells nothing, and nobody else's.
func (w *world) opaque(name string) string { return "opaque-" + name + "-" + w.play }

// begin is the world of one playing of a scenario.
func (w *world) begin() *world {
	begun := *w
	begun.play, begun.tokens, begun.proofs, begun.cookies = rand.Text(), map[string]string{}, map[string]string{}, map[string]string{}
	return &begun
}

// certificate is a certificate by the name that scenarios use; nil for "none".
func certificate(pki *e2e.PKI, name string) (*e2e.Certificate, error) {
	switch name {
	case "", "own":
		return pki.A, nil
	case "other":
		return pki.B, nil
	case "renewed":
		return pki.Renewed, nil
	case "chained":
		return pki.Chained, nil
	case "edge":
		return pki.Edge, nil
	case "none":
		return nil, nil
	}
	return nil, fmt.Errorf("no certificate is called %q", name)
}

// expand replaces placeholders in every text of a JSON value.
func (w *world) expand(v any) (any, error) {
	switch v := v.(type) {
	case string:
		return w.expandText(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			var err error
			if out[i], err = w.expand(v[i]); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, inner := range v {
			var err error
			if out[name], err = w.expand(inner); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

// expandText expands one text. A text that is a placeholder and nothing else may
// become a number, a list or an object.
func (w *world) expandText(text string) (any, error) {
	if name, ok := strings.CutPrefix(text, "${"); ok && strings.HasSuffix(name, "}") && strings.Count(text, "${") == 1 {
		return w.value(strings.TrimSuffix(name, "}"))
	}
	return w.text(text)
}

// text expands placeholders within a text.
func (w *world) text(text string) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", fmt.Errorf("a placeholder without end: %q", rest)
		}
		v, err := w.value(name)
		if err != nil {
			return "", err
		}
		if s, ok := v.(string); ok {
			out.WriteString(s)
		} else {
			b, err := json.Marshal(v)
			if err != nil {
				return "", err
			}
			out.Write(b)
		}
		text = after
	}
}

func (w *world) value(name string) (any, error) {
	name, argument, _ := strings.Cut(name, ":")
	switch name {
	case "issuer":
		return w.issuer, nil
	case "issuer2":
		return w.issuer2(), nil
	case "keys_uri":
		return w.issuer + "/jwks", nil
	case "introspect_uri":
		return w.issuer + "/introspect", nil
	case "introspect_uri2":
		return w.issuer2() + "/introspect", nil
	case "token":
		if argument == "" {
			return w.token, nil
		}
		return known(w.tokens, argument)
	case "answer":
		return w.answer, nil
	case "answer_base64url":
		return segment([]byte(w.answer)), nil
	case "opaque":
		return w.opaque(argument), nil
	case "cookie": // ${cookie:NAME}, ${cookie:NAME:how}
		kept, how, _ := strings.Cut(argument, ":")
		cookie, err := known(w.cookies, kept)
		if err != nil {
			return nil, err
		}
		return spoil(cookie, how)
	case "session_key", "nonce_key": // ${session_key:NAME}
		key := sha256.Sum256([]byte(name + " " + argument))
		return base64.StdEncoding.EncodeToString(key[:]), nil
	case "proof":
		if argument != "" {
			return known(w.proofs, argument)
		}
		return there(w.proof, "the request has not one proof")
	case "nonce": // ${nonce}, ${nonce:how}
		nonce, err := there(w.nonce, "no answer brought a nonce")
		if err != nil {
			return nil, err
		}
		spoiled, err := spoil("="+nonce, argument)
		return strings.TrimPrefix(spoiled, "="), err
	case "ath": // of the request's token, or ${ath:NAME}
		token := w.token
		if argument != "" {
			token = w.tokens[argument]
		}
		return w.ath(token)
	case "jwk", "jkt":
		k, err := keyNamed(argument)
		if err != nil || argument == "" {
			return nil, fmt.Errorf("${%s:%s}: no such key", name, argument)
		}
		if name == "jkt" {
			return k.thumbprint(), nil
		}
		return k.jwk(), nil
	case "private_jwk":
		k, err := keyNamed(argument)
		if err != nil {
			return nil, err
		}
		return k.privateJWK(), nil
	case "null":
		return nil, nil
	case "keys":
		if argument == "" {
			argument = "main"
		}
		var list []any
		for key := range strings.SplitSeq(argument, ",") {
			list = append(list, key)
		}
		return jwks(list)
	case "repeat": // ${repeat:100:x}
		count, what, _ := strings.Cut(argument, ":")
		n, err := strconv.Atoi(count)
		return strings.Repeat(what, n), err
	case "x5t", "hex", "xfcc", "rfc9440", "url_encoded_pem", "base64_der":
		c, err := certificate(w.pki, argument)
		if err != nil || c == nil {
			return nil, fmt.Errorf("${%s:%s}: no such certificate", name, argument)
		}
		return written(name, c), nil
	}
	if offset, ok := strings.CutPrefix(name, "now"); ok {
		return w.numericDate(offset)
	}
	return nil, fmt.Errorf("no placeholder is called %q", name)
}

// numericDate is "${now}", "${now+300}", "${now-0.5}": seconds since 1970.
func (w *world) numericDate(offset string) (any, error) {
	seconds := float64(0)
	if offset != "" {
		var err error
		if seconds, err = strconv.ParseFloat(offset, 64); err != nil {
			return nil, err
		}
	}
	at := float64(w.now.Unix()) + seconds
	return json.Number(strconv.FormatFloat(at, 'f', -1, 64)), nil
}

// there is a text that must not be missing.
func there(text, otherwise string) (string, error) {
	if text == "" {
		return "", errors.New(otherwise)
	}
	return text, nil
}

func known(all map[string]string, name string) (string, error) {
	v, there := all[name]
	if !there {
		return "", fmt.Errorf("nothing was kept as %q", name)
	}
	return v, nil
}

// written is a certificate as hosts and proxies write it.
func written(form string, c *e2e.Certificate) string {
	digest := sha256.Sum256(c.Leaf.Raw)
	switch form {
	case "x5t":
		return c.X5T()
	case "hex":
		return hex.EncodeToString(digest[:])
	case "xfcc":
		return "Hash=" + hex.EncodeToString(digest[:])
	case "rfc9440":
		return ":" + base64.StdEncoding.EncodeToString(c.Leaf.Raw) + ":"
	case "url_encoded_pem":
		return url.PathEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Leaf.Raw})))
	}
	return base64.StdEncoding.EncodeToString(c.Leaf.Raw)
}
