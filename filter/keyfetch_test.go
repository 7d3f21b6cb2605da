package filter

import (
	"strings"
	"testing"
	"time"

	"holdfast/filter/config"
)

func TestRFC8414_3_1_WhereMetadataIs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		issuer, authority string
		paths             []string
	}{
		{"https://as.example.com", "as.example.com", []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"}},
		{"https://as.example.com/", "as.example.com", []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"}},
		{"http://as.example.com:8080/realms/a", "as.example.com:8080", []string{"/.well-known/oauth-authorization-server/realms/a", "/realms/a/.well-known/openid-configuration"}},
		{"https://as.example.com/a/", "as.example.com", []string{"/.well-known/oauth-authorization-server/a", "/a/.well-known/openid-configuration"}},
		{"urn:example:as", "", nil},
	}
	for _, tt := range tests {
		got := wellKnownURLs(tt.issuer)
		if len(got) != len(tt.paths) {
			t.Errorf("%s: %v", tt.issuer, got)
			continue
		}
		for i, at := range got {
			if at.Authority != tt.authority || at.Path != tt.paths[i] {
				t.Errorf("%s: %v", tt.issuer, at)
			}
		}
	}
}

func TestT25_ParseEndpoint(t *testing.T) {
	t.Parallel()
	good := map[string]config.Endpoint{
		"https://a.example/jwks":         {Scheme: "https", Authority: "a.example", Path: "/jwks"},
		"http://a.example:8080/x/y?z=1":  {Scheme: "http", Authority: "a.example:8080", Path: "/x/y?z=1"},
		"https://a.example":              {Scheme: "https", Authority: "a.example", Path: "/"},
		"https://a.example?z":            {Scheme: "https", Authority: "a.example", Path: "/?z"},
		"https://[2001:db8::1]:443/jwks": {Scheme: "https", Authority: "[2001:db8::1]:443", Path: "/jwks"},
		"https://a.example/b@c":          {Scheme: "https", Authority: "a.example", Path: "/b@c"},
	}
	for url, want := range good {
		if at, ok := config.ParseEndpoint(url); !ok || at != want {
			t.Errorf("%s: %v, %v", url, at, ok)
		}
	}
	for _, url := range []string{
		"", "/jwks", "a.example/jwks", "ftp://a.example/jwks", "file:///etc/passwd", "https://", "https:///jwks", "//a.example/",
		"https://user:pass@a.example/jwks", "https://a.example/jwks#x", "https://a.example\\@b.example/", "https://a.example/ HTTP/1.1",
		"https://a.example/\r\nhost: b.example", "https://ä.example/", "https://a.example/\x00", "https://a.example/\x7f", "HTTPS://a.example/x",
	} {
		if at, ok := config.ParseEndpoint(url); ok {
			t.Errorf("%q was taken as %v", url, at)
		}
	}
}

func TestRFC8414_3_3_Metadata(t *testing.T) {
	t.Parallel()
	const issuer = "https://as.example.com"
	doc := func(issuer, uri string) string { return `{"issuer":"` + issuer + `","jwks_uri":"` + uri + `"}` }
	at, err := keysLocation(CallResult{Status: 200, Body: []byte(doc(issuer, "https://keys.example.com/k?v=1"))}, issuer)
	if err != nil || at != (config.Endpoint{Scheme: "https", Authority: "keys.example.com", Path: "/k?v=1"}) {
		t.Errorf("%v, %v", at, err)
	}
	// A document does not take TLS away.
	if at, err := keysLocation(CallResult{Status: 200, Body: []byte(doc(issuer, "http://keys.example.com/"))}, issuer); err != nil || at.Scheme != "https" {
		t.Errorf("%v, %v", at, err)
	}
	bad := map[string]CallResult{
		"404":              {Status: 404, Body: []byte(doc(issuer, issuer))},
		"T25 redirect":     {Status: 302, Body: []byte(doc(issuer, issuer))},
		"no answer":        {},
		"too large":        {Status: 200, TooLarge: true},
		"other issuer":     {Status: 200, Body: []byte(doc("https://as.example.com/", issuer))},
		"prefix":           {Status: 200, Body: []byte(doc("https://as.example", issuer))},
		"issuer missing":   {Status: 200, Body: []byte(`{"jwks_uri":"https://as.example.com/k"}`)},
		"issuer array":     {Status: 200, Body: []byte(`{"issuer":["https://as.example.com"],"jwks_uri":"https://as.example.com/k"}`)},
		"uri missing":      {Status: 200, Body: []byte(`{"issuer":"https://as.example.com"}`)},
		"uri number":       {Status: 200, Body: []byte(`{"issuer":"https://as.example.com","jwks_uri":1}`)},
		"uri relative":     {Status: 200, Body: []byte(doc(issuer, "/k"))},
		"no JSON":          {Status: 200, Body: []byte(`<html>`)},
		"array":            {Status: 200, Body: []byte(`[]`)},
		"T08 issuer twice": {Status: 200, Body: []byte(`{"issuer":"https://as.example.com","issuer":"https://as.example.com","jwks_uri":"https://as.example.com/k"}`)},
	}
	for name, result := range bad {
		if at, err := keysLocation(result, issuer); err == nil {
			t.Errorf("%s: taken as %v", name, at)
		}
	}
}

// cache-control counts within bounds: at least 30 s, at most cache_duration.
func TestRFC9111_5_2_2_Freshness(t *testing.T) {
	t.Parallel()
	tests := []struct {
		header string
		cache  time.Duration
		want   time.Duration
	}{
		{"", 10 * time.Minute, 10 * time.Minute},
		{"max-age=60", 10 * time.Minute, time.Minute},
		{"public, Max-Age=60", 10 * time.Minute, time.Minute},
		{`max-age="60"`, 10 * time.Minute, time.Minute},
		{"max-age=86400", 10 * time.Minute, 10 * time.Minute},
		{"max-age=0", 10 * time.Minute, shortestFresh},
		{"max-age=1", 10 * time.Minute, shortestFresh},
		{"max-age=90, max-age=60", 10 * time.Minute, time.Minute},
		{"no-store", 10 * time.Minute, shortestFresh},
		{"no-cache", 10 * time.Minute, shortestFresh},
		{"no-store, max-age=300", 10 * time.Minute, shortestFresh},
		{"max-age=-1", 10 * time.Minute, 10 * time.Minute},
		{"max-age=", 10 * time.Minute, 10 * time.Minute},
		{"max-age=1e3", 10 * time.Minute, 10 * time.Minute},
		{"max-age=99999999999999999999", 10 * time.Minute, 10 * time.Minute},
		{"s-maxage=60", 10 * time.Minute, 10 * time.Minute},
		{"max-age=0", 10 * time.Second, 10 * time.Second},
	}
	for _, tt := range tests {
		headers := []Header{{"content-type", "application/json"}, {"Cache-Control", tt.header}}
		if got := freshFor(headers, tt.cache); got != tt.want {
			t.Errorf("%q with %v: %v, want %v", tt.header, tt.cache, got, tt.want)
		}
	}
	if got := freshFor(nil, time.Hour); got != time.Hour {
		t.Errorf("without a header: %v", got)
	}
	two := []Header{{"cache-control", "public"}, {"cache-control", "max-age=60"}}
	if got := freshFor(two, time.Hour); got != time.Minute {
		t.Errorf("two fields: %v", got)
	}
}

func TestKeyRecord(t *testing.T) {
	t.Parallel()
	at := func(s int64) time.Time { return time.Unix(s, 1) }
	full := keyRecord{FetchedAt: at(1), FreshUntil: at(2), LeaseUntil: at(3), FailedAt: at(4), RetryAt: at(5), AskedAt: at(6), Failures: 16, Digest: [32]byte{7, 31: 8}}
	for _, r := range []keyRecord{{}, full, {FetchedAt: at(9)}} {
		got, err := parseKeyRecord(r.bytes())
		if err != nil || got != r {
			t.Errorf("%+v came back as %+v, %v", r, got, err)
		}
	}
	bytes := full.bytes()
	overflow := append([]byte(nil), bytes...)
	overflow[7] = 0x80
	failures := append([]byte(nil), bytes...)
	failures[48] = 17
	for name, b := range map[string][]byte{
		"empty": nil, "short": bytes[:len(bytes)-1], "long": append(append([]byte(nil), bytes...), 0),
		"a time that overflows": overflow, "too many failures": failures, "text": []byte(strings.Repeat("a", keyRecordSize)),
	} {
		if r, err := parseKeyRecord(b); err == nil || r != (keyRecord{}) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}
