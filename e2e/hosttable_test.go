package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// hostTable is the part of docs/hosts.md that "make host-table" writes: one table for
// each of sections, with a column for each host. A run knows one column and leaves
// the others as they are; the one of a host that is no Envoy is kept by hand.
type hostTable struct {
	before, after string // of the document
	hosts         []string
	sections      []section
}

// section is one table: what it lists, and its rows in the order of the last run.
type section struct {
	title string
	rows  []row
}

type row struct {
	name  string
	cells map[string]string // by host
}

const tableBegin, tableEnd = "<!-- make host-table writes from here -->\n", "<!-- to here -->\n"

func hostsPath() string { return filepath.Join(must(Root()), "docs", "hosts.md") }

// readHostTable takes the tables out of the document.
func readHostTable() (*hostTable, error) {
	text := string(must(os.ReadFile(hostsPath())))
	before, rest, ok := strings.Cut(text, tableBegin)
	inner, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		return nil, fmt.Errorf("docs/hosts.md has no place for the table")
	}
	t := &hostTable{before: before + tableBegin, after: tableEnd + after}
	for line := range strings.Lines(inner) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| ---") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if title := cells[0]; slices.Contains(sectionTitles, title) {
			t.hosts = cells[1:]
			t.sections = append(t.sections, section{title: title})
			continue
		}
		if len(cells) != len(t.hosts)+1 || len(t.sections) == 0 {
			return nil, fmt.Errorf("docs/hosts.md: %d cells in %q", len(cells), line)
		}
		r := row{name: cells[0], cells: map[string]string{}}
		for i, host := range t.hosts {
			r.cells[host] = cells[i+1]
		}
		last := &t.sections[len(t.sections)-1]
		last.rows = append(last.rows, r)
	}
	return t, nil
}

// unknown is the cell of a host that nobody has asked.
const unknown = "?"

// put replaces one host's column by what was measured, and takes its rows and their
// order. A new host is put where its version belongs.
func (t *hostTable) put(host string, measured []section) {
	if !slices.Contains(t.hosts, host) {
		at := slices.IndexFunc(t.hosts, func(other string) bool { return other > host })
		t.hosts = slices.Insert(t.hosts, max(at, 0), host)
		if at < 0 {
			t.hosts = append(t.hosts[1:], host)
		}
	}
	var merged []section
	for _, m := range measured {
		s := section{title: m.title}
		for _, r := range m.rows {
			cells := map[string]string{host: r.cells[host]}
			for _, other := range t.hosts {
				if other != host {
					cells[other] = t.cell(m.title, r.name, other)
				}
			}
			s.rows = append(s.rows, row{r.name, cells})
		}
		merged = append(merged, s)
	}
	t.sections = merged
}

// cell is what the document says, or unknown.
func (t *hostTable) cell(title, name, host string) string {
	for _, s := range t.sections {
		for _, r := range s.rows {
			if s.title == title && r.name == name && r.cells[host] != "" {
				return r.cells[host]
			}
		}
	}
	return unknown
}

// compare says where the document and a run on one host differ.
func (t *hostTable) compare(host string, measured []section) (problems []string) {
	rows := map[string]bool{}
	for _, s := range measured {
		for _, r := range s.rows {
			rows[s.title+r.name] = true
			if said := t.cell(s.title, r.name, host); said != r.cells[host] {
				problems = append(problems, fmt.Sprintf("%s %s: measured %q, docs/hosts.md says %q of %s: make host-table", s.title, r.name, r.cells[host], said, host))
			}
		}
	}
	for _, s := range t.sections {
		for _, r := range s.rows {
			if !rows[s.title+r.name] {
				problems = append(problems, fmt.Sprintf("docs/hosts.md has the %s %s, which %s was not asked for: make host-table", s.title, r.name, host))
			}
		}
	}
	return problems
}

func (t *hostTable) String() string {
	var b strings.Builder
	b.WriteString(t.before)
	for _, s := range t.sections {
		fmt.Fprintf(&b, "\n| %s | %s |\n|%s\n", s.title, strings.Join(t.hosts, " | "), strings.Repeat(" --- |", len(t.hosts)+1))
		for _, r := range s.rows {
			fmt.Fprintf(&b, "| %s ", r.name)
			for _, host := range t.hosts {
				fmt.Fprintf(&b, "| %s ", r.cells[host])
			}
			b.WriteString("|\n")
		}
	}
	b.WriteString("\n" + t.after)
	return b.String()
}
