package jsontext

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

func TestRFC8259_7_Strings(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"":                  `""`,
		"plain":             `"plain"`,
		`a"b\c/`:            `"a\"b\\c/"`,
		"\x00\n\r\t\x1f":    `"\u0000\u000a\u000d\u0009\u001f"`,
		"\x7fé€😀\u2028":     "\"\x7fé€😀\u2028\"",
		`","admin":true,"x`: `"\",\"admin\":true,\"x"`,
	} {
		if got := Quote(s); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
}

// FuzzQuote shows that encoding/json reads back what was written.
func FuzzQuote(f *testing.F) {
	for _, seed := range []string{"", "a\"b\\", "\x00\x1f\n", "é€😀\u2028", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		quoted := Quote(s)
		if !utf8.ValidString(s) {
			return // the caller's affair
		}
		var got string
		if err := json.Unmarshal([]byte(quoted), &got); err != nil || got != s {
			t.Fatalf("%s: %q, %v", quoted, got, err)
		}
	})
}
