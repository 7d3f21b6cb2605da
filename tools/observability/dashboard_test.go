package observability

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// panel is what the test reads of a panel of Grafana.
type panel struct {
	ID      int
	Type    string
	Title   string
	GridPos struct{ H, W, X, Y int }
	Targets []struct {
		RefID string
		Expr  string
	}
}

// TestDashboard: every query of every panel parses and finds series that an Envoy
// serves, and every metric of Holdfast is on it.
func TestDashboard(t *testing.T) {
	var dashboard struct {
		UID        string
		Panels     []panel
		Templating struct {
			List []struct{ Name, Definition string }
		}
	}
	if err := json.Unmarshal(read(t, "holdfast.dashboard.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	series, used := served(t), map[string]bool{}
	variables := map[string]string{"__rate_interval": "5m"}
	for _, v := range dashboard.Templating.List {
		variables[v.Name] = ".*" // as with "All"
		if query, ok := strings.CutPrefix(v.Definition, "label_values("); ok {
			selector, _, _ := strings.Cut(query, ", ")
			for _, p := range check(expand(selector, variables), series, map[string]bool{}) {
				// A bare counter is right here.
				if !strings.HasSuffix(p, "is a counter") {
					t.Errorf("variable %s: %s", v.Name, p)
				}
			}
		}
	}
	ids, queries := map[int]bool{}, 0
	cells := map[[2]int]string{}
	for _, p := range dashboard.Panels {
		if ids[p.ID] || p.Title == "" {
			t.Errorf("panel %d %q: ids occur once, titles are required", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				cell := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if cells[cell] != "" || cell[0] >= 24 {
					t.Errorf("%s lies on %q or off the board", p.Title, cells[cell])
				}
				cells[cell] = p.Title
			}
		}
		if (p.Type == "row") != (len(p.Targets) == 0) {
			t.Errorf("%s has %d queries", p.Title, len(p.Targets))
		}
		for _, target := range p.Targets {
			queries++
			expression := expand(target.Expr, variables)
			if strings.Contains(expression, "$") {
				t.Errorf("%s %s: no such variable in %s", p.Title, target.RefID, expression)
			}
			for _, problem := range check(expression, series, used) {
				t.Errorf("%s %s: %s", p.Title, target.RefID, problem)
			}
		}
	}
	for name := range recorded {
		if !used[name] {
			t.Errorf("%s is recorded and not shown", name)
		}
	}
	var left []string
	for _, name := range unused(series, used) {
		if !ofReasons(name) {
			left = append(left, name)
		}
	}
	if len(left) > 0 || queries < 20 {
		t.Errorf("%d queries show nothing of %v", queries, left)
	}
}

// ofReasons: the dashboard reads them by what the rules record.
func ofReasons(name string) bool {
	for _, prefix := range recorded {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

var variable = regexp.MustCompile(`\$(\w+)`)

// expand puts values in the place of Grafana's variables.
func expand(expression string, values map[string]string) string {
	return variable.ReplaceAllStringFunc(expression, func(name string) string {
		if value, ok := values[name[1:]]; ok {
			return value
		}
		return name
	})
}
