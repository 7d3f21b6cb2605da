package scenario

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// offered is what a configuration lets challenges name: contract §3.
type offered struct {
	realm        string
	bearer, dpop bool     // the schemes that are taken
	algorithms   []string // for proofs
}

func offeredBy(configuration string) offered {
	var c struct {
		Profile, Realm string
		Binding        struct {
			Methods    []string
			Mode       string
			ReportOnly bool `json:"report_only"`
			DPoP       struct{ Algorithms []string }
		} `json:"proof_of_possession"`
	}
	json.Unmarshal([]byte(configuration), &c)
	o := offered{
		realm:      or(c.Realm, "holdfast"),
		dpop:       slices.Contains(c.Binding.Methods, "dpop"),
		algorithms: c.Binding.DPoP.Algorithms,
	}
	// Without DPoP there is nothing else to offer.
	o.bearer = !o.dpop || slices.Contains(c.Binding.Methods, "mtls") || c.Binding.Mode == "optional" || c.Binding.ReportOnly
	if o.algorithms == nil {
		o.algorithms = []string{"ES256", "PS256", "EdDSA", "RS256"}
		if c.Profile == "fapi2" {
			o.algorithms = o.algorithms[:3]
		}
	}
	return o
}

// schemes are those of the challenges, that of the request first: the error stands
// there (RFC 9449 §7.1).
func (o offered) schemes(r *request) []string {
	switch {
	case !o.dpop:
		return []string{"Bearer"}
	case !o.bearer:
		return []string{"DPoP"}
	case r.usedDPoP():
		return []string{"DPoP", "Bearer"}
	}
	return []string{"Bearer", "DPoP"}
}

// checkChallenge holds WWW-Authenticate to contract §3: one challenge for each
// scheme that is taken, the algorithms for proofs in that of DPoP, and the error in
// the first one alone.
func checkChallenge(o offered, r *request, got []string, want *Want) error {
	switch want.Status {
	case 400, 401, 403:
	default:
		if len(got) > 0 {
			return fmt.Errorf("www-authenticate is %q, want none", got)
		}
		return nil
	}
	if len(got) != 1 {
		return fmt.Errorf("www-authenticate is %q, want one", got)
	}
	rest, schemes := got[0], o.schemes(r)
	for i, scheme := range schemes {
		begin := scheme + ` realm="` + o.realm + `"`
		if !strings.HasPrefix(rest, begin) {
			return fmt.Errorf("www-authenticate is %q, want challenges of %q, and the realm", got, schemes)
		}
		challenge := rest[len(begin):]
		if i+1 < len(schemes) {
			challenge, rest, _ = strings.Cut(challenge, ", "+schemes[i+1]+" ")
			rest = schemes[i+1] + " " + rest
		}
		failed := i == 0 && want.Error != ""
		if strings.Contains(challenge, ` error`) != failed || failed && !strings.Contains(challenge, ` error="`+want.Error+`"`) {
			return fmt.Errorf("www-authenticate is %q, want error %q in the first challenge", got, want.Error)
		}
		algorithms := strings.Contains(challenge, ` algs="`+strings.Join(o.algorithms, " ")+`"`)
		if algorithms != (scheme == "DPoP") || strings.Contains(challenge, "algs") != algorithms {
			return fmt.Errorf("www-authenticate is %q, want algs=%q for DPoP", got, o.algorithms)
		}
		if strings.Contains(challenge, " realm=") {
			return fmt.Errorf("www-authenticate is %q: too many challenges", got)
		}
	}
	for _, text := range want.Challenge {
		if !strings.Contains(got[0], text) {
			return fmt.Errorf("www-authenticate is %q, want %q in it", got[0], text)
		}
	}
	return nil
}
