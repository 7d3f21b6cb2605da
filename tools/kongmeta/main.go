// Command kongmeta writes deploy/kong/holdfast.meta.json, with which Kong checks a
// filter's configuration, out of holdfast.schema.json. Kong knows JSON Schema draft 4
// only.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

const (
	source = "holdfast.schema.json"
	target = "deploy/kong/holdfast.meta.json"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "kongmeta:", err)
		os.Exit(1)
	}
}

func run() error {
	schema, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	meta, err := metadata(schema)
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	return os.WriteFile(target, meta, 0o644)
}

// metadata is the text of the file, of a schema in draft 2020-12.
func metadata(schema []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(schema))
	decoder.UseNumber()
	var root any
	if err := decoder.Decode(&root); err != nil {
		return nil, err
	}
	top, _ := root.(object)
	definitions, _ := top["$defs"].(object)
	converted, err := draft4("#", root, definitions)
	if err != nil {
		return nil, err
	}
	converted["$schema"] = "http://json-schema.org/draft-04/schema#"
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err = encoder.Encode(object{"config_schema": converted})
	return text.Bytes(), err
}
