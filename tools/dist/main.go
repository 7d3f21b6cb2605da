// Command dist gathers the files of a release in one folder: those that are named
// on its command line, the notes of this version out of CHANGELOG.md, and SHA256SUMS
// over all of them. It puts no time and no machine into any of them.
package main

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"holdfast/filter"
)

func main() {
	changelog := flag.String("changelog", "CHANGELOG.md", "file with a section for this version")
	out := flag.String("o", "build/dist", "folder to write; what is in it goes")
	flag.Parse()
	if err := run(*out, *changelog, filter.Version, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

func run(out, changelog, version string, names []string) error {
	log, err := os.ReadFile(changelog)
	if err != nil {
		return err
	}
	text, err := notes(string(log), version)
	if err != nil {
		return fmt.Errorf("%s: %w", changelog, err)
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	var sums bytes.Buffer
	write := func(name string, content []byte) error {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(content), name)
		return os.WriteFile(filepath.Join(out, name), content, 0o644)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := write(filepath.Base(name), content); err != nil {
			return err
		}
	}
	if err := write("NOTES.md", []byte(text)); err != nil {
		return err
	}
	fmt.Printf("%s: holdfast %s\n%s", out, version, sums.Bytes())
	return os.WriteFile(filepath.Join(out, "SHA256SUMS"), sums.Bytes(), 0o644)
}

// notes returns the section of the changelog that is about the version, under a
// heading of its own and without links into the tree.
func notes(changelog, version string) (string, error) {
	var section []string
	inside := false
	for line := range strings.Lines(changelog) {
		if heading, is := strings.CutPrefix(line, "## "); is {
			words := strings.Fields(heading)
			inside = len(words) > 0 && words[0] == version
			continue
		}
		if inside {
			section = append(section, line)
		}
	}
	text := strings.TrimSpace(strings.Join(section, ""))
	if text == "" {
		return "", fmt.Errorf("there is nothing about version %s", version)
	}
	return "# Holdfast " + version + "\n\n" + unlinked(text) + "\n", nil
}

var link = regexp.MustCompile(`\[([^\]]*)\]\(([^)\s]+)\)`)

// unlinked writes links within the tree as text: a release has no such files beside its
// notes. They name the file, which whoever has the sources finds.
func unlinked(text string) string {
	return link.ReplaceAllStringFunc(text, func(whole string) string {
		part := link.FindStringSubmatch(whole)
		file, _, _ := strings.Cut(part[2], "#")
		switch {
		case strings.Contains(part[2], "://"):
			return whole
		case part[1] == file:
			return file
		}
		return part[1] + " (" + file + ")"
	})
}
