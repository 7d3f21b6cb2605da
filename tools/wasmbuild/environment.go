package main

import (
	"maps"
	"slices"
	"strings"
)

// decided lists the variables that change what Go builds. The caller's values
// are dropped, so that every machine builds the same bytes.
var decided = map[string]string{
	"GOOS":         "wasip1",
	"GOARCH":       "wasm",
	"CGO_ENABLED":  "0",
	"GOTOOLCHAIN":  "local", // the linked Go, no other
	"GOENV":        "off",   // no settings from "go env -w" …
	"GOWORK":       "off",   // … or from a workspace around this folder
	"GOFLAGS":      "",
	"GOWASM":       "",
	"GOEXPERIMENT": "",
	"GOFIPS140":    "off",
	"GODEBUG":      "",
}

// reached lists the variables that say how Go gets at modules and where it
// keeps its caches. They cannot change the bytes, for go.sum checks every
// module. GOENV=off hides those that "go env -w" set, so they are handed on.
var reached = []string{
	"GOMODCACHE", "GOCACHE", "GOPROXY", "GONOPROXY", "GOPRIVATE",
	"GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOAUTH", "GOTMPDIR",
}

// environment returns env with all that Go's build depends on replaced.
// settings are the values that "go env" gives.
func environment(env []string, settings map[string]string, goroot string) []string {
	set := maps.Clone(decided)
	set["GOROOT"] = goroot
	for _, name := range reached {
		set[name] = settings[name]
	}
	var result []string
	for _, pair := range env {
		name, _, _ := strings.Cut(pair, "=")
		if _, ok := set[name]; !ok {
			result = append(result, pair)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		result = append(result, name+"="+set[name])
	}
	return result
}
