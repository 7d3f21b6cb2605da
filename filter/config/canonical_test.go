package config

import (
	"encoding/json"
	"strings"
	"testing"

	"holdfast/strictjson"
)

func canonicalOf(t testing.TB, doc string) string {
	t.Helper()
	value, err := strictjson.Parse(doc)
	if err != nil {
		t.Fatalf("%v\nin %s", err, doc)
	}
	return string(appendCanonical(nil, value))
}

// Each line is one value in several spellings, and no two lines are one value.
func TestCanonicalForm(t *testing.T) {
	t.Parallel()
	lines := [][]string{
		{`1024`, `1024.0`, `1.024e3`, `10240E-1`, " 1024\n"},
		{`-1024`},
		{`0.1`, `1e-1`, `0.10`},
		{`9007199254740993`, `9007199254740992`}, // a Struct holds no more
		{`1e999`},
		{`1e998`},
		{`"1024"`, "\"\\u0031024\""},
		{`"a/b"`, `"a\/b"`, `"\u0061/b"`},
		{`"é"`, `"\u00e9"`, `"\u00E9"`},
		{`"e\u0301"`}, // an e and an accent
		{`"😀"`, `"\ud83d\ude00"`},
		{`""`}, {`"\u0000"`}, {`null`}, {`true`}, {`false`}, {`"true"`}, {`"null"`}, {`0`}, {`1`},
		{`[]`, `[ ]`}, {`{}`, "{\n}"}, {`[[]]`}, {`[[],[]]`}, {`[[[]]]`}, {`[{}]`}, {`[null]`}, {`[0]`}, {`[""]`}, {`[1024]`, `[1024.0]`},
		{`["a","b"]`}, {`["b","a"]`}, {`["ab"]`}, {`["a,b"]`}, {`["a",["b"]]`}, {`[["a"],"b"]`}, {`["a","b",""]`},
		{`{"a":1,"b":2}`, `{"b":2,"a":1}`, `{"b":2.0, "\u0061":1}`},
		{`{"a":2,"b":1}`}, {`{"a":1}`}, {`{"a":{"b":2}}`}, {`{"a":[1]}`}, {`{"a":"1"}`}, {`{"":1}`}, {`{"a":1,"b":2,"c":{}}`},
		{`["a",1,"b",2]`}, {`{"A":1,"b":2}`}, {`{"ab":2}`}, {`{"a":null}`},
		{`{"a":{"b":1},"c":2}`, `{"c":2,"a":{"b":1}}`}, {`{"a":{"b":1,"c":2}}`, `{"a":{"c":2,"b":1}}`},
	}
	seen := map[string]string{}
	for _, line := range lines {
		want := canonicalOf(t, line[0])
		if other := seen[want]; other != "" {
			t.Errorf("%s and %s have one form", line[0], other)
		}
		seen[want] = line[0]
		for _, doc := range line[1:] {
			if canonicalOf(t, doc) != want {
				t.Errorf("%s and %s have two forms", line[0], doc)
			}
		}
	}
	if other := seen[string(appendCanonical(nil, strictjson.Value{}))]; other != "" {
		t.Errorf("an absent section and %s have one form", other)
	}
}

// FuzzCanonical holds the form against encoding/json, which sorts members: two
// documents have one form exactly when encoding/json writes them alike.
func FuzzCanonical(f *testing.F) {
	for _, doc := range fullDocuments() {
		f.Add(doc, `{}`)
	}
	f.Add(`{"b":[1,2.0,"x"],"a":null}`, `{"a":null,"b":[1.0,2,"\u0078"]}`)
	f.Add(`["a","b"]`, `["a,b"]`)
	f.Fuzz(func(t *testing.T, a, b string) {
		first, ok := rewritten(a)
		if !ok {
			return
		}
		if canonicalOf(t, a) != canonicalOf(t, first) {
			t.Errorf("%s and %s have two forms", a, first)
		}
		if second, ok := rewritten(b); ok && (canonicalOf(t, a) == canonicalOf(t, b)) != (first == second) {
			t.Errorf("%s and %s: one form is not what encoding/json says", a, b)
		}
	})
}

// rewritten is the document as encoding/json writes it, if that is certain to say
// the same: not with numbers beyond float64, and not with a zero below zero.
func rewritten(doc string) (text string, ok bool) {
	var value any
	if _, err := strictjson.Parse(doc); err != nil || json.Unmarshal([]byte(doc), &value) != nil {
		return "", false
	}
	b, err := json.Marshal(value)
	return string(b), err == nil && !strings.Contains(string(b), "-0")
}
