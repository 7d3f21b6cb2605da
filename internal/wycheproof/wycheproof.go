// Package wycheproof gives tests the signature vectors of Project Wycheproof.
//
// The vectors are far too large to be kept here. They are fetched as a Go module,
// the way golang.org/x/crypto does it: not a dependency in go.mod, but pinned
// below by version and by checksum. A test that cannot have them fails.
package wycheproof

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

const (
	module  = "github.com/google/wycheproof"
	version = "v0.0.0-20191219022705-2196000605e4"
	// sum is the module's checksum as go.sum would have it.
	sum = "h1:/jhsqtCSTRK25HsqYePIHeLbPIDBwVOANhQmWRdgsyA="
)

// Load decodes one file of the module's directory testvectors into vectors.
func Load(t testing.TB, file string, vectors any) {
	t.Helper()
	dir, err := fetch()
	if err != nil {
		t.Fatalf("no Wycheproof vectors: %v", err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "testvectors", file))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, vectors); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

type fetchError string

func (e fetchError) Error() string { return string(e) }

// fetch returns the directory of the module. It asks the go command once.
var fetch = sync.OnceValues(func() (dir string, err error) {
	command := exec.Command("go", "mod", "download", "-json", module+"@"+version)
	// Away from our go.mod, so that nothing is written to it. The checksum above
	// takes the place of the checksum database, which may be out of reach.
	command.Dir = os.TempDir()
	command.Env = append(os.Environ(), "GOWORK=off", "GONOSUMDB="+module)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, runErr := command.Output()
	var answer struct{ Dir, Sum, Error string }
	if err := json.Unmarshal(output, &answer); err != nil && runErr == nil {
		return "", err
	}
	switch {
	case answer.Error != "":
		return "", fetchError(answer.Error)
	case runErr != nil:
		return "", fetchError(runErr.Error() + ": " + stderr.String())
	case answer.Sum != sum:
		return "", fetchError("checksum " + answer.Sum + ", want " + sum)
	}
	return answer.Dir, nil
})
