package scenario

import (
	"fmt"
	"strconv"
	"sync"
	"testing"

	"holdfast/e2e"
	"holdfast/filter"
	"holdfast/filter/filtertest"
)

var pki = sync.OnceValue(e2e.NewPKI)

// load reads the scenario files, and is the place where their mistakes show.
func load(t *testing.T) []*File {
	t.Helper()
	files, err := Load("testdata")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// inMemory plays every scenario that a host in memory can show, each on a
// Holdfast of its own.
func inMemory(t *testing.T, host string, start func(*filtertest.Host, string) (engine, error)) {
	played := 0
	for _, f := range load(t) {
		t.Run(f.Name, func(t *testing.T) {
			for i, s := range f.Scenarios {
				if !s.RunsOn(host) {
					continue
				}
				played++
				t.Run(s.Name, func(t *testing.T) {
					if err := playInMemory(host, f, s, f.Name+strconv.Itoa(i), start); err != nil {
						t.Errorf("%s (%s): %v", s.Name, s.Ref, err)
					}
				})
			}
		})
	}
	t.Logf("%d scenarios played on %s", played, host)
}

func playInMemory(host string, f *File, s *Scenario, id string, start func(*filtertest.Host, string) (engine, error)) error {
	w := newWorld(pki(), id)
	configuration, err := w.configuration(f, s)
	if err != nil {
		return err
	}
	server := newServer(w, s.KeyServer)
	m, err := newMemory(start, configuration, server)
	if err != nil {
		return err
	}
	p := &play{host: host, proxy: m, world: w, server: server, realm: realmOf(configuration)}
	if err := p.run(s); err != nil {
		return fmt.Errorf("%w\n  log: %s", err, m.worker.LogText())
	}
	return m.close()
}

func headersOf(pairs ...string) []filter.Header {
	var headers []filter.Header
	for i := 0; i < len(pairs); i += 2 {
		headers = append(headers, filter.Header{Name: pairs[i], Value: pairs[i+1]})
	}
	return headers
}
