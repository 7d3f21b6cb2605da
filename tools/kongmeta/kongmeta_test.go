package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// What is committed is what the schema says today.
func TestMetadataIsUpToDate(t *testing.T) {
	t.Parallel()
	schema, err := os.ReadFile("../../" + source)
	if err != nil {
		t.Fatal(err)
	}
	want, err := metadata(schema)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("../../" + target); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what %s says (%v): go run ./tools/kongmeta", target, source, err)
	}
}

// Each keyword says the same in both drafts: the values before "|" are good.
func TestDraft4(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ schema, good, bad string }{
		"const":                {`{"const":1}`, `1`, `2 "1"`},
		"false":                {`{"properties":{"a":false,"b":true}}`, `{} {"b":1} 1`, `{"a":1}`},
		"contains":             {`{"contains":{"const":"a"}}`, `["a"] ["b","a"] "a" {} 1`, `[] ["b"]`},
		"prefixItems":          {`{"prefixItems":[{"const":"a"}]}`, `["a"] ["a",1] [] 1`, `["b","a"]`},
		"if":                   {`{"if":{"required":["a"]},"then":{"required":["b"]},"else":{"required":["c"]}}`, `{"a":1,"b":1} {"c":1}`, `{"a":1} {"b":1} {"a":1,"c":1} {}`},
		"if alone":             {`{"if":{"required":["a"]},"then":{"required":["b"]}}`, `{} {"a":1,"b":1}`, `{"a":1}`},
		"reference":            {`{"$ref":"#/$defs/x","enum":["a",1],"$defs":{"x":{"type":"string"}}}`, `"a"`, `1 "b"`},
		"several at once":      {`{"allOf":[{"minimum":1}],"if":{"minimum":5},"then":{"maximum":9},"contains":{"const":1}}`, `1 5 9 [1]`, `0 10 [2]`},
		"names":                {`{"propertyNames":{"pattern":"^a","not":{"enum":["ab"]}},"additionalProperties":{"type":"string"}}`, `{} {"ac":"x"} 1`, `{"b":"x"} {"ac":1} {"ab":"x"}`},
		"names that are not":   {`{"propertyNames":{"not":{"const":"ab"}}}`, `{"b":1} {}`, `{"ab":1}`},
		"names that are texts": {`{"propertyNames":{"$ref":"#/$defs/text"},"$defs":{"text":{"type":"string","pattern":"^[ab]+$"}}}`, `{"a":1} {}`, `{"":1} {"c":1}`},
		"more than ASCII":      {`{"pattern":"^[^=\\x00-\\x1f\\x7f-\\x9f\u2028\u2029]+$"}`, `"a" "À"`, `"=" "\u0007" "\u007f" ""`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := metadata([]byte(tt.schema))
			if err != nil {
				t.Fatal(err)
			}
			old := compile(t, jsonschema.Draft2020, []byte(tt.schema))
			var meta struct {
				Schema json.RawMessage `json:"config_schema"`
			}
			if err := json.Unmarshal(text, &meta); err != nil {
				t.Fatal(err)
			}
			converted := compile(t, jsonschema.Draft4, meta.Schema)
			for list, want := range map[string]bool{tt.good: true, tt.bad: false} {
				for value := range strings.FieldsSeq(list) {
					instance, err := jsonschema.UnmarshalJSON(strings.NewReader(value))
					if err != nil {
						t.Fatal(err)
					}
					if old.Validate(instance) == nil != want || converted.Validate(instance) == nil != want {
						t.Errorf("%s: %v before, %v after, want %t\n%s", value, old.Validate(instance), converted.Validate(instance), want, meta.Schema)
					}
				}
			}
		})
	}
}

func compile(t *testing.T, draft *jsonschema.Draft, schema []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(draft)
	if err := compiler.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatalf("%v\n%s", err, schema)
	}
	return compiled
}

// What can't be said in draft 4 is an error, wherever it stands.
func TestDraft4_NoGuess(t *testing.T) {
	t.Parallel()
	for _, schema := range []string{
		`1`, `{"items":1}`, `{"not":{"dependentRequired":{}}}`, `{"if":{"unevaluatedItems":true},"then":{}}`, `{"anyOf":[{"minContains":1}]}`,
		`{"propertyNames":{"minLength":1}}`, `{"propertyNames":{"$ref":"#/$defs/other"}}`, `{`,
	} {
		if text, err := metadata([]byte(schema)); err == nil {
			t.Errorf("%s became %s", schema, text)
		}
	}
}
