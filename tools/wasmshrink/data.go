package wasmshrink

import (
	"encoding/binary"
	"errors"
	"fmt"

	"holdfast/tools/wasmfile"
)

// packData replaces the segments of the data section, of which Go's linker makes
// one for each run of bytes between zeros, with eight bytes of overhead, by a
// single one, and adds a start function that lays it out. When the host is done
// with making the instance, memory holds the same bytes as before.
func packData(sections []wasmfile.Raw) ([]wasmfile.Raw, error) {
	file, err := wasmfile.Parse(wasmfile.Join(sections))
	if err != nil {
		return nil, err
	}
	m := module{}
	for _, s := range sections {
		if s.ID == wasmfile.CustomSection {
			continue
		}
		if m[s.ID] != nil {
			return nil, fmt.Errorf("two sections %d", s.ID)
		}
		m[s.ID] = s.Content
	}
	if m[wasmfile.StartSection] != nil || m[wasmfile.DataCountSection] != nil {
		return nil, errors.New("there is a start function already")
	}
	if m[wasmfile.ElementSection] == nil || m[wasmfile.CodeSection] == nil {
		return nil, errors.New("there is no table of functions, before which to name the start function, or no code")
	}
	memory, err := readImage(m[wasmfile.DataSection])
	if err != nil || len(memory.content) == 0 {
		return sections, err
	}
	if err := memory.fits(m[wasmfile.MemorySection]); err != nil {
		return nil, err
	}
	packed := pack(memory.content)
	kind, err := m.add(wasmfile.TypeSection, "\x60\x00\x00") // () → ()
	if err != nil {
		return nil, err
	}
	index, err := m.add(wasmfile.FunctionSection, string(binary.AppendUvarint(nil, uint64(kind))))
	if err != nil {
		return nil, err
	}
	for _, i := range file.Imports {
		if i.Kind == wasmfile.Func {
			index++ // imported functions come first in the numbering
		}
	}
	if _, err := m.add(wasmfile.CodeSection, sized(unpacker(memory.start, len(packed)))); err != nil {
		return nil, err
	}
	m[wasmfile.DataSection] = []byte("\x01\x01" + sized(packed)) // one segment, passive
	start := wasmfile.Raw{ID: wasmfile.StartSection, Content: binary.AppendUvarint(nil, uint64(index))}
	dataCount := wasmfile.Raw{ID: wasmfile.DataCountSection, Content: []byte{1}}

	var out []wasmfile.Raw
	for _, s := range sections {
		switch s.ID {
		case wasmfile.ElementSection:
			out = append(out, start)
		case wasmfile.CodeSection:
			out = append(out, dataCount)
		}
		if s.ID != wasmfile.CustomSection {
			s.Content = m[s.ID]
		}
		out = append(out, s)
	}
	return out, nil
}

// fits gives an error unless the whole image, and a header behind it, lies within
// the memory that the module begins with.
func (m image) fits(memorySection []byte) error {
	r := &wasmfile.Reader{Rest: memorySection}
	count, flags, pages := r.Number(), r.Byte(), r.Number()
	if r.Failed || count != 1 || flags > 1 || int64(m.start)+int64(len(m.content))+recordHeader > int64(pages)<<16 {
		return errors.New("the data does not fit into the memory")
	}
	return nil
}

// module holds the content of the sections of which there is one each.
type module map[wasmfile.ID][]byte

// add appends an item to a section that is a list, and returns its index there.
func (m module) add(id wasmfile.ID, item string) (index uint32, err error) {
	r := &wasmfile.Reader{Rest: m[id]}
	index = r.Number()
	if r.Failed {
		return 0, fmt.Errorf("%w: section %d", wasmfile.ErrFormat, id)
	}
	content := binary.AppendUvarint(nil, uint64(index)+1)
	m[id] = append(append(content, r.Rest...), item...)
	return index, nil
}

// sized puts the length of b before it.
func sized(b []byte) string {
	return string(append(binary.AppendUvarint(nil, uint64(len(b))), b...))
}
