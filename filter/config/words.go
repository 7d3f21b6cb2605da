package config

import (
	"strconv"
	"strings"

	"holdfast/strictjson"
)

// The words of problems.

// join extends a path. A name that could not be told from the path's own
// punctuation, or could break the log line, is quoted and cut.
func join(path, name string) string {
	const longest = 64
	plain := name != "" && len(name) <= longest
	for i := range len(name) {
		plain = plain && (isToken(name[i:i+1]) && name[i] != '.')
	}
	switch {
	case !plain:
		return path + "[" + strconv.QuoteToASCII(name[:min(len(name), longest)]) + "]"
	case path == "":
		return name
	}
	return path + "." + name
}

// suggestion names the known key that differs in one place, if there is one.
func suggestion(name string, known []string) string {
	for _, candidate := range known {
		if oneEditApart(name, candidate) || strings.EqualFold(strings.ReplaceAll(name, "-", "_"), candidate) {
			return ", did you mean " + candidate + "?"
		}
	}
	return ""
}

// oneEditApart: one character more, less or other, or two swapped.
func oneEditApart(a, b string) bool {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	swapped := len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
	return len(a) <= 1 && len(b) <= 1 || swapped
}

// a is the kind with its article.
func a(kind strictjson.Kind) string {
	switch kind {
	case strictjson.Null:
		return "null"
	case strictjson.Array, strictjson.Object:
		return "an " + kind.String()
	}
	return "a " + kind.String()
}

// oneOf lists names as text.
func oneOf(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = `"` + name + `"`
	}
	return strings.Join(quoted, " or ")
}
