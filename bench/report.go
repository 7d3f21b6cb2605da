package main

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

// result is everything that a run found.
type result struct {
	Settings                          settings
	Quick                             bool
	Machine, Date, Command, Go, Envoy string
	Minutes                           float64
	Wasm, EmptyWasm                   float64 // MB
	Variants                          []*measured
	Scale, Tuning                     []*measured
	Hosts                             []*hostStarts
	Flood                             []flooded
	Memory                            memories
	HostCalls                         []hostCalls
}

//go:embed report.md.tmpl
var reportText string

// notes is written by hand, and goes into the report as it stands.
//
//go:embed notes.md
var notes string

var report = template.Must(template.New("report").Funcs(template.FuncMap{
	"percent": func(share float64) string {
		if share < 0 {
			return "not counted"
		}
		return fmt.Sprintf("%.1f %%", 100*share)
	},
	"notes":  func() string { return notes },
	"escape": func(text string) string { return strings.ReplaceAll(text, "|", `\|`) },
}).Parse(reportText))

// write stores performance.md and its plots in a folder.
func (r *result) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var text strings.Builder
	if err := report.Execute(&text, r); err != nil {
		return err
	}
	files := r.plots()
	files["performance.md"] = text.String()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	fmt.Printf("wrote %s\n", filepath.Join(dir, "performance.md"))
	return nil
}

// plots are those that there are figures for.
func (r *result) plots() map[string]string {
	files := map[string]string{}
	if len(r.Variants) > 0 {
		files["performance-cpu.svg"] = bars("CPU for each request at a fixed rate, µs (Envoy and its helper)", "%.0f", r.bars(cpu))
		files["performance-p99.svg"] = bars("p99 at a fixed rate, µs", "%.0f", r.bars(p99))
		files["performance-throughput.svg"] = bars("Requests a second, one core, every connection busy", "%.0f", r.bars(func(s sample) float64 { return s.Throughput }))
	}
	if len(r.Memory.Workers) > 0 {
		none, empty, ours := line{Label: "no filter", Colour: "#8a94a3"}, line{Label: "empty Go filter", Colour: "#b5762a"}, line{Label: "Holdfast", Colour: ourColour}
		for _, row := range r.Memory.Workers {
			x := float64(row.Workers)
			none.Points = append(none.Points, [2]float64{x, row.None})
			empty.Points = append(empty.Points, [2]float64{x, row.Empty})
			ours.Points = append(ours.Points, [2]float64{x, row.Holdfast})
		}
		files["performance-memory.svg"] = lines("Resident memory, MB", "workers", []line{none, empty, ours})
	}
	if len(r.Memory.Growth) > 0 {
		growth := line{Label: "Holdfast, one worker", Colour: ourColour}
		for _, row := range r.Memory.Growth {
			growth.Points = append(growth.Points, [2]float64{float64(row.Count), row.MB})
		}
		files["performance-growth.svg"] = lines("Resident memory over many requests, MB", "requests", []line{growth})
	}
	return files
}

func (r *result) bars(figure func(sample) float64) []bar {
	var rows []bar
	for _, m := range r.Variants {
		if len(m.Samples) > 0 {
			rows = append(rows, bar{m.Title, m.of(figure), strings.HasPrefix(m.Name, "holdfast")})
		}
	}
	return rows
}

// What follows is called by the template.

// Aims are the ratios.
func (r *result) Aims() []aimRow {
	var rows []aimRow
	for _, a := range judge(slices.Concat(r.Variants, r.Scale)) {
		rows = append(rows, ratioRow(a))
	}
	if w := r.Memory.Workers; len(w) > 0 && w[0].Workers == 1 {
		rows = append(rows, valueRow("Memory, first worker over the same Envoy without Holdfast, MB", w[0].Holdfast-w[0].None, 120))
		if last := w[len(w)-1]; last.Workers > 1 {
			each := ((last.Holdfast - last.None) - (w[0].Holdfast - w[0].None)) / float64(last.Workers-1)
			rows = append(rows, valueRow("Memory, each further worker, MB", each, 8))
		}
	}
	if g := r.growth(); g != nil {
		rows = append(rows, valueRow(fmt.Sprintf("Memory, growth from %d to %d requests, %%", g.from.Count, g.to.Count), g.percent, 1))
	}
	if m := r.variant("holdfast-cached"); m != nil && len(m.Samples) > 0 {
		start := m.of(func(s sample) float64 { return s.Start })
		rows = append(rows, valueRow("Start of Envoy with Holdfast, seconds of CPU", start.Median, 5))
	}
	return append(rows, valueRow("Size of holdfast.wasm, MB", r.Wasm, 5))
}

// aimRow is a row of the first table.
type aimRow struct{ What, Wanted, Measured, Met string }

