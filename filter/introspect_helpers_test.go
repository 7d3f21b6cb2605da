package filter_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

// asks is a configuration with introspection, whose members more adds to.
func asks(more string, rest ...string) string {
	return `{"issuer":{"introspection":{"endpoint":"https://as.example.com/introspect","cluster":"as","client_id":"gw","client_secret":"s3cret"` +
		prefixed(more) + `}}` + prefixed(strings.Join(rest, ",")) + `}`
}

func prefixed(members string) string {
	if members == "" {
		return ""
	}
	return "," + members
}

// said is an answer about an active token that is bound to certA and good for an
// hour. With edits it says something else.
func said(edits ...edit) filtertest.Reply {
	return saidAs("application/json", marshal(answer(edits...)))
}

func saidAs(contentType, body string) filtertest.Reply {
	return ok(body, field("content-type", contentType))
}

func answer(edits ...edit) object {
	o := object{
		"active": true, "iss": issuerURL, "aud": audience, "sub": "alice", "client_id": "app", "scope": "read",
		"exp": seconds(time.Hour), "cnf": object{"x5t#S256": x5t(certA)},
	}
	for _, e := range edits {
		e(nil, o)
	}
	return o
}

// startAsking starts a worker whose calls are all answered so.
func startAsking(t *testing.T, change string, server func(filter.Call) filtertest.Reply) *worker {
	t.Helper()
	w := start(t, change)
	w.proxy.Server = server
	return w
}

// settle lets a request arrive and everything happen that its decision takes.
func (w *worker) settle(s *filtertest.Stream) string {
	w.t.Helper()
	w.send(s)
	w.proxy.Advance(10 * time.Millisecond)
	return w.outcome(s)
}

// form reads what a call sent.
func form(t *testing.T, call filter.Call) url.Values {
	t.Helper()
	values, err := url.ParseQuery(call.Body)
	if err != nil {
		t.Fatalf("%v in %s", err, call.Body)
	}
	return values
}

// introspections are the metrics of introspection, in the order of the contract.
func introspections(w *worker) [5]uint64 {
	var n [5]uint64
	for i, name := range [...]string{"active", "inactive", "failed", "cached", "coalesced"} {
		n[i] = w.Metric("holdfast.introspection." + name)
	}
	return n
}
