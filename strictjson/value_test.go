package strictjson

import (
	"math"
	"slices"
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
