package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const changelog = `# Changelog

Words about it.

## 0.2.0 (unreleased)

Second.

- with an item

## 0.1.0

First.
`

func TestNotes(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"0.2.0": "# Holdfast 0.2.0\n\nSecond.\n\n- with an item\n",
		"0.1.0": "# Holdfast 0.1.0\n\nFirst.\n",
	} {
		if got, err := notes(changelog, version); err != nil || got != want {
			t.Errorf("notes of %s are %q, %v, want %q", version, got, err, want)
		}
	}
	for _, version := range []string{"0.2", "0.3.0", ""} {
		if got, err := notes(changelog, version); err == nil {
			t.Errorf("notes of %s are %q, want an error", version, got)
		}
	}
}

// TestNotesStandAlone: what a release has no file for is no link in its notes.
func TestNotesStandAlone(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		"see [docs/hosts.md](docs/hosts.md#versions).":        "see docs/hosts.md.",
		"a [way](docs/operations.md#rolling) to [b](c.md)":    "a way (docs/operations.md) to b (c.md)",
		"[RFC 9449](https://www.rfc-editor.org/info/9449)":    "[RFC 9449](https://www.rfc-editor.org/info/9449)",
		"`issuers[0]` (a list), `{\"a\": []}`, no [link] (b)": "`issuers[0]` (a list), `{\"a\": []}`, no [link] (b)",
	} {
		if got, err := notes("## 1.0.0\n"+from+"\n", "1.0.0"); err != nil || got != "# Holdfast 1.0.0\n\n"+want+"\n" {
			t.Errorf("%s: %q, %v", from, got, err)
		}
	}
}

// TestRun: every file is there and in the sums, and nothing of the last time is left.
func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, wasm, out := filepath.Join(dir, "CHANGELOG.md"), filepath.Join(dir, "a.wasm"), filepath.Join(dir, "dist")
	for path, content := range map[string]string{log: changelog, wasm: "code", filepath.Join(out, "old"): "old"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(out, log, "0.1.0", []string{wasm}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if got := strings.Join(names, " "); got != "NOTES.md SHA256SUMS a.wasm" {
		t.Errorf("the folder holds %s", got)
	}
	sums, err := os.ReadFile(filepath.Join(out, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%x  a.wasm\n", sha256.Sum256([]byte("code"))); !strings.HasPrefix(string(sums), want) {
		t.Errorf("the sums are %q, want them to begin with %q", sums, want)
	}
	for name, err := range map[string]error{
		"a version without notes":  run(out, log, "9.9.9", []string{wasm}),
		"a file that is not there": run(out, log, "0.1.0", []string{filepath.Join(dir, "absent")}),
		"no changelog":             run(out, filepath.Join(dir, "absent"), "0.1.0", []string{wasm}),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
