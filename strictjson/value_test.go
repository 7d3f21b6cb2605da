package strictjson

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const sample = `{"n":null,"t":true,"f":false,"i":12,"x":-1.5e2,"big":1e400,"small":1e-400,
	"s":"a\"b\\\/\b\f\n\r\t\u00e9\ud83d\ude00","e":"","a":[1,"two",[3],{"four":4}],"o":{"b":1,"a":{"c":true}},
	"a.b":"dot","*":"star","#":"hash","@this":"modifier","\u0061bc":"escaped name","":"empty name"}`

func TestValueByKind(t *testing.T) {
	root := mustParse(t, sample)
	for _, test := range []struct {
		name   string
		kind   Kind
		text   string
		number float64
		isTrue bool
		finite bool
	}{
		{name: "n", kind: Null},
		{name: "t", kind: Bool, isTrue: true},
		{name: "f", kind: Bool},
		{name: "i", kind: Number, number: 12, finite: true},
		{name: "x", kind: Number, number: -150, finite: true},
		{name: "big", kind: Number},
		{name: "small", kind: Number, finite: true},
		{name: "s", kind: String, text: "a\"b\\/\b\f\n\r\té😀"},
		{name: "e", kind: String},
		{name: "a", kind: Array},
		{name: "o", kind: Object},
		{name: "missing", kind: Missing},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := root.Get(test.name)
			if v.Kind() != test.kind {
				t.Fatalf("kind %v, want %v", v.Kind(), test.kind)
			}
			if text, ok := v.Text(); ok != (test.kind == String) || text != test.text {
				t.Errorf("Text %q, %v", text, ok)
			}
			if number, ok := v.Float(); ok != test.finite || number != test.number {
				t.Errorf("Float %v, %v", number, ok)
			}
			if value, ok := v.Bool(); ok != (test.kind == Bool) || value != test.isTrue {
				t.Errorf("Bool %v, %v", value, ok)
			}
			if elements, ok := v.Array(); ok != (test.kind == Array) || ok != (elements != nil) {
				t.Errorf("Array %v, %v", elements, ok)
			}
			if members, ok := v.Members(); ok != (test.kind == Object) || ok != (members != nil) {
				t.Errorf("Members %v, %v", members, ok)
			}
		})
	}
}

// TestGetHasNoPathSyntax shows that gjson's path language cannot be reached.
func TestGetHasNoPathSyntax(t *testing.T) {
	root := mustParse(t, sample)
	for _, name := range []string{
		"o.b", "o.a.c", "a.0", "a.#", "o|b", `o\.b`, "?", "s*", "@keys", "@this|n", "[n,t]", "{n,t}", "..0",
		"!\"x\"", "A", "N", "a.#(four==4)", "nested",
	} {
		if v := root.Get(name); v.Kind() != Missing {
			t.Errorf("Get(%q) found %s", name, v.Raw())
		}
	}
	for name, want := range map[string]string{
		"a.b": "dot", "*": "star", "#": "hash", "@this": "modifier", "abc": "escaped name", "": "empty name",
	} {
		if text, _ := root.Get(name).Text(); text != want {
			t.Errorf("Get(%q) = %q, want %q", name, text, want)
		}
	}
}

func TestNestedValues(t *testing.T) {
	root := mustParse(t, sample)
	elements, _ := root.Get("a").Array()
	var raws []string
	for _, element := range elements {
		raws = append(raws, element.Raw())
	}
	if want := []string{"1", `"two"`, "[3]", `{"four":4}`}; !slices.Equal(raws, want) {
		t.Errorf("elements %q, want %q", raws, want)
	}
	if v, ok := root.Get("o").Get("a").Get("c").Bool(); !v || !ok {
		t.Error("o, a, c is not true")
	}
	if v := root.Get("o").Get("nothing"); v.Kind() != Missing {
		t.Errorf("found %v", v.Kind())
	}
	if v := root.Get("s").Get("a"); v.Kind() != Missing {
		t.Errorf("a string has a member: %v", v.Kind())
	}
	members, _ := root.Get("o").Members()
	if len(members) != 2 || members[0].Name != "b" || members[1].Name != "a" || members[1].Value.Raw() != `{"c":true}` {
		t.Errorf("members %v", members)
	}
	all, _ := root.Members()
	if len(all) != 17 || all[0].Name != "n" || all[15].Name != "abc" || all[16].Name != "" {
		t.Errorf("%d members of the root", len(all))
	}
}

// TestIndexed shows that a value is the same with an index.
func TestIndexed(t *testing.T) {
	many := mustParse(t, `{"o":{"n0":0`+manyMembers(4*fewChildren)+`}}`).Get("o")
	root := mustParse(t, sample)
	for _, v := range []Value{root, root.Get("o"), root.Get("a"), root.Get("s"), mustParse(t, `[{}]`), many, {}} {
		indexed := v.Indexed()
		if indexed.Kind() != v.Kind() || indexed.Raw() != v.Raw() {
			t.Errorf("%s became %s", v.Raw(), indexed.Raw())
		}
		members, _ := v.Members()
		for _, member := range members {
			if got := indexed.Get(member.Name); got.Raw() != member.Value.Raw() || got.Kind() != member.Value.Kind() {
				t.Errorf("%s of %s is %s", member.Name, v.Raw(), got.Raw())
			}
		}
		if indexed.Get("nothing").Kind() != Missing {
			t.Errorf("%s has something", indexed.Raw())
		}
	}
}

