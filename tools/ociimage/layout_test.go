package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var module = []byte("\x00asm\x01\x00\x00\x00and code")

// TestImage follows the digests from the index to the module, as a registry's client
// does.
func TestImage(t *testing.T) {
	t.Parallel()
	l, digest, err := image(module, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	var top index
	decode(t, l["index.json"], &top)
	if len(top.Manifests) != 1 || top.Manifests[0].Digest != digest || top.Manifests[0].Annotations["org.opencontainers.image.ref.name"] != "1.2.3" {
		t.Fatalf("the index names %+v, want the manifest %s as 1.2.3", top.Manifests, digest)
	}
	var m manifest
	decode(t, l.follow(t, top.Manifests[0]), &m)
	var c config
	decode(t, l.follow(t, m.Config), &c)
	if len(m.Layers) != 1 || m.Layers[0].MediaType != layerType {
		t.Fatalf("the layers are %+v, want one of %s", m.Layers, layerType)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(l.follow(t, m.Layers[0])))
	if err != nil {
		t.Fatal(err)
	}
	layer, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.RootFS.DiffIDs) != 1 || c.RootFS.DiffIDs[0] != digestOf(layer) {
		t.Errorf("diff_ids are %v, want %s", c.RootFS.DiffIDs, digestOf(layer))
	}
	if got := untar(t, layer); len(got) != 1 || !bytes.Equal(got["plugin.wasm"], module) {
		t.Errorf("the layer holds %q, want plugin.wasm only", got)
	}
	if len(l) != 5 {
		t.Errorf("the layout has %d files, want oci-layout, index.json and three blobs", len(l))
	}
}

// follow returns the blob that a descriptor points to.
func (l layout) follow(t *testing.T, d descriptor) []byte {
	t.Helper()
	content := l["blobs/sha256/"+strings.TrimPrefix(d.Digest, "sha256:")]
	if digestOf(content) != d.Digest || len(content) != d.Size {
		t.Fatalf("the blob of %+v has %d bytes and the digest %s", d, len(content), digestOf(content))
	}
	return content
}

func TestNoModule(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"", "\x00as", "#!/bin/sh"} {
		if _, _, err := image([]byte(content), "1.2.3"); err == nil {
			t.Errorf("%q became an image", content)
		}
	}
}

// TestRun: the file is the layout, and the second run writes the same bytes.
func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wasm := filepath.Join(dir, "a.wasm")
	if err := os.WriteFile(wasm, module, 0o644); err != nil {
		t.Fatal(err)
	}
	var written [2][]byte
	for i, name := range []string{"one.tar", "two.tar"} {
		out := filepath.Join(dir, name)
		if err := run(wasm, out); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		written[i] = content
	}
	if !bytes.Equal(written[0], written[1]) {
		t.Error("two runs wrote different bytes")
	}
	var top index
	decode(t, untar(t, written[0])["index.json"], &top)
	if digest, err := os.ReadFile(filepath.Join(dir, "one.digest")); err != nil || string(digest) != top.Manifests[0].Digest+"\n" {
		t.Errorf("the digest beside it is %q, %v, want %s", digest, err, top.Manifests[0].Digest)
	}
	if files := untar(t, written[0]); files["index.json"] == nil || files["oci-layout"] == nil {
		t.Error("the tar is no image layout")
	}
	if err := run(filepath.Join(dir, "absent"), filepath.Join(dir, "three.tar")); err == nil {
		t.Error("a module that is not there became an image")
	}
}

func decode(t *testing.T, content []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(content, into); err != nil {
		t.Fatal(err)
	}
}

func untar(t *testing.T, packed []byte) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(packed)); ; {
		header, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if !header.ModTime.IsZero() && header.ModTime.Unix() != 0 {
			t.Errorf("%s has the time %v", header.Name, header.ModTime)
		}
		if files[header.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}
