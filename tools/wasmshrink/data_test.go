package wasmshrink

import (
	"bytes"
	"strings"
	"testing"

	"holdfast/tools/wasmfile"
)

// Memory holds the same bytes when the module begins.
func TestPackData(t *testing.T) {
	t.Parallel()
	part := func(start int, content string) segment { return segment{uint32(start), []byte(content)} }
	for name, data := range map[string][]segment{
		"none":              nil,
		"one":               {part(100, "abc")},
		"at the very start": {part(0, "abc")},
		"in any order":      {part(300, "x"), part(100, "abc"), part(103, "def")},
		"long gaps":         {part(10, "a"), part(10+1+255, "b"), part(10+1+255+1+256, "c"), part(5000, "d")},
		"long runs":         {part(10, strings.Repeat("a", 255)+"\x00"+strings.Repeat("b", 256)), part(4000, strings.Repeat("c", 1000))},
		"short gaps":        {part(10, "a\x00b\x00\x00c\x00\x00\x00d\x00\x00\x00\x00e")},
		"zeros at the ends": {part(10, "\x00\x00\x00a\x00\x00\x00")},
		"zeros at a cut":    {part(10, strings.Repeat("a", 254)+"\x00\x00b")},
		"zeros over a cut":  {part(10, strings.Repeat("a", 253)+"\x00\x00\x00\x00b")},
		"nothing but zeros": {part(10, "\x00\x00\x00\x00")},
	} {
		t.Run(name, func(t *testing.T) {
			before := machine(goFunction(), data...)
			after, err := Shrink(before)
			if err != nil {
				t.Fatal(err)
			}
			if a, b := run(t, before, 0), run(t, after, 0); a != b {
				t.Errorf("memory differs at %d", differs(a.memory, b.memory))
			}
		})
	}
}

func differs(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

func TestPackDataRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(sections []wasmfile.Raw){
		"a passive segment":        func(s []wasmfile.Raw) { s[7].Content = []byte("\x01\x01\x01x") },
		"a place that is computed": func(s []wasmfile.Raw) { s[7].Content = []byte("\x01\x00\x23\x00\x0b\x01x") },
		"data cut short":           func(s []wasmfile.Raw) { s[7].Content = []byte("\x02\x00\x41\x00\x0b\x01x") },
		"segments over each other": func(s []wasmfile.Raw) { s[7].Content = []byte("\x02\x00\x41\x00\x0b\x02xy\x00\x41\x01\x0b\x01x") },
		"more data than memory":    func(s []wasmfile.Raw) { s[2].Content = []byte("\x01\x00\x00") },
		"another kind of memory":   func(s []wasmfile.Raw) { s[2].Content = []byte("\x01\x04\x01") },
		"no table of functions":    func(s []wasmfile.Raw) { s[5] = wasmfile.Raw{ID: wasmfile.CustomSection, Content: []byte("\x01x")} },
		"two data sections":        func(s []wasmfile.Raw) { s[5] = s[7] },
		"a start function":         func(s []wasmfile.Raw) { s[5] = wasmfile.Raw{ID: wasmfile.StartSection, Content: []byte{0}} },
	} {
		sections := machine(goFunction(), segment{100, []byte("abc")})
		change(sections)
		if _, err := packData(sections); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// FuzzPack reads records as the unpacker does.
func FuzzPack(f *testing.F) {
	f.Add([]byte("a\x00\x00\x00b"))
	f.Add(bytes.Repeat([]byte{1}, 600))
	f.Add(make([]byte, 600))
	f.Fuzz(func(t *testing.T, content []byte) {
		var got []byte
		for r := (&wasmfile.Reader{Rest: pack(content)}); len(r.Rest) > 0 && !r.Failed; {
			zeros, n := int(r.Byte()), int(r.Byte())
			got = append(got, make([]byte, zeros)...)
			got = append(got, r.Bytes(n)...)
		}
		if !bytes.Equal(got, content) {
			t.Errorf("got %x, want %x", got, content)
		}
	})
}
