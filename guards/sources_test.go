package guards

import (
	"errors"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"testing"
)

// uses returns where the file uses one of the names of a package.
func uses(s source, path string, names ...string) []string {
	var found []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok || !slices.Contains(names, selector.Sel.Name) {
			return true
		}
		if x, ok := selector.X.(*ast.Ident); ok && s.imported(x.Name) == path {
			found = append(found, s.at(n)+": "+path+"."+selector.Sel.Name)
		}
		return true
	})
	return found
}

// TestNothingWaits keeps everything that needs Go's scheduler out of the code of
// the module. A host calls in and wants an answer: there is nobody to run a
// goroutine afterwards or to wake a timer up.
func TestNothingWaits(t *testing.T) {
	for _, p := range ourWasmPackages(t) {
		for _, s := range p.parse(t) {
			ast.Inspect(s.file, func(n ast.Node) bool {
				switch n.(type) {
				case *ast.GoStmt:
					t.Errorf("%s: a goroutine", s.at(n))
				case *ast.ChanType, *ast.SendStmt, *ast.SelectStmt:
					t.Errorf("%s: a channel", s.at(n))
				}
				return true
			})
			for _, use := range uses(s, "time", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick") {
				t.Error(use)
			}
			for _, use := range uses(s, "context", "WithTimeout", "WithTimeoutCause", "WithDeadline", "WithDeadlineCause", "WithCancel", "AfterFunc") {
				t.Error(use)
			}
		}
	}
}

// TestNothingReachesOut keeps files, processes and the standard streams out of
// the code of the module. Log lines go through the host.
func TestNothingReachesOut(t *testing.T) {
	for _, p := range ourWasmPackages(t) {
		for _, path := range []string{"os", "io/fs", "io/ioutil", "log", "net", "os/exec", "syscall"} {
			// The adapter reads the VM's environment, see below.
			if slices.Contains(p.Imports, path) && (path != "syscall" || p.ImportPath != module+"/filter/proxywasm") {
				t.Errorf("%s imports %s", p.ImportPath, path)
			}
		}
		if slices.Contains(p.Imports, "unsafe") && p.ImportPath != module+"/filter/proxywasm" {
			t.Errorf("%s imports unsafe: only the adapter may", p.ImportPath)
		}
		for _, s := range p.parse(t) {
			for _, use := range uses(s, "fmt", "Print", "Printf", "Println") {
				t.Error(use)
			}
			ast.Inspect(s.file, func(n ast.Node) bool {
				if selector, ok := n.(*ast.SelectorExpr); ok && selector.Sel.Name != "Getenv" {
					if name, ok := selector.X.(*ast.Ident); ok && name.Name == "syscall" {
						t.Errorf("%s: syscall.%s", s.at(n), selector.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

// TestOneWayThrough finds the places where a request can be let through: one
// call in the filter, one return value and one resumption in the adapter.
func TestOneWayThrough(t *testing.T) {
	want := map[string]int{
		"filter: Continue":                    1,
		"filter/proxywasm: ActionContinue":    1,
		"filter/proxywasm: ResumeHttpRequest": 1,
	}
	got := map[string]int{}
	for _, p := range ourWasmPackages(t) {
		place := strings.TrimPrefix(p.ImportPath, module+"/")
		for _, s := range p.parse(t) {
			ast.Inspect(s.file, func(n ast.Node) bool {
				// A selector, not only a call: a method value is a way, too.
				selector, ok := n.(*ast.SelectorExpr)
				if ok && slices.Contains([]string{"Continue", "ActionContinue", "ResumeHttpRequest"}, selector.Sel.Name) {
					got[place+": "+selector.Sel.Name]++
				}
				return true
			})
		}
	}
	for place, n := range got {
		if want[place] != n {
			t.Errorf("%s is there %d times, want %d", place, n, want[place])
		}
	}
	for place, n := range want {
		if got[place] == 0 {
			t.Errorf("%s is not there, want %d: does this test still see it?", place, n)
		}
	}
}

// TestT04_NoTokenBringsItsKey keeps what reads a key out of a header to DPoP proofs: in
// an access token it would let whoever made the token say how it is verified
// (CVE-2018-0114).
func TestT04_NoTokenBringsItsKey(t *testing.T) {
	found := map[string]bool{}
	for _, s := range goFiles(t) {
		if strings.HasSuffix(s.name, "_test.go") || strings.HasPrefix(s.name, "jwt/") {
			continue
		}
		places := uses(s, module+"/jwt", "ParseKey")
		ast.Inspect(s.file, func(n ast.Node) bool {
			if selector, ok := n.(*ast.SelectorExpr); ok && selector.Sel.Name == "HeaderParameter" {
				places = append(places, s.at(n)+": HeaderParameter")
			}
			return true
		})
		for _, place := range places {
			_, name, _ := strings.Cut(place, ": ")
			if found[name] = true; !strings.HasPrefix(s.name, "dpop/") {
				t.Errorf("%s: only package dpop may", place)
			}
		}
	}
	if len(found) != 2 {
		t.Errorf("package dpop uses %v: does this test still see it?", found)
	}
}

// TestNoPackageState shows that no package-level variable of the module changes
// after it was initialised: one VM serves several configurations, and none may
// learn of another.
func TestNoPackageState(t *testing.T) {
	for _, p := range ourWasmPackages(t) {
		sources := p.parse(t)
		var files []*ast.File
		for _, s := range sources {
			files = append(files, s.file)
		}
		info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
		// Only this package's own names matter, so imports may stay unknown.
		checker := types.Config{Error: func(error) {}, Importer: noImporter{}}
		checked, _ := checker.Check(p.ImportPath, sources[0].fset, files, info)
		for _, s := range sources {
			for _, changed := range assigned(s.file) {
				name := base(changed)
				if v, ok := info.Uses[name].(*types.Var); ok && v.Parent() == checked.Scope() {
					t.Errorf("%s: the package-level variable %s changes", s.at(name), name.Name)
				}
			}
		}
	}
}

type noImporter struct{}

func (noImporter) Import(string) (*types.Package, error) { return nil, errors.New("not wanted") }

// assigned returns every expression of the file that is assigned to.
func assigned(file *ast.File) []ast.Expr {
	var targets []ast.Expr
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				targets = append(targets, n.Lhs...)
			}
		case *ast.IncDecStmt:
			targets = append(targets, n.X)
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				targets = append(targets, n.Key, n.Value)
			}
		}
		return true
	})
	return targets
}

// base returns the variable behind x, x.f, x[i], *x and (x).
func base(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// TestNoPanic: a panic ends the VM, and with it the service for everyone. The one that
// may holds a request back where nothing else does: see Dispatch in that file.
func TestNoPanic(t *testing.T) {
	const allowed = "filter/proxywasm/stream.go"
	there := 0
	for _, p := range ourWasmPackages(t) {
		for _, s := range p.parse(t) {
			ast.Inspect(s.file, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "panic" {
						if there++; s.name != allowed || there > 1 {
							t.Errorf("%s: a call of panic", s.at(n))
						}
					}
				}
				return true
			})
		}
	}
	if there == 0 {
		t.Errorf("no call of panic in %s: it needs no exception", allowed)
	}
}

// TestNoSkip: a test that is skipped shows nothing and looks like one that passed.
func TestNoSkip(t *testing.T) {
	for _, s := range goFiles(t) {
		for _, use := range uses(s, "testing", "Short") {
			t.Error(use)
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if ok && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, selector.Sel.Name) {
				t.Errorf("%s: a use of %s", s.at(n), selector.Sel.Name)
			}
			return true
		})
	}
}
