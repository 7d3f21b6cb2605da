package scenario

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"holdfast/e2e"
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
	files := load(t)
	for _, f := range files {
		t.Run(f.Name, func(t *testing.T) {
			for i, s := range f.Scenarios {
				if !s.RunsOn(host) {
					continue
				}
				played++
				t.Run(s.Name, func(t *testing.T) {
					if err := playInMemory(host, files, f, s, f.Name+strconv.Itoa(i), start); err != nil {
						t.Errorf("%s (%s): %v", s.Name, s.Ref, err)
					}
				})
			}
		})
	}
	t.Logf("%d scenarios played on %s", played, host)
}

func playInMemory(host string, files []*File, f *File, s *Scenario, id string, start func(*filtertest.Host, string) (engine, error)) error {
	w := newWorld(pki(), id)
	configurations, err := w.configurations(f, s, host)
	if err != nil {
		return err
	}
	raw, err := environment(files)
	if err != nil {
		return err
	}
	env, err := w.environment(raw)
	if err != nil {
		return err
	}
	server := newServer(w, s.KeyServer)
	p := &play{host: host, world: w, server: server, configurations: configurations, env: env}
	proxy := filtertest.NewProxy()
	if host == Kong {
		proxy = filtertest.NewKong()
	}
	m, err := newMemory(proxy, start, configurations, env, server)
	if s.StartFails != nil {
		return checkStartFails(s, err, p.secrets())
	}
	if err != nil {
		return err
	}
	p.proxy = m
	if err := p.run(s); err != nil {
		m.closeEngines()
		return fmt.Errorf("%w\n  log: %s", err, m.log())
	}
	return m.close(p.secrets())
}

// checkStartFails wants a start to have failed, for the reasons that the scenario
// names.
func checkStartFails(s *Scenario, err error, secrets []string) error {
	if err == nil {
		return errors.New("it started")
	}
	for _, text := range s.StartFails {
		if !strings.Contains(err.Error(), text) {
			return fmt.Errorf("the log lacks %q: %w", text, err)
		}
	}
	if leak := leaked(secrets, err.Error()); leak != "" {
		return fmt.Errorf("the log holds a part of a secret: %.12s…", leak)
	}
	return nil
}