// manyMembers returns the members n1 to n.
func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"n` + strconv.Itoa(i+1) + `":` + strconv.Itoa(i+1))
	}
	return b.String()
}

// TestManyChildren shows that an object or an array is read whole, however many there
// are in it and wherever it stands.
func TestManyChildren(t *testing.T) {
	for _, count := range []int{1, fewChildren - 1, fewChildren, fewChildren + 1, 3 * fewChildren} {
		object := `{"n0":0` + manyMembers(count-1) + `}`
		array := strings.NewReplacer("{", "[", "}", "]").Replace(regexp.MustCompile(`"n[0-9]+":`).ReplaceAllString(object, ""))
		for _, v := range []Value{mustParse(t, object), mustParse(t, `{"a":`+object+`}`).Get("a")} {
			members, _ := v.Members()
			i := 0
			for name, value := range v.All() {
				want := strconv.Itoa(i)
				if name != "n"+want || value.Raw() != want || members[i].Name != name || members[i].Value.Raw() != want || v.Get(name).Raw() != want {
					t.Errorf("member %d of %d is %s: %s", i, count, name, value.Raw())
				}
				i++
			}
			if i != count || len(members) != count || v.Len() != count {
				t.Errorf("%d members of %d, Len %d", i, count, v.Len())
			}
		}
		for _, v := range []Value{mustParse(t, array), mustParse(t, `{"a":`+array+`}`).Get("a")} {
			elements, _ := v.Array()
			i := 0
			for value := range v.Elements() {
				if want := strconv.Itoa(i); value.Raw() != want || elements[i].Raw() != want {
					t.Errorf("element %d of %d is %s", i, count, value.Raw())
				}
				i++
			}
			if i != count || len(elements) != count {
				t.Errorf("%d elements of %d", i, count)
			}
		}
	}
}

// TestIteratorsStop shows that whoever has seen enough is not shown more, and that
// there is nothing in other kinds.
func TestIteratorsStop(t *testing.T) {
	root := mustParse(t, sample)
	seen := 0
	for range root.All() {
		seen++
		break
	}
	for range root.Get("a").Elements() {
		seen++
		break
	}
	for range root.Get("a").All() {
		t.Error("an array has members")
	}
	for range root.Elements() {
		t.Error("an object has elements")
	}
	if seen != 2 {
		t.Errorf("%d of 2", seen)
	}
}

func TestEmptyContainers(t *testing.T) {
	root := mustParse(t, `{"a":[],"o":{}}`)
	if elements, ok := root.Get("a").Array(); !ok || len(elements) != 0 {
		t.Errorf("Array %v, %v", elements, ok)
	}
	if members, ok := root.Get("o").Members(); !ok || len(members) != 0 {
		t.Errorf("Members %v, %v", members, ok)
	}
	if members, ok := mustParse(t, ` { } `).Members(); !ok || len(members) != 0 {
		t.Errorf("Members %v, %v", members, ok)
	}
}

func TestLen(t *testing.T) {
	root := mustParse(t, `{"a":[1,[2,3],{"b":4}],"o":{"b":{"c":1},"d":2},"s":"x","e":[]}`)
	for name, want := range map[string]int{"a": 3, "o": 2, "s": 0, "e": 0, "absent": 0} {
		if got := root.Get(name).Len(); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
	if got := root.Len(); got != 4 {
		t.Errorf("the root: %d", got)
	}
}

func TestZeroValue(t *testing.T) {
	var v Value
	_, text := v.Text()
	_, number := v.Float()
	_, boolean := v.Bool()
	_, array := v.Array()
	_, object := v.Members()
	if v.Kind() != Missing || v.Raw() != "" || text || number || boolean || array || object || v.Get("a").Kind() != Missing {
		t.Error("the zero Value is something")
	}
}

func TestFloatEdges(t *testing.T) {
	for doc, want := range map[string]float64{
		"0": 0, "-0": 0, "9223372036854775807": 1 << 63, "1.7976931348623157e308": math.MaxFloat64, "5e-324": 5e-324,
	} {
		if number, ok := mustParse(t, doc).Float(); !ok || number != want {
			t.Errorf("%s: %v, %v", doc, number, ok)
		}
	}
	for _, doc := range []string{"1e309", "-1e309", "1e99999"} {
		if number, ok := mustParse(t, doc).Float(); ok || number != 0 {
			t.Errorf("%s: %v, %v", doc, number, ok)
		}
	}
}

func TestKindString(t *testing.T) {
	want := []string{"missing", "null", "boolean", "number", "string", "array", "object", "unknown"}
	for kind, name := range want {
		if Kind(kind).String() != name {
			t.Errorf("kind %d is called %q", kind, Kind(kind))
		}
	}
}
