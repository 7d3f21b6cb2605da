package wasmfile

import (
	"encoding/binary"
	"fmt"
)

// magic is what every module of version 1 begins with.
const magic = "\x00asm\x01\x00\x00\x00"

// ID is the number of a section (§5.5.2).
type ID byte

// The sections, in the order of their numbers. In a file, DataCount stands before
// Code.
const (
	CustomSection ID = iota
	TypeSection
	ImportSection
	FunctionSection
	TableSection
	MemorySection
	GlobalSection
	ExportSection
	StartSection
	ElementSection
	CodeSection
	DataSection
	DataCountSection
)

// Raw is one section as it stands in the file.
type Raw struct {
	ID      ID
	Content []byte
}

// Split takes a module apart. The error wraps ErrFormat.
func Split(content []byte) ([]Raw, error) {
	r := &Reader{Rest: content}
	if string(r.Bytes(len(magic))) != magic {
		return nil, ErrFormat
	}
	var sections []Raw
	for len(r.Rest) > 0 && !r.Failed {
		id := ID(r.Byte())
		sections = append(sections, Raw{id, r.Bytes(int(r.Number()))})
	}
	if r.Failed {
		return nil, fmt.Errorf("%w: cut short", ErrFormat)
	}
	return sections, nil
}

// Join is the opposite of Split.
func Join(sections []Raw) []byte {
	content := []byte(magic)
	for _, s := range sections {
		content = append(content, byte(s.ID))
		content = binary.AppendUvarint(content, uint64(len(s.Content)))
		content = append(content, s.Content...)
	}
	return content
}

// WithoutNames leaves out the names of the functions, which no host needs to run
// the module.
func WithoutNames(sections []Raw) []Raw {
	var kept []Raw
	for _, s := range sections {
		r := &Reader{Rest: s.Content}
		if s.ID == CustomSection && r.Text() == "name" {
			continue
		}
		kept = append(kept, s)
	}
	return kept
}
