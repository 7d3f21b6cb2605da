// Package wasmfile reads the outline of a WebAssembly binary: what it imports,
// what it exports and how large its functions are. It reads no instruction.
//
// The format is that of the WebAssembly Core Specification, chapter 5.
package wasmfile

import (
	"errors"
	"fmt"
	"os"
)

// ErrFormat says that the bytes are not a WebAssembly module of version 1.
var ErrFormat = errors.New("not a WebAssembly module")

// Import is one thing that the module asks of its host.
type Import struct {
	Module string // for example wasi_snapshot_preview1
	Name   string
	Kind   Kind
}

// Export is one thing that the module offers to its host.
type Export struct {
	Name string
	Kind Kind
}

// Kind tells functions from the other things that a module can share.
type Kind byte

// The kinds, as the binary writes them.
const (
	Func   Kind = 0
	Table  Kind = 1
	Memory Kind = 2
	Global Kind = 3
	Tag    Kind = 4
)

// Function is one function whose code is in the module.
type Function struct {
	Name string // from the name section, else empty
	Size int    // bytes of code
}

// Section is one top-level part of the file.
type Section struct {
	Name string // "code", "data" and so on; "custom:name" for custom ones
	Size int    // bytes of content
}

// File is the outline of one module.
type File struct {
	Size      int // bytes of the whole file
	Imports   []Import
	Exports   []Export
	Functions []Function
	Sections  []Section
}

// Open reads the module in the named file.
func Open(path string) (*File, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file, err := Parse(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return file, nil
}

// sectionNames follows the numbers of the specification, §5.5.2.
var sectionNames = [...]string{
	"custom", "type", "import", "function", "table", "memory", "global",
	"export", "start", "element", "code", "data", "datacount", "tag",
}

const (
	sectionCustom = 0
	sectionImport = 2
	sectionExport = 7
	sectionCode   = 10
)

// Parse reads a module. The error wraps ErrFormat.
func Parse(content []byte) (*File, error) {
	r := &reader{rest: content}
	if string(r.bytes(8)) != "\x00asm\x01\x00\x00\x00" {
		return nil, ErrFormat
	}
	file := &File{Size: len(content)}
	names := map[uint32]string{}
	for len(r.rest) > 0 && !r.failed {
		id := r.byte()
		body := &reader{rest: r.bytes(int(r.number()))}
		if int(id) >= len(sectionNames) {
			return nil, fmt.Errorf("%w: section %d", ErrFormat, id)
		}
		name, size := sectionNames[id], len(body.rest)
		switch id {
		case sectionCustom:
			custom := body.text()
			name += ":" + custom
			if custom == "name" {
				readNames(body, names)
			}
		case sectionImport:
			file.Imports = readImports(body)
		case sectionExport:
			file.Exports = readExports(body)
		case sectionCode:
			file.Functions = readFunctions(body)
		}
		if body.failed {
			return nil, fmt.Errorf("%w: section %s", ErrFormat, name)
		}
		file.Sections = append(file.Sections, Section{Name: name, Size: size})
	}
	if r.failed {
		return nil, fmt.Errorf("%w: cut short", ErrFormat)
	}
	file.nameFunctions(names)
	return file, nil
}

// nameFunctions joins names and bodies: imported functions come first in the
// numbering and have no body.
func (f *File) nameFunctions(names map[uint32]string) {
	imported := 0
	for _, i := range f.Imports {
		if i.Kind == Func {
			imported++
		}
	}
	for i := range f.Functions {
		f.Functions[i].Name = names[uint32(imported+i)]
	}
}

func readImports(r *reader) []Import {
	var imports []Import
	for n := r.number(); n > 0 && !r.failed; n-- {
		i := Import{Module: r.text(), Name: r.text(), Kind: Kind(r.byte())}
		switch i.Kind {
		case Func:
			r.number()
		case Table:
			r.byte()
			r.limits()
		case Memory:
			r.limits()
		case Global:
			r.bytes(2)
		case Tag:
			r.byte()
			r.number()
		default:
			r.failed = true
		}
		imports = append(imports, i)
	}
	return imports
}

func readExports(r *reader) []Export {
	var exports []Export
	for n := r.number(); n > 0 && !r.failed; n-- {
		exports = append(exports, Export{Name: r.text(), Kind: Kind(r.byte())})
		r.number()
	}
	return exports
}

func readFunctions(r *reader) []Function {
	var functions []Function
	for n := r.number(); n > 0 && !r.failed; n-- {
		size := int(r.number())
		r.bytes(size)
		functions = append(functions, Function{Size: size})
	}
	return functions
}

// readNames reads the function names (subsection 1) of the name section.
func readNames(r *reader, names map[uint32]string) {
	for len(r.rest) > 0 && !r.failed {
		id := r.byte()
		body := &reader{rest: r.bytes(int(r.number()))}
		if id != 1 {
			continue
		}
		for n := body.number(); n > 0 && !body.failed; n-- {
			index := body.number()
			names[index] = body.text()
		}
		r.failed = r.failed || body.failed
	}
}
