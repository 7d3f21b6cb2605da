package config

import (
	"strconv"
	"strings"

	"holdfast/internal/authority"
)

// HostKind is the kind of proxy that Holdfast runs in.
type HostKind uint8

// The kinds of [Config.Host].
const (
	HostEnvoy HostKind = iota
	HostKong           // Kong Gateway, or an NGINX with ngx_wasm_module
)

const withKong = ` with host "kong"`

// readHost takes "host". A setting that its host cannot carry out is a problem: some
// of them would let through what nobody means to.
func (c *Config) readHost(o *object) {
	if o.get("host").choice("envoy", "kong") != "kong" {
		return
	}
	c.Host = HostKong
	fail := func(path, text string) { field{r: o.r, path: path}.fail(text) }
	for i := range c.Issuers {
		path := "issuers[" + strconv.Itoa(i) + "]"
		if keys := &c.Issuers[i].Keys; keys.Cluster != "" && !isHostPort(keys.Cluster) {
			fail(path+".jwks.cluster", hostPort)
		}
		introspection := c.Issuers[i].Introspection
		if introspection == nil {
			continue
		}
		if introspection.Cluster != "" && !isHostPort(introspection.Cluster) {
			fail(path+".introspection.cluster", hostPort)
		}
		if introspection.Client.Auth == TLSClientAuth {
			fail(path+".introspection.client_auth", `must not be "tls_client_auth"`+withKong+": its calls show no certificate")
		}
	}
	for i, source := range c.Certificate.Sources {
		if source.Kind == SourceProperty && strings.EqualFold(source.Property[0], "connection") {
			fail("certificate.sources["+strconv.Itoa(i)+"].property", "is not there"+withKong)
		}
	}
	if len(c.Certificate.TrustedProxies.URISANs) > 0 {
		fail("certificate.trusted_proxies.uri_sans", "can't be known"+withKong)
	}
	if c.Forward.Token == ForwardStrip {
		fail("forward.token", `must not be "strip"`+withKong+": it can't take a header away")
	}
	for i, forward := range c.Forward.Certificate {
		if forward.Field != FieldSubject {
			fail("forward.certificate["+strconv.Itoa(i)+"].field", "can't be known"+withKong)
		}
	}
	if c.Verification == VerifyByHost {
		fail("verification", `must not be "host"`+withKong+": it has no crypto of its own")
	}
	if c.Session != nil {
		fail("session", "does not go"+withKong+", whose random numbers are too weak to seal with")
	}
}

const hostPort = `must be "host" or "host:port"` + withKong

func isHostPort(s string) bool {
	_, _, ok := authority.Split(s)
	return ok
}
