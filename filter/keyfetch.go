package filter

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"holdfast/filter/config"
	"holdfast/jwt"
	"holdfast/strictjson"
)

// fetch starts a fetch of the keys. Exactly one of fetched and failedFetch
// follows, unless the host loses the call: then callUntil frees the source.
func (s *keySource) fetch(now time.Time) {
	s.call++
	s.calling = true
	s.callUntil = now.Add(s.settings.Timeout + time.Second)
	deadline := now.Add(s.settings.Timeout)
	if s.settings.URI != nil {
		s.fetchKeys(*s.settings.URI, deadline)
		return
	}
	s.discover(wellKnownURLs(s.issuer), deadline)
}

// discover reads the issuer's metadata from the first of the locations that has
// it: RFC 8414 §3, then OpenID Connect Discovery §4.
func (s *keySource) discover(locations []config.Endpoint, deadline time.Time) {
	if len(locations) == 0 {
		s.failedFetch("the issuer has no usable metadata")
		return
	}
	s.get(locations[0], deadline, func(result CallResult) {
		at, err := keysLocation(result, s.issuer)
		if err != nil {
			s.discover(locations[1:], deadline)
			return
		}
		s.fetchKeys(at, deadline)
	})
}

func (s *keySource) fetchKeys(at config.Endpoint, deadline time.Time) {
	s.get(at, deadline, func(result CallResult) {
		switch {
		case result.TooLarge:
			s.failedFetch("the JWK set is longer than limits.jwks_bytes")
			return
		case result.Status != 200: // a redirect is not followed (threats T25)
			s.failedFetch("cluster " + strconv.Quote(s.settings.Cluster) + " answered with status " + strconv.Itoa(result.Status) + ", 0 for none")
			return
		}
		set, err := jwt.ParseKeySet(string(result.Body))
		if err != nil {
			s.failedFetch("the JWK set is of no use: " + err.Error())
			return
		}
		s.fetched(result.Body, set, freshFor(result.Headers, s.settings.CacheDuration))
	})
}

// get calls the issuer's cluster with what is left of the fetch's time.
func (s *keySource) get(at config.Endpoint, deadline time.Time, then func(CallResult)) {
	number := s.call
	left := deadline.Sub(s.plugin.host.Now())
	if left < time.Millisecond {
		s.failedFetch("it took longer than the timeout")
		return
	}
	call := Call{
		Cluster:   s.settings.Cluster,
		Method:    "GET",
		Scheme:    at.Scheme,
		Authority: at.Authority,
		Path:      at.Path,
		Headers:   []Header{{"accept", "application/json"}, {"user-agent", "holdfast/" + Version}},
		Timeout:   left,
		MaxBody:   s.plugin.config.Limits.JWKSBytes,
	}
	err := s.plugin.host.Dispatch(call, func(result CallResult) {
		defer s.plugin.contain()
		if s.calling && number == s.call { // a late answer never replaces a newer one
			then(result)
		}
	})
	if err != nil {
		s.failedFetch("the host sent no call to cluster " + strconv.Quote(call.Cluster) + ": " + err.Error())
	}
}

// wellKnownURLs are the places of an issuer's metadata. RFC 8414 §3.1 puts the
// well-known part between authority and path, OpenID behind the path.
func wellKnownURLs(issuer string) []config.Endpoint {
	at, ok := config.ParseEndpoint(issuer)
	if !ok {
		return nil
	}
	path := strings.TrimSuffix(at.Path, "/")
	return []config.Endpoint{
		{Scheme: at.Scheme, Authority: at.Authority, Path: "/.well-known/oauth-authorization-server" + path},
		{Scheme: at.Scheme, Authority: at.Authority, Path: path + "/.well-known/openid-configuration"},
	}
}

var errMetadata = errors.New("holdfast: the issuer's metadata is of no use")

// keysLocation takes jwks_uri out of an issuer's metadata. The document must
// name exactly this issuer (RFC 8414 §3.3). Of jwks_uri only authority and path
// are used: where the call goes is the cluster's affair, and whether TLS is used the
// issuer's, never the document's.
func keysLocation(result CallResult, issuer string) (config.Endpoint, error) {
	if result.Status != 200 || result.TooLarge {
		return config.Endpoint{}, errMetadata
	}
	doc, err := strictjson.Parse(string(result.Body))
	if err != nil {
		return config.Endpoint{}, errMetadata
	}
	named, _ := doc.Get("issuer").Text()
	uri, _ := doc.Get("jwks_uri").Text()
	at, ok := config.ParseEndpoint(uri)
	own, isURL := config.ParseEndpoint(issuer)
	if named != issuer || !ok || !isURL {
		return config.Endpoint{}, errMetadata
	}
	at.Scheme = own.Scheme
	return at, nil
}

// freshFor reads how long an answer is fresh (RFC 9111 §5.2.2). The issuer's
// word counts within bounds: never longer than cache_duration, after which a
// withdrawn key has to be gone, and never under shortestFresh, so that nobody is
// asked in a loop.
func freshFor(headers []Header, cacheDuration time.Duration) time.Duration {
	fresh := cacheDuration
	for _, h := range headers {
		if !sameName(h.Name, "cache-control") {
			continue
		}
		for directive := range strings.SplitSeq(h.Value, ",") {
			name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
			switch name {
			case "no-store", "no-cache":
				fresh = 0
			case "max-age":
				seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
				if err == nil {
					fresh = min(fresh, time.Duration(seconds)*time.Second)
				}
			}
		}
	}
	return max(fresh, min(shortestFresh, cacheDuration))
}

const shortestFresh = 30 * time.Second
