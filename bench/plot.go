package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// bar is one row of a plot: the median, and a line from the least to the largest.
type bar struct {
	Label string
	Value spread
	Ours  bool
}

// Measures of a plot, in pixels.
const (
	plotWidth  = 860
	labelWidth = 330
	rowHeight  = 24
	headHeight = 44
	numberRoom = 90 // at the end of the longest bar
)

const (
	ourColour   = "#2f6f4f"
	otherColour = "#8a94a3"
)

// bars draws horizontal bars from zero.
func bars(title string, format string, rows []bar) string {
	largest := 0.0
	for _, r := range rows {
		largest = max(largest, r.Value.High)
	}
	scale := (plotWidth - labelWidth - numberRoom) / max(largest, 1e-9)
	var b strings.Builder
	openSVG(&b, headHeight+rowHeight*len(rows)+12, title)
	for i, r := range rows {
		y, colour := headHeight+i*rowHeight, otherColour
		if r.Ours {
			colour = ourColour
		}
		middle := y + rowHeight/2
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", labelWidth-8, middle+4, html.EscapeString(r.Label))
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", labelWidth, y+4, r.Value.Median*scale, rowHeight-8, colour)
		fmt.Fprintf(&b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#222"/>`+"\n", labelWidth+r.Value.Low*scale, middle, labelWidth+r.Value.High*scale, middle)
		fmt.Fprintf(&b, `<text x="%.1f" y="%d">`+format+`</text>`+"\n", labelWidth+r.Value.High*scale+6, middle+4, r.Value.Median)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// line is one line of a plot.
type line struct {
	Label  string
	Colour string
	Points [][2]float64
}

// lines draws lines over a common x axis, both axes from zero.
func lines(title, xTitle string, all []line) string {
	const height, left, right, bottom = 360, 70, 190, 46
	var xMax, yMax float64
	for _, l := range all {
		for _, p := range l.Points {
			xMax, yMax = max(xMax, p[0]), max(yMax, p[1])
		}
	}
	xMax, yMax = max(xMax, 1e-9), niceCeiling(yMax)
	x := func(v float64) float64 { return left + v/xMax*(plotWidth-left-right) }
	y := func(v float64) float64 { return height - bottom - v/yMax*(height-bottom-headHeight) }
	var b strings.Builder
	openSVG(&b, height, title)
	for i := range 5 {
		v := yMax * float64(i) / 4
		fmt.Fprintf(&b, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%.0f</text>`+"\n",
			left, y(v), plotWidth-right, y(v), left-8, y(v)+4, v)
	}
	for i := range 5 {
		v := xMax * float64(i) / 4
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%g</text>`+"\n", x(v), height-bottom+18, v)
	}
	fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x(xMax/2), height-8, html.EscapeString(xTitle))
	for _, l := range all {
		points := make([]string, len(l.Points))
		for i, p := range l.Points {
			points[i] = fmt.Sprintf("%.1f,%.1f", x(p[0]), y(p[1]))
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x(p[0]), y(p[1]), l.Colour)
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(points, " "), l.Colour)
		if n := len(l.Points); n > 0 {
			fmt.Fprintf(&b, `<text x="%d" y="%.1f" fill="%s">%s</text>`+"\n", plotWidth-right+8, y(l.Points[n-1][1])+4, l.Colour, html.EscapeString(l.Label))
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func openSVG(b *strings.Builder, height int, title string) {
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" role="img">`+"\n", plotWidth, height)
	fmt.Fprintf(b, `<title>%s</title><rect width="100%%" height="100%%" fill="#fff"/>`+"\n", html.EscapeString(title))
	fmt.Fprintf(b, `<text x="12" y="24" font-size="15" font-weight="bold">%s</text>`+"\n", html.EscapeString(title))
}

// niceCeiling is the next of 1, 2, 4, 5, 8 and their multiples by ten.
func niceCeiling(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 4, 5, 8, 10} {
		if v <= step*unit {
			return step * unit
		}
	}
	return 10 * unit
}
