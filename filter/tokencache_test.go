package filter_test

import (
	"strings"
	"testing"
	"time"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

// tokenCounts are hits, misses and signatures that were verified.
func tokenCounts(w *worker) [3]uint64 {
	return [3]uint64{w.Metric("holdfast.token_cache.hit"), w.Metric("holdfast.token_cache.miss"), uint64(len(w.Recorded("holdfast.verify_us")))}
}

func (w *worker) counted(t *testing.T, hits, misses, verified uint64) {
	t.Helper()
	if got := tokenCounts(w); got != [3]uint64{hits, misses, verified} {
		t.Errorf("hits, misses and signatures: %v, want %v", got, [3]uint64{hits, misses, verified})
	}
}

// The same token costs its signature once; all else is judged on every request.
func TestT22b_TokenCacheJudgesEveryHit(t *testing.T) {
	t.Parallel()
	w := start(t, `{"rules":[{"match":{"path":"/admin"},"scopes":["admin"]}]}`)
	token := mint("k1")
	w.expect(get(token), "token_accepted")
	w.counted(t, 0, 1, 1)
	w.expect(get(token), "token_accepted")
	w.counted(t, 1, 1, 1)
	w.expect(get(token).Present(certB), "cnf_mismatch")
	w.expect(ask("GET", "/admin", token), "scope_insufficient")
	w.counted(t, 3, 1, 1)
	// Compared whole: one character more, less or other is another token.
	for _, other := range []string{token[:len(token)-1], token + "A", strings.ToUpper(token[:1]) + token[1:], "f" + token[1:]} {
		if other != token {
			if reason := w.judge(get(other)); reason == "token_accepted" {
				t.Errorf("%q passes", other)
			}
		}
	}
	if got := w.Metric("holdfast.token_cache.hit"); got != 3 {
		t.Errorf("%d hits", got)
	}
	// It ends with the token.
	w.proxy.Advance(time.Hour + 11*time.Second)
	w.expect(get(token), "expired")
	// The clock is set back: the token is good, and unknown again.
	w.proxy.Jump(-time.Hour)
	w.expect(get(token), "token_accepted")
	w.counted(t, 3, 3, 3)
}

// What the filter forwards and tells of a token is the same with and without cache.
func TestTokenCacheTellsTheSame(t *testing.T) {
	t.Parallel()
	w := start(t, `{"forward":{"claims":[{"claim":"sub","header":"x-sub"}],"payload_header":"x-claims","thumbprint_header":"x-thumb"}}`)
	token := mint("k1")
	first, second := get(token), get(token)
	w.expect(first, "token_accepted")
	w.expect(second, "token_accepted")
	for _, name := range []string{"x-sub", "x-claims", "x-thumb", "authorization"} {
		only(t, second, name, first.Field(name)...)
	}
	for name, value := range first.Left {
		if second.Left[name] != value {
			t.Errorf("%s is %q, was %q", name, second.Left[name], value)
		}
	}
}

// Neither a thief nor a forger gets a token into the cache: only its owner does.
func TestT22_TokenCacheTakesProvedTokensOnly(t *testing.T) {
	t.Parallel()
	w := start(t, `{"limits":{"token_cache_entries":1}}`)
	token, stolen := mint("k1"), mint("k1", claim("jti", "stolen"))
	w.expect(get(token), "token_accepted")
	for range 3 {
		w.expect(get(stolen).Present(certB), "cnf_mismatch")
		w.expect(get(mint("k2")), "key_unknown")
		w.expect(get(token+"="), "token_malformed")
	}
	w.counted(t, 0, 4, 4)
	w.expect(get(token), "token_accepted")
	w.counted(t, 1, 4, 4)
	// Another good one takes its place, the least recently used one's.
	w.expect(get(stolen), "token_accepted")
	w.expect(get(token), "token_accepted")
	w.counted(t, 1, 6, 6)
}

// A failed binding that report_only lets pass proves nothing.
func TestT22_TokenCacheWithReportOnly(t *testing.T) {
	t.Parallel()
	w := start(t, `{"proof_of_possession":{"report_only":true}}`)
	token := mint("k1")
	w.expect(get(token).Present(certB), "token_accepted")
	w.expect(get(token), "token_accepted")
	w.counted(t, 0, 2, 2)
	w.expect(get(token).Present(certB), "token_accepted")
	w.counted(t, 1, 2, 2)
}

func TestTokenCacheOff(t *testing.T) {
	t.Parallel()
	w := start(t, `{"limits":{"token_cache_entries":0}}`)
	w.expect(get(good()), "token_accepted")
	w.expect(get(good()), "token_accepted")
	w.counted(t, 0, 2, 2)
}

// It ends with the key that verified it, and outlives a refresh that brings the same.
func TestT22d_TokenCacheEndsWithTheKey(t *testing.T) {
	t.Parallel()
	set := jwks("k1", "k2")
	w := start(t, `{"issuer":{"jwks":{"uri":"https://as.example.com/jwks","cluster":"as","cache_duration":"10s","stale_if_error":"0s"}}}`)
	w.proxy.Server = func(filter.Call) filtertest.Reply { return ok(set) }
	w.proxy.Advance(time.Second)
	token := mint("k1")
	w.expect(get(token), "token_accepted")
	w.proxy.Advance(30 * time.Second) // the same keys
	w.expect(get(token), "token_accepted")
	w.counted(t, 1, 1, 1)
	// Another key under the same kid: the signature is verified anew, and fails.
	set = strings.Replace(jwks("k2"), `"kid":"k2"`, `"kid":"k1"`, 1)
	w.proxy.Advance(30 * time.Second)
	w.expect(get(token), "signature_invalid")
	set = jwks("k2")
	w.proxy.Advance(30 * time.Second)
	if reason := w.settle(get(token)); reason == "token_accepted" {
		t.Error("the key is gone")
	}
	set = jwks("k1")
	w.proxy.Advance(60 * time.Second)
	w.expect(get(token), "token_accepted")
	// Out of reach for longer than the keys may be stale: nothing passes.
	w.proxy.Server = func(filter.Call) filtertest.Reply { return status(503) }
	w.proxy.Advance(30 * time.Second)
	if reason := w.judge(get(token)); reason == "token_accepted" {
		t.Error("without keys")
	}
}

// Two configurations in one VM share nothing, nor do two issuers.
func TestT22b_TokenCacheBelongsToOneConfiguration(t *testing.T) {
	t.Parallel()
	proxy := filtertest.NewProxy()
	one := startIn(t, proxy, configure(t, ``))
	other := startIn(t, proxy, configure(t, `{"issuer":{"audiences":["another"]}}`))
	one.expect(get(good()), "token_accepted")
	other.expect(get(good()), "audience_mismatch")
}

// The cache is bounded by what it counts of a token when it takes it in. No later request
// makes it keep more: neither one that is judged with an answer of the authorization
// server, nor one that is refused before anybody was asked.
func TestTokenCacheKeepsNoMoreThanItCounts(t *testing.T) {
	t.Parallel()
	const forward = `"forward":{"claims":[{"claim":"sub","header":"x-sub"},{"claim":"sub","header":"x-sub-2"}]}`
	token := mint("k1", claim("sub", strings.Repeat("é", 1000)))
	for name, change := range map[string]string{
		"opaque": asks("", forward),
		"all":    asks(`"tokens":"all","cache_ttl":"1s"`, forward),
	} {
		w := startAsking(t, change, func(filter.Call) filtertest.Reply { return said(claim("sub", nil), claim("scope", nil)) })
		counted := func() {
			t.Helper()
			if counted, keeps := w.plugin.TokenCosts(token); counted != keeps {
				t.Errorf("%s: %d bytes counted, %d kept", name, counted, keeps)
			}
		}
		if got := w.settle(get(token)); got != "token_accepted" {
			t.Fatalf("%s: %s", name, got)
		}
		counted()
		if got := w.settle(get(token).Present(certB)); got != "cnf_mismatch" {
			t.Errorf("%s: %s", name, got)
		}
		counted()
		w.proxy.Server = func(filter.Call) filtertest.Reply { return filtertest.Reply{} }
		w.proxy.Advance(2 * time.Second) // the answer is no longer kept
		w.settle(get(token))
		counted()
	}
}
