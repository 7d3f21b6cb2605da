package config

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const docsFile = "../../docs/configuration.md"

// documented are the rows of the reference's tables: the default by key.
func documented(t *testing.T) map[string]string {
	t.Helper()
	rows := map[string]string{}
	// A cell without a default is empty: "| `key` | object | | meaning |".
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (.+?) \\| (?:(.+?) )?\\| (.+) \\|$")
	for _, cells := range row.FindAllStringSubmatch(readFile(t, docsFile), -1) {
		key, fallback := cells[1], strings.Trim(cells[3], "`")
		if rows[key] != "" {
			t.Errorf("%s is documented twice", key)
		}
		rows[key] = fallback
		if fallback == "" {
			rows[key] = "none"
		}
	}
	return rows
}

func TestDocsNameEveryKey(t *testing.T) {
	t.Parallel()
	rows := documented(t)
	required := map[string]bool{}
	keys := schemaKeys(t)
	collectRequired(t, required)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if rows[key] == "" {
			t.Errorf("%s is not documented", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		if !keys[key] {
			t.Errorf("%s is documented and not in the schema", key)
		}
		if (rows[key] == "required") != required[key] {
			t.Errorf("%s: required is %v in the schema", key, required[key])
		}
	}
	walkSchema(t, func(path string, node map[string]any) {
		fallback, has := node["default"]
		switch documented := rows[path]; {
		case documented == "" || documented == "required":
		case !has && documented != "none":
			t.Errorf("%s has no default, but %s is documented", path, documented)
		case has && (documented == "none" || !reflect.DeepEqual(decode(t, documented), fallback)):
			t.Errorf("%s: the default is %v, documented is %s", path, fallback, documented)
		}
	})
}

func collectRequired(t *testing.T, required map[string]bool) {
	t.Helper()
	add := func(path string, node map[string]any) {
		names, _ := node["required"].([]any)
		for _, name := range names {
			required[strings.TrimPrefix(path+"."+name.(string), ".")] = true
		}
	}
	add("", decode(t, readFile(t, schemaFile)).(map[string]any))
	walkSchema(t, func(path string, node map[string]any) {
		add(path, node)
		if items, ok := node["items"].(map[string]any); ok {
			add(path+"[]", items)
		}
	})
}

// TestDocsExamples parses every JSON block that the documentation shows.
func TestDocsExamples(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(readFile(t, docsFile), -1)
	if len(blocks) < 4 {
		t.Fatalf("%d examples: does this test still see them?", len(blocks))
	}
	for _, block := range blocks {
		mustParse(t, block[1])
		if err := schema.Validate(decode(t, block[1])); err != nil {
			t.Errorf("the schema refuses an example: %v\n%s", err, block[1])
		}
	}
}

// TestREADMEFlows parses the configuration of each flow that the README shows. A short
// one is the point: at most ten lines.
func TestREADMEFlows(t *testing.T) {
	t.Parallel()
	schema, readme := compileSchema(t), readFile(t, "../../README.md")
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(readme, -1)
	if diagrams := strings.Count(readme, "```mermaid\n"); len(blocks) < 3 || diagrams < 3 {
		t.Fatalf("%d configurations and %d diagrams for three flows", len(blocks), diagrams)
	}
	for _, block := range blocks {
		mustParse(t, block[1])
		if err := schema.Validate(decode(t, block[1])); err != nil {
			t.Errorf("the schema refuses a flow: %v\n%s", err, block[1])
		}
		if n := strings.Count(block[1], "\n"); n > 10 {
			t.Errorf("%d lines:\n%s", n, block[1])
		}
	}
}

// TestDocsClientAuthentication parses the keys that the documentation shows for each
// way of authenticating. Every way is shown.
func TestDocsClientAuthentication(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	shown := map[ClientAuth]bool{}
	for _, block := range regexp.MustCompile("(?s)```jsonc\n(.*?)```").FindAllStringSubmatch(readFile(t, docsFile), -1) {
		doc := introspecting(block[1], "")
		shown[mustParse(t, doc).Issuers[0].Introspection.Client.Auth] = true
		if err := schema.Validate(decode(t, doc)); err != nil {
			t.Errorf("the schema refuses an example: %v\n%s", err, doc)
		}
	}
	for auth := ClientSecretBasic; auth <= ClientAuthNone; auth++ {
		if !shown[auth] {
			t.Errorf("client authentication %d is not shown", auth)
		}
	}
}

// The log line that the documentation shows is one that the parser writes.
func TestDocsLogLine(t *testing.T) {
	t.Parallel()
	problems := problemsOf(t, withIssuer(`"jwks":{"uri":"/jwks","cluster":"as"}`, `"relam":"x"`))
	if line := "configuration refused: " + problems.Error() + "\n"; !strings.Contains(readFile(t, docsFile), line) {
		t.Errorf("the documentation does not show %q", line)
	}
}
