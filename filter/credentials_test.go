package filter

import (
	"strings"
	"testing"

	"holdfast/filter/config"
)

// fields makes header fields of "name: value" lines.
func fields(lines ...string) []Header {
	var headers []Header
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		headers = append(headers, Header{name, value})
	}
	return headers
}

var (
	fromAuthorization = config.TokenSource{Kind: config.TokenFromAuthorization}
	fromHeader        = config.TokenSource{Kind: config.TokenFromHeader, Name: "x-token"}
	fromCookie        = config.TokenSource{Kind: config.TokenFromCookie, Name: "at"}
)

func TestContract2_1_OneToken(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 64)
	only := []config.TokenSource{fromAuthorization}
	all := []config.TokenSource{fromAuthorization, fromHeader, fromCookie}
	tests := []struct {
		name    string
		sources []config.TokenSource
		path    string
		lines   []string
		token   string // with TokenAccepted
		reason  Reason
	}{
		{"none", only, "/", nil, "", NoToken},
		{"one", only, "/", []string{"authorization: Bearer abc"}, "abc", TokenAccepted},
		{"scheme in any case", only, "/", []string{"authorization: bEARER abc"}, "abc", TokenAccepted},
		{"name in any case", only, "/", []string{"Authorization: Bearer abc"}, "abc", TokenAccepted},
		{"RFC9110_11.4 more than one space", only, "/", []string{"authorization: Bearer   abc"}, "abc", TokenAccepted},
		{"RFC6750_2.1 every character", only, "/", []string{"authorization: Bearer azAZ09-._~+/=="}, "azAZ09-._~+/==", TokenAccepted},
		{"longest", only, "/", []string{"authorization: Bearer " + long}, long, TokenAccepted},
		{"Basic counts as none", only, "/", []string{"authorization: Basic YWxpY2U6c2VjcmV0"}, "", NoToken},
		{"DPoP counts as none while off", only, "/", []string{"authorization: DPoP abc"}, "", NoToken},
		{"a scheme that only begins so", only, "/", []string{"authorization: BearerX abc"}, "", NoToken},
		{"Negotiate alone", only, "/", []string{"authorization: Negotiate"}, "", NoToken},
		{"T14 Basic joined with Bearer, as Envoy does", only, "/", []string{"authorization: Basic abc,Bearer xyz"}, "", MalformedCredentials},
		{"T14 the same with a space, in lower case", only, "/", []string{"authorization: Basic abc, Digest x=1 ,\tbearer  xyz"}, "", MalformedCredentials},
		{"parameters with a comma are one scheme's", only, "/", []string{`authorization: Digest username="bearer", realm="Bearer x"`}, "", NoToken},
		{"Basic beside a cookie", all, "/", []string{"authorization: Basic abc", "cookie: at=xyz"}, "xyz", TokenAccepted},
		{"header", all, "/", []string{"x-token: abc"}, "abc", TokenAccepted},
		{"cookie", all, "/", []string{"cookie: a=b; at=xyz; c=d"}, "xyz", TokenAccepted},
		{"cookie without space", all, "/", []string{"cookie: a=b;at=xyz;c"}, "xyz", TokenAccepted},
		{"HTTP/2 cookies in fields of their own", all, "/", []string{"cookie: a=b", "cookie: at=xyz", "cookie: c=d"}, "xyz", TokenAccepted},
		{"cookie value with =", all, "/", []string{"cookie: at=xyz=="}, "xyz==", TokenAccepted},
		{"cookie of another case", all, "/", []string{"cookie: AT=xyz"}, "", NoToken},
		{"cookie of a longer name", all, "/", []string{"cookie: xat=xyz; at2=xyz; at"}, "", NoToken},
		{"cookie where none is taken", only, "/", []string{"cookie: at=xyz"}, "", NoToken},
		{"other header where none is taken", only, "/", []string{"x-token: xyz"}, "", NoToken},
		{"in the query alone is never read", only, "/?access_token=abc", nil, "", NoToken},

		{"T14 two fields, good first", only, "/", []string{"authorization: Bearer abc", "authorization: Bearer x"}, "", MultipleTokens},
		{"T14 the same twice", only, "/", []string{"authorization: Bearer abc", "Authorization: Bearer abc"}, "", MultipleTokens},
		{"T14 a second field of another scheme", only, "/", []string{"authorization: Bearer abc", "authorization: Basic abc"}, "", MultipleTokens},
		{"T14 two fields, none of them ours", only, "/", []string{"authorization: Basic abc", "authorization: Basic abc"}, "", MultipleTokens},
		{"T14 header twice", all, "/", []string{"x-token: abc", "x-token: abc"}, "", MultipleTokens},
		{"T14 authorization and header", all, "/", []string{"authorization: Bearer abc", "x-token: abc"}, "", MultipleTokens},
		{"T14 authorization and cookie", all, "/", []string{"authorization: Bearer abc", "cookie: at=abc"}, "", MultipleTokens},
		{"T14 header and its twin", all, "/", []string{"x-token: abc", "X_Token: xyz"}, "", MultipleTokens},
		{"the twin of a header alone", all, "/", []string{"x_token: abc"}, "", MalformedCredentials},
		{"T14 cookie twice, once with a blank before =", all, "/", []string{"cookie: at =xyz; at=abc"}, "", MultipleTokens},
		{"T14 cookie twice, once with a tab before =", all, "/", []string{"cookie: at=abc; at\t= xyz"}, "", MultipleTokens},
		{"cookie with blanks around =", all, "/", []string{"cookie: a=b; at = xyz"}, "xyz", TokenAccepted},
		{"T14 header and cookie", all, "/", []string{"x-token: abc", "cookie: at=abc"}, "", MultipleTokens},
		{"T14 cookie twice", all, "/", []string{"cookie: at=abc; at=abc"}, "", MultipleTokens},
		{"T14 cookie twice, in two fields", all, "/", []string{"cookie: at=abc", "cookie: at=abc"}, "", MultipleTokens},
		{"T14 token and query", only, "/?access_token=abc", []string{"authorization: Bearer abc"}, "", MultipleTokens},
		{"T14 token and empty query parameter", only, "/?access_token", []string{"authorization: Bearer abc"}, "", MultipleTokens},
		{"T14 token and later query parameter", only, "/?a=b&access_token=abc", []string{"authorization: Bearer abc"}, "", MultipleTokens},
		{"T14 token and query parameter behind ;", only, "/?a=b;access_token=abc", []string{"authorization: Bearer abc"}, "", MultipleTokens},
		{"T14 token and escaped query parameter", only, "/?%61ccess%5ftoke%6E=abc", []string{"authorization: Bearer abc"}, "", MultipleTokens},
		{"cookie and query", all, "/?access_token=abc", []string{"cookie: at=abc"}, "", MultipleTokens},
		{"a longer parameter", only, "/?access_token2=a&xaccess_token=b", []string{"authorization: Bearer abc"}, "abc", TokenAccepted},
		{"a shorter parameter", only, "/?access=a&=b", []string{"authorization: Bearer abc"}, "abc", TokenAccepted},
		{"a bad escape stands for itself", only, "/?access_token%=a&%zzaccess_token=b&access_toke%6", []string{"authorization: Bearer abc"}, "abc", TokenAccepted},
		{"in the path, not the query", only, "/access_token=abc", []string{"authorization: Bearer abc"}, "abc", TokenAccepted},
		{"as a value", only, "/?a=access_token", []string{"authorization: Bearer abc"}, "abc", TokenAccepted},

		{"T14 comma-joined", only, "/", []string{"authorization: Bearer abc, Bearer xyz"}, "", MalformedCredentials},
		{"T14 comma-joined without space", only, "/", []string{"authorization: Bearer abc,xyz"}, "", MalformedCredentials},
		{"scheme alone", only, "/", []string{"authorization: Bearer"}, "", MalformedCredentials},
		{"scheme and spaces", only, "/", []string{"authorization: Bearer  "}, "", MalformedCredentials},
		{"empty field", only, "/", []string{"authorization: "}, "", MalformedCredentials},
		{"no scheme", only, "/", []string{"authorization:  abc"}, "", MalformedCredentials},
		{"tab for space", only, "/", []string{"authorization: Bearer\tabc"}, "", MalformedCredentials},
		{"no scheme name", only, "/", []string{"authorization: Bearer=abc abc"}, "", MalformedCredentials},
		{"space behind", only, "/", []string{"authorization: Bearer abc "}, "", MalformedCredentials},
		{"two words", only, "/", []string{"authorization: Bearer abc def"}, "", MalformedCredentials},
		{"auth-params", only, "/", []string{`authorization: Bearer token="abc"`}, "", MalformedCredentials},
		{"padding alone", only, "/", []string{"authorization: Bearer =="}, "", MalformedCredentials},
		{"padding within", only, "/", []string{"authorization: Bearer a=b"}, "", MalformedCredentials},
		{"T24 line feed", only, "/", []string{"authorization: Bearer abc\n"}, "", MalformedCredentials},
		{"NUL", only, "/", []string{"authorization: Bearer abc\x00"}, "", MalformedCredentials},
		{"beyond ASCII", only, "/", []string{"authorization: Bearer äbc"}, "", MalformedCredentials},
		{"malformed beside a good cookie", all, "/", []string{"authorization: Bearer", "cookie: at=xyz"}, "", MalformedCredentials},
		{"empty header", all, "/", []string{"x-token: "}, "", MalformedCredentials},
		{"header with a scheme", all, "/", []string{"x-token: Bearer abc"}, "", MalformedCredentials},
		{"empty cookie", all, "/", []string{"cookie: at="}, "", MalformedCredentials},
		{"quoted cookie", all, "/", []string{`cookie: at="abc"`}, "", MalformedCredentials},

		{"T17 one byte too long", only, "/", []string{"authorization: Bearer " + long + "a"}, "", TokenTooLarge},
		{"T17 cookie too long", all, "/", []string{"cookie: at=" + long + "a"}, "", TokenTooLarge},
		{"T17 8000 dots", only, "/", []string{"authorization: Bearer " + strings.Repeat(".", 8000)}, "", TokenTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := &decider{config: &config.Config{TokenSources: tt.sources, Limits: config.Limits{TokenBytes: len(long)}}}
			got, reason := d.credentials(&request{path: tt.path, fields: fields(tt.lines...)})
			if reason != tt.reason || got.token != tt.token {
				t.Errorf("%q, %s; want %q, %s", got.token, reason, tt.token, tt.reason)
			}
		})
	}
}

func TestRFC9110_5_6_2_Token(t *testing.T) {
	t.Parallel()
	const special = "!#$%&'*+-.^_`|~"
	for c := range 256 {
		s := string([]byte{'a', byte(c)})
		want := strings.IndexByte(special, byte(c)) >= 0 || isAlphanumeric(byte(c))
		if isHTTPToken(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
		if wantB64 := strings.IndexByte("-._~+/=", byte(c)) >= 0 || isAlphanumeric(byte(c)); isB64Token(s) != wantB64 {
			t.Errorf("RFC6750_2.1 %q: %v", s, !wantB64)
		}
	}
	if isHTTPToken("") || isB64Token("") {
		t.Error("the empty string is a token")
	}
}
