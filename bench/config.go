package main

import (
	"fmt"
	"strings"

	"holdfast/e2e"
)

// envoyConfig is envoy.yaml as e2e renders it, without its access log, which would
// cost every variant the same, and with what stands in Holdfast's place.
type envoyConfig struct {
	places e2e.Places
	patch  e2e.M      // of Holdfast's configuration
	edits  []e2e.Edit // of the listener
	// filters replaces Holdfast; nil leaves it, "" takes it out.
	filters *string
	authz   string // address of the helper, if there is one
	proxied bool   // requests go on to an upstream
}

func (c envoyConfig) render() (string, error) {
	text, err := e2e.ReadConfig()
	if err != nil {
		return "", err
	}
	setup := e2e.Setup{Listeners: []e2e.Listener{{Patch: c.patch, Edits: c.edits}}}
	if text, _, err = e2e.Render(text, c.places, setup, ""); err != nil {
		return "", err
	}
	if text, err = replaceBetween(text, "          access_log:\n", "          http_filters:\n", ""); err != nil {
		return "", err
	}
	if c.filters != nil {
		if text, err = replaceBetween(text, "          - name: holdfast\n", "          # Anything that changes the request", *c.filters); err != nil {
			return "", err
		}
	}
	if !c.proxied {
		// Envoy answers by itself, so that the loader's core has the loader alone.
		const route = "route: { cluster: upstream, timeout: 30s }"
		if text, err = replaceBetween(text, route, "\n", "direct_response: { status: 200, body: { inline_string: ok } }"); err != nil {
			return "", err
		}
	}
	if c.authz != "" {
		const upstream = "  - name: upstream\n"
		return replaceBetween(text, upstream, "    type", authzCluster(c.authz)+"\n"+upstream)
	}
	return text, nil
}

// replaceBetween replaces begin and everything up to end, which stays.
func replaceBetween(text, begin, end, replacement string) (string, error) {
	before, rest, ok := strings.Cut(text, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return "", fmt.Errorf("envoy.yaml: no %q before %q", begin, end)
	}
	return before + replacement + end + after, nil
}
