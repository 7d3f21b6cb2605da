package filter

import (
	"math/rand/v2"
	"testing"

	"holdfast/filter/config"
)

// firstByAsking is the meaning of "first match wins": each rule is asked in turn.
func firstByAsking(rules []config.Rule, method, host, path string) *config.Rule {
	for i := range rules {
		if matches(&rules[i].Match, method, host, path) {
			return &rules[i]
		}
	}
	return nil
}

// rulesAbout makes a rule of each three bytes of a shape, about this request or one
// that is close to it.
func rulesAbout(shape []byte, method, host, path string) []config.Rule {
	var rules []config.Rule
	for ; len(shape) >= 3; shape = shape[3:] {
		var m config.Match
		// A prefix of the path, the path, or what goes on where the path does not.
		text := path[:int(shape[1])%(len(path)+1)] + []string{"", "", "", "/", "a", "b"}[shape[2]%6]
		switch shape[0] % 4 {
		case 0:
			m.Path = text
		case 1, 2:
			m.PathPrefix = text
		}
		m.Methods = [][]string{nil, nil, {method}, {"POST", "PUT"}, {"POST", method}}[shape[0]/4%5]
		m.Hosts = [][]string{nil, nil, {host}, {"b.example"}, {"b.example", host}}[shape[0]/20%5]
		rules = append(rules, config.Rule{Match: m})
	}
	return rules
}

func compareRuleIndex(t *testing.T, rules []config.Rule, method, host, path string) {
	t.Helper()
	x := newRuleIndex(rules)
	if got, want := x.first(method, host, path), firstByAsking(rules, method, host, path); got != want {
		t.Errorf("%s %s %s: got %+v, want %+v, of %+v", method, host, path, got, want, rules)
	}
}

func TestContract2_0_TheIndexFindsTheFirstRuleThatMatches(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	text := func(alphabet string, most int) string {
		b := make([]byte, random.IntN(most+1))
		for i := range b {
			b[i] = alphabet[random.IntN(len(alphabet))]
		}
		return string(b)
	}
	found := 0
	for range 20000 {
		shape := make([]byte, 3*random.IntN(40))
		for i := range shape {
			shape[i] = byte(random.Uint32())
		}
		rules := rulesAbout(shape, "GET", "a.example", "/"+text("/ab", 12))
		for range 3 {
			method, host, path := []string{"GET", "POST", ""}[random.IntN(3)], []string{"a.example", "b.example", "c.example", ""}[random.IntN(4)], "/"+text("/ab", 12)
			compareRuleIndex(t, rules, method, host, path)
			compareRuleIndex(t, rules, method, host, "")
			if firstByAsking(rules, method, host, path) != nil {
				found++
			}
		}
	}
	if found < 10000 || found > 50000 {
		t.Errorf("%d of 60000 requests matched a rule: the comparison says little", found)
	}
}

func FuzzRuleIndex(f *testing.F) {
	f.Add([]byte("\x01\x02\x03\x04\x05\x06"), "GET", "a.example", "/accounts/1")
	f.Add([]byte("\x41\x01\x00\x29\x05\x01\x02\x09\x00"), "POST", "", "")
	f.Fuzz(func(t *testing.T, shape []byte, method, host, path string) {
		compareRuleIndex(t, rulesAbout(shape, method, host, path), method, host, path)
	})
}
