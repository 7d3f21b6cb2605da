package base64url

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestRFC4648_10_Vectors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "Zg": "f", "Zm8": "fo", "Zm9v": "foo", "Zm9vYg": "foob", "Zm9vYmE": "fooba", "Zm9vYmFy": "foobar", "-_-_": "\xfb\xff\xbf"} {
		if got, ok := Decode(text); !ok || string(got) != want {
			t.Errorf("%q became %q, %v", text, got, ok)
		}
	}
	if got, ok := AppendDecode([]byte("a"), "Zg"); !ok || string(got) != "af" {
		t.Errorf("%q, %v", got, ok)
	}
}

func TestT20_OneSpelling(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"Zg==", "Zh", "Zm9", "+/+/", "Zm\n9v", "eyJhbGciOiJFUzI1\n", "eyJhbGciOiJFUzI1N", "eyJhbGciOiJFUzI1Nh", "eyJhbGciOiJFUzI1NiJ9\x80", "Zm9v\r", " Zm9v", "Z", "Zm9v=", "Zm9v\x00", "é"} {
		if got, ok := Decode(text); ok || got != nil {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// TestUnusedBits shows which spellings AppendDecodeLoose takes beyond the strict one.
func TestUnusedBits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"Zg": "f", "Zh": "f", "Zv": "f", "Zm8": "fo", "Zm9": "fo", "Zm-": "fo", "Zm9v": "foo", "": ""} {
		if got, ok := AppendDecodeLoose([]byte("a"), text); !ok || string(got) != "a"+want {
			t.Errorf("%q became %q, %v", text, got, ok)
		}
	}
	for _, text := range []string{"Z", "Zg==", "Zm9v\n", "Zm9vZ", "Z+", "Zm\n"} {
		if got, ok := AppendDecodeLoose(nil, text); ok || got != nil {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"", "Zg", "Zg==", "Zh", "-_", "Zm9v\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		data, ok := Decode(text)
		if ok && base64.RawURLEncoding.EncodeToString(data) != text || !ok && data != nil {
			t.Errorf("%q became %q, %v", text, data, ok)
		}
		if want, err := base64.RawURLEncoding.Strict().DecodeString(text); ok != (err == nil && !strings.ContainsAny(text, "\r\n")) || ok && string(data) != string(want) {
			t.Errorf("%q became %q, %v; encoding/base64 says %q, %v", text, data, ok, want, err)
		}
		loose, looseOK := AppendDecodeLoose(nil, text)
		if want, err := base64.RawURLEncoding.DecodeString(text); looseOK != (err == nil && !strings.ContainsAny(text, "\r\n")) || looseOK && string(loose) != string(want) {
			t.Errorf("%q became %q, %v; encoding/base64 says %q, %v", text, loose, looseOK, want, err)
		}
		if again, taken := Decode(base64.RawURLEncoding.EncodeToString([]byte(text))); !taken || string(again) != text {
			t.Errorf("%q came back as %q, %v", text, again, taken)
		}
	})
}