func ratioRow(a *aim) aimRow {
	row := aimRow{What: a.What, Wanted: a.wanted(), Measured: a.Missing, Met: "?"}
	if a.Missing == "" {
		row.Measured = fmt.Sprintf("**%.2f** (%.2f to %.2f)", a.Measured.Median, a.Measured.Low, a.Measured.High)
		row.Met = yesNo(a.met())
	}
	return row
}

func valueRow(what string, value, atMost float64) aimRow {
	return aimRow{what, fmt.Sprintf("at most %g", atMost), fmt.Sprintf("**%.1f**", value), yesNo(value <= atMost)}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "**no**"
}

func (r *result) variant(name string) *measured {
	for _, m := range r.Variants {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// grown is how the memory changed after the first tenth of all requests, in which the
// caches filled.
type grown struct {
	from, to byCount
	percent  float64
}

func (r *result) growth() *grown {
	g := r.Memory.Growth
	if len(g) < 10 {
		return nil
	}
	from, to := g[len(g)/10-1], g[len(g)-1]
	return &grown{from, to, 100 * (to.MB - from.MB) / from.MB}
}

// ScaleRows are the variants by the number of rules and issuers, each beside the one
// with fewer.
func (r *result) ScaleRows() []string { return comparedRows(r.Scale, 2) }

// TuningRows are the settings of Go's collector, each beside the first.
func (r *result) TuningRows() []string { return comparedRows(r.Tuning, len(r.Tuning)) }

// comparedRows has each measured beside the first of its group of n.
func comparedRows(all []*measured, n int) []string {
	var rows []string
	for i, m := range all {
		against := func(figure func(sample) float64) string {
			text := fmt.Sprintf("%.0f", m.of(figure).Median)
			if base := all[i-i%n]; m != base {
				ratio := ratioOf(m, base, figure)
				text += fmt.Sprintf(" | %.2f (%.2f to %.2f)", ratio.Median, ratio.Low, ratio.High)
			} else {
				text += " | "
			}
			return text
		}
		rows = append(rows, fmt.Sprintf("| %s | %s | %s | %.0f | %.0f | %.2f |", m.Title, against(cpu), against(flatCPU),
			m.of(p99).Median, m.of(func(s sample) float64 { return s.Memory }).Median, m.of(func(s sample) float64 { return s.Start }).Median))
	}
	return rows
}

// HostRows are the versions of Envoy.
func (r *result) HostRows() []string {
	var rows []string
	for _, h := range r.Hosts {
		show := func(format string, figure func(coldStart) float64) string {
			none, ours := spreadOfStarts(h.None, figure), spreadOfStarts(h.Holdfast, figure)
			each := func(s spread) string {
				return fmt.Sprintf(format+" ("+format+" to "+format+")", s.Median, s.Low, s.High)
			}
			return each(none) + " | " + each(ours)
		}
		rows = append(rows, fmt.Sprintf("| Envoy %s | %s | %s | %s |", h.Envoy,
			show("%.2f", func(s coldStart) float64 { return s.CPU }),
			show("%.2f", func(s coldStart) float64 { return s.Ready }),
			show("%.0f", func(s coldStart) float64 { return s.Memory })))
	}
	return rows
}

func spreadOfStarts(starts []coldStart, figure func(coldStart) float64) spread {
	values := make([]float64, len(starts))
	for i, s := range starts {
		values[i] = figure(s)
	}
	return spreadOf(values)
}

// Rows is the table of all variants.
func (r *result) Rows() []string {
	var rows []string
	for _, m := range r.Variants {
		if m.Unsupported != "" {
			rows = append(rows, fmt.Sprintf("| %s | %s |", m.Title, m.Unsupported))
			continue
		}
		none, over := r.variant("none"), ""
		if m.Slow {
			none = r.variant("none-slow")
		}
		if none != nil && m != none {
			over = fmt.Sprintf("%+.0f", m.of(cpu).Median-none.of(cpu).Median)
		}
		helper := ""
		if h := m.of(func(s sample) float64 { return s.Helper }); h.Median > 0 {
			helper = fmt.Sprintf("%.0f", h.Median)
		}
		throughput, busy := m.of(func(s sample) float64 { return s.Throughput }), m.of(func(s sample) float64 { return s.Busy })
		limit := ""
		if busy.Median < 0.9 {
			limit = fmt.Sprintf(" (loader: %.0f %% of the core)", 100*busy.Median)
		}
		c, p := m.of(cpu), m.of(p99)
		rows = append(rows, fmt.Sprintf("| %s | **%.0f** (%.0f to %.0f) | %s | %s | %.0f | %.0f (%.0f to %.0f) | %d | %.0f%s | %.0f | %.0f | %.2f |",
			m.Title, c.Median, c.Low, c.High, over, helper,
			m.of(func(s sample) float64 { return s.P50 }).Median, p.Median, p.Low, p.High, m.Rate,
			throughput.Median, limit, m.of(func(s sample) float64 { return s.FlatCPU }).Median,
			m.of(func(s sample) float64 { return s.Memory }).Median, m.of(func(s sample) float64 { return s.Start }).Median))
	}
	return rows
}
