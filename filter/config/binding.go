package config

import (
	"slices"
	"strings"

	"holdfast/dpop"
)

// read takes "proof_of_possession". Where DPoP has no origin of its own, it is the
// one of the resource.
func (b *Binding) read(o *object, resource *ResourceMetadata, fapi2 bool) {
	methods := o.get("methods").notEmpty().texts([]string{"mtls"}, bindingMethod)
	b.MTLS = slices.Contains(methods, "mtls")
	mode, report := o.get("mode"), o.get("report_only")
	b.Optional = mode.choice("strict", "optional") == "optional"
	b.ReportOnly = report.boolean(false)
	if fapi2 && b.Optional {
		mode.fail(`must be "strict" with profile "fapi2"`)
	}
	if fapi2 && b.ReportOnly {
		report.fail(`must be false with profile "fapi2"`)
	}
	section := o.get("dpop")
	if !slices.Contains(methods, "dpop") {
		if section.present() {
			section.fail(`needs "dpop" in proof_of_possession.methods`)
		}
		return
	}
	b.DPoP = new(DPoP)
	section.object(func(o *object) { b.DPoP.read(o, resource, fapi2) })
}

func bindingMethod(s string) string {
	if s != "mtls" && s != "dpop" {
		return `must be "mtls" or "dpop"`
	}
	return ""
}

// read takes "dpop" (RFC 9449).
func (d *DPoP) read(o *object, resource *ResourceMetadata, fapi2 bool) {
	d.ProofLifetime = o.get("proof_lifetime").duration(defaultProofLifetime, minProofLifetime, maxProofLifetime)
	d.ClockSkew = readClockSkew(o.get("clock_skew"), fapi2)
	nonce, key := o.get("nonce"), o.get("nonce_key_env")
	name := key.text("", envName)
	if nonce.choice("off", "required") == "required" {
		key.required()
		d.NonceKeyEnv = name
	}
	d.NonceLifetime = o.get("nonce_lifetime").duration(defaultNonceLifetime, minNonceLifetime, maxNonceLifetime)
	d.Algorithms = readAlgorithms(o.get("algorithms"), fapi2)
	d.PerWorker = o.get("replay").choice("shared", "per_worker") == "per_worker"
	origins := o.get("origin")
	for _, origin := range origins.notEmpty().texts(nil, httpOrigin) {
		normal, _ := dpop.NormalizeOrigin(origin)
		if fapi2 && !strings.HasPrefix(normal, "https://") {
			origins.fail(`must be https with profile "fapi2"`)
		}
		d.Origins = append(d.Origins, normal)
	}
	switch {
	case origins.present():
	case resource != nil:
		d.Origins = []string{resource.Origin}
	default:
		origins.fail("is required with dpop, unless resource_metadata.resource gives it")
	}
}

// httpOrigin: RFC 6454 §4, what comes before the path in an http or https URL.
func httpOrigin(s string) string {
	if _, ok := dpop.NormalizeOrigin(s); !ok {
		return "must be an http or https origin such as https://api.example.com, without a path"
	}
	return ""
}
