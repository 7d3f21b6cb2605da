// Package wasmshrink makes a WebAssembly module of Go's linker smaller, and with
// it faster to load and to run, without a change of what it does.
//
//	exports.go       no exports that a host would call for nothing
//	address.go       a place on the stack is an offset, not a sum
//	jumps.go         a jump forward is a jump, not a turn of a loop
//	peephole.go      a few short runs of instructions have a shorter form
//	stackpointer.go  no local copy of a stack pointer that nobody reads
//	data.go          one data segment in place of one for each few bytes
//
// It knows the instructions that Go's compiler writes and how its functions call
// each other (cmd/internal/obj/wasm of the Go that go.mod pins), and fails on what
// it does not know. A function that is not of that shape stays as it is.
package wasmshrink

import (
	"fmt"

	"holdfast/tools/wasmfile"
)

// Shrink rewrites a module. The exports of these names are taken away. The numbers
// of the functions stay, and with them what a section of their names says.
func Shrink(sections []wasmfile.Raw, exports []string) ([]wasmfile.Raw, error) {
	var out []wasmfile.Raw
	for _, s := range sections {
		var err error
		switch s.ID {
		case wasmfile.ExportSection:
			s.Content, err = withoutExports(s.Content, exports)
		case wasmfile.CodeSection:
			s.Content, err = shrinkCode(s.Content)
		}
		if err != nil {
			return nil, fmt.Errorf("section %d: %w", s.ID, err)
		}
		out = append(out, s)
	}
	return packData(out)
}
