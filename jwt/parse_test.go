package jwt

import (
	"errors"
	"strings"
	"testing"

	"holdfast/strictjson"
)

func TestAlgorithmNames(t *testing.T) {
	for _, a := range allAlgorithms {
		if got, ok := ParseAlgorithm(a.String()); !ok || got != a {
			t.Errorf("%v: %v, %v", a, got, ok)
		}
	}
	for _, name := range []string{"", "none", "HS256", "invalid", "es256", "ES256 ", "Ed25519"} {
		if got, ok := ParseAlgorithm(name); ok || got != 0 {
			t.Errorf("%q: %v", name, got)
		}
	}
	for _, a := range []Algorithm{0, EdDSA + 1, 255} {
		if a.String() != "invalid" {
			t.Errorf("%d is called %s", uint8(a), a)
		}
	}
}

func TestParseHeader(t *testing.T) {
	for _, test := range []struct {
		header string
		want   Header
		err    error
	}{
		{`{"alg":"ES256"}`, Header{Algorithm: ES256}, nil},
		{" {\r\n\"alg\" : \"ES256\" } ", Header{Algorithm: ES256}, nil},
		{`{"\u0061lg":"\u0045S256"}`, Header{Algorithm: ES256}, nil},
		{`{"alg":"PS512","kid":"","typ":"JWT"}`, Header{PS512, "", true, "JWT"}, nil},
		{`{"alg":"EdDSA","kid":"k","cty":"JWT","x":[1]}`, Header{EdDSA, "k", true, ""}, nil},
		{`{"alg":"ES256","typ":1}`, Header{}, ErrMalformed},
		{`{"alg":"ES256","typ":null}`, Header{}, ErrMalformed},
		{`{"alg":"ES256","typ":""}`, Header{}, ErrMalformed},
		{`{"alg":"ES256","typ":["at+jwt"]}`, Header{}, ErrMalformed},
		{`{"alg":"ES256","kid":null}`, Header{}, ErrMalformed},
		{`{}`, Header{}, ErrAlgorithm},
		{``, Header{}, ErrMalformed},
		{`[]`, Header{}, ErrMalformed},
		{`["alg","ES256"]`, Header{}, ErrMalformed},
		{`null`, Header{}, ErrMalformed},
		{`"ES256"`, Header{}, ErrMalformed},
		{`{"alg":"ES256"}{}`, Header{}, ErrMalformed},
		{`{"alg":"ES256"`, Header{}, ErrMalformed},
		{"\ufeff" + `{"alg":"ES256"}`, Header{}, ErrMalformed},
		{"{\"alg\":\"ES256\",\"x\":\"\xff\"}", Header{}, ErrMalformed},
		{`{"alg":"ES256","x":"\ud800"}`, Header{}, ErrMalformed},
	} {
		t.Run(test.header, func(t *testing.T) {
			token, err := Parse(encodeURL([]byte(test.header)) + ".e30.AA")
			if !errors.Is(err, test.err) || (err == nil) != (token != nil) {
				t.Fatalf("%v, want %v", err, test.err)
			}
			if err == nil && token.Header() != test.want {
				t.Errorf("%+v, want %+v", token.Header(), test.want)
			}
		})
	}
}

func TestParsePayload(t *testing.T) {
	for _, payload := range []string{
		``, ` `, `[]`, `null`, `1`, `"a"`, `{`, `{}{}`, `{}x`, `{"a":1,}`, "{\"a\":\"\xff\"}", `{"a":"\udc00"}`, "\ufeff{}", "{}\x00",
		"eyJhbGciOiJub25lIn0.e30.", // a nested token
	} {
		is := newIssuer(ES256)
		if _, err := Parse(is.compact(is.header(), payload)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", payload, err)
		}
	}
}

