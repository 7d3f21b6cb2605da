package filter

import (
	"net/url"
	"strings"
	"testing"

	"holdfast/strictjson"
)

// The end of contract §2: how a claim is written into a header.
func TestContract2_ClaimAsHeader(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, claim, want string
		none              bool
	}{
		{name: "string", claim: `"alice"`, want: "alice"},
		{name: "empty string", claim: `""`, want: ""},
		{name: "number", claim: `12.50e3`, want: "12.50e3"},
		{name: "boolean", claim: `true`, want: "true"},
		{name: "comma in a string", claim: `"a,b"`, want: "a,b"},
		{name: "percent", claim: `"100%2C"`, want: "100%252C"},
		{name: "space within", claim: `"a b"`, want: "a b"},
		{name: "spaces at the edges", claim: `" a "`, want: "%20a%20"},
		{name: "one space", claim: `" "`, want: "%20"},
		{name: "T24 CR and LF", claim: `"a\r\nx-admin: 1"`, want: "a%0D%0Ax-admin: 1"},
		{name: "NUL", claim: `"a\u0000b"`, want: "a%00b"},
		{name: "tab and DEL", claim: `"\t\u007f"`, want: "%09%7F"},
		{name: "beyond ASCII", claim: `"Zoë"`, want: "Zo%C3%AB"},
		{name: "array", claim: `["a","b"]`, want: "a,b"},
		{name: "array of one", claim: `["a"]`, want: "a"},
		{name: "array with a comma in an element", claim: `["a,b","c"]`, want: "a%2Cb,c"},
		{name: "array with edge spaces", claim: `[" a","b "]`, want: "%20a,b%20"},
		{name: "mixed array", claim: `["a",1,true,{"b":[1,2]}]`, want: `a,1,true,{"b":[1%2C2]}`},
		{name: "array with an empty element", claim: `["","a"]`, want: ",a"},
		{name: "object", claim: `{"a": ["x","y"]}`, want: `{"a": ["x","y"]}`},
		{name: "object over two lines", claim: "{\"a\":\n1}", want: `{"a":%0A1}`},
		{name: "null", claim: `null`, none: true},
		{name: "empty array", claim: `[]`, none: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := strictjson.Parse(tt.claim)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := headerText(v); got != tt.want || ok == tt.none {
				t.Errorf("%q, %v; want %q", got, ok, tt.want)
			}
		})
	}
	if _, ok := headerText(strictjson.Value{}); ok {
		t.Error("a missing claim has a text")
	}
}

// Whatever a claim holds, the header is one line of printable characters, means
// what was written, and an element of an array stays one element.
func FuzzClaimAsHeader(f *testing.F) {
	for _, seed := range []string{"", " ", "%", "a,b", "\r\n", "Zoë", "\x00\xff", "  a  "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, inArray := range []bool{false, true} {
			got := escapeHeader(s, inArray)
			for _, c := range []byte(got) {
				if c < ' ' || c > '~' || c == ',' && inArray {
					t.Errorf("%q became %q", s, got)
				}
			}
			if got != strings.Trim(got, " ") {
				t.Errorf("%q has a space at an edge", got)
			}
			if back, err := url.PathUnescape(got); err != nil || back != s {
				t.Errorf("%q became %q, and that %q", s, got, back)
			}
		}
	})
}
