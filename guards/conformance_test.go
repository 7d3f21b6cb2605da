package guards

import (
	"encoding/json"
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

const conformance = "docs/conformance.md"

// standings are the words that the third column of a table begins with.
var standings = []string{"met", "not applicable", "not in this version", "the host's duty", "the issuer's duty", "the client's duty"}

// tests returns what a conformance row may cite: "package.TestName" of every Go
// test and "file: name" of every scenario.
func tests(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	for _, s := range goFiles(t) {
		if !strings.HasSuffix(s.name, "_test.go") {
			continue
		}
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if ok && f.Recv == nil && f.Name.Name != "TestMain" && (strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")) {
				known[strings.TrimSuffix(s.file.Name.Name, "_test")+"."+f.Name.Name] = true
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(root(t), "scenario/testdata/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ Scenarios []struct{ Name string } }
		if err := json.Unmarshal(content, &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, scenario := range file.Scenarios {
			known[strings.TrimSuffix(filepath.Base(name), ".json")+": "+scenario.Name] = true
		}
	}
	return known
}

// clause is one row of a conformance table.
type clause struct {
	line               int
	id, asks, standing string
	text               string // the third column
	shown              []string
	rest               string // of the last column, beside what is shown
}

var cited = regexp.MustCompile("`([^`]*)`")

// clauses returns the rows of docs/conformance.md.
func clauses(t *testing.T) []clause {
	t.Helper()
	var rows []clause
	number, inside := 0, false
	for line := range strings.Lines(read(t, conformance)) {
		number++
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			inside = false
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) != 4 {
			t.Errorf("%s:%d has %d columns, want 4", conformance, number, len(cells))
			continue
		}
		if !inside { // the head, of which the row of dashes is the next line
			if cells[2] != "Holdfast" || cells[3] != "shown by" {
				t.Errorf("%s:%d begins a table of another kind: %q", conformance, number, line)
			}
			inside = true
			continue
		}
		if strings.Trim(line, "|- ") == "" {
			continue
		}
		row := clause{line: number, id: cells[0], asks: cells[1], text: cells[2]}
		for _, match := range cited.FindAllStringSubmatch(cells[3], -1) {
			row.shown = append(row.shown, match[1])
		}
		row.rest = strings.Trim(cited.ReplaceAllString(cells[3], ""), ", ")
		for _, standing := range standings {
			if row.text == standing || strings.HasPrefix(row.text, standing+": ") {
				row.standing = standing
			}
		}
		rows = append(rows, row)
	}
	if len(rows) < 150 {
		t.Fatalf("%s: only %d rows: does this test still see them?", conformance, len(rows))
	}
	return rows
}

// TestConformanceCitesTests: what the page says is shown by a test that exists.
func TestConformanceCitesTests(t *testing.T) {
	known := tests(t)
	for _, row := range clauses(t) {
		at := func(format string, args ...any) {
			t.Helper()
			t.Errorf("%s:%d, %s: "+format, append([]any{conformance, row.line, row.id}, args...)...)
		}
		if row.id == "" || row.asks == "" {
			at("an empty cell")
		}
		if row.standing == "" {
			at("begins with none of %q: %s", standings, row.text)
		}
		if row.standing == "met" && len(row.shown) == 0 {
			at("is met, but no test shows it")
		}
		if row.rest != "" {
			at("the last column holds tests only, not %q", row.rest)
		}
		for i, name := range row.shown {
			if !known[name] {
				at("there is no test %q", name)
			}
			if slices.Contains(row.shown[:i], name) {
				at("names %q twice", name)
			}
		}
	}
}

// threatID finds the id of a threat, as in TestT13b_Resumption or TestT06Flood.
var threatID = regexp.MustCompile(`^T\d\d[b-e]?$|^(?:Test|Fuzz)(T\d\d[b-e]?)(?:[_A-Z]|$)`)

// TestConformanceListsThreats: every threat that a test is named after has a row of
// its own.
func TestConformanceListsThreats(t *testing.T) {
	rows := map[string]int{}
	for _, row := range clauses(t) {
		if !threatID.MatchString(row.id) {
			continue
		}
		if other := rows[row.id]; other != 0 {
			t.Errorf("%s: %s is in line %d and in line %d", conformance, row.id, other, row.line)
		}
		rows[row.id] = row.line
	}
	for name := range tests(t) {
		_, test, _ := strings.Cut(name, ".")
		if match := threatID.FindStringSubmatch(test); match != nil && match[1] != "" && rows[match[1]] == 0 {
			t.Errorf("%s: no row for %s, which %s is about", conformance, match[1], name)
		}
	}
}

// documents are the pages that people read.
func documents(t *testing.T) []string {
	t.Helper()
	var pages []string
	for _, name := range treeFiles(t) {
		if strings.HasSuffix(name, ".md") {
			pages = append(pages, name)
		}
	}
	if !slices.Contains(pages, "README.md") || !slices.Contains(pages, conformance) {
		t.Fatalf("pages: %q", pages)
	}
	return pages
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`^#{1,6} +(.+)$`)
	code    = regexp.MustCompile("`[^`]*`")
)

// prose returns the lines of a page, those within code blocks empty.
func prose(content string) []string {
	lines := strings.Split(content, "\n")
	fenced := false
	for i, line := range lines {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		if fenced || fence {
			lines[i] = ""
		}
		if fence {
			fenced = !fenced
		}
	}
	return lines
}

// anchors are the names by which links reach the headings of a page. They are made
// as the usual forges make them: lower case, spaces to dashes, the rest left out.
func anchors(content string) map[string]bool {
	found := map[string]bool{}
	for _, line := range prose(content) {
		match := heading.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		found[strings.Map(func(c rune) rune {
			switch {
			case unicode.IsLetter(c) || unicode.IsDigit(c) || c == '-' || c == '_':
				return unicode.ToLower(c)
			case c == ' ':
				return '-'
			}
			return -1
		}, strings.TrimSpace(match[1]))] = true
	}
	return found
}

// TestLinksLead: every link within the project leads to a file and to a heading.
func TestLinksLead(t *testing.T) {
	seen := 0
	for _, page := range documents(t) {
		for i, line := range prose(read(t, page)) {
			for _, match := range link.FindAllStringSubmatch(code.ReplaceAllString(line, ""), -1) {
				if strings.Contains(match[1], "://") || strings.HasPrefix(match[1], "mailto:") {
					continue
				}
				seen++
				file, fragment, hasFragment := strings.Cut(match[1], "#")
				target := page
				if file != "" {
					target = filepath.ToSlash(filepath.Join(filepath.Dir(page), file))
				}
				if strings.HasPrefix(target, "..") {
					t.Errorf("%s:%d: %s leads out of the project", page, i+1, match[1])
				} else if _, err := os.Stat(filepath.Join(root(t), target)); err != nil {
					t.Errorf("%s:%d: %s leads nowhere", page, i+1, match[1])
				} else if hasFragment && !anchors(read(t, target))[fragment] {
					t.Errorf("%s:%d: %s has no such heading", page, i+1, match[1])
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d links: does this test still see them?", seen)
	}
}
