package main

import "holdfast/e2e"

// collector are settings of Go's collector that are compared: the first is that of
// envoy.yaml, the last is Go's own.
var collector = []struct{ GOGC, GOMEMLIMIT string }{
	{"50", "64MiB"}, {"25", "32MiB"}, {"100", "64MiB"}, {"200", "64MiB"}, {"400", "128MiB"}, {"100", "off"},
}

// tuned are variants of Holdfast by the settings of Go's collector, with every token
// new, which makes the most garbage.
func tuned() []variant {
	var out []variant
	for _, c := range collector {
		v := named(variants(), "holdfast-cached")
		v.Name, v.Title = "holdfast-gogc-"+c.GOGC+"-"+c.GOMEMLIMIT, "GOGC="+c.GOGC+" GOMEMLIMIT="+c.GOMEMLIMIT
		v.carry, v.counts = carryES256, []string{tokenMiss}
		v.edits = []e2e.Edit{
			{Old: `GOGC: "` + collector[0].GOGC + `"`, New: `GOGC: "` + c.GOGC + `"`},
			{Old: "GOMEMLIMIT: " + collector[0].GOMEMLIMIT, New: `GOMEMLIMIT: "` + c.GOMEMLIMIT + `"`},
		}
		out = append(out, v)
	}
	return out
}
