package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"holdfast/e2e"
)

// poll sends a value whenever a source of the filter, or envoy.yaml, has changed.
// It looks at modification times: that works on every file system.
func poll(ctx context.Context, changes chan<- struct{}) {
	last := newest()
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(500 * time.Millisecond):
		}
		now := newest()
		if !now.After(last) {
			continue
		}
		last = now
		select {
		case changes <- struct{}{}:
		case <-ctx.Done():
		}
	}
}

// newest is when the last change was.
func newest() (last time.Time) {
	filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if entry.IsDir() {
			switch name := entry.Name(); {
			case path == ".":
				return nil
			case strings.HasPrefix(name, "."), name == "build", name == "e2e", name == "testdata":
				return filepath.SkipDir
			}
			return nil
		}
		source := strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")
		if source || path == "envoy.yaml" || path == "go.mod" || path == "go.sum" {
			if info, err := entry.Info(); err == nil && info.ModTime().After(last) {
				last = info.ModTime()
			}
		}
		return nil
	})
	return last
}

// reload builds and hands the result to the running Envoy. After a mistake the
// filter that runs goes on.
func reload(ctx context.Context, s *e2e.Stack, dir string) error {
	began := time.Now()
	fmt.Println("changed: building")
	build := exec.CommandContext(ctx, "make", "--no-print-directory", "build")
	build.Stdout, build.Stderr = os.Stdout, os.Stderr
	if err := build.Run(); err != nil {
		return err
	}
	wasm, err := keep(os.Getenv("HOLDFAST_WASM"), dir)
	if err != nil {
		return err
	}
	fmt.Println("built: Envoy compiles it")
	if err := s.Reload(ctx, e2e.Setup{}, wasm); err != nil {
		return err
	}
	fmt.Printf("reloaded after %.1fs\n", time.Since(began).Seconds())
	return nil
}
