package scenario

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// cookieOf is the name of the session cookie.
func cookieOf(configuration string) string {
	var c struct {
		Session struct{ Cookie string }
	}
	json.Unmarshal([]byte(configuration), &c)
	return or(c.Session.Cookie, "__Host-holdfast")
}

// mostOfCookie is how long a session cookie may be, in bytes: contract §4.
const mostOfCookie = 4096

// checkSession holds what a response does to the session cookie to contract §4. A
// response of which nothing is wanted must leave it alone.
func checkSession(name string, o *outcome, want *Want) error {
	var set []string
	for _, v := range values(o.headers, "set-cookie") {
		if strings.HasPrefix(v, name+"=") {
			set = append(set, v)
		}
	}
	switch {
	case want.Session == "" && len(set) > 0:
		return fmt.Errorf("set-cookie is %.100q, want none", set)
	case want.Session == "":
		return nil
	case len(set) != 1:
		return fmt.Errorf("set-cookie is %.100q, want one", set)
	case want.Session == "cleared":
		if cleared := name + "=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"; set[0] != cleared {
			return fmt.Errorf("set-cookie is %.100q, want %q", set[0], cleared)
		}
		return nil
	}
	if got := values(o.headers, "cache-control"); len(got) != 1 || got[0] != "private, no-store" {
		return fmt.Errorf("cache-control is %q", got)
	}
	return checkStarted(set[0])
}

// checkStarted looks at one Set-Cookie, RFC 6265 §4.1. "Domain" would let other
// hosts see it and a browser refuse the name's prefix.
func checkStarted(text string) error {
	pair, rest, _ := strings.Cut(text, "; ")
	name, v, _ := strings.Cut(pair, "=")
	if v == "" || len(pair) > mostOfCookie {
		return fmt.Errorf("%s has %d bytes, want 1 to %d", name, len(v), mostOfCookie)
	}
	missing := map[string]bool{"Path=/": true, "Secure": true, "HttpOnly": true, "SameSite=Lax": true}
	for attribute := range strings.SplitSeq(rest, "; ") {
		if seconds, ok := strings.CutPrefix(attribute, "Max-Age="); ok {
			if n, err := strconv.Atoi(seconds); err != nil || n < 1 {
				return fmt.Errorf("%s has %q", name, attribute)
			}
			continue
		}
		if !missing[attribute] {
			return fmt.Errorf("%s has the attribute %q, or twice", name, attribute)
		}
		delete(missing, attribute)
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s lacks %v", name, missing)
	}
	return nil
}

// keep takes the session that a response started.
func (p *play) keep(as string, r *request, o *outcome) {
	name := cookieOf(p.configurations[r.at])
	for _, v := range values(o.headers, "set-cookie") {
		if pair, _, _ := strings.Cut(v, ";"); strings.HasPrefix(pair, name+"=") {
			p.world.cookies[as] = pair
		}
	}
}

// spoil is a session's cookie, and what a thief does to it.
func spoil(cookie, how string) (string, error) {
	name, v, _ := strings.Cut(cookie, "=")
	bytes, err := base64.RawURLEncoding.DecodeString(v)
	if err != nil {
		return "", err
	}
	switch how {
	case "":
		return cookie, nil
	case "value":
		return v, nil
	case "first":
		bytes[0] ^= 1
	case "key":
		bytes[1] ^= 1 // of the key's id
	case "nonce":
		bytes[5] ^= 1
	case "middle":
		bytes[len(bytes)/2] ^= 1
	case "last":
		bytes[len(bytes)-1] ^= 1
	case "cut":
		bytes = bytes[:len(bytes)-1]
	case "short":
		bytes = bytes[:20]
	case "padded":
		return cookie + "=", nil
	default:
		return "", fmt.Errorf("nothing is called %q that a thief does", how)
	}
	return name + "=" + segment(bytes), nil
}
