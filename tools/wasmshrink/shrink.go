// Package wasmshrink makes a WebAssembly module of Go's linker smaller, and with
// it faster to load and to run, without a change of what it does.
//
//	address.go       a place on the stack is an offset, not a sum
//	jumps.go         a jump forward is a jump, not a turn of a loop
//	peephole.go      a few short runs of instructions have a shorter form
//	stackpointer.go  no local copy of a stack pointer that nobody reads
//	data.go          one data segment in place of one for each few bytes
//	version.go       no other Go than the one that all this was proven for
//
// It knows the instructions that Go's compiler writes and how its functions call
// each other (cmd/internal/obj/wasm), and fails on what it does not know, any other
// version of Go included. A function that is not of that shape stays as it is.
package wasmshrink

import "holdfast/tools/wasmfile"

// Shrink rewrites a module. The numbers of the functions stay, and with them what a
// section of their names says.
func Shrink(sections []wasmfile.Raw) ([]wasmfile.Raw, error) {
	if err := checkVersion(sections); err != nil {
		return nil, err
	}
	var out []wasmfile.Raw
	for _, s := range sections {
		if s.ID == wasmfile.CodeSection {
			var err error
			if s.Content, err = shrinkCode(s.Content); err != nil {
				return nil, err
			}
		}
		out = append(out, s)
	}
	return packData(out)
}
