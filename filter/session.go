package filter

import (
	"strconv"
	"strings"
	"time"

	"holdfast/filter/config"
	"holdfast/session"
)

// sessions turn good requests into cookies and cookies back into tokens. The
// cookie holds the token itself, so a session is decided by the same code and the
// same caches as its token, and lasts no longer.
type sessions struct {
	host     Host
	settings *config.Session
	keys     *session.Keys
}

// sessionState is what a request's session cookie was good for.
type sessionState uint8

const (
	sessionAbsent  sessionState = iota
	sessionUsed                 // the token came from it
	sessionForeign              // another site caused the request: counts as absent
	sessionBad                  // can't be opened, has ended, or stands there twice: counts as absent, and is cleared
)

// sessionUse is what a decision knows of the session cookie.
type sessionUse struct {
	state sessionState
	token string // with sessionUsed
}

// refused reports whether a session was shown and did not count.
func (u sessionUse) refused(reason Reason) bool {
	return u.state == sessionForeign || u.state == sessionBad ||
		u.state == sessionUsed && reason.class() == &invalidToken
}

// read looks for a session in a request without a token.
func (s *sessions) read(r *request, now time.Time) sessionUse {
	if s == nil {
		return sessionUse{}
	}
	values := r.cookies(s.settings.Cookie)
	switch {
	case len(values) == 0:
		return sessionUse{}
	case isForeign(r):
		return sessionUse{state: sessionForeign}
	case len(values) > 1:
		return sessionUse{state: sessionBad}
	}
	opened, err := s.keys.Open(values[0], s.settings.Settings[:])
	if err != nil || !now.Before(opened.Ends) || opened.Ends.Sub(now) > s.settings.Lifetime {
		return sessionUse{state: sessionBad}
	}
	return sessionUse{sessionUsed, opened.Token}
}

// isForeign reports whether another site, or another origin of the same site, caused
// the request: a cookie is sent without the user's will. Navigation is free: it
// shows the page to the user and to nobody else.
func isForeign(r *request) bool {
	if isNavigation(r) {
		return false
	}
	if origin, fields := r.field("origin"); fields > 1 || fields == 1 && !isOwnOrigin(origin, r.authority) {
		return true
	}
	site, fields := r.field("sec-fetch-site")
	return fields > 1 || fields == 1 && site != "same-origin" && site != "none"
}

// isNavigation reads the Fetch Metadata headers, which scripts cannot set. What
// <object> and <embed> load is no navigation of the user's.
func isNavigation(r *request) bool {
	if r.method != "GET" && r.method != "HEAD" {
		return false
	}
	mode, modes := r.field("sec-fetch-mode")
	destination, _ := r.field("sec-fetch-dest")
	return modes == 1 && mode == "navigate" && destination != "object" && destination != "embed"
}

// isOwnOrigin compares with the origin that the cookie belongs to: it is Secure,
// so the scheme is https.
func isOwnOrigin(origin, authority string) bool {
	host, ok := strings.CutPrefix(strings.ToLower(origin), "https://")
	return ok && strings.TrimSuffix(host, ":443") == strings.TrimSuffix(strings.ToLower(authority), ":443")
}

// start returns the Set-Cookie value of a new session for an accepted request, or
// nothing when there is none to start.
func (s *sessions) start(d Decision, r *request, now time.Time) string {
	if s == nil || d.Reason != TokenAccepted || d.Reported != TokenAccepted || d.proof.binding != byCertificate ||
		d.session.state == sessionUsed {
		return ""
	}
	token := d.credential.token
	if has := s.read(r, now); has.state == sessionUsed && has.token == token {
		return "" // the client has it already
	}
	ends := now.Add(s.settings.Lifetime)
	if expires, has := d.validated.expires(); has && expires.Before(ends) {
		ends = expires
	}
	// Whole seconds, rounded down: never longer than the token.
	seconds := int64(ends.Sub(now) / time.Second)
	if seconds <= 0 {
		return ""
	}
	var nonce [session.NonceSize]byte
	if err := s.host.Random(nonce[:]); err != nil {
		return "" // a nonce that comes twice would open the seal
	}
	sealed := s.keys.Seal(session.Session{Token: token, Ends: now.Add(time.Duration(seconds) * time.Second)}, s.settings.Settings[:], nonce)
	cookie := s.setCookie(sealed, seconds)
	if len(cookie) > maxCookie {
		return ""
	}
	return cookie
}

// maxCookie is what every browser stores (RFC 6265 §6.1).
const maxCookie = 4096

// clear is the Set-Cookie value that removes the cookie.
func (s *sessions) clear() string { return s.setCookie("", 0) }

func (s *sessions) setCookie(value string, seconds int64) string {
	return s.settings.Cookie + "=" + value + "; Path=/; Max-Age=" + strconv.FormatInt(seconds, 10) + "; Secure; HttpOnly; SameSite=Lax"
}

// cookieFor is what the response has to set: the start of a session, or the end of
// a bad one. While keys or answers are out of reach nothing is known against one.
func (s *sessions) cookieFor(d Decision, r *request, now time.Time) (cookie string, starts bool) {
	switch {
	case s == nil || d.session.state == sessionForeign:
		return "", false
	case d.session.state == sessionBad, d.session.refused(d.Reason):
		return s.clear(), false
	}
	cookie = s.start(d, r, now)
	return cookie, cookie != ""
}
