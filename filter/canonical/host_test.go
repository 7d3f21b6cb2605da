package canonical

import (
	"strings"
	"testing"
)

func TestHost(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("a.", 126) + "a"
	tests := []struct {
		name, in, want string
		ok             bool
	}{
		{"name", "api.example.com", "api.example.com", true},
		{"port", "api.example.com:8443", "api.example.com", true},
		{"empty port", "api.example.com:", "api.example.com", true},
		{"upper case", "API.Example.COM", "api.example.com", true},
		{"trailing dot", "api.example.com.", "api.example.com", true},
		{"trailing dot and port", "api.example.com.:443", "api.example.com", true},
		{"one label", "localhost", "localhost", true},
		{"underscore", "my_service:80", "my_service", true},
		{"IPv4", "192.0.2.1:80", "192.0.2.1", true},
		{"IPv6", "[2001:DB8::1]", "[2001:db8::1]", true},
		{"IPv6 and port", "[2001:db8:0:0:0:0:0:1]:8443", "[2001:db8::1]", true},
		{"longest", longest, longest, true},
		{"empty", "", "", false},
		{"port only", ":80", "", false},
		{"dot", ".", "", false},
		{"empty label", "a..b", "", false},
		{"two trailing dots", "a..", "", false},
		{"leading dot", ".a", "", false},
		{"too long", longest + ".a", "", false},
		{"userinfo", "user@example.com", "", false},
		{"userinfo with port", "example.com:80@evil.example", "", false},
		{"space", "example.com ", "", false},
		{"percent", "ex%61mple.com", "", false},
		{"slash", "example.com/", "", false},
		{"backslash", `example.com\`, "", false},
		{"comma", "a.example,b.example", "", false},
		{"NUL", "example.com\x00", "", false},
		{"wildcard", "*.example.com", "", false},
		{"non-ASCII", "exämple.com", "", false},
		{"Kelvin sign, which lower case makes a k", "\u212Aong", "", false},
		{"two ports", "example.com:80:81", "", false},
		{"port with a sign", "example.com:+80", "", false},
		{"port with letters", "example.com:http", "", false},
		{"port too large", "example.com:65536", "", false},
		{"IPv6 without brackets", "2001:db8::1", "", false},
		{"IPv6 zone", "[fe80::1%eth0]", "", false},
		{"IPv4 in brackets", "[192.0.2.1]", "", false},
		{"bracket open", "[2001:db8::1", "", false},
		{"bracket close", "2001:db8::1]", "", false},
		{"text after the bracket", "[2001:db8::1]x", "", false},
		{"text before the bracket", "x[2001:db8::1]", "", false},
		{"two brackets", "[::1][::1]", "", false},
		{"IPvFuture", "[v1.x]", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := Host(tt.in)
			if ok != tt.ok || got != tt.want {
				t.Errorf("Host(%q) = %q, %v; want %q, %v", tt.in, got, ok, tt.want, tt.ok)
			}
		})
	}
}

func FuzzCanonicalHost(f *testing.F) {
	for _, seed := range []string{"API.example.com.:443", "[2001:db8::1]:80", "a@b", "\u212A", ":", "[::ffff:1.2.3.4]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		host, ok := Host(in)
		if !ok {
			return
		}
		if again, ok := Host(host); !ok || again != host {
			t.Errorf("%q: %q is not canonical: %q, %v", in, host, again, ok)
		}
		if host == "" || strings.ContainsAny(host, "@/%\\ ,") || strings.ToLower(host) != host {
			t.Errorf("%q gave %q", in, host)
		}
	})
}
