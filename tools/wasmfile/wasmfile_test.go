package wasmfile

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

const header = "\x00asm\x01\x00\x00\x00"

// sample imports one function and one memory, exports its own function and
// names it.
const sample = header +
	"\x01\x04\x01\x60\x00\x00" + // type: one, () -> ()
	"\x02\x12\x02" + "\x03env\x01f\x00\x00" + "\x03env\x01m\x02\x00\x01" + // import
	"\x03\x02\x01\x00" + // function
	"\x07\x06\x01\x02go\x00\x01" + // export
	"\x0a\x04\x01\x02\x00\x0b" + // code
	"\x00\x0e\x04name\x01\x07\x01\x01\x04pk.F" // names: function 1 is pk.F

func TestParse(t *testing.T) {
	file, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	wantImports := []Import{{"env", "f", Func}, {"env", "m", Memory}}
	if !reflect.DeepEqual(file.Imports, wantImports) {
		t.Errorf("imports %v, want %v", file.Imports, wantImports)
	}
	if want := []Export{{"go", Func}}; !reflect.DeepEqual(file.Exports, want) {
		t.Errorf("exports %v, want %v", file.Exports, want)
	}
	if want := []Function{{"pk.F", 2}}; !reflect.DeepEqual(file.Functions, want) {
		t.Errorf("functions %v, want %v", file.Functions, want)
	}
	if last := file.Sections[len(file.Sections)-1]; last != (Section{"custom:name", 14}) {
		t.Errorf("last section %v", last)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, content := range map[string]string{
		"nothing":           "",
		"another format":    "\x7fELF\x02\x01\x01\x00",
		"version 2":         "\x00asm\x02\x00\x00\x00",
		"unknown section":   header + "\x63\x00",
		"long number":       header + "\x01\xff\xff\xff\xff\xff\x01",
		"number over 2^32":  header + "\x01\xff\xff\xff\xff\x7f",
		"section too long":  header + "\x01\x05\x00",
		"import cut short":  header + "\x02\x02\x01\x03",
		"unknown kind":      header + "\x02\x07\x01\x01a\x01b\x09\x00",
		"export cut short":  header + "\x07\x02\x05\x00",
		"function too long": header + "\x0a\x02\x01\x09",
		"name too long":     header + "\x00\x0a\x04name\x01\x03\x01\x00\x09",
	} {
		if _, err := Parse([]byte(content)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", name, err)
		}
	}
}

func TestSplitAndJoin(t *testing.T) {
	sections, err := Split([]byte(sample))
	if err != nil || len(sections) != 6 || sections[3].ID != ExportSection {
		t.Fatalf("%v, %v", sections, err)
	}
	if got := string(Join(sections)); got != sample {
		t.Errorf("got %q, want %q", got, sample)
	}
	for _, content := range []string{"\x00asm", header + "\x01\x05\x00"} {
		if _, err := Split([]byte(content)); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v, want ErrFormat", content, err)
		}
	}
}

func TestWithoutNames(t *testing.T) {
	const names = "\x00\x0e\x04name\x01\x07\x01\x01\x04pk.F"
	const other = "\x00\x03\x02ab"
	sections, err := Split([]byte(sample + other))
	if err != nil {
		t.Fatal(err)
	}
	got := Join(WithoutNames(sections))
	if want := strings.TrimSuffix(sample, names) + other; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSigned(t *testing.T) {
	for content, want := range map[string]int64{
		"\x00": 0, "\x3f": 63, "\x7f": -1, "\x40": -64, "\xff\x00": 127, "\x80\x7f": -128,
		"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f": -1 << 63, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00": 1<<63 - 1,
	} {
		r := &Reader{Rest: []byte(content)}
		if got := r.Signed(); got != want || r.Failed || len(r.Rest) > 0 {
			t.Errorf("%x: got %d, want %d", content, got, want)
		}
	}
	for _, content := range []string{"", "\x80", strings.Repeat("\x80", 10) + "\x00"} {
		r := &Reader{Rest: []byte(content)}
		if got := r.Signed(); !r.Failed {
			t.Errorf("%x: got %d, want a failure", content, got)
		}
	}
}