func TestIsJWT(t *testing.T) {
	segment := func(text string) string { return encodeURL([]byte(text)) }
	for _, test := range []struct {
		name, token string
		want        bool
	}{
		{"good", rfc7515TokenA3, true},
		{"header only", segment(`{"alg":"ES256"}`), true},
		{"JWE", segment(`{"alg":"dir","enc":"A128GCM"}`) + "....", true},
		{"enc only", segment(`{"enc":"A128GCM"}`) + ".x", true},
		{"none", segment(`{"alg":"none"}`) + ".e30.", true},
		{"alg of another type", segment(`{"alg":null}`) + ".x.y", true},
		{"alg is not first", segment(`{"typ":"JWT","x":{"y":[1,2,"]"]},"alg":"x"}`) + ".x.y", true},
		{"twice", segment(`{"alg":"a","alg":"b"}`) + ".x.y", true},
		{"other case", segment(`{"ALG":"a"}`) + ".x.y", true},
		{"escaped", segment(`{"\u0061\u006C\u0067":"a"}`) + ".x.y", true},
		{"escaped in part", segment(`{"e\u006Ec" :1}`) + ".x.y", true},
		{"padded", segment(`{"alg":"ES25"}`) + "==.x.y", true},
		{"in a query spelling", segment(`{"alg":"ES25"}`) + "%3D%3D.x.y", true},
		{"standard alphabet", strings.NewReplacer("-", "+", "_", "/").Replace(segment(`{"x":"?>?>","alg":"a"}`)) + ".x", true},
		{"line breaks", "eyJh\r\nbGciOiJhIn0.x.y", true},
		{"white space around the JSON", segment(" \r\n\t{ \"alg\" \n: 1}"), true},
		{"byte order mark", segment("\ufeff{\"alg\":1}"), true},
		{"cut off", segment(`{"alg":"ES256","ki`) + ".x.y", true},
		{"trailing bytes", segment(`{"alg":"ES256"}xyz`) + ".x.y", true},
		{"bad UTF-8", segment("{\"\xff\":1,\"alg\":1}") + ".x.y", true},
		{"deep", segment(strings.Repeat(`{"a":`, 3000)+"1"+strings.Repeat("}", 2999)+`,"alg":1}`) + ".x.y", true},
		{"not strict JSON", segment(`{alg:1,"alg":1}`), true},
		{"long", segment(`{"x":"`+strings.Repeat("y", 5000)+`","alg":"a"}`) + ".x.y", true},

		{"nothing", "", false},
		{"dots", "...", false},
		{"opaque", "2YotnFZFEjr1zCsicMWpAA", false},
		{"RFC 9449 figure 13", "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU", false},
		{"opaque with dots", "a.b.c", false},
		{"object of other members", segment(`{"v":1,"k":"2"}`) + ".x.y", false},
		{"alg is nested", segment(`{"v":{"alg":"a"}}`) + ".x.y", false},
		{"alg in an array", segment(`[{"alg":"a"}]`) + ".x.y", false},
		{"alg as a value", segment(`{"v":"alg"}`) + ".x.y", false},
		{"alg as a value before a colon in a string", segment(`{"v":"alg\":"}`) + ".x.y", false},
		{"alg in a string", segment(`{"v":"{\"alg\":1}"}`) + ".x.y", false},
		{"much longer name", segment(`{"algalgalgalgalgalgalgalg":1}`) + ".x.y", false},
		{"longer name", segment(`{"alg2":1,"xalg":1,"":1}`) + ".x.y", false},
		{"a name that ends in a backslash", segment(`{"alg\\":1}`) + ".x.y", false},
		{"bare string", segment(`"alg":1`) + ".x.y", false},
		{"name is cut off", segment(`{"alg`) + ".x.y", false},
		{"name without a colon", segment(`{"alg"`) + ".x.y", false},
		{"second segment", "abc." + segment(`{"alg":"a"}`), false},
		{"JSON itself", `{"alg":"ES256"}`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := IsJWT(test.token); got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}

// TestIsJWTNeverBelowParse shows that whatever Parse takes is a JWT.
func TestIsJWTNeverBelowParse(t *testing.T) {
	for _, a := range allAlgorithms {
		is := newIssuer(a)
		if token := is.compact(is.header(), goodClaims); !IsJWT(token) {
			t.Errorf("%v", a)
		}
	}
}

// TestZeroToken shows that a Token which nobody has parsed is no reason to panic.
func TestZeroToken(t *testing.T) {
	var token Token
	if token.Header() != (Header{}) || token.HeaderParameter("alg").Kind() != strictjson.Missing || token.Claims().Get("iss").Kind() != strictjson.Missing {
		t.Error("the zero Token says something")
	}
}
