package dpop

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestRFC3986_6_2_ParseURI(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		// 6.2.2.1 case
		"HTTPS://API.Example.COM/Path": "https://api.example.com/Path",
		"https://h/%3a%c3%A4":          "https://h/%3A%C3%A4",
		"https://[2001:DB8::A]/":       "https://[2001:db8::a]/",
		// 6.2.2.2 percent-encoding
		"https://h/%41%7a%30%2D%2e%5f%7E": "https://h/Az0-._~",
		"https://h/a%2Fb%3Fc%23d%25e":     "https://h/a%2Fb%3Fc%23d%25e",
		"https://h/%2561":                 "https://h/%2561",
		"https://h/%00%20%7F":             "https://h/%00%20%7F",
		// 6.2.2.3 dot segments, with the examples of 5.2.4 and 5.4
		"https://h/a/b/c/./../../g":      "https://h/a/g",
		"https://h/mid/content=5/../6":   "https://h/mid/6",
		"https://h/b/c/../../../g":       "https://h/g",
		"https://h/./g":                  "https://h/g",
		"https://h/g.":                   "https://h/g.",
		"https://h/.g":                   "https://h/.g",
		"https://h/..g/g..":              "https://h/..g/g..",
		"https://h/b/c/./g/.":            "https://h/b/c/g/",
		"https://h/b/c/g;x=1/../y":       "https://h/b/c/y",
		"https://h/..":                   "https://h/",
		"https://h/.":                    "https://h/",
		"https://h/a/..":                 "https://h/",
		"https://h/a//../b":              "https://h/a/b",
		"https://h/..//b":                "https://h//b",
		"https://h//":                    "https://h//",
		"https://h/%2e%2E/%2e/a/.%2e/b":  "https://h/b",
		"https://h/a/..;x/b":             "https://h/a/..;x/b",
		"https://h/...":                  "https://h/...",
		"https://h/a/../../../../../b/.": "https://h/b/",
		// 6.2.3 the scheme's rules
		"https://h":         "https://h/",
		"https://h:":        "https://h/",
		"https://h:/a":      "https://h/a",
		"https://h:443/a":   "https://h/a",
		"https://h:0443/a":  "https://h/a",
		"http://h:80":       "http://h/",
		"http://h:443":      "http://h:443/",
		"https://h:80/":     "https://h:80/",
		"https://[::1]:443": "https://[::1]/",
		"https://h:8443/a":  "https://h:8443/a",
		// RFC 9449 4.3: query and fragment
		"https://h/a?b#c":      "https://h/a",
		"https://h/a#b?c":      "https://h/a",
		"https://h?a/b":        "https://h/",
		"https://h#@evil/":     "https://h/",
		"https://h/a?\x00 é\\": "https://h/a",
		// What stays as it is.
		"https://h.:444/":          "https://h.:444/",
		"https://my_service/":      "https://my_service/",
		"https://192.0.2.1/":       "https://192.0.2.1/",
		"https://h/!$&'()*+,;=:@-": "https://h/!$&'()*+,;=:@-",
		"https://h/a|b[1]^2":       "https://h/a|b[1]^2",
	} {
		got, ok := ParseURI(in)
		if !ok || got.String() != want {
			t.Errorf("ParseURI(%q) = %q, %v; want %q", in, got, ok, want)
		}
	}
}

func TestParseURIRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"", "/", "//h/", "h", "h/", "h:443/", "https:", "https:/h/", "https:h", "https://", "https:///a", "https://:443/", "https://?", "://h/",
		"ftp://h/", "wss://h/", "httpss://h/", "file:///a", "javascript://h/", "ht\u017Fp://h/", "http\u017F://h/", " https://h/", "https ://h/", "x-https://h/",
		"https://u@h/", "https://u:p@h/", "https://@h/", "https://h@/", "https://h:443@evil.example/",
		"https://h:x/", "https://h:-1/", "https://h:65536/", "https://h:80:80/", "https://h:4 43/",
		"https://h h/", "https://h\t/", "https://h\n/", "https://h\\/", "https://h\\evil.example/", "https://ex%61mple.com/", "https://ä.example/", "https://\u212A/",
		"https://a..b/", "https://.a/", "https://./", "https://*.example.com/", "https://a,b/", "https://h;x/", "https://[::1/", "https://::1/", "https://[::1%25eth0]/", "https://[1.2.3.4]/",
		"https://h/ ", "https://h/a b", "https://h/\x00", "https://h/\x7f", "https://h/\r\n", "https://h/ä", "https://h/\xff", `https://h/a\b`, `https://h/"`, "https://h/<a>", "https://h/{a}", "https://h/`",
		"https://h/%", "https://h/%2", "https://h/%2g", "https://h/%u0041", "https://h/%%20",
	} {
		if got, ok := ParseURI(in); ok || got != (URI{}) {
			t.Errorf("ParseURI(%q) = %q, %v", in, got, ok)
		}
	}
}

func TestNormalizeOrigin(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{ // empty: refused
		"https://Host:443": "https://host", "https://host/": "https://host", "HTTP://Host:80/": "http://host", "https://host:8443": "https://host:8443", "http://[::1]:8080": "http://[::1]:8080",
		"": "", "host": "", "https://": "", "https://host//": "", "https://host/a": "", "https://host/.": "", "https://host/%2e": "", "https://host?": "", "https://host#": "", "https://host/?a": "", "https://a@host": "", "ftp://host": "", "null": "", "*": "",
	} {
		if got, ok := NormalizeOrigin(in); got != want || ok != (want != "") {
			t.Errorf("NormalizeOrigin(%q) = %q, %v", in, got, ok)
		}
	}
}

// TestT21_LongPaths: normalising takes time and memory in proportion to the length.
func TestT21_LongPaths(t *testing.T) {
	t.Parallel()
	const n = 1 << 20
	for _, part := range []string{"/", "/..", "/.", "/a/..", "/%2e%2e", "/%41", "/a"} {
		path := strings.Repeat(part, n/len(part))
		if got, ok := normalizePath(path); !ok || len(got) > len(path)+1 {
			t.Errorf("%s: %d bytes, %v", part, len(got), ok)
		}
	}
}

// FuzzURI shows that normalising is idempotent, that it says what an independent and slow
// reading says, and that it never gives two URIs with different origins the same one.
func FuzzURI(f *testing.F) {
	for _, seed := range [][2]string{
		{"https://api.example.com/a", "HTTPS://API.example.com:443/b/../a?q#f"}, {"https://h", "http://h:443"}, {"https://h/%2e%2e/%2F", "https://h:0443/."},
		{"https://[::1]:443/", "https://[0:0::1]"}, {"https://a@h/", "https://h\\@b/"}, {"https://h.", "https://h"}, {"https://h:/%41", "https://h/A"}, {"https://[::ffff:1.2.3.4]/", "https://1.2.3.4/"},
		{"https://h/a|[]^", "https://h/%7C"}, {"https://h//..", "https://h/..//"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, one, other string) {
		a, ok := ParseURI(one)
		if !ok {
			if a != (URI{}) {
				t.Fatalf("%q: %q beside a refusal", one, a)
			}
			return
		}
		if again, ok := ParseURI(a.String()); !ok || again != a {
			t.Fatalf("%q: %q is not normal: %q, %v", one, a, again, ok)
		}
		if origin, ok := NormalizeOrigin(a.Origin); !ok || origin != a.Origin {
			t.Fatalf("%q: the origin %q is not normal", one, a.Origin)
		}
		if want, ok := slowly(one); !ok || a != want {
			t.Fatalf("%q: %q, slowly %q, %v", one, a, want, ok)
		}
		b, ok := ParseURI(other)
		if !ok {
			return
		}
		if x, y := originOf(t, one), originOf(t, other); (a.Origin == b.Origin) != (x == y) {
			t.Fatalf("%q and %q: %q and %q, but %q and %q", one, other, a.Origin, b.Origin, x, y)
		}
	})
}

