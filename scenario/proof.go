package scenario

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"

	"holdfast/filter"
)

// deviceKey names the key that good tokens are bound to under the scheme DPoP, and
// that good proofs are by.
const deviceKey = "device"

// origin is what good proofs are for.
const origin = "https://api.example.com"

// prove makes the proof that a step describes, for its request and token.
func (w *world) prove(p *Proof, method, path string) (string, error) {
	if p.Again != "" {
		return known(w.proofs, p.Again)
	}
	if _, there := w.proofs[p.Name]; there {
		return "", fmt.Errorf("there are two proofs with the name %q", p.Name)
	}
	k, err := keyNamed(or(p.Key, deviceKey))
	if err != nil {
		return "", err
	}
	jwk := k.jwk()
	delete(jwk, "kid") // RFC 9449 has none, but takes one
	path, _, _ = strings.Cut(path, "?")
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": origin + path, "iat": "${now}"}
	if w.token != "" {
		claims["ath"] = "${ath}"
	}
	proof, err := w.sign(&p.Token, k, map[string]any{"typ": "dpop+jwt", "alg": k.algorithms[0], "jwk": jwk}, claims)
	if p.Name != "" {
		w.proofs[p.Name] = proof
	}
	return proof, err
}

// ath is the hash of a token that a proof holds, RFC 9449 §4.2.
func (w *world) ath(token string) (string, error) {
	digest := sha256.Sum256([]byte(token))
	_, err := there(token, "there is no token to hash")
	return segment(digest[:]), err
}

// checkNonce wants one DPoP-Nonce (RFC 9449 §8.1) in a response that has to bring
// one, and none in any other. What brings one must not be kept (§8.2).
func checkNonce(o *outcome, want *Want) error {
	got := values(o.headers, "dpop-nonce")
	if !want.Nonce && want.Error != "use_dpop_nonce" {
		if len(got) > 0 {
			return fmt.Errorf("dpop-nonce is %q, want none", got)
		}
		return nil
	}
	// NQCHAR, less than RFC 6749 appendix A has of it.
	if len(got) != 1 || got[0] == "" || strings.ContainsFunc(got[0], func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' }) {
		return fmt.Errorf("dpop-nonce is %q, want one", got)
	}
	if cached := values(o.headers, "cache-control"); len(cached) != 1 || !strings.HasSuffix(cached[0], "no-store") {
		return fmt.Errorf("cache-control is %q beside a nonce", cached)
	}
	return nil
}

// keepNonce takes the nonce that a response brought.
func (p *play) keepNonce(o *outcome) {
	if got := values(o.headers, "dpop-nonce"); len(got) > 0 {
		p.world.nonce = got[0]
	}
}

// usedDPoP reports whether a request shows its token under the scheme DPoP.
func (r *request) usedDPoP() bool {
	sent := values(r.fields, "authorization")
	if len(sent) == 0 {
		return false
	}
	scheme, _, _ := strings.Cut(sent[0], " ")
	return strings.EqualFold(scheme, "DPoP")
}

// checkProofGone wants no upstream to see a proof, in whatever header.
func checkProofGone(proofs []string, upstream []filter.Header) error {
	for _, f := range upstream {
		for _, proof := range proofs {
			if strings.Contains(f.Value, proof) {
				return fmt.Errorf("the upstream saw the proof, as %s", f.Name)
			}
		}
	}
	if got := values(upstream, "dpop"); len(got) > 0 {
		return fmt.Errorf("the upstream saw dpop: %.100q", got)
	}
	return nil
}
