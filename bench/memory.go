package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"holdfast/e2e"
)

// memories is all about resident memory, in MB.
type memories struct {
	Workers []byWorkers
	Keys    []byCount // ES256 keys in the issuer's set, each used, with verification in the sandbox
	Tokens  []byCount // entries of the token cache, all full
	Answers []byCount // entries of introspection's cache, all full
	Growth  []byCount // after so many requests
}

type byWorkers struct {
	Workers               int
	None, Empty, Holdfast float64
}

type byCount struct {
	Count int
	MB    float64
}

// settle is how long the memory of a process that has nothing to do is left alone
// before it is read.
const settle = 2 * time.Second

// holds is the resident memory of a gateway that came to rest.
func (g *gateway) holds() (float64, error) {
	time.Sleep(settle + g.variant.pause)
	bytes, err := g.memory()
	return megabytes(bytes), err
}

// held starts a variant, puts requests through it and reads its memory.
func (f *fixture) held(v variant, h how, s source) (float64, error) {
	h.allCores = true
	g, err := f.start(v, h)
	if err != nil {
		return 0, err
	}
	defer g.close()
	if err := flatOut(g.owner, s, 0).only(http.StatusOK); err != nil {
		return 0, fmt.Errorf("%s: %w", v.Name, err)
	}
	return g.holds()
}

func named(all []variant, name string) variant {
	for _, v := range all {
		if v.Name == name {
			return v
		}
	}
	panic("no variant " + name)
}

// perWorker is how many requests every worker gets before its memory is read.
const perWorker = 3000

func (f *fixture) memoryByWorkers(all []variant) ([]byWorkers, error) {
	var out []byWorkers
	for _, workers := range f.Workers {
		row := byWorkers{Workers: workers}
		for name, to := range map[string]*float64{"none": &row.None, "empty": &row.Empty, "holdfast-cached": &row.Holdfast} {
			v, err := named(all, name), error(nil)
			// Many connections, so that each worker has some.
			h := how{workers: workers, clients: connections * workers}
			if *to, err = f.held(v, h, first(perWorker*workers, mixed([]int{4, 1}, f.credentials.cached.next, f.credentials.es256.next))); err != nil {
				return nil, err
			}
		}
		f.say("memory, %d workers: no filter %.0f MB, empty Go filter %.0f MB, Holdfast %.0f MB", workers, row.None, row.Empty, row.Holdfast)
		out = append(out, row)
	}
	return out, nil
}

// memoryByKeys has the issuer publish so many keys, and sends tokens by each. In the
// sandbox, because a host that verifies saves the tables of them.
func (f *fixture) memoryByKeys(all []variant) ([]byCount, error) {
	defer f.auth.Publish(f.es, f.rs)
	var out []byCount
	keys := []*e2e.Key{f.es, f.rs}
	v := named(all, "holdfast-es256-sandbox").like(func(v *variant) { v.pause = 8 * time.Second }) // for tables of 8 keys
	for _, n := range f.Keys {
		for len(keys) <= n { // the fixture's RS256 key comes on top
			keys = append(keys, e2e.NewKey(fmt.Sprintf("key-%d", len(keys)), "ES256"))
		}
		f.auth.Publish(keys...)
		var tokens ring
		for _, key := range keys {
			if key != f.rs {
				tokens.add(mint(f.auth, f.pki.A, key))
			}
		}
		// New tokens besides, whose garbage has the heap take its size.
		mb, err := f.held(v, how{}, first(2*perWorker+40*n, mixed([]int{1, 1}, tokens.next, f.credentials.es256.next)))
		if err != nil {
			return nil, err
		}
		f.say("memory, %d ES256 keys: %.0f MB", n, mb)
		out = append(out, byCount{n, mb})
	}
	return out, nil
}

