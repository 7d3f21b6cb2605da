package wasmshrink

import (
	"fmt"

	"holdfast/tools/wasmfile"
)

// goVersion is the Go that the rules of this package were proven for. They depend on
// what its assembler and its linker write, so another Go is refused until somebody
// has looked. TestSourcesOfGo tells whether there is anything to look at.
const goVersion = "go1.26.8"

// checkVersion reads in the section "producers" which Go a module is of.
func checkVersion(sections []wasmfile.Raw) error {
	for _, s := range sections {
		r := &wasmfile.Reader{Rest: s.Content}
		if s.ID != wasmfile.CustomSection || r.Text() != "producers" {
			continue
		}
		for fields := r.Number(); fields > 0 && !r.Failed; fields-- {
			field := r.Text()
			for values := r.Number(); values > 0 && !r.Failed; values-- {
				name, version := r.Text(), r.Text()
				if field != "processed-by" || name != "Go cmd/compile" {
					continue
				}
				if version != goVersion {
					return fmt.Errorf("the module is of %s, and what this package knows of Go is that of %s: see goVersion in tools/wasmshrink", version, goVersion)
				}
				return nil
			}
		}
	}
	return fmt.Errorf("the module does not say that it is of %s", goVersion)
}
