// Command holdfast answers the questions that come up around the filter, on the
// operator's own machine, with the filter's own packages: is this configuration
// good, what is the thumbprint of this certificate, and why was this token refused?
//
// It talks to nobody. Keys and introspection answers come from files.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

const usage = `usage: holdfast COMMAND

  check FILE                  is this a good configuration? All problems, by path
  thumbprint FILE             x5t#S256 of a certificate (PEM or DER), jkt of a JWK
  explain TOKEN --config FILE [--cert FILE] [--jwks FILE] [--introspection FILE] [--proof FILE]
                              what the filter would decide, step by step, and why
  completion bash|zsh|fish    completions for a shell

FILE may be "-" for standard input; TOKEN may be "@FILE" or "-".
--json after a command prints JSON. "holdfast COMMAND --help" lists its flags.
Exit status: 0 good, 1 not good, 2 the call itself was wrong or names no file that can be read.
`

// The exit statuses.
const (
	good = iota
	notGood
	wrongCall
)

// A wrongUse is an error of whoever calls the command.
type wrongUse struct{ error }

// tool is one run of the command, with its surroundings.
type tool struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	os.Exit((&tool{os.Stdin, os.Stdout, os.Stderr}).run(os.Args[1:]))
}

// names of the commands, in the order of the usage.
var names = []string{"check", "thumbprint", "explain", "completion"}

func (t *tool) command(name string) func(args []string) (status int, err error) {
	switch name {
	case "check":
		return t.check
	case "thumbprint":
		return t.thumbprint
	case "explain":
		return t.explain
	case "completion":
		return t.completion
	}
	return nil
}

func (t *tool) run(args []string) int {
	if len(args) == 0 {
		fmt.Fprint(t.err, usage)
		return wrongCall
	}
	if args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		fmt.Fprint(t.out, usage)
		return good
	}
	run := t.command(args[0])
	if run == nil {
		fmt.Fprintf(t.err, "holdfast: no command is called %q\n%s", args[0], usage)
		return wrongCall
	}
	status, err := run(args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return good
	}
	if err != nil {
		fmt.Fprintln(t.err, "holdfast "+args[0]+":", err)
		if status = notGood; errors.As(err, new(wrongUse)) {
			status = wrongCall
		}
	}
	return status
}

// flags begins the flags of a command.
func (t *tool) flags(name, what string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(t.out)
	f.Usage = func() {
		fmt.Fprintf(t.out, "usage: holdfast %s %s\n", name, what)
		f.PrintDefaults()
	}
	return f
}

// parse reads flags and the one argument, in any order.
func (t *tool) parse(f *flag.FlagSet, args []string) (argument string, err error) {
	var rest []string
	for {
		// An argument of "-" is one, and so is whatever stands before a flag.
		if err := f.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return "", err
			}
			return "", wrongUse{err}
		}
		if args = f.Args(); len(args) == 0 {
			break
		}
		rest, args = append(rest, args[0]), args[1:]
	}
	if len(rest) != 1 {
		return "", wrongUse{fmt.Errorf("one argument is needed, not %d", len(rest))}
	}
	return rest[0], nil
}

// read returns the content of a file, or of standard input for "-". What cannot be read
// says nothing about a configuration or a token, so it is the call that was wrong.
func (t *tool) read(name string) ([]byte, error) {
	from := t.in
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, wrongUse{err}
		}
		defer file.Close()
		from = file
	}
	content, err := io.ReadAll(io.LimitReader(from, 16<<20))
	if err != nil {
		return nil, wrongUse{err}
	}
	return content, nil
}

// text is the content of a file without the white space around it.
func (t *tool) text(name string) (string, error) {
	content, err := t.read(name)
	return strings.TrimSpace(string(content)), err
}
