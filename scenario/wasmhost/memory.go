package wasmhost

import (
	"encoding/binary"

	"holdfast/filter"
)

// fault ends the VM: the module gave an address outside of its memory.
type fault struct{ what string }

func (f fault) Error() string { return "wasmhost: " + f.what }

// read copies from the VM's memory.
func (vm *VM) read(at, size uint32) []byte {
	b, ok := vm.module.Memory().Read(at, size)
	if !ok {
		panic(fault{"a pointer outside of the memory"})
	}
	return append([]byte(nil), b...)
}

func (vm *VM) writeUint32(at, v uint32) {
	if !vm.module.Memory().WriteUint32Le(at, v) {
		panic(fault{"a pointer outside of the memory"})
	}
}

// give hands bytes to the module: in memory that the module allocates, with their
// address and size where it asked for them. Envoy never asks for 0 bytes.
func (vm *VM) give(b []byte, addressAt, sizeAt uint32) {
	var address uint32
	if len(b) > 0 {
		address = uint32(vm.callAllocate(uint64(len(b))))
		if !vm.module.Memory().Write(address, b) {
			panic(fault{"allocated memory outside of the memory"})
		}
	}
	vm.writeUint32(addressAt, address)
	vm.writeUint32(sizeAt, uint32(len(b)))
}

// writeHeaders and readHeaders are the ABI's form of a header map: the number of
// pairs, the sizes of each name and value, the texts with a zero byte each.
func writeHeaders(headers []filter.Header) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(headers)))
	for _, h := range headers {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(h.Name)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(h.Value)))
	}
	for _, h := range headers {
		b = append(append(b, h.Name...), 0)
		b = append(append(b, h.Value...), 0)
	}
	return b
}

func readHeaders(b []byte) []filter.Header {
	if len(b) == 0 {
		return nil
	}
	take := func(n uint32) []byte {
		if uint64(n) > uint64(len(b)) {
			panic(fault{"a malformed header map"})
		}
		var head []byte
		head, b = b[:n], b[n:]
		return head
	}
	number := func() uint32 { return binary.LittleEndian.Uint32(take(4)) }
	sizes := make([]uint32, 2*min(number(), 1000))
	for i := range sizes {
		sizes[i] = number()
	}
	text := func(size uint32) string {
		s := string(take(size))
		take(1)
		return s
	}
	headers := make([]filter.Header, len(sizes)/2)
	for i := range headers {
		headers[i] = filter.Header{Name: text(sizes[2*i]), Value: text(sizes[2*i+1])}
	}
	return headers
}
