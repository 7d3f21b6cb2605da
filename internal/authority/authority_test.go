package authority

import "testing"

// What is refused is in the tests of package canonical, which reads hosts with Split.
func TestSplit(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct {
		host, port string
		ok         bool
	}{
		"api.example.com":       {"api.example.com", "", true},
		"API.Example.COM:8443":  {"api.example.com", "8443", true},
		"api.example.com:":      {"api.example.com", "", true},
		"api.example.com:00443": {"api.example.com", "443", true},
		"api.example.com:0":     {"api.example.com", "0", true},
		"api.example.com.:80":   {"api.example.com.", "80", true},
		"[2001:DB8:0::1]":       {"[2001:db8::1]", "", true},
		"[2001:DB8:0::1]:8443":  {"[2001:db8::1]", "8443", true},
		"192.0.2.1:65535":       {"192.0.2.1", "65535", true},
		"my_service:80":         {"my_service", "80", true},
		"":                      {},
		":443":                  {},
		".":                     {},
		"a..b":                  {},
		"a~b":                   {},
		"a%62":                  {},
		"user@a":                {},
		"a:65536":               {},
		"a:+80":                 {},
		"a:80:80":               {},
		"a:8_0":                 {},
		"[::1":                  {},
		"[fe80::1%25eth0]":      {},
		"[192.0.2.1]":           {},
		"[::1]x:80":             {},
		"\u212A.example":        {},
	} {
		host, port, ok := Split(in)
		if host != want.host || port != want.port || ok != want.ok {
			t.Errorf("Split(%q) = %q, %q, %v", in, host, port, ok)
		}
	}
}
