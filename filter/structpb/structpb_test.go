package structpb

import (
	"encoding/json"
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// wire marshals a JSON object as the reference implementation does.
func wire(t testing.TB, doc string) []byte {
	t.Helper()
	s := &structpb.Struct{}
	if err := s.UnmarshalJSON([]byte(doc)); err != nil {
		t.Fatal(err)
	}
	b, err := proto.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var documents = []string{
	`{}`,
	`{"a":null,"b":true,"c":false,"d":"text","e":16384,"f":0.5,"g":-1e21}`,
	`{"nested":{"list":[1,"two",[],{},[[null]],{"x":"y"}]}}`,
	`{"":"","quote\"":"back\\slash","control":"\u0000\n\u001f","unicode":"é😀"}`,
}

func TestJSONAgreesWithTheReference(t *testing.T) {
	for _, doc := range documents {
		got, ok := JSON(wire(t, doc))
		if !ok || !sameJSON(t, got, doc) {
			t.Errorf("JSON(wire(%s)) = %s, %v", doc, got, ok)
		}
	}
}

func TestJSONRefusesWhatIsNoStruct(t *testing.T) {
	whole := wire(t, documents[2])
	for i := 1; i < len(whole); i++ {
		if got, ok := JSON(whole[:i]); ok {
			t.Errorf("cut at %d of %d: taken as %s", i, len(whole), got)
		}
	}
	for name, message := range map[string]string{
		"JSON":                 `{"issuers":[]}`,
		"another field":        "\x12\x00",
		"another wire type":    "\x08\x01",
		"entry with a third":   "\x0a\x05\x0a\x01a\x1a\x00",
		"value with two":       "\x0a\x09\x0a\x01a\x12\x04\x20\x01\x20\x01",
		"value of no kind":     "\x0a\x07\x0a\x01a\x12\x02\x38\x01",
		"not UTF-8":            "\x0a\x03\x0a\x01\xff",
		"not a number":         "\x0a\x0e\x0a\x01a\x12\x09\x11\x00\x00\x00\x00\x00\x00\xf8\x7f",
		"length beyond memory": "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
	} {
		if got, ok := JSON([]byte(message)); ok {
			t.Errorf("%s: taken as %s", name, got)
		}
	}
}

func TestJSONBoundsDepth(t *testing.T) {
	message := []byte{}
	for range 10 * maxDepth {
		list := append([]byte{0x32}, withLength(message)...)             // Value.list_value
		message = append([]byte{listValues<<3 | 2}, withLength(list)...) // ListValue.values
	}
	value := append([]byte{0x32}, withLength(message)...)
	entry := append([]byte{0x0a, 1, 'a', 0x12}, withLength(value)...)
	if _, ok := JSON(append([]byte{0x0a}, withLength(entry)...)); ok {
		t.Error("a value of any depth is taken")
	}
}

func withLength(b []byte) []byte {
	var length []byte
	for n := len(b); ; n >>= 7 {
		if n < 0x80 {
			return append(append(length, byte(n)), b...)
		}
		length = append(length, byte(n)|0x80)
	}
}

func FuzzJSON(f *testing.F) {
	for _, doc := range documents {
		f.Add(wire(f, doc))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		doc, ok := JSON(message)
		if ok && !json.Valid([]byte(doc)) {
			t.Errorf("%q became %q, which is no JSON", message, doc)
		}
	})
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	return reflect.DeepEqual(x, y)
}