// originOf is scheme, host and port number as net/url sees them. An IPv6 address is
// compared by its number.
func originOf(t *testing.T, uri string) [3]string {
	t.Helper()
	authority := uri
	if end := strings.IndexAny(authority[strings.Index(authority, "//")+2:], "/?#"); end >= 0 {
		authority = authority[:strings.Index(authority, "//")+2+end]
	}
	u, err := url.Parse(authority)
	if err != nil || u.User != nil {
		t.Fatalf("%q is taken, but net/url says %v, %v", uri, u, err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		port = map[string]int{"http": 80, "https": 443}[u.Scheme]
	}
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = string(sixteenBytes(host))
	}
	return [3]string{u.Scheme, host, strconv.Itoa(port)}
}

// slowly normalises by the letter of RFC 3986, with net/url for the authority.
func slowly(uri string) (URI, bool) {
	uri, _, _ = strings.Cut(uri, "#")
	uri, _, _ = strings.Cut(uri, "?")
	scheme, rest, _ := strings.Cut(uri, "://")
	authority, path, hasPath := strings.Cut(rest, "/")
	u, err := url.Parse(scheme + "://" + authority)
	if err != nil {
		return URI{}, false
	}
	host := strings.ToLower(u.Host)
	if port := u.Port(); port != "" {
		host = strings.TrimSuffix(host, ":"+port)
		number, _ := strconv.Atoi(port)
		if number != map[string]int{"http": 80, "https": 443}[u.Scheme] {
			host += ":" + strconv.Itoa(number)
		}
	}
	host = strings.TrimSuffix(host, ":")
	if open, end := strings.Index(host, "["), strings.Index(host, "]"); open == 0 {
		host = shortened(host[1:end]) + host[end+1:]
	}
	if !hasPath {
		path = ""
	}
	return URI{u.Scheme + "://" + host, withoutDots(decoded("/" + path))}, true
}

// decoded is §6.2.2.1 and §6.2.2.2, escape by escape.
func decoded(path string) string {
	parts := strings.Split(path, "%")
	for i, part := range parts[1:] {
		value, _ := strconv.ParseUint(part[:2], 16, 8)
		c := byte(value)
		const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
		if slices.Contains([]byte(unreserved), c) {
			parts[i+1] = string(rune(c)) + part[2:]
		} else {
			parts[i+1] = "%" + strings.ToUpper(part[:2]) + part[2:]
		}
	}
	return strings.Join(parts, "")
}

// withoutDots is the pseudocode of §5.2.4, step by step.
func withoutDots(in string) string {
	out := ""
	for in != "" {
		switch {
		case strings.HasPrefix(in, "../"): // A
			in = in[3:]
		case strings.HasPrefix(in, "./"):
			in = in[2:]
		case strings.HasPrefix(in, "/./"): // B
			in = in[2:]
		case in == "/.":
			in = "/"
		case strings.HasPrefix(in, "/../") || in == "/..": // C
			in = "/" + strings.TrimPrefix(in[3:], "/")
			if i := strings.LastIndex(out, "/"); i >= 0 {
				out = out[:i]
			} else {
				out = ""
			}
		case in == "." || in == "..": // D
			in = ""
		default: // E
			end := strings.Index(in[1:], "/") + 1
			if end == 0 {
				end = len(in)
			}
			out, in = out+in[:end], in[end:]
		}
	}
	return out
}

// sixteenBytes is an IPv6 address as net sees it.
func sixteenBytes(address string) net.IP { return net.ParseIP(address).To16() }

// shortened is an IPv6 address in brackets, written by RFC 5952 §4: package net would
// write one that maps an IPv4 address as that.
func shortened(address string) string {
	ip := sixteenBytes(address)
	if ip.To4() != nil {
		return "[::ffff:" + ip.To4().String() + "]"
	}
	return "[" + ip.String() + "]"
}