// memoryByTokens fills the token cache.
func (f *fixture) memoryByTokens(all []variant) ([]byCount, error) {
	var out []byCount
	for _, n := range f.Entries {
		headers := make([]http.Header, max(n, fewTokens))
		for i := range headers {
			headers[i] = bearer(mint(f.auth, f.pki.A, f.es))
		}
		v := named(all, "holdfast-cached").like(func(v *variant) { v.patch = e2e.M{"limits": e2e.M{"token_cache_entries": n}} })
		mb, err := f.held(v, how{}, once(headers))
		if err != nil {
			return nil, err
		}
		f.say("memory, %d tokens cached: %.0f MB", n, mb)
		out = append(out, byCount{n, mb})
	}
	return out, nil
}

// memoryByAnswers fills the cache of introspection.
func (f *fixture) memoryByAnswers(all []variant) ([]byCount, error) {
	answer, err := json.Marshal(e2e.M{
		"active": true, "iss": e2e.Issuer, "aud": e2e.Resource, "sub": "client-a", "client_id": "client-a",
		"scope": "accounts:read payments:write", "exp": time.Now().Add(tokenLifetime).Unix(), "cnf": e2e.M{"x5t#S256": f.pki.A.X5T()},
	})
	if err != nil {
		return nil, err
	}
	var out []byCount
	for _, n := range f.Entries {
		if n == 0 {
			continue // there is always a cache
		}
		headers := make([]http.Header, n)
		for i := range headers {
			headers[i] = bearer(fmt.Sprintf("opaque-%040d", i))
		}
		issuers := e2e.IssuerWith(e2e.M{"introspection": e2e.M{"cache_ttl": "1h", "cache_entries": n}})
		v := named(all, "holdfast-introspection").like(func(v *variant) { v.patch = e2e.M{"issuers": issuers} })
		mb, err := f.heldWithAnswer(v, string(answer), once(headers))
		if err != nil {
			return nil, err
		}
		f.say("memory, %d answers of introspection cached: %.0f MB", n, mb)
		out = append(out, byCount{n, mb})
	}
	return out, nil
}

// heldWithAnswer is held while the authorization server gives this answer about any
// token.
func (f *fixture) heldWithAnswer(v variant, answer string, s source) (float64, error) {
	g, err := f.start(v, how{allCores: true})
	if err != nil {
		return 0, err
	}
	defer g.close()
	f.auth.Fault("/introspect", e2e.Reply(http.StatusOK, answer, "content-type: application/json"))
	defer f.auth.Fault("/introspect", nil)
	if err := flatOut(g.owner, s, 0).only(http.StatusOK); err != nil {
		return 0, fmt.Errorf("%s: %w", v.Name, err)
	}
	return g.holds()
}

// growthSteps is how often the memory is read on the way.
const growthSteps = 20

// growth puts very many requests through one worker, cached, new and forged, and reads
// its memory on the way.
func (f *fixture) growth(all []variant) ([]byCount, error) {
	v := named(all, "holdfast-cached")
	g, err := f.start(v, how{})
	if err != nil {
		return nil, err
	}
	defer g.close()
	c := f.credentials
	traffic := mixed([]int{16, 3, 1}, c.cached.next, c.es256.next, c.forged.next)
	step := max(1, f.GrowthRequests/growthSteps)
	var out []byCount
	for sent := step; sent <= f.GrowthRequests; sent += step {
		l := flatOut(g.owner, first(step, traffic), 0)
		if l.Codes[http.StatusOK]+l.Codes[http.StatusUnauthorized] != l.Requests || l.Codes[http.StatusOK] < l.Requests*18/20 {
			return nil, fmt.Errorf("growth: %d requests got %v: %s", l.Requests, l.Codes, l.Err)
		}
		bytes, err := g.memory()
		if err != nil {
			return nil, err
		}
		out = append(out, byCount{sent, megabytes(bytes)})
		f.say("memory, after %d requests: %.1f MB", sent, megabytes(bytes))
	}
	return out, g.envoy.CheckVM()
}
