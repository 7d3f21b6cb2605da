package observability

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
)

const rulesFile = "holdfast.rules.yaml"

func groups(t *testing.T) *rulefmt.RuleGroups {
	t.Helper()
	groups, errs := rulefmt.Parse(read(t, rulesFile), false, model.LegacyValidation, promQL, promslog.NewNopLogger())
	for _, err := range errs {
		t.Error(err)
	}
	if groups == nil {
		t.FailNow()
	}
	return groups
}

// TestRules: Prometheus takes the file, every expression finds series that an Envoy
// serves, and docs/operations.md says what to do about each alert.
func TestRules(t *testing.T) {
	series, found := served(t), map[string]bool{}
	operations := string(read(t, "../../docs/operations.md"))
	for _, group := range groups(t).Groups {
		for _, rule := range group.Rules {
			for _, problem := range check(rule.Expr, series, map[string]bool{}) {
				t.Errorf("%s%s: %s", rule.Alert, rule.Record, problem)
			}
			if rule.Record != "" {
				found[rule.Record] = true
			} else if rule.Annotations["summary"] == "" || rule.Labels["severity"] == "" {
				t.Errorf("%s has no summary or severity", rule.Alert)
			}
			if rule.Alert != "" && !strings.Contains(operations, "\n| `"+rule.Alert+"` |") {
				t.Errorf("docs/operations.md does not say what to do about %s", rule.Alert)
			}
		}
	}
	for name := range recorded {
		if !found[name] {
			t.Errorf("no rule records %s", name)
		}
	}
}

// TestAlertsFire runs the rules over half an hour of what Envoys could have served:
// each alert fires for what it is about, and nothing fires on a good day.
func TestAlertsFire(t *testing.T) {
	fired := map[string]bool{}
	for _, test := range []struct {
		name   string
		series []string // beside the good day's
		want   []string
	}{
		{"a good day", nil, nil},
		{"a request without a token now and then, and one client that was renewed", []string{"denied_no_token 0+3x60", "denied_cnf_mismatch 0x20 1x40"}, nil},
		{"a crash", []string{"vm_reload_success 0x50 1x10"}, []string{"HoldfastVMCrashed"}},
		{"a VM that does not come back", []string{"vm_reload_failure 0x50 1x10"}, []string{"HoldfastVMCrashed"}},
		{"a fault", []string{"denied_internal_error 0x55 1x5"}, []string{"HoldfastInternalError"}},
		{"no keys", []string{"denied_keys_unavailable 0+2x60", "jwks_failed 0+1x60"}, []string{"HoldfastKeysNotFetched", "HoldfastUnavailable"}},
		{"fetches that fail now and then", []string{"jwks_failed 0+1x60", "jwks_fetched 0+1x60"}, nil},
		{"old keys", []string{"jwks_stale 0+1x60", "jwks_failed 0+1x60"}, []string{"HoldfastKeysNotFetched", "HoldfastKeysStale"}},
		{"no room for proofs", []string{"denied_dpop_replay_full 0+1x60"}, []string{"HoldfastUnavailable"}},
		{"an authorization server that fails one call in ten", []string{"introspection_active 0+9x60", "introspection_failed 0+1x60"}, []string{"HoldfastIntrospectionFails"}},
		{"one that fails one in a hundred", []string{"introspection_active 0+99x60", "introspection_failed 0+1x60"}, nil},
		{"a slow one", []string{`introspection_ms_bucket{le="1000"} 0+9x60`, `introspection_ms_bucket{le="2500"} 0+10x60`, `introspection_ms_bucket{le="+Inf"} 0+10x60`}, []string{"HoldfastIntrospectionSlow"}},
		{"one that is fast enough", []string{`introspection_ms_bucket{le="500"} 0+96x60`, `introspection_ms_bucket{le="1000"} 0+98x60`, `introspection_ms_bucket{le="2500"} 0+100x60`, `introspection_ms_bucket{le="+Inf"} 0+100x60`}, nil},
		{"stolen tokens", []string{"denied_cnf_mismatch 0+4x60"}, []string{"HoldfastTokenWithoutItsKey"}},
		{"proofs sent again", []string{"denied_dpop_replayed 0+4x60"}, []string{"HoldfastTokenWithoutItsKey"}},
		{"forged tokens", []string{"denied_signature_invalid 0+20x60"}, []string{"HoldfastForgedTokens"}},
		{"cookies from elsewhere", []string{"session_refused 0+5x60"}, []string{"HoldfastSessionsRefused"}},
		{"everybody is refused", []string{"allowed 100x60", "denied_expired 0+5x60"}, []string{"HoldfastNothingPasses"}},
		{"nobody comes", []string{"allowed 100x60"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := alerts(t, test.series)
			if !slices.Equal(got, test.want) {
				t.Errorf("%v fire, want %v", got, test.want)
			}
			for _, name := range got {
				fired[name] = true
			}
		})
	}
	for _, group := range groups(t).Groups {
		for _, rule := range group.Rules {
			if rule.Alert != "" && !fired[rule.Alert] {
				t.Errorf("nothing makes %s fire", rule.Alert)
			}
		}
	}
}

