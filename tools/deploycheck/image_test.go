package deploycheck

import (
	"archive/tar"
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"istio.io/istio/pkg/wasm"

	"holdfast/filter"
)

// image reads the image layout that make wrote.
func image(t *testing.T) v1.Image {
	t.Helper()
	path := os.Getenv("HOLDFAST_IMAGE")
	if path == "" {
		t.Fatal("HOLDFAST_IMAGE is not set: run make test-deploy")
	}
	dir := t.TempDir()
	for r := tar.NewReader(bytes.NewReader(read(t, path))); ; {
		header, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, filepath.FromSlash(header.Name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, file, content)
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 1 {
		t.Fatalf("the layout has %d images, want one", len(manifest.Manifests))
	}
	found, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestIstioPullsImage puts the image into a registry, and lets the code by which an
// istio-proxy fetches its filters take it out again.
func TestIstioPullsImage(t *testing.T) {
	img := image(t)
	if err := validate.Image(img); err != nil {
		t.Fatal(err)
	}
	if layers, err := img.Layers(); err != nil || len(layers) != 1 {
		t.Errorf("the image has %d layers, %v, want one", len(layers), err)
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	repository := strings.TrimPrefix(server.URL, "http://") + "/holdfast"
	tag, err := name.ParseReference(repository + ":" + filter.Version)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, img); err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	built := read(t, "../../build/holdfast.wasm")

	for name, c := range map[string]struct {
		url, sum string
		refused  bool
	}{
		"by tag":                      {url: repository + ":" + filter.Version},
		"by tag, with its digest":     {url: repository + ":" + filter.Version, sum: digest.Hex},
		"by digest":                   {url: repository + "@" + digest.String()},
		"with a digest of another":    {url: repository + ":" + filter.Version, sum: strings.Repeat("0", 64), refused: true},
		"by a digest that is not":     {url: repository + "@sha256:" + strings.Repeat("0", 64), refused: true},
		"by a tag that is not":        {url: repository + ":9.9.9", refused: true},
		"from a registry that is not": {url: "127.0.0.1:1/holdfast:0.2.0", refused: true},
	} {
		cache := wasm.NewLocalFileCache(t.TempDir(), wasm.Options{})
		fetched, err := cache.Get("oci://"+c.url, wasm.GetOptions{
			Checksum: c.sum, ResourceName: "istio-ingress.holdfast", ResourceVersion: "1", RequestTimeout: time.Minute,
		})
		cache.Cleanup()
		switch {
		case c.refused && err == nil:
			t.Errorf("%s: fetched", name)
		case !c.refused && err != nil:
			t.Errorf("%s: %v", name, err)
		case !c.refused && !bytes.Equal(read(t, fetched), built):
			t.Errorf("%s: what was fetched is not build/holdfast.wasm", name)
		}
	}
}
