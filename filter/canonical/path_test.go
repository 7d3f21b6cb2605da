package canonical

import (
	"net/url"
	"strings"
	"testing"
)

func TestT19PathOneSpelling(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"root", "/", "/"},
		{"plain", "/payments/42", "/payments/42"},
		{"trailing slash", "/payments/", "/payments/"},
		{"query cut", "/payments?a=/../b#;", "/payments"},
		{"empty query", "/payments?", "/payments"},
		{"second question mark", "/a?b?c", "/a"},
		{"case kept", "/Payments", "/Payments"},
		{"unreserved decoded", "/p%61yments%2D%5f%7E", "/payments-_~"},
		{"sub-delims and : @ decoded", "/%21%24%26%27%28%29%2A%2B%2C%3D%3A%40", "/!$&'()*+,=:@"},
		{"hex in upper case", "/caf%c3%a9", "/caf%C3%A9"},
		{"question mark stays escaped", "/a%3fb", "/a%3Fb"},
		{"hash stays escaped", "/a%23b", "/a%23b"},
		{"semicolon stays escaped", "/a%3bb", "/a%3Bb"},
		{"space stays escaped", "/a%20b", "/a%20b"},
		{"control stays escaped", "/a%0ab", "/a%0Ab"},
		{"percent stays escaped", "/100%25/%2541b%25zz", "/100%25/%2541b%25zz"},
		{"number sign and question mark in a name", "/c%23/what%3f", "/c%23/what%3F"},
		{"characters that should have been escaped", "/{a}|b", "/%7Ba%7D%7Cb"},
		{"the same, escaped", "/%7Ba%7d%7cb", "/%7Ba%7D%7Cb"},
		{"three dots are a name", "/.../a", "/.../a"},
		{"dot file", "/.well-known/x", "/.well-known/x"},
		{"dots in a name", "/a..b/c.", "/a..b/c."},
		{"Latin-1 escape", "/caf%E9", "/caf%E9"},
		{"C0 before an ordinary character", "/%C0a", "/%C0a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := Path(tt.in)
			if !ok || got != tt.want {
				t.Errorf("Path(%q) = %q, %v; want %q", tt.in, got, ok, tt.want)
			}
		})
	}
}

func TestT19PathMoreThanOneReading(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in string }{
		{"empty", ""},
		{"asterisk", "*"},
		{"absolute form", "http://example.com/payments"},
		{"relative", "payments"},
		{"query only", "?a=b"},
		{"authority form", "example.com:443"},
		{"encoded slash", "/public%2fpayments"},
		{"encoded slash, upper case", "/public%2F..%2Fpayments"},
		{"encoded backslash", "/public%5c..%5Cpayments"},
		{"encoded NUL", "/payments%00.png"},
		{"encoded dots", "/public/%2e%2e/payments"},
		{"one encoded dot", "/public/.%2E/payments"},
		{"encoded dot in a name", "/a%2ejson"},
		{"dot segments", "/public/../payments"},
		{"dot segment", "/public/./payments"},
		{"ends in ..", "/public/.."},
		{"ends in .", "/public/."},
		{"begins with ..", "/../payments"},
		{"two slashes", "/public//payments"},
		{"begins with two slashes", "//payments"},
		{"ends in two slashes", "/payments//"},
		{"backslash", `/public\..\payments`},
		{"path parameter", "/public;/payments"},
		{"path parameter on dots", "/public/..;/payments"},
		{"encoded path parameter on dots", "/public/..%3b/payments"},
		{"encoded query on dots", "/public/..%3F/payments"},
		{"encoded fragment on a dot", "/public/.%23x%3b/payments"},
		{"encoded twice: dots", "/public/%252e%252E/payments"},
		{"encoded twice: slash", "/public%252fpayments"},
		{"encoded twice: backslash, NUL", "/public%255C%2500payments"},
		{"encoded three times", "/public/%25252e%25252e/payments"},
		{"encoded twice, in pieces", "/public/%252%65%252%65/payments"},
		{"encoded twice, piece by piece", "/public/%25%32%65%25%32%45/payments"},
		{"encoded three times, in pieces", "/public/%25%32%35%32e/payments"},
		{"fragment", "/public#/payments"},
		{"percent at the end", "/payments%"},
		{"one digit", "/payments%2"},
		{"no digits", "/payments%zz"},
		{"second digit wrong", "/payments%2g"},
		{"IIS unicode escape", "/public%u002f"},
		{"overlong slash", "/public%c0%af..%c0%afpayments"},
		{"overlong dot", "/public/%c0%ae%c0%ae/payments"},
		{"overlong backslash", "/public%c1%9cpayments"},
		{"overlong NUL", "/payments%c0%80"},
		{"overlong slash in three bytes", "/public%e0%80%afpayments"},
		{"overlong slash in four bytes", "/public%f0%80%80%afpayments"},
		{"space", "/pay ments"},
		{"tab", "/pay\tments"},
		{"line feed", "/payments\n"},
		{"NUL", "/payments\x00"},
		{"DEL", "/payments\x7f"},
		{"UTF-8", "/café"},
		{"fullwidth slash", "/public／payments"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := Path(tt.in); ok || got != "" {
				t.Errorf("Path(%q) = %q, %v; want no path", tt.in, got, ok)
			}
		})
	}
}

