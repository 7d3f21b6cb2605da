package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// linkGo makes tools/goroot a link to goroot and returns the link's path.
//
// "go build -overlay" refuses to replace a file below GOMODCACHE, and that is
// where a downloaded toolchain lies. Seen through the link, its files lie
// elsewhere. Every Go is linked, downloaded or not, so that there is one way
// and every build tests it.
func linkGo(goroot, tools string) (string, error) {
	goroot, err := filepath.EvalSymlinks(goroot)
	if err != nil {
		return "", err
	}
	link := filepath.Join(tools, "goroot")
	if to, err := os.Readlink(link); err == nil && to == goroot {
		return link, nil
	}
	if err := os.MkdirAll(tools, 0o755); err != nil {
		return "", err
	}
	fresh := fmt.Sprintf("%s.%d", link, os.Getpid())
	if err := os.Symlink(goroot, fresh); err != nil {
		return "", err
	}
	if err := os.Rename(fresh, link); err != nil {
		os.Remove(fresh)
		return "", err
	}
	return link, nil
}
