package main

import (
	"os/exec"
	"testing"
)

func TestJudge(t *testing.T) {
	exit := func(code string) error { return exec.Command("sh", "-c", "exit "+code).Run() }
	for _, c := range []struct {
		name   string
		err    error
		output string
		want   verdict
	}{
		{"clean", nil, "No vulnerabilities found.", clean},
		{"finding", exit("3"), "Vulnerability #1: GO-2026-0001", bad},
		{"no data", exit("1"), "govulncheck: fetching vulnerabilities: Get \"…\": Forbidden", notChecked},
		{"finding that speaks of fetching", exit("3"), "fetching vulnerabilities: …", bad},
		{"code that does not compile", exit("1"), "govulncheck: loading packages: …", bad},
		{"no such program", exec.Command("./no-such-program").Run(), "", bad},
	} {
		if got := judge(c.err, c.output); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
