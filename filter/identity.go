package filter

import "holdfast/filter/config"

// identity is what a verified token says of the caller, in the form in which the
// upstream and access logs are told it.
type identity struct {
	headers           []Header // "forward.claims"
	clientID, subject string   // empty for none
}

// tells is made once for a JWT that is kept: the same token says the same. An answer of
// the authorization server may say more each time.
func (v *validated) tells(c *config.Config) *identity {
	if v.known == nil || v.answer != nil {
		return v.identify(c)
	}
	if v.known.identity == nil {
		v.known.identity = v.identify(c)
	}
	return v.known.identity
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
