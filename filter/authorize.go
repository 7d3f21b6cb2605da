package filter

import (
	"slices"
	"strings"
	"time"

	"holdfast/filter/config"
	"holdfast/jwt"
	"holdfast/strictjson"
)

// authorize is step 4: what the rule asks of a valid, bound token.
func authorize(rule *config.Rule, v *validated, now time.Time) Reason {
	if len(rule.Scopes) > 0 {
		granted := v.scopes()
		for _, scope := range rule.Scopes {
			if !contains(granted, scope) {
				return ScopeInsufficient
			}
		}
	}
	for i := range rule.Claims {
		if !holdsOne(v.lookup(rule.Claims[i].Claim), rule.Claims[i].Values) {
			return ClaimNotAllowed
		}
	}
	if len(rule.Issuers) > 0 && !contains(rule.Issuers, v.issuer.Policy.Issuer) {
		return IssuerNotAllowed
	}
	if len(rule.Audiences) > 0 && !holdsOne(v.get("aud"), rule.Audiences) {
		return AudienceNotAllowed
	}
	if len(rule.ACRValues) > 0 {
		acr, ok := v.get("acr").Text()
		if !ok || !contains(rule.ACRValues, acr) {
			return ACRNotMet
		}
	}
	if rule.HasMaxAge && !authenticatedWithin(v, rule.MaxAge, now) {
		return AuthenticationTooOld
	}
	return TokenAccepted
}

// scopes are what the token grants: of a JWT and the answer about it, when both
// have scopes, only those that are in both.
func (v *validated) scopes() []string {
	var granted []string
	if v.known != nil {
		granted = v.known.scopes
	}
	if v.answer == nil {
		return granted
	}
	answered := scopes(v.answer.claims, v.issuer.ScopeClaims)
	switch {
	case len(granted) == 0:
		return answered
	case len(answered) == 0:
		return granted
	}
	return slices.DeleteFunc(answered, func(scope string) bool { return !contains(granted, scope) })
}

// scopes collects the token's scopes from all scope claims: strings separated
// by spaces (RFC 8693 §4.2) or arrays of strings.
func scopes(claims jwt.Claims, from []string) []string {
	var granted []string
	for _, name := range from {
		value := claims.Lookup(name)
		if text, ok := value.Text(); ok {
			granted = append(granted, strings.Fields(text)...)
			continue
		}
		items, _ := value.Array()
		for _, item := range items {
			if text, ok := item.Text(); ok {
				granted = append(granted, text)
			}
		}
	}
	return granted
}

// holdsOne reports whether the claim is one of the wanted texts, or an array
// that holds one. A number or a boolean counts as its JSON spelling.
func holdsOne(claim strictjson.Value, wanted []string) bool {
	if items, ok := claim.Array(); ok {
		for _, item := range items {
			if text, ok := scalarText(item); ok && contains(wanted, text) {
				return true
			}
		}
		return false
	}
	text, ok := scalarText(claim)
	return ok && contains(wanted, text)
}

func scalarText(v strictjson.Value) (string, bool) {
	switch v.Kind() {
	case strictjson.String:
		return v.Text()
	case strictjson.Number, strictjson.Bool:
		return v.Raw(), true
	}
	return "", false
}

// authenticatedWithin checks max_age against auth_time (RFC 9470 §5, OpenID
// Connect Core §2). An auth_time in the future by more than the skew is a lie.
func authenticatedWithin(v *validated, maxAge time.Duration, now time.Time) bool {
	at, present, err := jwt.NumericDate(v.get("auth_time"))
	if err != nil || !present {
		return false
	}
	age := now.Sub(at)
	return age <= maxAge && age >= -v.issuer.Policy.ClockSkew
}
