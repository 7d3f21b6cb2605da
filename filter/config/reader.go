package config

import (
	"math"
	"slices"
	"strconv"
	"time"

	"holdfast/strictjson"
)

// reader collects problems while the sections read their keys. Reading never
// stops at a problem: a key that is wrong yields its default and the rest is
// read on, so that one start shows them all.
type reader struct {
	problems Problems
	headers  headerOwners
	asked    func(path string) // hears of every key that a section reads
}

// field is a member of an object or an element of an array, there or not.
type field struct {
	r     *reader
	path  string
	value strictjson.Value
}

func (f field) fail(text string) {
	f.r.problems = append(f.r.problems, Problem{f.path, text})
}

func (f field) present() bool { return f.value.Kind() != strictjson.Missing }

// is reports whether there is a value of this kind. Another kind is a problem.
func (f field) is(kind strictjson.Kind) bool {
	if f.present() && f.value.Kind() != kind {
		f.fail("must be " + a(kind) + ", not " + a(f.value.Kind()))
	}
	return f.value.Kind() == kind
}

// required makes the absence of the field a problem.
func (f field) required() field {
	if !f.present() {
		f.fail("is required")
	}
	return f
}

// notEmpty makes an empty array a problem.
func (f field) notEmpty() field {
	if elements, ok := f.value.Array(); ok && len(elements) == 0 {
		f.fail("must not be empty")
	}
	return f
}

// text is the value, or fallback when it is absent or fails a check.
func (f field) text(fallback string, checks ...check) string {
	if !f.is(strictjson.String) {
		return fallback
	}
	text, _ := f.value.Text()
	for _, check := range checks {
		if problem := check(text); problem != "" {
			f.fail(problem)
			return fallback
		}
	}
	return text
}

// choice is one of the names; the first is the default.
func (f field) choice(names ...string) string {
	return f.text(names[0], func(s string) string {
		if slices.Contains(names, s) {
			return ""
		}
		return "must be " + oneOf(names)
	})
}

func (f field) boolean(fallback bool) bool {
	if !f.is(strictjson.Bool) {
		return fallback
	}
	value, _ := f.value.Bool()
	return value
}

func (f field) integer(b bound) int {
	if !f.is(strictjson.Number) {
		return b.fallback
	}
	// A Struct of Envoy's turns 1024 into 1024.0 on the way.
	number, ok := f.value.Float()
	if !ok || number != math.Trunc(number) || number < float64(b.min) || number > float64(b.max) {
		f.fail("must be a whole number from " + strconv.Itoa(b.min) + " to " + strconv.Itoa(b.max))
		return b.fallback
	}
	return int(number)
}

// duration reads a text such as "250ms". max 0 sets no upper bound.
func (f field) duration(fallback, min, max time.Duration) time.Duration {
	if !f.present() {
		return fallback
	}
	text, _ := f.value.Text() // no text is no duration
	d, err := time.ParseDuration(text)
	switch {
	case err != nil || text[0] < '0' || '9' < text[0]: // no sign
		f.fail(`must be a text such as "250ms", "10s", "5m" or "24h"`)
	case d < min && max == 0:
		f.fail("must be at least " + min.String())
	case d < min || max != 0 && d > max:
		f.fail("must be between " + min.String() + " and " + max.String())
	default:
		return d
	}
	return fallback
}

// texts is an array of texts, none of them twice.
func (f field) texts(fallback []string, checks ...check) []string {
	if !f.present() {
		return fallback
	}
	var all []string
	f.each(func(element field) {
		var text string
		if f.r.fine(func() { text = element.text("", checks...) }) {
			all = appendOnce(element, all, text)
		}
	})
	return all
}

// fine reports whether read found no problem.
func (r *reader) fine(read func()) bool {
	before := len(r.problems)
	read()
	return len(r.problems) == before
}

// appendOnce makes it a problem that a list has an item already.
func appendOnce[T comparable](element field, list []T, item T) []T {
	if slices.Contains(list, item) {
		element.fail("is listed twice")
		return list
	}
	return append(list, item)
}

// each reads the elements of an array.
func (f field) each(read func(element field)) {
	if !f.is(strictjson.Array) {
		return
	}
	elements, _ := f.value.Array()
	for i, value := range elements {
		read(field{f.r, f.path + "[" + strconv.Itoa(i) + "]", value})
	}
}
