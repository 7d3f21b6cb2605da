package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Media types of the OCI image specification.
const (
	indexType    = "application/vnd.oci.image.index.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// descriptor points to a blob (OCI image specification, descriptor.md).
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// index, manifest and config hold the members that the specification requires, and
// annotations that registries show.
type index struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []descriptor `json:"manifests"`
}

type manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	Config        descriptor        `json:"config"`
	Layers        []descriptor      `json:"layers"`
	Annotations   map[string]string `json:"annotations"`
}

type config struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	RootFS       rootFS `json:"rootfs"`
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

// layout is an OCI image layout: the content of each file by its path.
type layout map[string][]byte

// image returns the layout with one image that holds the module, and the digest of
// its manifest, "sha256:" and 64 hexadecimal digits.
func image(module []byte, version string) (l layout, digest string, err error) {
	if !bytes.HasPrefix(module, []byte("\x00asm")) {
		return nil, "", errors.New("this is no WebAssembly module")
	}
	files, err := layout{"plugin.wasm": module}.tar()
	if err != nil {
		return nil, "", err
	}
	packed, err := gzipped(files)
	if err != nil {
		return nil, "", err
	}
	l = layout{"oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)}
	layer := l.blob(layerType, packed)
	settings, err := l.document(configType, config{
		// As Go names them: the module runs on no machine of its own.
		Architecture: "wasm", OS: "wasip1",
		RootFS: rootFS{Type: "layers", DiffIDs: []string{digestOf(files)}},
	})
	if err != nil {
		return nil, "", err
	}
	head, err := l.document(manifestType, manifest{
		SchemaVersion: 2, MediaType: manifestType, Config: settings, Layers: []descriptor{layer},
		Annotations: map[string]string{
			"org.opencontainers.image.title":    "holdfast",
			"org.opencontainers.image.version":  version,
			"org.opencontainers.image.licenses": "Apache-2.0",
		},
	})
	if err != nil {
		return nil, "", err
	}
	head.Annotations = map[string]string{"org.opencontainers.image.ref.name": version}
	l["index.json"], err = json.Marshal(index{SchemaVersion: 2, MediaType: indexType, Manifests: []descriptor{head}})
	return l, head.Digest, err
}

// blob adds the content under its digest.
func (l layout) blob(mediaType string, content []byte) descriptor {
	digest := digestOf(content)
	l["blobs/sha256/"+digest[len("sha256:"):]] = content
	return descriptor{MediaType: mediaType, Digest: digest, Size: len(content)}
}

func (l layout) document(mediaType string, value any) (descriptor, error) {
	content, err := json.Marshal(value)
	if err != nil {
		return descriptor{}, err
	}
	return l.blob(mediaType, content), nil
}

// tar packs the files in the order of their names, readable by everyone, of nobody
// and of no time.
func (l layout) tar() ([]byte, error) {
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	for _, name := range slices.Sorted(maps.Keys(l)) {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(l[name])), Mode: 0o644, Format: tar.FormatUSTAR}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(l[name]); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return packed.Bytes(), err
}

// gzipped depends on the content and the version of Go only: the header has neither
// a name nor a time.
func gzipped(content []byte) ([]byte, error) {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	err = w.Close()
	return packed.Bytes(), err
}

func digestOf(content []byte) string {
	return fmt.Sprintf("sha256:%x", sha256.Sum256(content))
}
