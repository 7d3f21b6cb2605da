package config

import "strings"

// check returns what is wanted of a text, or nothing when the text is that.
type check func(s string) (problem string)

// printable: some text that can stand in a log line.
func printable(s string) string {
	if s == "" || strings.IndexFunc(s, isControl) >= 0 {
		return "must be a text that is not empty and has no control characters"
	}
	return ""
}

// isControl is true of the C0 and C1 controls and of the line separators.
func isControl(r rune) bool {
	return r < ' ' || 0x7F <= r && r <= 0x9F || r == 0x2028 || r == 0x2029
}

// challengeText: a text that a quoted-string of a challenge holds as it is, so
// that nothing in a configuration can break out of WWW-Authenticate.
func challengeText(s string) string {
	if s == "" || !all(s, isChallengeByte) {
		return "must be printable ASCII without quotes and backslashes, and not empty"
	}
	return ""
}

// scopeToken: RFC 6749 §3.3. Challenges list scopes and acr values with spaces
// between them.
func scopeToken(s string) string {
	if s == "" || !all(s, func(c byte) bool { return c != ' ' && isChallengeByte(c) }) {
		return "must be printable ASCII without spaces, quotes and backslashes, and not empty"
	}
	return ""
}

func isChallengeByte(c byte) bool {
	return ' ' <= c && c <= '~' && c != '"' && c != '\\'
}

// method: RFC 9110 §9.1. Methods are compared exactly, so "post" would never
// match and the request would go on to a weaker rule.
func method(s string) string {
	if !isToken(s) || strings.ToUpper(s) != s {
		return "must be an HTTP method in upper case"
	}
	return ""
}

// cookieName: RFC 6265 §4.1.1.
func cookieName(s string) string {
	if !isToken(s) {
		return "must be a cookie name"
	}
	return ""
}

// envName: what environ(7) can hold as a name.
func envName(s string) string {
	if printable(s) != "" || strings.Contains(s, "=") {
		return `must be the name of an environment variable: not empty, without "=" and control characters`
	}
	return ""
}

// mediaType: what "typ" may be (RFC 7515 §4.1.9); empty for no typ.
func mediaType(s string) string {
	if !all(s, func(c byte) bool { return c == '/' || isTokenByte(c) }) || strings.EqualFold(s, "application/") {
		return `must be a media type such as "at+jwt", or "" for none`
	}
	return ""
}

// isToken: RFC 9110 §5.6.2.
func isToken(s string) bool { return s != "" && all(s, isTokenByte) }

func isTokenByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

func all(s string, is func(c byte) bool) bool {
	for i := range len(s) {
		if !is(s[i]) {
			return false
		}
	}
	return true
}
