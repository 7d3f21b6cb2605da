package jwt

import (
	"strings"

	"holdfast/strictjson"
)

// Claims is a set of claims (RFC 7519 §4): a strict JSON object. The zero value
// has none.
type Claims struct {
	object strictjson.Value
}

// NewClaims returns the claims in object, for claims that come from elsewhere
// than a token, such as an introspection response. Anything but an object has
// no claims.
func NewClaims(object strictjson.Value) Claims { return Claims{object} }

// Object returns the claims as the JSON object that they are.
func (c Claims) Object() strictjson.Value { return c.object }

// Get returns the claim of exactly this name. It is strictjson.Missing when there
// is none. Nothing in name has a special meaning.
func (c Claims) Get(name string) strictjson.Value { return c.object.Get(name) }

// Lookup returns the claim at path: the claim of exactly that name when there is
// one, and else, with dots between the names, the member of a claim, of its
// members and so on ("realm_access.roles"). It is strictjson.Missing when there
// is nothing. Names as long as URLs are found, because the whole comes first.
func (c Claims) Lookup(path string) strictjson.Value {
	v := c.object.Get(path)
	if v.Kind() != strictjson.Missing || strings.IndexByte(path, '.') < 0 {
		return v
	}
	v = c.object
	for more := true; more; {
		var name string
		name, path, more = strings.Cut(path, ".")
		v = v.Get(name)
	}
	return v
}

// maxAudiences is how many audiences a token may name. It bounds the comparing.
const maxAudiences = 256

var (
	errIssuerType   = &detail{ErrClaim, "iss is not a string"}
	errNoIssuer     = &detail{ErrMissingClaim, "iss"}
	errAudienceType = &detail{ErrClaim, "aud is neither a string nor an array of at most 256 strings"}
	errNoAudience   = &detail{ErrMissingClaim, "aud"}
)

// Issuer returns "iss" (RFC 7519 §4.1.1), a string and nothing else. Errors wrap
// [ErrMissingClaim] or [ErrClaim].
func (c Claims) Issuer() (string, error) {
	iss := c.object.Get("iss")
	if iss.Kind() == strictjson.Missing {
		return "", errNoIssuer
	}
	text, ok := iss.Text()
	if !ok {
		return "", errIssuerType
	}
	return text, nil
}

// Audiences returns "aud" (RFC 7519 §4.1.3), a string or an array of at most 256
// strings and nothing else. Errors wrap [ErrMissingClaim] or [ErrClaim].
func (c Claims) Audiences() ([]string, error) { return c.appendAudiences(nil) }

// appendAudiences is Audiences behind what is in audiences, which spares the heap a list
// that lies on the stack.
func (c Claims) appendAudiences(audiences []string) ([]string, error) {
	aud := c.object.Get("aud")
	switch aud.Kind() {
	case strictjson.Missing:
		return nil, errNoAudience
	case strictjson.String:
		text, _ := aud.Text()
		return append(audiences, text), nil
	case strictjson.Array:
		for element := range aud.Elements() {
			text, ok := element.Text()
			if !ok || len(audiences) == maxAudiences {
				return nil, errAudienceType
			}
			audiences = append(audiences, text)
		}
		return audiences, nil
	}
	return nil, errAudienceType
}
