// Command ociimage puts a WebAssembly module into an OCI image, the way in which
// Istio and Envoy Gateway fetch filters, without docker and without a registry:
// build/holdfast.oci.tar, an OCI image layout as a tar, which skopeo, oras and
// crane push.
//
// The image is the "compat" variant of the Wasm image specification: one gzipped
// tar layer that holds one file, plugin.wasm. It has no time in it, so the same
// module gives the same bytes and the same digest, which is what manifests pin.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"holdfast/filter"
)

func main() {
	wasm := flag.String("wasm", "build/holdfast.wasm", "module to put in")
	out := flag.String("o", "build/holdfast.oci.tar", "tar to write; the image's digest goes beside it")
	flag.Parse()
	if err := run(*wasm, *out); err != nil {
		fmt.Fprintln(os.Stderr, "ociimage:", err)
		os.Exit(1)
	}
}

func run(wasm, out string) error {
	module, err := os.ReadFile(wasm)
	if err != nil {
		return err
	}
	layout, digest, err := image(module, filter.Version)
	if err != nil {
		return err
	}
	content, err := layout.tar()
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, content, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(strings.TrimSuffix(out, ".tar")+".digest", []byte(digest+"\n"), 0o644); err != nil {
		return err
	}
	fmt.Printf("%s: %d bytes, image digest %s\n", out, len(content), digest)
	return nil
}
