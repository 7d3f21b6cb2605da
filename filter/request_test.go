package filter

import "testing"

func TestReadRequest(t *testing.T) {
	t.Parallel()
	pseudo := []Header{{":method", "GET"}, {":authority", "a.example"}, {":path", "/x"}, {":scheme", "https"}}
	with := func(more ...Header) []Header { return append(append([]Header(nil), pseudo...), more...) }
	r, ok := readRequest(with(Header{"a", "1"}, Header{"", "2"}, Header{"A", "3"}))
	if !ok || r.method != "GET" || r.authority != "a.example" || r.path != "/x" || len(r.fields) != 3 {
		t.Errorf("%+v, %v", r, ok)
	}
	if value, count := r.field("a"); value != "1" || count != 2 {
		t.Errorf("%q, %d", value, count)
	}
	if r, ok := readRequest(pseudo); !ok || len(r.fields) != 0 {
		t.Errorf("no fields: %+v, %v", r, ok)
	}
	for name, headers := range map[string][]Header{
		"none":                      nil,
		"no method":                 pseudo[1:],
		"T14 two paths":             append([]Header{{":path", "/public"}}, pseudo...),
		"T14 two methods":           append([]Header{{":method", "GET"}}, pseudo...),
		"T14 two authorities":       append([]Header{{":authority", "a.example"}}, pseudo...),
		"RFC9113_8.3 after a field": with(Header{"a", "1"}, Header{":path", "/y"}),
		"RFC9113_8.3 unknown, late": with(Header{"a", "1"}, Header{":x", "y"}),
	} {
		if r, ok := readRequest(headers); ok {
			t.Errorf("%s: taken as %+v", name, r)
		}
	}
}

func TestT15_NamesThatReadAlike(t *testing.T) {
	t.Parallel()
	tests := []struct {
		sent, lower string
		same, reads bool
	}{
		{"x-auth-sub", "x-auth-sub", true, true},
		{"X-Auth-SUB", "x-auth-sub", true, true},
		{"x_auth_sub", "x-auth-sub", false, true},
		{"X_Auth-Sub", "x-auth-sub", false, true},
		{"x-auth-sub", "x_auth-sub", false, true},
		{"x-auth-su", "x-auth-sub", false, false},
		{"x-auth-sub2", "x-auth-sub", false, false},
		{"x.auth.sub", "x-auth-sub", false, false},
		{"x-auth-s\u017Fb", "x-auth-sub", false, false},
		{"", "", true, true},
	}
	for _, tt := range tests {
		if got := sameName(tt.sent, tt.lower); got != tt.same {
			t.Errorf("sameName(%q, %q) = %v", tt.sent, tt.lower, got)
		}
		if got := readsAs(tt.sent, tt.lower); got != tt.reads {
			t.Errorf("readsAs(%q, %q) = %v", tt.sent, tt.lower, got)
		}
	}
}
