package main

import (
	"slices"
)

// A spread is the median of several values, and the least and the largest of them.
type spread struct{ Median, Low, High float64 }

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return spread{(sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1]}
}

// of is the spread of one figure over a variant's samples.
func (m *measured) of(figure func(sample) float64) spread {
	values := make([]float64, len(m.Samples))
	for i, s := range m.Samples {
		values[i] = figure(s)
	}
	return spreadOf(values)
}

// ratioOf compares two variants round by round: what disturbed a whole round disturbed
// both.
func ratioOf(a, b *measured, figure func(sample) float64) spread {
	var ratios []float64
	for _, x := range a.Samples {
		for _, y := range b.Samples {
			if x.Round == y.Round && figure(y) > 0 {
				ratios = append(ratios, figure(x)/figure(y))
			}
		}
	}
	return spreadOf(ratios)
}

func cpu(s sample) float64     { return s.CPU }
func flatCPU(s sample) float64 { return s.FlatCPU }
func p99(s sample) float64     { return s.P99 }
