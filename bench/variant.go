package main

import (
	"slices"
	"time"

	"holdfast/e2e"
)

// A variant is one of the things that are compared.
type variant struct {
	Name  string // in reports, plots and -only
	Title string

	// Filters takes Holdfast's place; nil is Holdfast.
	filters func(f *fixture) string
	patch   e2e.M      // of Holdfast's configuration
	edits   []e2e.Edit // of the listener
	// helper has ext_authz's service run beside Envoy, with a cache of so many tokens.
	helper *int

	carry carrier
	// What it claims to do, and has to show before it is measured.
	verifies, binds, proofs bool
	// Slow variants are measured at a rate of their own.
	Slow bool
	// pause is how long it goes on getting ready after it was warmed up.
	pause time.Duration
	// logs is what Envoy's log has to say after the start.
	logs string
	// counts are counters of Envoy that every request has to move.
	counts []string
}

// like is the variant with changes.
func (v variant) like(change func(*variant)) variant {
	change(&v)
	return v
}

// sandboxed has signatures verified inside the VM, which makes tables of the keys on
// its ticks, meanwhile.
func sandboxed(v *variant) {
	v.patch, v.logs = e2e.M{"issuers": bothAlgorithms, "verification": "sandbox"}, "verification=sandbox"
	v.counts, v.Slow = append(slices.Clone(v.counts), inSandbox), true
	v.pause = 2 * time.Second
}

func hostVerified(v *variant) {
	v.patch, v.logs = e2e.M{"issuers": bothAlgorithms, "verification": "host"}, "verification=host"
	v.counts = append(slices.Clone(v.counts), byHost)
}

// bothAlgorithms is the issuer of envoy.yaml with RS256 allowed besides.
var bothAlgorithms = e2e.IssuerWith(e2e.M{"algorithms": []any{"ES256", "RS256"}})

// Counters of Envoy, as /stats names them.
const (
	answered   = "http.api.downstream_rq_2xx"
	tokenHit   = "wasmcustom.holdfast.token_cache.hit"
	tokenMiss  = "wasmcustom.holdfast.token_cache.miss"
	inSandbox  = "wasmcustom.holdfast.verification.sandbox"
	byHost     = "wasmcustom.holdfast.verification.host"
	answerHit  = "wasmcustom.holdfast.introspection.cached"
	jwtHit     = "http.api.jwt_authn.jwt_cache_hit"
	jwtAllowed = "http.api.jwt_authn.allowed"
	authzOK    = "http.api.ext_authz.ok"
)

// variants are in an order that puts side by side what is compared.
func variants() []variant {
	jwtAuthnOf := func(cached bool) func(*fixture) string {
		return func(f *fixture) string { return jwtAuthn(f.keys, cached) }
	}
	withLua := func(cached bool) func(*fixture) string {
		return func(f *fixture) string { return jwtAuthn(f.keys, cached) + luaBinding }
	}
	none := variant{
		Name: "none", Title: "no filter", carry: carryCached,
		filters: func(*fixture) string { return "" }, counts: []string{answered},
	}
	jwtES := variant{
		Name: "jwt-es256", Title: "jwt_authn ES256 (no binding)", carry: carryES256, verifies: true,
		filters: jwtAuthnOf(false), counts: []string{jwtAllowed},
	}
	lua := variant{
		Name: "lua-new", Title: "jwt_authn ES256 + Lua binding", carry: carryES256, verifies: true, binds: true,
		filters: withLua(false), counts: []string{jwtAllowed},
	}
	helper := variant{
		Name: "authz-new", Title: "ext_authz, go-jose, every token new", carry: carryES256, verifies: true, binds: true,
		filters: func(*fixture) string { return extAuthz }, helper: new(int), counts: []string{authzOK},
	}
	cached := variant{
		Name: "holdfast-cached", Title: "Holdfast, cached token", carry: carryCached, verifies: true, binds: true, counts: []string{tokenHit},
	}
	slow := none.like(func(v *variant) { v.Name, v.Title, v.Slow = "none-slow", "no filter, at the lower rate", true })
	fresh := variant{Name: "holdfast-new", carry: carryES256, verifies: true, binds: true, counts: []string{tokenMiss}}
	entries := 2048
	return []variant{
		none,
		none.like(func(v *variant) {
			v.Name, v.Title = "empty", "empty Go filter"
			v.filters = func(f *fixture) string { return emptyGo(f.emptyWasm) }
		}),
		jwtES,
		fresh.like(hostVerified).like(func(v *variant) {
			v.Name, v.Title = "holdfast-es256-host", "Holdfast, every token new, ES256, host"
		}),
		jwtES.like(func(v *variant) {
			v.Name, v.Title, v.carry = "jwt-rs256", "jwt_authn RS256 (no binding)", carryRS256
		}),
		fresh.like(hostVerified).like(func(v *variant) {
			v.Name, v.Title, v.carry = "holdfast-rs256-host", "Holdfast, every token new, RS256, host", carryRS256
		}),
		jwtES.like(func(v *variant) {
			v.Name, v.Title, v.carry, v.filters, v.counts = "jwt-es256-cached", "jwt_authn ES256, its cache on (no binding)", carryCached, jwtAuthnOf(true), []string{jwtHit}
		}),
		cached,
		helper.like(func(v *variant) {
			v.Name, v.Title, v.carry, v.helper = "authz-cached", "ext_authz, go-jose, cached token", carryCached, &entries
		}),
		jwtES.like(func(v *variant) {
			v.Name, v.Title, v.filters = "jwt-rs256-cached", "jwt_authn RS256, its cache on (no binding)", jwtAuthnOf(true)
			v.carry, v.counts = carryCachedRS, []string{jwtHit}
		}),
		helper,
		lua,
		lua.like(func(v *variant) {
			v.Name, v.Title, v.carry, v.filters, v.counts = "lua-cached", "jwt_authn ES256, its cache on, + Lua binding", carryCached, withLua(true), []string{jwtHit}
		}),
		cached.like(func(v *variant) {
			v.Name, v.Title, v.carry, v.counts = "holdfast-introspection", "Holdfast, opaque token, cached answer", carryOpaque, []string{answerHit}
			v.patch = e2e.M{"issuers": keptAnswers}
		}),
		cached.like(func(v *variant) {
			v.Name, v.Title, v.carry, v.counts = "holdfast-dpop", "Holdfast, DPoP, ES256 proof each time", carryProofs, []string{tokenHit}
			v.patch = e2e.M{"proof_of_possession": e2e.M{"methods": []any{"mtls", "dpop"}}}
			v.binds, v.proofs = false, true
		}),
		slow,
		fresh.like(sandboxed).like(func(v *variant) {
			v.Name, v.Title = "holdfast-es256-sandbox", "Holdfast, every token new, ES256, sandbox"
		}),
		fresh.like(sandboxed).like(func(v *variant) {
			v.Name, v.Title, v.carry = "holdfast-rs256-sandbox", "Holdfast, every token new, RS256, sandbox", carryRS256
		}),
	}
}

// keptAnswers: an answer is kept for longer than a run, so that none is asked for
// while it is measured.
var keptAnswers = e2e.IssuerWith(e2e.M{"introspection": e2e.M{"cache_ttl": "1h"}})
