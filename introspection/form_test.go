package introspection

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
)

// The example of the appendix: a space, "%&+", a pound and a euro sign.
func TestRFC6749_AppendixB_Example(t *testing.T) {
	t.Parallel()
	if got := Form([2]string{"v", " %&+£€"}); got != "v=+%25%26%2B%C2%A3%E2%82%AC" {
		t.Error(got)
	}
}

func TestRFC6749_2_3_1_Basic(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ id, secret, want string }{
		{"s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw", "s6BhdRkqt3:7Fjfp0ZBr1KtDRbnfVdmIw"}, // the RFC's example
		{"urn:client:1", "a:b", "urn%3Aclient%3A1:a%3Ab"},
		{"a b", "p+w%d&x=y", "a+b:p%2Bw%25d%26x%3Dy"},
		{"müller", "ключ", "m%C3%BCller:%D0%BA%D0%BB%D1%8E%D1%87"},
		{"https://rp.example.com/", "~", "https%3A%2F%2Frp.example.com%2F:%7E"},
		{"", "", ":"},
	} {
		encoded, ok := strings.CutPrefix(Basic(tt.id, tt.secret), "Basic ")
		pair, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || string(pair) != tt.want {
			t.Errorf("%q, %q: %q, want %q", tt.id, tt.secret, pair, tt.want)
		}
	}
	if got := Basic("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw"); got != "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3" {
		t.Error(got)
	}
}

// A token cannot add a parameter, end its own, or be read as another token.
func TestT22e_FormInjection(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]string{
		"opaque":                     "token=opaque",
		"a&token=b":                  "token=a%26token%3Db",
		"a=b":                        "token=a%3Db",
		"a%26b":                      "token=a%2526b",
		"a+b":                        "token=a%2Bb",
		"a b":                        "token=a+b",
		"a;b#c?d":                    "token=a%3Bb%23c%3Fd",
		"a\r\nb\x00":                 "token=a%0D%0Ab%00",
		"\xff":                       "token=%FF",
		"":                           "token=",
		"AZaz09-._*~":                "token=AZaz09-._*%7E",
		"mF_9.B5f-4.1JqM~+/==":       "token=mF_9.B5f-4.1JqM%7E%2B%2F%3D%3D", // RFC 6750 §2.1: b64token
		"a&client_id=evil&x=%zz&&=&": "token=a%26client_id%3Devil%26x%3D%25zz%26%26%3D%26",
	} {
		got := Form([2]string{"token", token})
		if got != want {
			t.Errorf("%q: %s, want %s", token, got, want)
		}
		if got := Form([2]string{"token", token}, [2]string{"client_id", "gw"}); got != want+"&client_id=gw" {
			t.Errorf("%q: %s", token, got)
		}
	}
	if got := Form(); got != "" {
		t.Error(got)
	}
	if got := Form([2]string{"a&b=c", "d"}); got != "a%26b%3Dc=d" {
		t.Errorf("a name: %s", got)
	}
}

// Every byte is encoded once, and in the way that the standard library reads.
func TestRFC6749_AppendixB_EveryByte(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		value := string([]byte{'a', byte(c), 'z'})
		got, err := url.QueryUnescape(strings.TrimPrefix(Form([2]string{"v", value}), "v="))
		if err != nil || got != value {
			t.Errorf("%#x: %q, %v", c, got, err)
		}
	}
}

// FuzzForm shows that an independent reader gets back what was written, and nothing
// besides, and that nothing in a body or a field needs quoting.
func FuzzForm(f *testing.F) {
	f.Add("token", "a&token=b", "client_id", "s6BhdRkqt3")
	f.Add("token", " %&+£€", "x", "")
	f.Add("", "=", "&", "\x00\r\n;")
	f.Add("token", "\xff\xfe", "token", "%zz")
	f.Fuzz(func(t *testing.T, name, value, otherName, otherValue string) {
		body := Form([2]string{name, value}, [2]string{otherName, otherValue})
		if i := strings.IndexFunc(body, func(r rune) bool { return r <= ' ' || r > '~' || r == ';' || r == '#' }); i >= 0 {
			t.Fatalf("%q at %d", body, i)
		}
		got, err := url.ParseQuery(body)
		want := url.Values{}
		want.Add(name, value)
		want.Add(otherName, otherValue)
		if err != nil || got.Encode() != want.Encode() {
			t.Fatalf("%v, %v, want %v", got, err, want)
		}
		encoded := strings.TrimPrefix(Basic(name, value), "Basic ")
		pair, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || strings.Count(string(pair), ":") != 1 {
			t.Fatalf("%q, %v", pair, err)
		}
		id, secret, _ := strings.Cut(string(pair), ":")
		id, errID := url.QueryUnescape(id)
		secret, errSecret := url.QueryUnescape(secret)
		if errID != nil || errSecret != nil || id != name || secret != value {
			t.Fatalf("%q, %q", id, secret)
		}
	})
}
