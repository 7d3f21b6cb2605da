package config

import "strings"

const signedAnswer = "application/token-introspection+jwt" // RFC 9701 §4

// readIntrospection takes "introspection"; nil without it. The profile wants
// revocation checked (FAPI 2.0 Security Profile, 5.3.4), and of no token it can be
// without asking.
func readIntrospection(f field, issuer string, fapi2 bool) *Introspection {
	if fapi2 && !f.present() {
		f.fail(`is required with profile "fapi2": revocation has to be checked`)
	}
	if !f.present() {
		return nil
	}
	i := new(Introspection)
	f.object(func(o *object) { i.read(o, issuer, fapi2) })
	return i
}

func (i *Introspection) read(o *object, issuer string, fapi2 bool) {
	if endpoint := readEndpoint(o.get("endpoint").required()); endpoint != nil {
		i.Endpoint = *endpoint
	}
	i.Cluster = o.get("cluster").required().text("", printable)
	i.Timeout = o.get("timeout").duration(defaultTimeout, minTimeout, maxTimeout)
	tokens := o.get("tokens")
	i.All = tokens.choice("opaque", "all") == "all"
	switch {
	case !fapi2:
	case !tokens.present():
		i.All = true
	case !i.All:
		tokens.fail(`must be "all" with profile "fapi2": revocation has to be checked`)
	}
	i.Signed = o.get("accept").choice("application/json", signedAnswer) == signedAnswer
	i.RequireAud = o.get("require_aud").boolean(true)
	i.Client.read(o, issuer, i.Signed)
	i.Params = o.get("params").pairs(printable, param)
	i.Headers = readCallHeaders(o.get("headers"), i.Client.Auth)
	i.CacheTTL = o.get("cache_ttl").duration(defaultAnswerTTL, 0, maxAnswerTTL)
	i.NegativeCacheTTL = o.get("negative_cache_ttl").duration(defaultNegativeTTL, 0, maxAnswerTTL)
	i.CacheEntries = o.get("cache_entries").integer(cacheEntries)
}

// param: what the call sends itself must not be said a second time.
func param(name string) (form, problem string) {
	switch name {
	case "token", "client_id", "client_secret", "client_assertion", "client_assertion_type":
		return "", "must not be one that the call has already: token, client_id, client_secret, client_assertion, client_assertion_type"
	}
	return name, printable(name)
}

// readCallHeaders reads header fields of a call. Names are compared in any case
// and with "_" for "-", as many servers read them so (threats T15).
func readCallHeaders(f field, auth ClientAuth) []Pair {
	taken := headerOwners{}
	return f.pairs(fieldValue, func(name string) (form, problem string) {
		form, problem = strings.ToLower(name), callHeader(name)
		switch {
		case problem != "":
		case form == "authorization" && auth == ClientSecretBasic:
			problem = `must not be authorization with client_auth "client_secret_basic", which sends one`
		case taken.take(form, form) != "":
			problem = "must not be that of another header, in whatever case and with _ for -"
		}
		return form, problem
	})
}

// callHeaders are not for a configuration to set: the call has them already, they
// would change what its body or the answer is, or they belong to one hop
// (RFC 9110 §7.6.1).
const callHeaders = " host content-length content-type content-encoding accept accept-encoding user-agent expect" +
	" connection keep-alive proxy-connection te trailer transfer-encoding upgrade proxy-authenticate proxy-authorization "

func callHeader(name string) string {
	if !isToken(name) {
		return "must be a header name"
	}
	if isListed(name, callHeaders) {
		return "must not be one that the call sets itself or that belongs to a single hop, such as content-type, accept, host or connection"
	}
	return ""
}

// fieldValue: RFC 9110 §5.5, without what recipients read differently.
func fieldValue(s string) string {
	if s == "" || strings.Trim(s, " ") != s || !all(s, func(c byte) bool { return ' ' <= c && c <= '~' }) {
		return "must be printable ASCII without spaces at its ends, and not empty"
	}
	return ""
}
