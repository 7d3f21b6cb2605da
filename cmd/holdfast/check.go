package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"holdfast/filter/config"
)

// checked is the answer of "check".
type checked struct {
	Good        bool      `json:"good"`
	Problems    []problem `json:"problems,omitempty"`
	Idle        []problem `json:"without_effect,omitempty"` // good, but of no use beside the rest
	Environment []string  `json:"environment,omitempty"`    // variables that the VM needs
}

type problem struct {
	Path string `json:"path"`
	Text string `json:"problem"`
}

// check reads a configuration as the filter does when it starts. What the filter
// finds in the environment only there is not looked at.
func (t *tool) check(args []string) (int, error) {
	f := t.flags("check", "FILE")
	asJSON := f.Bool("json", false, "print JSON")
	name, err := t.parse(f, args)
	if err != nil {
		return wrongCall, err
	}
	doc, err := t.read(name)
	if err != nil {
		return notGood, err
	}
	c, err := parse(doc)
	answer := checked{Good: err == nil}
	var problems config.Problems
	if errors.As(err, &problems) {
		for _, p := range problems {
			answer.Problems = append(answer.Problems, problem(p))
		}
	}
	if c != nil {
		answer.Idle, answer.Environment = idle(doc, c), variables(c)
	}
	status := good
	if !answer.Good {
		status = notGood
	}
	if *asJSON {
		return status, t.printJSON(answer)
	}
	for _, p := range answer.Problems {
		fmt.Fprintf(t.out, "%s: %s\n", p.Path, p.Text)
	}
	if answer.Good {
		fmt.Fprintln(t.out, "good")
	}
	for _, p := range answer.Idle {
		fmt.Fprintf(t.out, "%s: %s\n", p.Path, p.Text)
	}
	for _, variable := range answer.Environment {
		fmt.Fprintf(t.out, "the VM needs the environment variable %s\n", variable)
	}
	return status, nil
}

// parse reads a configuration, and tells apart what is none at all.
func parse(doc []byte) (*config.Config, error) {
	if text := bytes.TrimSpace(doc); len(text) > 0 && text[0] != '{' {
		return nil, config.Problems{{Path: "configuration", Text: "is no JSON object: of an Envoy file, what is wanted is the text under configuration: value:"}}
	}
	return config.Parse(string(doc))
}

// variables are the names that a configuration looks for in the VM's environment.
func variables(c *config.Config) []string {
	var names []string
	add := func(name string) {
		if name != "" {
			names = append(names, name)
		}
	}
	for i := range c.Issuers {
		if s := c.Issuers[i].Introspection; s != nil {
			add(s.Client.SecretEnv)
			add(s.Client.KeyEnv)
		}
	}
	if c.Binding.DPoP != nil {
		add(c.Binding.DPoP.NonceKeyEnv)
	}
	if c.Session != nil {
		add(c.Session.KeyEnv)
	}
	return names
}

func (t *tool) printJSON(v any) error {
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
