package observability

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/e2e"
)

const folder = "../../deploy/observability"

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// served are the series that an Envoy with Holdfast serves on /stats/prometheus, by
// name, with the kind of their metric. Those of a histogram have their suffixes.
func served(t *testing.T) map[string]string {
	t.Helper()
	series, err := ask()
	if err != nil {
		t.Fatal(err)
	}
	return series
}

var ask = sync.OnceValues(func() (map[string]string, error) {
	s, err := e2e.Start(context.Background(), e2e.Options{})
	if err != nil {
		s.Close()
		return nil, err
	}
	defer s.Close()
	client := s.Client(e2e.Caller{Certificate: s.PKI.A})
	for _, token := range []func(*e2e.Certificate) (string, error){s.Token, s.OpaqueToken} {
		bearer, err := token(s.PKI.A)
		if err != nil {
			return nil, err
		}
		if a := client.Get("/accounts", "authorization: Bearer "+bearer); a.Status != 200 {
			return nil, fmt.Errorf("a good request got %d %s", a.Status, a.Body)
		}
	}
	// Envoy shows a histogram with the flush that follows its first value.
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		text, err := s.Envoy.Get("/stats/prometheus")
		if err != nil {
			return nil, err
		}
		series := map[string]string{}
		for line := range strings.Lines(text) {
			if f := strings.Fields(line); len(f) == 4 && f[1] == "TYPE" {
				maps.Copy(series, seriesOf(f[2], f[3]))
			}
		}
		switch _, ready := series["holdfast_introspection_ms_bucket"]; {
		case ready:
			return series, nil
		case time.Now().After(deadline):
			return nil, fmt.Errorf("no histogram after 30 s:\n%s", text)
		}
	}
})

func seriesOf(name, kind string) map[string]string {
	if kind != "histogram" {
		return map[string]string{name: kind}
	}
	return map[string]string{name + "_bucket": kind, name + "_sum": kind, name + "_count": kind}
}