// goodDay is what is there in any case: the counters are from the start.
var goodDay = []string{
	"allowed 0+100x60", "denied_no_token 0x60", "denied_cnf_mismatch 0x60", "report_only_cnf_missing 0x60",
	"jwks_fetched 1x60", "jwks_failed 0x60", "jwks_stale 0x60", "session_refused 0x60",
	"introspection_active 0x60", "introspection_inactive 0x60", "introspection_failed 0x60",
	"vm_reload_success 0x60", "vm_reload_failure 0x60", "vm_reload_backoff 0x60",
}

// alerts returns the names of the alerts that fire in the end, sorted.
func alerts(t *testing.T, series []string) (names []string) {
	t.Helper()
	var load strings.Builder
	load.WriteString("load 30s\n")
	replaced := map[string]bool{}
	for _, s := range append(slices.Clone(series), goodDay...) {
		id, values, _ := strings.Cut(s, " ")
		if replaced[id] {
			continue
		}
		replaced[id] = true
		name, le, _ := strings.Cut(strings.TrimSuffix(id, "}"), "{")
		prefix := "holdfast_"
		if strings.HasPrefix(name, "vm_") {
			prefix = "envoy_wasm_holdfast_"
		}
		fmt.Fprintf(&load, "  %s%s{%s} %s\n", prefix, name, strings.Trim(`job="envoy",instance="a",`+le, ","), values)
	}
	storage := promqltest.LoadedStorage(t, load.String())
	// As a Prometheus without feature flags: rate() drops the name at once.
	engine := promqltest.NewTestEngineWithOpts(t, promql.EngineOpts{
		MaxSamples: 1_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, Parser: promQL,
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
	})
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc: rules.EngineQueryFunc(engine, storage), AppendableV2: storage, Queryable: storage, Context: t.Context(),
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {}, Logger: promslog.NewNopLogger(), Parser: promQL,
	})
	file := filepath.Join(folder, rulesFile)
	loaded, errs := manager.LoadGroups(time.Minute, labels.EmptyLabels(), "", nil, false, file)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	start := time.Unix(0, 0).UTC()
	for at := start; !at.After(start.Add(30 * time.Minute)); at = at.Add(30 * time.Second) {
		for _, group := range groups(t).Groups {
			g := loaded[rules.GroupKey(file, group.Name)]
			g.Eval(t.Context(), at)
			for _, rule := range g.Rules() {
				if rule.Health() != rules.HealthGood {
					t.Fatalf("%s: %v", rule.Name(), rule.LastError())
				}
				if alert, ok := rule.(*rules.AlertingRule); ok && at.Equal(start.Add(30*time.Minute)) && alert.State() == rules.StateFiring {
					names = append(names, alert.Name())
				}
			}
		}
	}
	slices.Sort(names)
	return names
}
