package filter_test

import (
	"fmt"
	"strings"
	"testing"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

// quiet is a request whose host costs nothing: what is left is the filter's own work.
type quiet struct {
	*filtertest.Stream
	headers   []filter.Header
	continued bool
}

func (q *quiet) RequestHeaders() ([]filter.Header, error) { return q.headers, nil }
func (q *quiet) RemoveRequestHeader(string) error         { return nil }
func (q *quiet) SetRequestHeader(string, string) error    { return nil }
func (q *quiet) SetProperty(string, string) error         { return nil }
func (q *quiet) Respond(filter.Answer) error              { return nil }
func (q *quiet) Continue() error                          { q.continued = true; return nil }
func (q *quiet) Property(path ...string) ([]byte, bool, error) {
	return digestOfA, path[1] == "sha256_peer_certificate_digest", nil
}

var digestOfA = []byte(get("").Properties["connection.sha256_peer_certificate_digest"])

// cachedRequest returns what judges one request whose token is in the cache, with so
// many issuers and rules, of which the last ones are the request's.
func cachedRequest(t testing.TB, issuers, rules int) func() {
	var who, what []string
	for i := range issuers {
		name := issuerURL
		if i < issuers-1 {
			name = fmt.Sprintf("https://as-%d.example.com", i)
		}
		who = append(who, `{"issuer":"`+name+`","audiences":["`+audience+`"],"jwks":{"inline":`+jwks("k1")+`}}`)
	}
	for i := range rules - 1 {
		what = append(what, fmt.Sprintf(`{"match":{"path_prefix":"/api/%d/"},"scopes":["other"]}`, i))
	}
	what = append(what, `{"match":{"path_prefix":"/accounts"},"scopes":["read"]}`)
	w := &worker{}
	proxy := filtertest.NewProxy()
	w.Host = proxy.Worker()
	plugin, err := w.Start(`{"issuers":[` + strings.Join(who, ",") + `],"rules":[` + strings.Join(what, ",") + `],
		"forward":{"claims":[{"claim":"sub","header":"x-auth-sub"}]}}`)
	if err != nil {
		t.Fatal(err)
	}
	s := &quiet{headers: get(good(), field("user-agent", "curl"), field("accept", "*/*"), field("x-request-id", "1")).Headers}
	return func() {
		s.continued = false
		x := plugin.NewExchange(s)
		x.OnRequestHeaders()
		x.OnDone()
		if !s.continued {
			t.Fatal("refused")
		}
	}
}

func BenchmarkCachedToken(b *testing.B) { benchmarkCachedToken(b, 1, 1) }
func BenchmarkRules10(b *testing.B)     { benchmarkCachedToken(b, 1, 10) }
func BenchmarkRules1000(b *testing.B)   { benchmarkCachedToken(b, 1, 1000) }
func BenchmarkIssuers10(b *testing.B)   { benchmarkCachedToken(b, 10, 1) }
func BenchmarkIssuers1000(b *testing.B) { benchmarkCachedToken(b, 1000, 1) }

func benchmarkCachedToken(b *testing.B, issuers, rules int) {
	once := cachedRequest(b, issuers, rules)
	b.ReportAllocs()
	for b.Loop() {
		once()
	}
}

// The ceiling of what a request with a known token may allocate: garbage is what the
// collector of every worker has to deal with between requests.
func TestAllocationsOfAKnownToken(t *testing.T) {
	once := cachedRequest(t, 1, 1)
	once()
	const ceiling = 3
	if got := testing.AllocsPerRun(200, once); got > ceiling {
		t.Errorf("%v allocations, at most %d", got, ceiling)
	}
}
