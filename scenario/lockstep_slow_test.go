//go:build slow

package scenario

import (
	"context"
	"hash/maphash"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"testing/cryptotest"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"holdfast/filter/filtertest"
	"holdfast/scenario/wasmhost"
)

// TestSlowRewrittenInLockstep plays every scenario, and a random walk, on the
// module as Go's linker wrote it and on the one that tools/wasmshrink made of it, with
// the same keys, tokens and random numbers. Both have to pass, and all that can be seen
// of them has to be the same: whenever a VM calls its host or returns to it, with which
// arguments and results, what its globals hold at that moment, and what it leaves in its
// memory, to the byte. Between two such moments, every call of a Go function counts, with
// the block that it begins at.
func TestSlowRewrittenInLockstep(t *testing.T) {
	l := &lockstep{asLinked: build(t, "-shrink=false"), rewritten: build(t, "-shrink=true")}
	files := load(t)
	for _, made := range keyring {
		made() // now, lest making one uses up random numbers of one of the two
	}
	pki()
	for _, f := range files {
		t.Run(f.Name, func(t *testing.T) {
			for i, s := range f.Scenarios {
				if s.RunsOn(Wazero) {
					t.Run(s.Name, func(t *testing.T) {
						l.play(t, uint64(i), func(start starting) {
							if err := playInMemory(Wazero, files, f, s, f.Name+strconv.Itoa(i), start); err != nil {
								t.Error(err)
							}
						})
					})
				}
			}
		})
	}
	t.Run("a random walk", func(t *testing.T) {
		l.play(t, 0, func(start starting) { newWalk(t, 0, collecting(start), false).run() })
	})
	t.Logf("%d moments and %d calls of Go functions were the same", l.moments, l.calls)
}

type starting = func(*filtertest.Host, string) (engine, error)

// collecting lets Go's collector run all the time: it looks into every stack, and
// moves them, and switches between goroutines.
func collecting(start starting) starting {
	return func(h *filtertest.Host, configuration string) (engine, error) {
		h.Environment = maps.Clone(h.Environment)
		h.Environment["GOGC"] = "1"
		return start(h, configuration)
	}
}

// lockstep is two builds of the filter that are to do the same.
type lockstep struct {
	asLinked, rewritten *traced
	moments, calls      uint64 // that were compared
}

// play does the same on both, and compares what was seen.
func (l *lockstep) play(t *testing.T, seed uint64, do func(starting)) {
	var traces []*trace
	for _, m := range []*traced{l.asLinked, l.rewritten} {
		cryptotest.SetGlobalRandom(t, seed)
		m.trace = &trace{}
		do(starter(m.module))
		traces = append(traces, m.trace)
	}
	a, b := traces[0].moments, traces[1].moments
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			show := func(m []moment) []moment { return m[min(max(0, i-1), len(m)):min(i+1, len(m))] }
			t.Fatalf("they part at moment %d, of %d and %d:\n%+v\n%+v", i, len(a), len(b), show(a), show(b))
		}
	}
	l.moments += uint64(len(a))
	l.calls += traces[0].calls
}

// build compiles the filter, and the module with a listener on its functions.
func build(t *testing.T, flag string) *traced {
	t.Helper()
	file := filepath.Join(t.TempDir(), "holdfast.wasm")
	if out, err := exec.Command("go", "run", "../tools/wasmbuild", "-root", "..", "-o", file, flag).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m := &traced{trace: &trace{}}
	ctx := experimental.WithFunctionListenerFactory(context.Background(), m)
	if m.module, err = wasmhost.Load(ctx, wasm, false); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.module.Close(context.Background()) })
	return m
}

// traced is a module whose VMs leave a trace.
type traced struct {
	module *wasmhost.Module
	trace  *trace
}

// trace is what was seen of the VMs of one scenario.
type trace struct {
	moments []moment
	calls   uint64 // of functions of the module
	hash    uint64 // of all of these calls, in their order
}

// moment is when a VM and its host meet.
type moment struct {
	what    string
	values  [10]uint64 // arguments or results
	calls   uint64     // since the start
	hash    uint64     // of them
	globals [8]uint64
	memory  uint64 // a hash of all of it, when it is the module that had the word
}

// NewFunctionListener is asked for each function.
func (m *traced) NewFunctionListener(f api.FunctionDefinition) experimental.FunctionListener {
	host := f.ModuleName() != ""
	meets := host || len(f.ExportNames()) > 0
	if !meets && len(f.ParamTypes()) == 0 {
		return nil // no function of Go's, each of which has one; the start function is of these
	}
	return &listener{m, f.DebugName(), uint64(f.Index()), host, meets, f.ParamTypes(), f.ResultTypes()}
}

type listener struct {
	module *traced
	name   string
	index  uint64
	host   bool // a function of the host
	meets  bool // that, or one that the host may call

	parameters, results []api.ValueType
}

func (l *listener) Before(_ context.Context, vm api.Module, _ api.FunctionDefinition, values []uint64, _ experimental.StackIterator) {
	if l.meets {
		l.module.trace.meet("call of "+l.name, l.host, vm, l.parameters, values)
		return
	}
	t := l.module.trace
	t.calls++
	t.hash = (t.hash ^ l.index<<32 ^ meant(l.parameters[0], values[0])) * 0x100000001b3
}

func (l *listener) After(_ context.Context, vm api.Module, _ api.FunctionDefinition, values []uint64) {
	if l.meets {
		l.module.trace.meet("return of "+l.name, !l.host, vm, l.results, values)
	}
}

func (l *listener) Abort(_ context.Context, vm api.Module, _ api.FunctionDefinition, _ error) {
	if l.meets {
		l.module.trace.meet("end of "+l.name, true, vm, nil, nil)
	}
}

// seed is the same for both modules.
var seed = maphash.MakeSeed()

// meet notes a moment. hands tells that the module hands over to its host.
func (t *trace) meet(what string, hands bool, vm api.Module, types []api.ValueType, values []uint64) {
	m := moment{what: what, calls: t.calls, hash: t.hash}
	for i, kind := range types {
		m.values[i] = meant(kind, values[i])
	}
	inside := vm.(experimental.InternalModule)
	for i := range m.globals {
		m.globals[i] = inside.Global(i).Get()
	}
	if hands {
		memory, _ := vm.Memory().Read(0, vm.Memory().Size())
		m.memory = maphash.Bytes(seed, memory)
	}
	t.moments = append(t.moments, m)
}

// meant leaves out the half that means nothing in a value of 32 bits.
func meant(kind api.ValueType, v uint64) uint64 {
	if kind == api.ValueTypeI32 {
		return uint64(api.DecodeU32(v))
	}
	return v
}
