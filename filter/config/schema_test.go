package config

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const schemaFile = "../../holdfast.schema.json"

// later are the parts of the language that the schema has and this version of
// the parser refuses whole. The keys of a JWK Set are RFC 7517's, not ours.
var later = []string{"issuers[].jwks.inline."}

// conditional are objects that a document without the setting they go with must
// not have.
var conditional = []string{"proof_of_possession.dpop"}

func compileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc := decode(t, readFile(t, schemaFile))
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	if err := compiler.AddResource("holdfast.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("holdfast.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func decode(t testing.TB, doc string) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(doc))
	if err != nil {
		t.Fatalf("%v\nin %s", err, doc)
	}
	return value
}

func TestSchemaAndParserTakeTheSameDocuments(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	for name, doc := range fullDocuments() {
		t.Run(name, func(t *testing.T) {
			mustParse(t, doc)
			if err := schema.Validate(decode(t, doc)); err != nil {
				t.Errorf("the schema refuses it: %v", err)
			}
		})
	}
}

func TestSchemaAndParserRefuseTheSameDocuments(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	for name, doc := range badDocuments() {
		t.Run(name, func(t *testing.T) {
			path, _, _ := strings.Cut(name, " ")
			problems := problemsOf(t, doc)
			if len(problems) != 1 || problems[0].Path != path {
				t.Errorf("problems %v, want one at %s", problems, path)
			}
			if err := schema.Validate(decode(t, doc)); err == nil {
				t.Errorf("the schema takes it: %s", doc)
			}
		})
	}
}

// What the contract has and this version has not: known to the schema, refused
// by the parser with words that say so.
func TestNotSupportedYet(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	for path, doc := range map[string]string{
		"host": minimal(`"host":"kong"`),
	} {
		t.Run(path, func(t *testing.T) {
			checkProblems(t, doc, strings.TrimSpace(path)+": is not supported by this version")
			if err := schema.Validate(decode(t, doc)); err != nil {
				t.Errorf("the schema refuses it: %v", err)
			}
		})
	}
}

func TestSchemaAndParserKnowTheSameKeys(t *testing.T) {
	t.Parallel()
	asked := map[string]bool{}
	index := regexp.MustCompile(`\[\d+\]`)
	for _, doc := range fullDocuments() {
		if _, err := parse(doc, func(path string) { asked[index.ReplaceAllString(path, "[]")] = true }); err != nil {
			t.Fatal(err)
		}
	}
	inSchema := schemaKeys(t)
	for _, path := range slices.Sorted(maps.Keys(inSchema)) {
		isLater := slices.ContainsFunc(later, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
		if !asked[path] && !isLater {
			t.Errorf("the schema has %s, the parser does not", path)
		}
		if asked[path] && isLater {
			t.Errorf("the parser knows %s already: take it off the list of this test", path)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(asked)) {
		if !inSchema[path] {
			t.Errorf("the parser has %s, the schema does not", path)
		}
	}
}

// schemaKeys are the paths of all properties, "issuers[].jwks.uri".
func schemaKeys(t testing.TB) map[string]bool {
	keys := map[string]bool{}
	walkSchema(t, func(path string, _ map[string]any) { keys[path] = true })
	return keys
}

// walkSchema visits the node of every property.
func walkSchema(t testing.TB, visit func(path string, node map[string]any)) {
	t.Helper()
	var walk func(path string, node map[string]any)
	walk = func(path string, node map[string]any) {
		properties, _ := node["properties"].(map[string]any)
		for name, child := range properties {
			at := strings.TrimPrefix(path+"."+name, ".")
			visit(at, child.(map[string]any))
			walk(at, child.(map[string]any))
		}
		if items, ok := node["items"].(map[string]any); ok {
			walk(path+"[]", items)
		}
	}
	walk("", decode(t, readFile(t, schemaFile)).(map[string]any))
}

func TestSchemaIsClosedAndExplained(t *testing.T) {
	t.Parallel()
	open := []string{ // their keys are the user's or another specification's
		"issuers[].jwks.inline", "issuers[].jwks.inline.keys", "rules[].claims",
		"issuers[].introspection.params", "issuers[].introspection.headers",
	}
	walkSchema(t, func(path string, node map[string]any) {
		if text, _ := node["description"].(string); !strings.HasSuffix(text, ".") && path != "issuers[].jwks.inline.keys" {
			t.Errorf("%s has no description", path)
		}
		if node["type"] == "object" && node["additionalProperties"] != false && !slices.Contains(open, path) {
			t.Errorf("%s takes any key", path)
		}
		items, _ := node["items"].(map[string]any)
		if items["type"] == "object" && items["additionalProperties"] != false && !slices.Contains(open, path) {
			t.Errorf("%s[] takes any key", path)
		}
	})
}

// Writing every default of the schema into a document changes nothing.
func TestSchemaDefaultsAreTheParsers(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		minimal(""), minimal(`"rules":[{}],"resource_metadata":{"resource":"https://api.example.com"}`),
		minimal(`"session":{"key_env":"KEYS"}`), withDPoP(""), introspecting(`"client_id":"gateway","client_secret_env":"SECRET"`, ""),
	} {
		value := decode(t, doc).(map[string]any)
		fillDefaults(t, "", decode(t, readFile(t, schemaFile)).(map[string]any), value)
		filled := marshal(t, value)
		want, got := mustParse(t, doc), mustParse(t, filled)
		got.Digest = want.Digest // of the document as it is given
		if want.Session != nil {
			got.Session.Settings = want.Session.Settings // of the document as it is given
		}
		if !reflect.DeepEqual(want, got) {
			t.Errorf("want %+v\ngot  %+v\nof %s", want, got, filled)
		}
	}
}

func fillDefaults(t testing.TB, path string, schema, doc map[string]any) {
	properties, _ := schema["properties"].(map[string]any)
	for name, child := range properties {
		node := child.(map[string]any)
		at := strings.TrimPrefix(path+"."+name, ".")
		if slices.ContainsFunc(later, func(prefix string) bool { return at == strings.TrimSuffix(prefix, ".") }) ||
			slices.Contains(conditional, at) && doc[name] == nil {
			continue
		}
		switch value := doc[name].(type) {
		case nil:
			if fallback, ok := node["default"]; ok {
				doc[name] = fallback
			} else if node["type"] == "object" && node["required"] == nil && node["properties"] != nil {
				empty := map[string]any{}
				fillDefaults(t, at, node, empty)
				doc[name] = empty
			}
		case map[string]any:
			fillDefaults(t, at, node, value)
		case []any:
			for _, element := range value {
				if element, ok := element.(map[string]any); ok {
					fillDefaults(t, at+"[]", node["items"].(map[string]any), element)
				}
			}
		}
	}
}
