package filter

import "holdfast/filter/config"

// identity is what a verified token says of the caller, in the form in which the
// upstream and access logs are told it.
type identity struct {
	headers           []Header // "forward.claims"
	clientID, subject string   // empty for none
}

// tells is what the upstream and the access log are told of an accepted token.
func (v *validated) tells(c *config.Config) *identity {
	if v.known != nil && v.known.identity != nil {
		return v.known.identity
	}
	return v.identify(c)
}

// remember has the next request with a JWT be told the same at no cost. It comes before
// the cache, which counts what it keeps. An answer of the authorization server may say
// more each time, so nothing is remembered beside one.
func (v *validated) remember(c *config.Config) {
	if v.known != nil && !v.known.kept && v.answer == nil {
		v.known.identity = v.identify(c)
	}
}

func (v *validated) identify(c *config.Config) *identity {
	i := &identity{clientID: v.told("client_id"), subject: v.told("sub")}
	for _, forward := range c.Forward.Claims {
		if text, ok := headerText(v.lookup(forward.Claim)); ok {
			i.headers = append(i.headers, Header{forward.Header, text})
		}
	}
	return i
}

// size is about how many bytes it keeps.
func (i *identity) size() int {
	if i == nil {
		return 0
	}
	size := len(i.clientID) + len(i.subject)
	for _, header := range i.headers {
		size += 64 + len(header.Value)
	}
	return size
}

// told is a claim as access logs are told it: at most 256 bytes, with nothing in them
// that could end a line.
func (v *validated) told(claim string) string {
	text, _ := v.get(claim).Text()
	return escapeHeader(clip(text, 256), false)
}
