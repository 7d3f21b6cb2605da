package strictjson

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParse holds Parse against encoding/json: it must take exactly the documents
// that encoding/json takes and that break none of the stricter rules, and read the
// same values from them.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "null", "[]", sample, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `"\ud800"`, `"\ud83d\ude00"`, `"\\ud800"`,
		`{"a":{"b":[1,{"c":null}]}}x`, "\ufeff{}", "\"\xff\"", nested("[", "]", MaxDepth), nested("[", "]", MaxDepth+1), nested(`{"a":`, "}", MaxDepth),
		`[1,]`, `{"a":1,}`, `01`, `-`, `1e5`, `1E+400`, "\"\x00\"", `"\u0000"`, " {} ", `{"":{"":{}}}`, `["\\\"",{"\\":1}]`,
		`[1 2]`, `{"a" 1}`, `"\`, `"\u`, `"\ud800\u`, `[,]`, `truex`, `[nul]`, `{"a":tru}`, `-0`, `0.`, `1.e1`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		v, err := Parse(doc)
		if err != nil && !errors.Is(err, ErrInvalid) {
			t.Fatalf("error %v", err)
		}
		valid, certain := reference(doc)
		if certain && valid != (err == nil) || err == nil && !valid {
			t.Fatalf("Parse says %v, the reference %v", err, valid)
		}
		if err != nil {
			return
		}
		var want any
		decoder := json.NewDecoder(strings.NewReader(doc))
		decoder.UseNumber()
		if err := decoder.Decode(&want); err != nil {
			t.Fatal(err)
		}
		compare(t, v, want)
		if again, err := Parse(v.Raw()); err != nil || again.Raw() != v.Raw() {
			t.Fatalf("its own text is refused: %v", err)
		}
	})
}

// reference decides what Parse should say, by other means. encoding/json replaces
// a lone surrogate by U+FFFD: in a document that has this character itself the
// answer is not certain.
func reference(doc string) (valid, certain bool) {
	lower := strings.ToLower(doc)
	certain = !strings.Contains(lower, `\ufffd`) && !strings.Contains(doc, "\ufffd")
	if !utf8.ValidString(doc) || !json.Valid([]byte(doc)) {
		return false, true
	}
	decoder := json.NewDecoder(strings.NewReader(doc))
	decoder.UseNumber()
	type object struct {
		names map[string]bool // nil in an array
		value bool            // a value comes next, not a name
	}
	var open []object
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return true, certain
		}
		if text, ok := token.(string); ok && certain && strings.ContainsRune(text, utf8.RuneError) {
			return false, true
		}
		if delim, ok := token.(json.Delim); ok && (delim == '}' || delim == ']') {
			open = open[:len(open)-1]
			continue
		}
		if len(open) > 0 {
			if inner := &open[len(open)-1]; inner.names != nil {
				if !inner.value {
					name := token.(string)
					if inner.names[name] {
						return false, certain
					}
					inner.names[name], inner.value = true, true
					continue
				}
				inner.value = false
			}
		}
		switch token {
		case json.Delim('{'):
			open = append(open, object{names: map[string]bool{}})
		case json.Delim('['):
			open = append(open, object{})
		}
		if len(open) > MaxDepth {
			return false, true
		}
	}
}

// compare walks both readings of a document.
func compare(t *testing.T, v Value, want any) {
	t.Helper()
	switch want := want.(type) {
	case nil:
		if v.Kind() != Null {
			t.Fatalf("%v, want null", v.Kind())
		}
	case bool:
		if value, ok := v.Bool(); !ok || value != want {
			t.Fatalf("%s, want %v", v.Raw(), want)
		}
	case string:
		if text, ok := v.Text(); !ok || text != want {
			t.Fatalf("%q, want %q", text, want)
		}
	case json.Number:
		wanted, err := want.Float64()
		if number, ok := v.Float(); ok != (err == nil) || ok && number != wanted || v.Raw() != want.String() {
			t.Fatalf("%v %v, want %s", number, ok, want)
		}
	case []any:
		elements, ok := v.Array()
		if !ok || len(elements) != len(want) {
			t.Fatalf("%d elements, want %d", len(elements), len(want))
		}
		for i := range want {
			compare(t, elements[i], want[i])
		}
		i := 0
		for element := range v.Elements() {
			if element.Raw() != elements[i].Raw() {
				t.Fatalf("element %d is %s, or %s", i, elements[i].Raw(), element.Raw())
			}
			i++
		}
		if i != len(elements) {
			t.Fatalf("%d elements, or %d", len(elements), i)
		}
	case map[string]any:
		members, ok := v.Members()
		if !ok || len(members) != len(want) {
			t.Fatalf("%d members, want %d", len(members), len(want))
		}
		for _, member := range members {
			inner, ok := want[member.Name]
			if !ok {
				t.Fatalf("member %q is not there", member.Name)
			}
			compare(t, member.Value, inner)
			// Walking into these as well would take 3 to the power of the depth.
			for _, again := range []Value{v.Get(member.Name), v.Indexed().Get(member.Name)} {
				if again.Raw() != member.Value.Raw() || again.Kind() != member.Value.Kind() {
					t.Fatalf("member %q is %s, or %s", member.Name, member.Value.Raw(), again.Raw())
				}
			}
		}
		i := 0
		for name, value := range v.All() {
			if name != members[i].Name || value.Raw() != members[i].Value.Raw() {
				t.Fatalf("member %d is %q, or %q", i, members[i].Name, name)
			}
			i++
		}
		if i != len(members) {
			t.Fatalf("%d members, or %d", len(members), i)
		}
	}
}
