package observability

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

var promQL = parser.NewParser(parser.Options{})

// recorded are the series that the rules make, and the beginning of the names that
// their label "reason" comes from.
var recorded = map[string]string{
	"holdfast:denied:rate5m":      "holdfast_denied_",
	"holdfast:report_only:rate5m": "holdfast_report_only_",
}

// ofCounters are the functions that mean something for what only grows.
var ofCounters = []string{"rate", "increase", "irate"}

// check reads an expression as Prometheus does and looks for everything in it that
// would find no series. It adds the served names that the expression reads to used.
func check(expression string, series map[string]string, used map[string]bool) (problems []string) {
	root, err := promQL.ParseExpr(expression)
	if err != nil {
		return []string{err.Error()}
	}
	problem := func(format string, a ...any) { problems = append(problems, fmt.Sprintf(format, a...)) }
	parser.Inspect(root, func(node parser.Node, path []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		var inCounter, inQuantile bool
		for _, n := range path {
			if call, ok := n.(*parser.Call); ok {
				inCounter = inCounter || slices.Contains(ofCounters, call.Func.Name)
				inQuantile = inQuantile || call.Func.Name == "histogram_quantile"
			}
		}
		names := matching(selector, series)
		if len(names) == 0 {
			problem("%s: no such series", selector)
		}
		prefix := ""
		for _, name := range names {
			used[name] = true
			from, derived := recorded[name]
			prefix = from
			switch kind := series[name]; {
			case derived && inCounter:
				problem("%s is a rate already", name)
			case !derived && inCounter == (kind == "gauge"):
				problem("%s is a %s", name, kind)
			case inQuantile != strings.HasSuffix(name, "_bucket"):
				problem("%s: histogram_quantile takes buckets", name)
			}
		}
		for _, m := range selector.LabelMatchers {
			switch m.Name {
			case "__name__", "job", "instance":
			case "reason":
				for _, reason := range strings.Split(m.Value, "|") {
					if prefix == "" || series[prefix+reason] == "" {
						problem("%s: no reason %q", selector, reason)
					}
				}
			default:
				problem("%s: no series has the label %s", selector, m.Name)
			}
		}
		return nil
	})
	return problems
}

// matching returns the names, served or recorded, that a selector finds.
func matching(selector *parser.VectorSelector, series map[string]string) (names []string) {
	for _, m := range selector.LabelMatchers {
		if m.Name != model.MetricNameLabel {
			continue
		}
		for name := range series {
			if m.Matches(name) {
				names = append(names, name)
			}
		}
		for name := range recorded {
			if m.Matches(name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// unused returns Holdfast's own series that nothing reads. One part of a histogram
// is enough.
func unused(series map[string]string, used map[string]bool) (names []string) {
	base := regexp.MustCompile(`_(bucket|sum|count)$`)
	for name, kind := range series {
		if kind == "histogram" {
			name = base.ReplaceAllString(name, "_bucket")
		}
		if strings.HasPrefix(name, "holdfast_") && !used[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
