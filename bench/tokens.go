package main

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"holdfast/e2e"
)

// target is what every request asks for: under the rules of envoy.yaml it takes the
// scope accounts:read.
const target = e2e.Resource + "/accounts"

// How many tokens there are. A cache of tokens keeps 2,048 (token_cache_entries) and
// gives up the least recently used: going round more than that, none is ever found
// there. So tokens can be made once, and every one is new to the cache all the same.
const (
	fewTokens  = 100
	manyTokens = 4096
)

// tokenLifetime outlasts every run.
const tokenLifetime = 12 * time.Hour

// credentials are what requests carry, made before anything is measured. All belong
// to the certificate of client A, but for what a thief sends.
type credentials struct {
	cached, cachedRS ring // few tokens, over and over
	es256, rs256     ring // each one new
	forged           ring // signed by a key that is not the issuer's
	opaque           ring
	client           *prover
	dpopToken        string
}

func makeCredentials(ctx context.Context, pki *e2e.PKI, auth *e2e.AuthServer, es, rs *e2e.Key) (*credentials, error) {
	c := new(credentials)
	wrong := e2e.NewKey(es.ID, "ES256")
	for i := range manyTokens {
		c.es256.add(mint(auth, pki.A, es))
		c.rs256.add(mint(auth, pki.A, rs))
		c.forged.add(mint(auth, pki.A, wrong))
		if i < fewTokens {
			c.cached.add(mint(auth, pki.A, es))
			c.cachedRS.add(mint(auth, pki.A, rs))
		}
	}
	auth.Lifetime(int(tokenLifetime.Seconds()))
	for range fewTokens {
		token, err := auth.Token(ctx, e2e.Request{Certificate: pki.A, Opaque: true})
		if err != nil {
			return nil, err
		}
		c.opaque.add(token)
	}
	var err error
	if c.client, err = newProver(); err != nil {
		return nil, err
	}
	c.dpopToken = auth.Mint(nil).With(e2e.M{"exp": time.Now().Add(tokenLifetime).Unix(), "cnf": e2e.M{"jkt": c.client.JKT}}).Sign(es)
	return c, nil
}

// mint makes a token that nobody has seen yet.
func mint(auth *e2e.AuthServer, c *e2e.Certificate, key *e2e.Key) string {
	return auth.Mint(c).With(e2e.M{"exp": time.Now().Add(tokenLifetime).Unix()}).
		WithHeader(e2e.M{"alg": key.Algorithm, "kid": key.ID}).Sign(key)
}

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// proven is a request with the token that is bound to a key, and a proof by a client.
func (c *credentials) proven(by *prover) http.Header {
	return http.Header{"Authorization": {"DPoP " + c.dpopToken}, "Dpop": {by.prove(c.dpopToken, time.Now())}}
}

// A source gives the headers of one request after another, and false when it has no
// more. It is safe for several goroutines.
type source func() (http.Header, bool)

// A ring never ends. It goes on where it was, whoever asks: its first token comes again
// only after all others.
type ring struct {
	headers []http.Header
	n       atomic.Uint64
}

func (r *ring) add(token string) { r.headers = append(r.headers, bearer(token)) }

func (r *ring) next() (http.Header, bool) {
	return r.headers[(r.n.Add(1)-1)%uint64(len(r.headers))], true
}

// once ends with the last.
func once(headers []http.Header) source {
	var n atomic.Uint64
	return func() (http.Header, bool) {
		i := n.Add(1) - 1
		if i >= uint64(len(headers)) {
			return nil, false
		}
		return headers[i], true
	}
}

// first ends a source after so many.
func first(count int, s source) source {
	var n atomic.Int64
	return func() (http.Header, bool) {
		if n.Add(1) > int64(count) {
			return nil, false
		}
		return s()
	}
}

// mixed takes from several sources, each as often as its weight says.
func mixed(weights []int, sources ...source) source {
	var turns []source
	for i, s := range sources {
		for range weights[i] {
			turns = append(turns, s)
		}
	}
	var n atomic.Uint64
	return func() (http.Header, bool) { return turns[(n.Add(1)-1)%uint64(len(turns))]() }
}

// A carrier makes a source of up to so many requests, just before they are sent.
type carrier func(c *credentials, count int) source

func carryCached(c *credentials, _ int) source   { return c.cached.next }
func carryCachedRS(c *credentials, _ int) source { return c.cachedRS.next }
func carryES256(c *credentials, _ int) source    { return c.es256.next }
func carryRS256(c *credentials, _ int) source    { return c.rs256.next }
func carryOpaque(c *credentials, _ int) source   { return c.opaque.next }

// carryProofs: a proof is good once, and for a minute (proof_lifetime).
func carryProofs(c *credentials, count int) source {
	headers := make([]http.Header, count)
	for i := range headers {
		headers[i] = c.proven(c.client)
	}
	return once(headers)
}
