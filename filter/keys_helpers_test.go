package filter_test

import (
	"errors"
	"testing"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

// withURI is a configuration whose keys are fetched.
const withURI = `{"issuer":{"jwks":{"uri":"https://as.example.com/jwks","cluster":"as","timeout":"5s",
	"cache_duration":"10m","stale_if_error":"1h","unknown_kid_interval":"30s"}}}`

var errHost = errors.New("the host refuses")

// ok is an answer of status 200.
func ok(body string, headers ...filter.Header) filtertest.Reply {
	return filtertest.Reply{Result: filter.CallResult{Status: 200, Headers: headers, Body: []byte(body)}}
}

func status(code int) filtertest.Reply {
	return filtertest.Reply{Result: filter.CallResult{Status: code}}
}

// keysFrom is a server that answers with these keys.
func keysFrom(names ...string) func(filter.Call) filtertest.Reply {
	body := jwks(names...)
	return func(filter.Call) filtertest.Reply { return ok(body) }
}

// always is a server that answers every call so.
func always(reply filtertest.Reply) func(filter.Call) filtertest.Reply {
	return func(filter.Call) filtertest.Reply { return reply }
}

// twoWorkers start the same configuration in one proxy.
func twoWorkers(t *testing.T, change string) (a, b *worker) {
	t.Helper()
	proxy, configuration := filtertest.NewProxy(), configure(t, change)
	return startIn(t, proxy, configuration), startIn(t, proxy, configuration)
}

// fetches is how many calls the workers of a proxy ever made.
func fetches(workers ...*worker) int {
	n := 0
	for _, w := range workers {
		n += len(w.Dispatched)
	}
	return n
}
