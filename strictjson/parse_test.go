package strictjson

import (
	"errors"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// mustParse is for documents that the test takes for granted.
func mustParse(t testing.TB, doc string) Value {
	t.Helper()
	v, err := Parse(doc)
	if err != nil {
		t.Fatalf("Parse(%.80q): %v", doc, err)
	}
	return v
}

// nested returns depth arrays or objects in one another.
func nested(open, shut string, depth int) string {
	return strings.Repeat(open, depth) + "1" + strings.Repeat(shut, depth)
}

func TestParseAccepts(t *testing.T) {
	for _, test := range []struct {
		name, doc string
		kind      Kind
		raw       string
	}{
		{"null", `null`, Null, `null`},
		{"true", `true`, Bool, `true`},
		{"false", `false`, Bool, `false`},
		{"number", `-0.5e+3`, Number, `-0.5e+3`},
		{"empty string", `""`, String, `""`},
		{"empty array", `[]`, Array, `[]`},
		{"empty object", `{}`, Object, `{}`},
		{"space around", " \t\r\n{ \"a\" : [ 1 , 2 ] } \t\r\n", Object, `{ "a" : [ 1 , 2 ] }`},
		{"space around a scalar", " 1 ", Number, `1`},
		{"same name in different objects", `{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}`, Object, ""},
		{"names that differ in case only", `{"aud":1,"AUD":2,"Aud":3}`, Object, ""},
		{"long s is not s", "{\"sub\":1,\"\u017fub\":2}", Object, ""},
		{"names that differ in normalisation", "{\"\u00e9\":1,\"e\u0301\":2}", Object, ""},
		{"surrogate pair", `"\ud83d\ude00"`, String, ""},
		{"replacement character", `"\ufffd"`, String, ""},
		{"escaped backslash before u", `"\\ud800"`, String, ""},
		{"NUL escape", `"\u0000"`, String, ""},
		{"brackets in a string", `"` + strings.Repeat("[", 100) + `"`, String, ""},
		{"as deep as allowed, arrays", nested("[", "]", MaxDepth), Array, ""},
		{"as deep as allowed, objects", nested(`{"a":`, "}", MaxDepth), Object, ""},
		{"as long as allowed", strings.Repeat(" ", MaxSize-1) + "1", Number, "1"},
		{"wide", "[" + strings.Repeat("[],", 5000) + "[]]", Array, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := mustParse(t, test.doc)
			if v.Kind() != test.kind {
				t.Errorf("kind %v, want %v", v.Kind(), test.kind)
			}
			want := test.raw
			if want == "" {
				want = test.doc
			}
			if v.Raw() != want {
				t.Errorf("raw %q, want %q", v.Raw(), want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct {
		name, doc string
		want      error
	}{
		{"nothing", "", errSyntax},
		{"white space only", " \n", errSyntax},
		{"trailing bytes", `{}x`, errSyntax},
		{"two documents", `{}{}`, errSyntax},
		{"trailing NUL", "{}\x00", errSyntax},
		{"trailing comma", `{"a":1,}`, errSyntax},
		{"trailing comma in an array", `[1,]`, errSyntax},
		{"two elements without a comma", `[1 2]`, errSyntax},
		{"two members without a comma", `{"a":1 "b":2}`, errSyntax},
		{"no colon", `{"a" 1}`, errSyntax},
		{"a bracket too many", `[1]]`, errSyntax},
		{"member that is no string", `{1:1}`, errSyntax},
		{"no value", `{"a":}`, errSyntax},
		{"comma first", `[,1]`, errSyntax},
		{"number with two points", `1.2.3`, errSyntax},
		{"minus alone", `[-]`, errSyntax},
		{"exponent without digits", `1e+`, errSyntax},
		{"word that goes on", `[nulll]`, errSyntax},
		{"DEL outside of a string", "\x7f{}", errSyntax},
		{"truncated", `{"a":`, errSyntax},
		{"unclosed string", `{"a`, errSyntax},
		{"ends in a backslash", `"\`, errSyntax},
		{"comment", `{/**/"a":1}`, errSyntax},
		{"single quotes", `{'a':1}`, errSyntax},
		{"bare name", `{a:1}`, errSyntax},
		{"NaN", `NaN`, errSyntax},
		{"Infinity", `[Infinity]`, errSyntax},
		{"leading plus", `+1`, errSyntax},
		{"leading zero", `01`, errSyntax},
		{"hexadecimal", `0x10`, errSyntax},
		{"no digit after the point", `1.`, errSyntax},
		{"control character in a string", "\"\x01\"", errSyntax},
		{"line break in a string", "\"\n\"", errSyntax},
		{"unknown escape", `"\x41"`, errSyntax},
		{"bad hex digit", `"\u00g0"`, errSyntax},
		{"cut off escape", `"\u00`, errSyntax},
		{"byte order mark", "\ufeff{}", errSyntax},
		{"vertical tab", "\v{}", errSyntax},
		{"no-break space", "\u00a0{}", errSyntax},
		{"mismatched brackets", `[}`, errSyntax},
		{"brackets that only close", `]]]]`, errSyntax},
		{"capital literal", `True`, errSyntax},

		{"too long", strings.Repeat(" ", MaxSize) + "1", errSize},

		{"bad UTF-8", "\"\xff\"", errUTF8},
		{"overlong NUL", "\"\xc0\x80\"", errUTF8},
		{"raw surrogate", "\"\xed\xa0\x80\"", errUTF8},
		{"bad UTF-8 after the document", "{}\xff", errUTF8},

		{"high surrogate at the end", `"\ud800"`, errSurrogate},
		{"low surrogate alone", `"\udc00"`, errSurrogate},
		{"high then a letter", `"\ud800a"`, errSurrogate},
		{"high then another escape", `"\ud800\n"`, errSurrogate},
		{"high then high", `"\ud800\ud800"`, errSurrogate},
		{"high then a plain escape", `"\ud800\u0041"`, errSurrogate},
		{"high then bad hex", `"\ud800\udcxx"`, errSurrogate},
		{"reversed pair", `"\udc00\ud800"`, errSurrogate},
		{"in a name", `{"\uDBFF":1}`, errSurrogate},

		{"too deep, arrays", nested("[", "]", MaxDepth+1), errDepth},
		{"too deep, objects", nested(`{"a":`, "}", MaxDepth+1), errDepth},
		{"too deep, mixed", nested(`[{"a":`, "}]", MaxDepth), errDepth},
		{"only opened", strings.Repeat("[", 1<<20), errDepth},
	} {
		t.Run(test.name, func(t *testing.T) {
			v, err := Parse(test.doc)
			if !errors.Is(err, ErrInvalid) || !errors.Is(err, test.want) {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			if v.Kind() != Missing {
				t.Errorf("a refused document left a value: %v", v.Kind())
			}
		})
	}
}

// TestStringsEndWhereTheyEnd shows that what ends the ordinary characters of a string is
// found wherever it stands among the eight that are looked at together, and whatever
// stands around it.
func TestStringsEndWhereTheyEnd(t *testing.T) {
	for _, filler := range []string{"a", " ", "!", "#", "[", "]", "\x7f", "\u0080", "\u07ff", "\uffff", "\U0010ffff"} {
		for length := range 20 {
			text := strings.Repeat(filler, length)
			if got, ok := mustParse(t, `"`+text+`"`).Text(); !ok || got != text {
				t.Errorf("%q became %q", text, got)
			}
			if got, ok := mustParse(t, `["`+text+`\\`+text+`"]`).Array(); !ok || len(got) != 1 || got[0].Raw() != `"`+text+`\\`+text+`"` {
				t.Errorf("%q with a backslash became %v", text, got)
			}
			for c := range byte(0x20) {
				for _, rest := range []string{`"`, `aaaaaaaa"`} {
					if _, err := Parse(`"` + text + string(rune(c)) + rest); !errors.Is(err, errSyntax) {
						t.Errorf("%q and then %#x: %v", text, c, err)
					}
				}
			}
			if _, err := Parse(`"` + text + `"` + text + `"`); length > 0 && filler != " " && !errors.Is(err, errSyntax) {
				t.Errorf("%q ended too late: %v", text, err)
			}
		}
	}
}

// TestT08_DuplicateMembers shows that no object may say something twice, however
// the name is spelt and wherever the object stands.
func TestT08_DuplicateMembers(t *testing.T) {
	many := func(last string) string { // beyond fewNames, so that they are sorted
		var b strings.Builder
		b.WriteString("{")
		for i := range 2 * fewNames {
			b.WriteString(`"n` + strconv.Itoa(i) + `":1,`)
		}
		return b.String() + `"` + last + `":2}`
	}
	for _, test := range []struct {
		name, doc string
		unique    bool
	}{
		{"same value", `{"a":1,"a":1}`, false},
		{"other value", `{"alg":"none","alg":"ES256"}`, false},
		{"apart", `{"a":1,"b":2,"c":3,"a":4}`, false},
		{"escaped", `{"a":1,"\u0061":2}`, false},
		{"escaped slash", `{"/":1,"\/":2}`, false},
		{"escaped pair and the character itself", `{"😀":1,"\ud83d\ude00":2}`, false},
		{"empty names", `{"":1,"":2}`, false},
		{"below an object", `{"x":{"a":1,"a":2}}`, false},
		{"below an array", `[[{"a":1},{"a":1,"a":2}]]`, false},
		{"array at the root", `[{"a":1,"a":2}]`, false},
		{"first of two objects", `{"x":{"a":1,"a":2},"y":{}}`, false},
		{"after a nested object with the name", `{"a":{"b":1},"b":1,"a":2}`, false},
		{"many, first again", many("n0"), false},
		{"many, last again", many("n63"), false},
		{"many, all different", many("n64"), true},
		{"NUL in the name", `{"a":1,"a\u0000":2}`, true},
		{"other case", `{"a":1,"A":2}`, true},
		{"name of the parent", `{"a":{"a":{"b":1}},"b":1}`, true},
		{"in neighbours", `[{"a":1},{"a":1}]`, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse(test.doc)
			if test.unique != (err == nil) || !test.unique && !errors.Is(err, errDuplicate) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestMark shows that no two names which are usual in tokens have one mark: Get compares
// no name but the one that is asked for.
func TestMark(t *testing.T) {
	seen := map[uint8]string{}
	for _, name := range []string{
		"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "cnf", "auth_time", "acr", "amr", // RFC 9068 §2.2
		"azp", "sid", "typ", "act", "nonce", "roles", "groups", "realm_access", "resource_access", "session_state", "allowed-origins",
		"name", "given_name", "family_name", "preferred_username", "email", "email_verified",
	} {
		if other, known := seen[mark(name)]; known {
			t.Errorf("%s has the mark of %s", name, other)
		}
		seen[mark(name)] = name
	}
}

// TestT17_Depth shows that reading ends at MaxDepth, however deep a document is: these
// are far deeper than any stack.
func TestT17_Depth(t *testing.T) {
	for _, open := range []string{"[", `{"a":`, `[{"a":`} {
		for _, depth := range []int{3000, 4_000_000} {
			if _, err := Parse(strings.Repeat(open, depth)); !errors.Is(err, errDepth) {
				t.Errorf("%d times %q: %v", depth, open, err)
			}
		}
	}
}

// TestT17_Memory shows that a document costs a bounded multiple of its length. The
// multiple is largest for the shortest members in the root, which are indexed.
func TestT17_Memory(t *testing.T) {
	var names strings.Builder
	for i := range 10000 {
		names.WriteString(`,"` + strconv.FormatInt(int64(i), 36) + `":0`)
	}
	for _, test := range []struct {
		name, doc string
		times     uint64
	}{
		{"array of objects", "[" + strings.Repeat("{},", 20000) + "{}]", 1},
		{"array of numbers", "[" + strings.Repeat("0,", 30000) + "0]", 1},
		{"commas in the root", `{"a":"` + strings.Repeat(",", 60000) + `"}`, 1},
		{"commas below the root", `{"a":[` + strings.Repeat("0,", 30000) + `0]}`, 1},
		{"members of the root", "{" + names.String()[1:] + "}", 20},
		{"members below the root", `{"":{` + names.String()[1:] + "}}", 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			mustParse(t, test.doc)
			runtime.ReadMemStats(&after)
			used := after.TotalAlloc - before.TotalAlloc
			if used > uint64(len(test.doc))*test.times {
				t.Errorf("%d bytes for a document of %d", used, len(test.doc))
			}
		})
	}
}

func TestErrorsQuoteNothing(t *testing.T) {
	for _, doc := range []string{`{"secret":`, `{"secret":1,"secret":2}`, "\"secret\xff\"", `"secret\ud800"`} {
		_, err := Parse(doc)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("error %v", err)
		}
		if !strings.HasPrefix(err.Error(), "invalid JSON: ") {
			t.Errorf("error %q", err)
		}
	}
}
