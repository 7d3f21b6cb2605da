package filter

import (
	"slices"
	"strings"

	"holdfast/filter/config"
)

// ruleIndex finds the first rule that matches a request without asking every one of
// them, so that a thousand cost no more than ten.
type ruleIndex struct {
	rules   []config.Rule
	byHost  bool       // a rule names hosts
	entries []ruleText // in the order of their texts
}

// ruleText is a text by which rules are found: the path or the prefix that they match,
// behind the host where they name one. A request's path, or its host and path, begins
// with the text of every rule that matches.
type ruleText struct {
	text  string
	under int   // where the longest other text is that this one begins with; -1 for nowhere
	rules []int // in their order
}

func newRuleIndex(rules []config.Rule) ruleIndex {
	x := ruleIndex{rules: rules}
	byText := map[string][]int{}
	for i := range rules {
		m := &rules[i].Match
		path := m.Path + m.PathPrefix // the configuration has made sure that one is empty
		for _, host := range m.Hosts {
			byText[host+path] = append(byText[host+path], i)
			x.byHost = true
		}
		if len(m.Hosts) == 0 {
			byText[path] = append(byText[path], i)
		}
	}
	texts := make([]string, 0, len(byText))
	for text := range byText {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	x.entries = make([]ruleText, len(texts))
	for i, text := range texts {
		// What comes between a text and its prefix in this order begins with the prefix, too.
		under := i - 1
		for under >= 0 && !strings.HasPrefix(text, texts[under]) {
			under = x.entries[under].under
		}
		x.entries[i] = ruleText{text, under, byText[text]}
	}
	return x
}

// first returns the first rule that matches, or nil.
func (x *ruleIndex) first(method, host, path string) *config.Rule {
	best := x.firstOf(len(x.rules), path, method, host, path)
	if x.byHost {
		best = x.firstOf(best, host+path, method, host, path)
	}
	if best == len(x.rules) {
		return nil
	}
	return &x.rules[best]
}

// firstOf returns the first rule that matches among those whose text this one begins
// with, if it comes before best.
func (x *ruleIndex) firstOf(best int, text, method, host, path string) int {
	// The last entry that does not come after the text: only it and what it is under can
	// be a prefix.
	at, end := 0, len(x.entries)
	for at < end {
		if middle := (at + end) / 2; x.entries[middle].text <= text {
			at = middle + 1
		} else {
			end = middle
		}
	}
	for at--; at >= 0; at = x.entries[at].under {
		if !strings.HasPrefix(text, x.entries[at].text) {
			continue
		}
		for _, i := range x.entries[at].rules {
			if i >= best {
				break
			}
			if matches(&x.rules[i].Match, method, host, path) {
				best = i
			}
		}
	}
	return best
}
