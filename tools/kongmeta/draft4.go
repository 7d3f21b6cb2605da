package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

type object = map[string]any

// draft4 says in JSON Schema draft 4 what a schema of draft 2020-12 says. A keyword
// that it does not know is an error: left out, it would let through too much.
//
// definitions are the schemas of "$defs".
func draft4(at string, schema any, definitions object) (object, error) {
	switch schema := schema.(type) {
	case bool:
		if schema {
			return object{}, nil
		}
		return object{"not": object{}}, nil
	case object:
		c := converter{at: at, in: schema, out: object{}, definitions: definitions}
		c.convert()
		return c.out, c.err
	}
	return nil, fmt.Errorf("%s: no schema", at)
}

// converter converts the keywords of one schema.
type converter struct {
	at  string
	in  object
	out object
	all []any // what has to hold beside
	err error

	definitions object
}

func (c *converter) convert() {
	for _, keyword := range slices.Sorted(maps.Keys(c.in)) {
		value := c.in[keyword]
		switch keyword {
		case "$schema", "$comment", "writeOnly":
		case "title", "description", "default", "enum", "type", "required",
			"minItems", "maxItems", "uniqueItems", "minLength", "minimum", "maximum", "minProperties", "maxProperties":
			c.out[keyword] = value
		case "pattern":
			c.out[keyword] = bytesPattern(value.(string))
		case "const":
			c.out["enum"] = []any{value}
		case "properties":
			c.merge(keyword, c.each(keyword))
		case "$defs":
			c.merge("definitions", c.each(keyword))
		case "items", "additionalProperties", "not":
			c.out[keyword] = c.one(keyword)
		case "oneOf", "anyOf", "allOf":
			c.list(keyword, keyword)
		case "prefixItems":
			c.list(keyword, "items")
		case "$ref": // what stands beside a reference does not count in draft 4
			c.all = append(c.all, object{"$ref": reference(value)})
		case "contains":
			c.all = append(c.all, object{"anyOf": []any{
				object{"not": object{"type": "array"}},
				object{"not": object{"items": object{"not": c.one(keyword)}}},
			}})
		case "if":
			c.condition()
		case "then", "else": // of if
		case "propertyNames":
			c.propertyNames()
		default:
			c.fail("no conversion of %q", keyword)
		}
	}
	if len(c.all) == 1 && len(c.out) == 0 {
		c.out = c.all[0].(object)
	} else if len(c.all) > 0 {
		given, _ := c.out["allOf"].([]any)
		c.out["allOf"] = append(given, c.all...)
	}
}

func (c *converter) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%s: "+format, append([]any{c.at}, args...)...)
	}
}

// schema converts one that stands within this one.
func (c *converter) schema(name string, schema any) object {
	converted, err := draft4(c.at+"/"+name, schema, c.definitions)
	if err != nil && c.err == nil {
		c.err = err
	}
	return converted
}

func (c *converter) one(keyword string) object { return c.schema(keyword, c.in[keyword]) }

func (c *converter) each(keyword string) object {
	converted := object{}
	for name, schema := range c.in[keyword].(object) {
		converted[name] = c.schema(keyword+"/"+name, schema)
	}
	return converted
}

func (c *converter) list(keyword, as string) {
	var converted []any
	for i, schema := range c.in[keyword].([]any) {
		converted = append(converted, c.schema(fmt.Sprintf("%s/%d", keyword, i), schema))
	}
	c.out[as] = converted
}

// merge adds to an object of schemas.
func (c *converter) merge(keyword string, schemas object) {
	given, _ := c.out[keyword].(object)
	if given == nil {
		given = object{}
	}
	maps.Copy(given, schemas)
	c.out[keyword] = given
}

// condition: "if A then B else C" is "(not A, or B) and (A, or C)".
func (c *converter) condition() {
	when := c.one("if")
	if _, there := c.in["then"]; there {
		c.all = append(c.all, object{"anyOf": []any{object{"not": when}, c.one("then")}})
	}
	if _, there := c.in["else"]; there {
		c.all = append(c.all, object{"anyOf": []any{when, c.one("else")}})
	}
}

// propertyNames: names that fit a pattern are properties of that pattern, and a name
// that must not be is a property that nothing fits.
func (c *converter) propertyNames() {
	names := c.in["propertyNames"].(object)
	for keyword, value := range names {
		switch keyword {
		case "type":
		case "$ref", "pattern":
			pattern, ok := value.(string)
			if keyword == "$ref" {
				definition, _ := c.definitions[strings.TrimPrefix(pattern, "#/$defs/")].(object)
				pattern, ok = definition["pattern"].(string)
			}
			if !ok {
				c.fail("no conversion of names that are %v", value)
			}
			values := any(true)
			if given, there := c.in["additionalProperties"]; there {
				values = given
			}
			c.merge("patternProperties", object{bytesPattern(pattern): c.schema("additionalProperties", values)})
			c.out["additionalProperties"] = false
		case "not":
			for _, name := range forbidden(value) {
				c.merge("properties", object{name.(string): object{"not": object{}}})
			}
		default:
			c.fail("no conversion of %q in propertyNames", keyword)
		}
	}
}

// forbidden are the values that a schema of "not" lists.
func forbidden(not any) []any {
	schema := not.(object)
	if value, there := schema["const"]; there {
		return []any{value}
	}
	return schema["enum"].([]any)
}

func reference(value any) string {
	return strings.Replace(value.(string), "#/$defs/", "#/definitions/", 1)
}

// bytesPattern is a pattern for a validator that may compare bytes: in a class of
// characters to leave out it names no characters that are several bytes in UTF-8.
func bytesPattern(pattern string) string {
	return strings.ReplaceAll(pattern, "\\x7f-\\x9f\u2028\u2029", "\\x7f")
}
