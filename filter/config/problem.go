package config

import "strings"

// Problem is one thing wrong with a configuration. Neither field ever holds a
// value of the configuration: it may be a secret in the wrong place.
type Problem struct {
	Path string // "issuers[0].jwks.uri"; "configuration" for the document itself
	Text string // what is wanted, without a full stop
}

// Problems is everything wrong with a configuration, in the order of the
// sections in docs/configuration.md. It is the error of [Parse].
type Problems []Problem

// maxProblems bounds the one log line that lists them.
const maxProblems = 200

// Error is all problems in one line, "path: text" each.
func (p Problems) Error() string {
	var b strings.Builder
	for i, problem := range p {
		if i > 0 {
			b.WriteString("; ")
		}
		if i == maxProblems {
			b.WriteString("and more")
			break
		}
		b.WriteString(problem.Path + ": " + problem.Text)
	}
	return b.String()
}
