package filtertest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/filter"
	"holdfast/jwt"
)

// What ngx_wasm_module answers with a trap, a crash, an alert or a hang is noted, one
// row for each.
func TestKong_WhatNoFilterMayDo(t *testing.T) {
	t.Parallel()
	answer := filter.Answer{Status: 401}
	in := func(do func(h *Host, s *Stream)) func(*Host, *Stream) {
		return func(h *Host, s *Stream) { s.Callback(func() { do(h, s); s.Respond(answer) }) }
	}
	for want, do := range map[string]func(h *Host, s *Stream){
		"not implemented, and each time":      in(func(_ *Host, s *Stream) { s.Property("connection", "sha256_peer_certificate_digest") }),
		"connection.uri_san_peer_certificate": in(func(_ *Host, s *Stream) { s.Property("connection", "uri_san_peer_certificate") }),
		"plugin_name was read":                in(func(_ *Host, s *Stream) { s.Property("plugin_name") }),
		"the upstream gets it":                in(func(_ *Host, s *Stream) { s.RemoveRequestHeader("x") }),
		"a tick was asked for by a request":   in(func(h *Host, _ *Stream) { h.SetTick(time.Second) }),
		"a second time":                       func(h *Host, _ *Stream) { h.SetTick(time.Second); h.SetTick(time.Second) },
		"outside of the plugin's own":         func(h *Host, _ *Stream) { h.Dispatch(filter.Call{}, nil) },
		"without a zone":                      func(h *Host, _ *Stream) { h.Proxy.NoZone = true; h.SharedGet("k") },
		"a foreign function":                  func(h *Host, _ *Stream) { h.VerifySignature(jwt.X509Signature{}) },
		"it hangs":                            func(_ *Host, s *Stream) { s.Callback(func() {}) },
		"acts on another request":             func(_ *Host, s *Stream) { s.Continue() },
		"a panic left a callback":             func(_ *Host, s *Stream) { s.Callback(func() { s.Respond(answer); panic("x") }) },
		"reason phrase":                       func(_ *Host, s *Stream) { s.Callback(func() { s.Respond(filter.Answer{Status: 401, Details: "x"}) }) },
		"with a call under way": func(_ *Host, s *Stream) {
			s.Callback(func() { s.Dispatch(filter.Call{Cluster: "as", Scheme: "https"}, nil); s.Continue() })
		},
		"lets the request go on": func(h *Host, s *Stream) {
			s.Callback(func() {
				s.Dispatch(filter.Call{Cluster: "as", Scheme: "https", Timeout: time.Second}, func(filter.CallResult) {})
			})
			h.Proxy.Advance(time.Minute)
		},
	} {
		h := NewKong().Worker()
		s := h.NewStream("GET", "api.example.com", "/")
		do(h, s)
		if noted := append(h.Proxy.Violations, s.Violations...); !strings.Contains(strings.Join(noted, "\n"), want) {
			t.Errorf("%s: noted %q", want, noted)
		}
	}
}

// What it does in its own way, without a word.
func TestKong_OwnWays(t *testing.T) {
	t.Parallel()
	h := NewKong().Worker()
	s := h.NewStream("GET", "api.example.com", "/a%2Fb//c/../d/?q=%2F", filter.Header{Name: "X-One", Value: "1"}, filter.Header{Name: "x-one", Value: "2"})
	s.Callback(func() {
		list, _ := s.RequestHeaders()
		for _, want := range []filter.Header{
			{Name: ":authority", Value: kongServer}, {Name: ":path", Value: "/a/b/d/?q=%2F"}, {Name: "Host", Value: "api.example.com"}, {Name: "X-One", Value: "1"},
		} {
			if !slices.Contains(list, want) {
				t.Errorf("%v is not in %v", want, list)
			}
		}
		if _, found, err := s.Property("ngx", "ssl_client_raw_cert"); found || err != nil {
			t.Errorf("%v, %v", found, err)
		}
		s.Present([]byte("der"))
		for _, path := range [][]string{{"ngx", "ssl_client_raw_cert"}, {"ngx", "ssl_client_verify"}, {"request", "host"}, {"connection", "mtls"}} {
			if value, found, err := s.Property(path...); !found || err != nil || len(value) < 2 {
				t.Errorf("%v: %q, %v, %v", path, value, found, err)
			}
		}
		if s.SetProperty("holdfast.reason", "x") == nil {
			t.Error("it takes a property")
		}
		s.SetRequestHeader("x-one", "new")
		s.Respond(filter.Answer{Status: 401, Body: "{}", GRPCStatus: 16, Headers: []filter.Header{
			{Name: "www-authenticate", Value: "Bearer"}, {Name: "WWW-Authenticate", Value: "DPoP"},
		}})
	})
	if got := s.Field("x-one"); !slices.Equal(got, []string{"new", "2"}) {
		t.Errorf("x-one is %q: the first is replaced, others leak", got)
	}
	if a := s.Answer; len(a.Headers) != 1 || a.Headers[0].Value != "DPoP" || a.Body != "{}\n" || a.GRPCStatus != -1 {
		t.Errorf("%+v", a)
	}
	if len(s.Violations)+len(h.Proxy.Violations) > 0 {
		t.Errorf("%q %q", s.Violations, h.Proxy.Violations)
	}

	// A number writes where it is the current one, 0 where there is nothing.
	for _, step := range []struct {
		cas uint32
		ok  bool
	}{{7, false}, {0, true}, {0, false}, {1, true}, {1, false}, {2, true}} {
		if ok, err := h.SharedSet("k", []byte("v"), step.cas); ok != step.ok || err != nil {
			t.Errorf("%+v: %v, %v", step, ok, err)
		}
	}

	// A call that fails has no headers.
	for _, cluster := range []string{"outbound|443||as", "as"} {
		var results []filter.CallResult
		h.within(func() {
			h.Dispatch(filter.Call{Cluster: cluster, Scheme: "https", Timeout: time.Second}, func(r filter.CallResult) { results = append(results, r) })
		})
		h.Proxy.Advance(time.Minute)
		if len(results) != 1 || results[0].Status != 0 {
			t.Errorf("%s: %+v", cluster, results)
		}
	}
}
