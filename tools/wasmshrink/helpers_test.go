package wasmshrink

import (
	"context"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"holdfast/tools/wasmfile"
)

// Instructions, for code that reads like a listing.
func op(op opcode) instruction           { return instruction{op: op} }
func get(local int64) instruction        { return instruction{op: opLocalGet, a: local} }
func set(local int64) instruction        { return instruction{op: opLocalSet, a: local} }
func tee(local int64) instruction        { return instruction{op: opLocalTee, a: local} }
func getGlobal() instruction             { return instruction{op: opGlobalGet} }
func setGlobal() instruction             { return instruction{op: opGlobalSet} }
func i32(n int64) instruction            { return instruction{op: opI32Const, a: n} }
func i64(n int64) instruction            { return instruction{op: opI64Const, a: n} }
func load(offset uint32) instruction     { return instruction{op: opFirstLoad + 1, a: 3, b: offset} }
func store(offset uint32) instruction    { return instruction{op: opI64Store, a: 3, b: offset} }
func block() instruction                 { return instruction{op: opBlock, a: void} }
func loop() instruction                  { return instruction{op: opLoop, a: void} }
func then() instruction                  { return instruction{op: opIf, a: void} }
func end() instruction                   { return instruction{op: opEnd} }
func br(label int64) instruction         { return instruction{op: opBr, a: label} }
func brIf(label int64) instruction       { return instruction{op: opBrIf, a: label} }
func call(function int64) instruction    { return instruction{op: opCall, a: function} }
func table(labels ...uint32) instruction { return instruction{op: opBrTable, labels: labels} }

// code joins instructions and lists of them.
func code(parts ...any) []instruction {
	var all []instruction
	for _, part := range parts {
		switch part := part.(type) {
		case instruction:
			all = append(all, part)
		case []instruction:
			all = append(all, part...)
		}
	}
	return all
}

// stackAddress is how Go writes SP+offset.
func stackAddress(offset int64) []instruction {
	return code(get(localSP), op(opI64ExtendI32), i64(offset), op(opI64Add), op(opI32WrapI64))
}

// move is how Go moves the stack pointer.
func move(n int64, by opcode) []instruction {
	return code(get(localSP), i32(n), op(by), tee(localSP), setGlobal())
}

// goFunction is a function by Go's convention, around this code, that returns 0.
func goFunction(body ...any) []instruction {
	return code(getGlobal(), set(localSP), code(body...), i32(0), op(opReturn), end())
}

// function1 is a second function, for the first to call: it moves the stack pointer
// to where the first expects it, as a callee does, and notes at 8 where it was.
var function1 = goFunction(i32(8), get(localSP), op(opI64ExtendI32), store(0), move(8, opI32Add))

// machine is a module of two functions: one of Go's with the locals PC, SP, and two
// of 64 bits, the stack pointer at 1024 to begin with, and function1.
func machine(body []instruction, data ...segment) []wasmfile.Raw {
	function := func(body []instruction) string {
		return sized(append([]byte{2, 1, typeI32, 2, 0x7e}, encode(body)...))
	}
	segments := binary.AppendUvarint(nil, uint64(len(data)))
	for _, s := range data {
		segments = append(segments, 0)
		segments = append(segments, encode(code(i32(int64(s.start)), end()))...)
		segments = append(segments, sized(s.content)...)
	}
	return []wasmfile.Raw{
		{ID: wasmfile.TypeSection, Content: []byte("\x01\x60\x01\x7f\x01\x7f")},
		{ID: wasmfile.FunctionSection, Content: []byte("\x02\x00\x00")},
		{ID: wasmfile.MemorySection, Content: []byte("\x01\x00\x01")},
		{ID: wasmfile.GlobalSection, Content: append([]byte("\x01\x7f\x01"), encode(code(i32(1024), end()))...)},
		{ID: wasmfile.ExportSection, Content: []byte("\x03\x01f\x00\x00\x01m\x02\x00\x01g\x03\x00")},
		{ID: wasmfile.ElementSection, Content: []byte("\x00")},
		{ID: wasmfile.CodeSection, Content: []byte("\x02" + function(body) + function(function1))},
		{ID: wasmfile.DataSection, Content: segments},
		producers(goVersion),
	}
}

// outcome is all that can be seen of a call.
type outcome struct {
	result, stack uint64
	memory        string
}

// run calls the first function of a module, with PC being argument.
func run(t *testing.T, sections []wasmfile.Raw, argument uint64) outcome {
	t.Helper()
	ctx := context.Background()
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer runtime.Close(ctx)
	module, err := runtime.InstantiateWithConfig(ctx, wasmfile.Join(sections), wazero.NewModuleConfig())
	if err != nil {
		t.Fatal(err)
	}
	results, err := module.ExportedFunction("f").Call(ctx, argument)
	if err != nil {
		t.Fatal(err)
	}
	memory, _ := module.Memory().Read(0, module.Memory().Size())
	return outcome{uint64(api.DecodeU32(results[0])), module.ExportedGlobal("g").Get(), string(memory)}
}

// shrunk asserts that the code becomes want, and that it does the same as before
// for each argument.
func shrunk(t *testing.T, before, want []instruction, arguments ...uint64) {
	t.Helper()
	sections := machine(before)
	smaller, err := Shrink(sections)
	if err != nil {
		t.Fatal(err)
	}
	after, err := shrinkFunction(append([]byte{0}, encode(before)...))
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(after[1:])
	if err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
	for _, argument := range arguments {
		if a, b := run(t, sections, argument), run(t, smaller, argument); a != b {
			t.Errorf("argument %d: result %d, stack %d and then %d, %d; the same memory: %v", argument, a.result, a.stack, b.result, b.stack, a.memory == b.memory)
		}
	}
}

func same(a, b instruction) bool {
	return a.op == b.op && a.a == b.a && a.b == b.b && slices.Equal(a.labels, b.labels)
}
