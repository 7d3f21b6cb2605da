package scenario

import (
	"slices"
	"strings"
	"testing"

	"holdfast/filter"
)

// notByScenario are the reasons that no scenario can bring about, each with the
// test that does.
var notByScenario = map[filter.Reason]string{
	filter.InternalError: "filter: the tests of exchange.go, whose host fails",
}

// Every reason has a scenario, and no scenario wants a word that is no reason.
func TestEveryReasonHasAScenario(t *testing.T) {
	wanted := map[string]int{}
	for _, f := range load(t) {
		for _, s := range f.Scenarios {
			for _, step := range s.Steps {
				if step.Want == nil {
					continue
				}
				for word := range strings.SplitSeq(step.Want.Reason, "|") {
					wanted[word]++
				}
			}
		}
	}
	for _, reason := range filter.Reasons() {
		_, excused := notByScenario[reason]
		switch {
		case wanted[reason.String()] == 0 && !excused:
			t.Errorf("no scenario for %s", reason)
		case wanted[reason.String()] > 0 && excused:
			t.Errorf("%s has a scenario: it needs no excuse", reason)
		}
		delete(wanted, reason.String())
	}
	for word := range wanted {
		t.Errorf("scenarios want %q, which is no reason", word)
	}
}

// Most scenarios are shown on every host: the excuses stay few.
func TestMostScenariosRunEverywhere(t *testing.T) {
	all, everywhere := 0, 0
	for _, f := range load(t) {
		for _, s := range f.Scenarios {
			all++
			if s.Hosts == nil {
				everywhere++
			}
			if !slices.Contains(s.Hosts, Fake) && s.RunsOn(Wazero) != s.RunsOn(Fake) {
				t.Errorf("%s: fake and wazero can show the same", s.Name)
			}
		}
	}
	t.Logf("%d of %d scenarios run on every host", everywhere, all)
	if everywhere*10 < all*8 {
		t.Errorf("only %d of %d scenarios run on every host", everywhere, all)
	}
}