// Every spelling of every byte that a path may hold: one canonical form, and no
// two bytes share one.
func TestT19PathEveryByte(t *testing.T) {
	t.Parallel()
	const digits, lower = "0123456789ABCDEF", "0123456789abcdef"
	seen := map[string]int{}
	for c := range 256 {
		upperHex := "/a%" + string(digits[c>>4]) + string(digits[c&15])
		lowerHex := "/a%" + string(lower[c>>4]) + string(lower[c&15])
		want, ok := Path(upperHex)
		got, okLower := Path(lowerHex)
		if got != want || ok != okLower {
			t.Errorf("%s and %s differ", upperHex, lowerHex)
		}
		if raw, okRaw := Path("/a" + string([]byte{byte(c)})); okRaw && c != '?' && c != '/' && c != '.' && c != '%' && raw != want {
			t.Errorf("byte %#x: as itself %q, escaped %q", c, raw, want)
		}
		if !ok {
			continue
		}
		if before, twice := seen[want]; twice {
			t.Errorf("bytes %#x and %#x are both %q", before, c, want)
		}
		seen[want] = c
	}
	if len(seen) != 256-4 {
		t.Errorf("%d bytes have an escaped form, want all but four", len(seen))
	}
}

func FuzzCanonicalPath(f *testing.F) {
	for _, seed := range []string{
		"/", "*", "/public/%2e%2e/payments", "/a%252fb?x", "/%c0%af", "/caf%c3%a9;x", "//", "/{a}", "/%252%65", "/%25%32%65", "/%25%32%35%32e", "/%e0%80%af", "/a/..", "http://a/b", "/%",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		path, ok := Path(in)
		if !ok {
			return
		}
		if again, ok := Path(path); !ok || again != path {
			t.Errorf("%q: %q is not canonical: %q, %v", in, path, again, ok)
		}
		raw, _, _ := strings.Cut(in, "?")
		want, err := url.PathUnescape(raw)
		if err != nil {
			t.Fatalf("%q was taken: %v", in, err)
		}
		got, err := url.PathUnescape(path)
		if err != nil || got != want {
			t.Errorf("%q decodes to %q, its canonical form %q to %q", in, want, path, got)
		}
		if cleaned := "/" + strings.TrimPrefix(got, "/"); strings.Contains(cleaned, "//") || strings.Contains(cleaned+"/", "/../") || strings.Contains(cleaned+"/", "/./") || strings.ContainsAny(cleaned, "\\\x00") {
			t.Errorf("%q: %q has more than one reading", in, cleaned)
		}
	})
}
