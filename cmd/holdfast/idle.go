package main

import (
	"fmt"
	"slices"

	"holdfast/filter/config"
	"holdfast/strictjson"
)

// idle lists what a good configuration says without effect: whoever wrote a setting
// may think that it has one.
func idle(doc []byte, c *config.Config) []problem {
	root, err := strictjson.Parse(string(doc))
	if err != nil {
		return nil // not the text that c was read from
	}
	var found []problem
	look := func(unless string, holds bool, path string, section strictjson.Value, names ...string) {
		for _, name := range names {
			if !holds && section.Get(name).Kind() != strictjson.Missing {
				found = append(found, problem{path + name, "has no effect unless " + unless})
			}
		}
	}
	fetches, asks := false, false
	issuers, _ := root.Get("issuers").Array() // a good one is a list
	for i, issuer := range issuers {
		keys, inquiry, path := c.Issuers[i].Keys, c.Issuers[i].Introspection, fmt.Sprintf("issuers[%d].", i)
		fetches, asks = fetches || keys.Inline == nil, asks || inquiry != nil
		look("the keys are fetched", keys.Inline == nil, path+"jwks.", issuer.Get("jwks"), "timeout", "cache_duration", "stale_if_error", "unknown_kid_interval")
	}
	look(`nonce is "required"`, c.Binding.DPoP == nil || c.Binding.DPoP.NonceKeyEnv != "",
		"proof_of_possession.dpop.", root.Get("proof_of_possession").Get("dpop"), "nonce_key_env", "nonce_lifetime")
	look("certificate.sources has xfcc or header", slices.ContainsFunc(c.Certificate.Sources, func(s config.CertificateSource) bool {
		return s.Kind == config.SourceXFCC || s.Kind == config.SourceHeader
	}), "certificate.", root.Get("certificate"), "trusted_proxies")
	limits := root.Get("limits")
	look("an issuer's keys are fetched", fetches, "limits.", limits, "jwks_bytes")
	look("an issuer has introspection", asks, "limits.", limits, "introspection_calls", "introspection_bytes")
	look("an issuer's keys are fetched or it has introspection", fetches || asks, "limits.", limits, "waiting_requests")
	look(`"dpop" is one of proof_of_possession.methods`, c.Binding.DPoP != nil, "limits.", limits, "replay_entries")
	return found
}
