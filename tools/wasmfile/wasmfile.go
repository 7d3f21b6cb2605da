// Package wasmfile takes WebAssembly binaries apart: into their sections, and into
// an outline of what they import, what they export and how large their functions
// are. It reads no instruction.
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

// Parse reads a module. The error wraps ErrFormat.
func Parse(content []byte) (*File, error) {
	sections, err := Split(content)
	if err != nil {
		return nil, err
	}
	file := &File{Size: len(content)}
	names := map[uint32]string{}
	for _, section := range sections {
		if int(section.ID) >= len(sectionNames) {
			return nil, fmt.Errorf("%w: section %d", ErrFormat, section.ID)
		}
		name, size := sectionNames[section.ID], len(section.Content)
		body := &Reader{Rest: section.Content}
		switch section.ID {
		case CustomSection:
			custom := body.Text()
			name += ":" + custom
			if custom == "name" {
				readNames(body, names)
			}
		case ImportSection:
			file.Imports = readImports(body)
		case ExportSection:
			file.Exports = readExports(body)
		case CodeSection:
			file.Functions = readFunctions(body)
		}
		if body.Failed {
			return nil, fmt.Errorf("%w: section %s", ErrFormat, name)
		}
		file.Sections = append(file.Sections, Section{Name: name, Size: size})
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

func readImports(r *Reader) []Import {
	var imports []Import
	for n := r.Number(); n > 0 && !r.Failed; n-- {
		i := Import{Module: r.Text(), Name: r.Text(), Kind: Kind(r.Byte())}
		switch i.Kind {
		case Func:
			r.Number()
		case Table:
			r.Byte()
			r.limits()
		case Memory:
			r.limits()
		case Global:
			r.Bytes(2)
		case Tag:
			r.Byte()
			r.Number()
		default:
			r.Failed = true
		}
		imports = append(imports, i)
	}
	return imports
}

func readExports(r *Reader) []Export {
	var exports []Export
	for n := r.Number(); n > 0 && !r.Failed; n-- {
		exports = append(exports, Export{Name: r.Text(), Kind: Kind(r.Byte())})
		r.Number()
	}
	return exports
}

func readFunctions(r *Reader) []Function {
	var functions []Function
	for n := r.Number(); n > 0 && !r.Failed; n-- {
		size := int(r.Number())
		r.Bytes(size)
		functions = append(functions, Function{Size: size})
	}
	return functions
}

// readNames reads the function names (subsection 1) of the name section.
func readNames(r *Reader, names map[uint32]string) {
	for len(r.Rest) > 0 && !r.Failed {
		id := r.Byte()
		body := &Reader{Rest: r.Bytes(int(r.Number()))}
		if id != 1 {
			continue
		}
		for n := body.Number(); n > 0 && !body.Failed; n-- {
			index := body.Number()
			names[index] = body.Text()
		}
		r.Failed = r.Failed || body.Failed
	}
}
