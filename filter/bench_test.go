package filter_test

import (
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

// cachedRequest returns what judges one request whose token is in the cache.
func cachedRequest(t testing.TB) func() {
	w := &worker{}
	proxy := filtertest.NewProxy()
	w.Host = proxy.Worker()
	plugin, err := w.Start(`{"issuers":[{"issuer":"` + issuerURL + `","audiences":["` + audience + `"],"jwks":{"inline":` + jwks("k1") + `}}],
		"rules":[{"match":{"path_prefix":"/accounts"},"scopes":["read"]}],"forward":{"claims":[{"claim":"sub","header":"x-auth-sub"}]}}`)
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

func BenchmarkCachedToken(b *testing.B) {
	once := cachedRequest(b)
	b.ReportAllocs()
	for b.Loop() {
		once()
	}
}

// The ceiling of what a request with a known token may allocate: garbage is what the
// collector of every worker has to deal with between requests.
func TestAllocationsOfAKnownToken(t *testing.T) {
	once := cachedRequest(t)
	once()
	const ceiling = 3
	if got := testing.AllocsPerRun(200, once); got > ceiling {
		t.Errorf("%v allocations, at most %d", got, ceiling)
	}
}
