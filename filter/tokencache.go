package filter

import (
	"time"

	"holdfast/internal/lru"
	"holdfast/jwt"
)

// tokenCache keeps JWTs whose signature was verified, so that the same token costs it
// once. It keeps nothing that the next request could decide otherwise: the time, the
// key, the binding and the rule are judged on every hit.
//
// The key of the cache is the whole token, compared in full. Only what passed step 3
// comes in, so that neither forged tokens nor a thief push good ones out.
type tokenCache struct {
	entries *lru.Cache[string, *knownToken]
}

// knownToken is a token after step 2.
type knownToken struct {
	text   string // as it was sent
	token  *jwt.Token
	issuer int      // index
	key    *jwt.Key // that verified it; nil until one has
	kept   bool     // it has been in the cache

	// What its claims say, read once.
	from, until time.Time // when it is valid, but for its key
	cnf         jwt.Confirmation
	cnfReason   Reason // TokenAccepted when cnf could be read
	scopes      []string
	identity    *identity // what the upstream and the access log are told; nil when it is made each time
}

// read reads the claims of a token that has passed its policy.
func (t *knownToken) read(i *issuer) {
	claims := t.token.Claims()
	t.from, t.until = i.Policy.Validity(claims)
	cnf, err := claims.Confirmation()
	if t.cnf = cnf; err != nil {
		t.cnfReason = reasonOf(err)
	}
	t.scopes = scopes(claims, i.ScopeClaims)
}

// newTokenCache returns nil, a cache that keeps nothing, for no entries.
func newTokenCache(entries int) *tokenCache {
	if entries == 0 {
		return nil
	}
	return &tokenCache{lru.New[string, *knownToken](entries, entries*bytesPerEntry)}
}

func (c *tokenCache) get(token string) *knownToken {
	if c == nil {
		return nil
	}
	known, _ := c.entries.Get(token)
	return known
}

// keep remembers a token that was proved to be its sender's. Nil is no JWT.
func (c *tokenCache) keep(known *knownToken) {
	if c == nil || known == nil || known.kept {
		return
	}
	known.kept = true
	c.entries.Put(known.text, known, known.size())
}

// bytesPerClaim is what it takes to keep where a claim of read JSON stands, or a scope.
const bytesPerClaim = 24

// size is about how many bytes it keeps: beside the token itself its decoded header and
// claims, where each claim and scope begins, and what is told of it.
func (t *knownToken) size() int {
	return 1024 + 2*len(t.text) + bytesPerClaim*(t.token.Claims().Object().Len()+len(t.scopes)) + t.identity.size()
}

func (c *tokenCache) forget(token string) {
	if c != nil {
		c.entries.Remove(token)
	}
}
