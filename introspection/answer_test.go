package introspection

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

// The two examples of the RFC.
func TestRFC7662_2_2_Examples(t *testing.T) {
	t.Parallel()
	answer, err := ParseAnswer(`{
      "active": true,
      "client_id": "l238j323ds-23ij4",
      "username": "jdoe",
      "scope": "read write dolphin",
      "sub": "Z5O3upPC88QrAjx00dis",
      "aud": "https://protected.example.net/resource",
      "iss": "https://server.example.com/",
      "exp": 1419356238,
      "iat": 1419350238,
      "extension_field": "twenty-seven"
     }`)
	if err != nil || !answer.Active {
		t.Fatalf("%+v, %v", answer, err)
	}
	for name, want := range map[string]string{
		"client_id": "l238j323ds-23ij4", "username": "jdoe", "scope": "read write dolphin", "sub": "Z5O3upPC88QrAjx00dis", "extension_field": "twenty-seven",
	} {
		if got, ok := answer.Claims.Get(name).Text(); !ok || got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if issuer, err := answer.Claims.Issuer(); err != nil || issuer != "https://server.example.com/" {
		t.Errorf("%q, %v", issuer, err)
	}
	if audiences, err := answer.Claims.Audiences(); err != nil || len(audiences) != 1 || audiences[0] != "https://protected.example.net/resource" {
		t.Errorf("%q, %v", audiences, err)
	}
	if expires, present, err := answer.Claims.Time("exp"); err != nil || !present || !expires.Equal(time.Unix(1419356238, 0)) {
		t.Errorf("%v, %v", expires, err)
	}
	if answer, err := ParseAnswer(`{ "active": false }`); err != nil || answer.Active {
		t.Errorf("%+v, %v", answer, err)
	}
}

func TestT22_Verdicts(t *testing.T) {
	t.Parallel()
	for body, active := range map[string]bool{
		`{"active":true}`:                       true,
		" \r\n{\"active\" : true}\n":            true,
		`{"\u0061ctive":true}`:                  true,
		`{"active":false}`:                      false,
		`{"active":"true"}`:                     false,
		`{"active":"TRUE"}`:                     false,
		`{"active":1}`:                          false,
		`{"active":null}`:                       false,
		`{"active":[]}`:                         false,
		`{"active":[true]}`:                     false,
		`{"active":{}}`:                         false,
		`{"active":{"active":true}}`:            false,
		`{}`:                                    false,
		`{"ACTIVE":true}`:                       false,
		`{"Active":true,"active ":true}`:        false,
		`{"token":{"active":true}}`:             false,
		`{"error":"invalid_client"}`:            false,
		`{"active":false,"Active":true,"a":[]}`: false,
	} {
		if answer, err := ParseAnswer(body); err != nil || answer.Active != active {
			t.Errorf("%s: %v, %v", body, answer.Active, err)
		}
	}
}

func TestT22_NoVerdict(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"nothing":            ``,
		"space":              ` `,
		"no object":          `true`,
		"an array":           `[{"active":true}]`,
		"a text":             `"{\"active\":true}"`,
		"null":               `null`,
		"twice":              `{"active":true,"active":true}`,
		"twice, one escaped": `{"active":false,"\u0061ctive":true}`,
		"twice, deeper":      `{"active":true,"cnf":{"x5t#S256":"a","x5t#S256":"b"}}`,
		"trailing data":      `{"active":true}x`,
		"two objects":        `{"active":true}{"active":true}`,
		"truncated":          `{"active":true`,
		"truncated earlier":  `{"active":tr`,
		"cut in a text":      `{"active":true,"sub":"a`,
		"HTML":               `<!DOCTYPE html><title>Log in</title>`,
		"a comment":          `{"active":true/**/}`,
		"a trailing comma":   `{"active":true,}`,
		"single quotes":      `{'active':true}`,
		"True":               `{"active":True}`,
		"no UTF-8":           "{\"active\":true,\"sub\":\"\xff\"}",
		"a BOM":              "\ufeff" + `{"active":true}`,
		"NUL":                "{\"active\":true}\x00",
		"a prefix":           `)]}',{"active":true}`,
		"deep":               `{"active":true,"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`,
		"a JWT":              "eyJhbGciOiJFUzI1NiJ9.eyJhY3RpdmUiOnRydWV9.AA",
	} {
		if answer, err := ParseAnswer(body); !errors.Is(err, ErrAnswer) || answer.Active {
			t.Errorf("%s: %v, %v", name, answer.Active, err)
		}
	}
}

// FuzzParseAnswer shows that an answer counts as active only where encoding/json, too,
// finds the literal true, and that every text gives an answer or ErrAnswer.
func FuzzParseAnswer(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `{"active":true}`, `{"active":false}`, `{"active":"true"}`, `{"active":true,"active":true}`, `{"active":true}x`, `[true]`, `{"ACTIVE":true}`,
		`{"active":true,"aud":["a"],"cnf":{"x5t#S256":"A"},"exp":1419356238}`, "{\"active\":true,\"a\":\"\xff\"}", `{"\u0061ctive":true}`, `{"active":true`, `{"a":{"active":true}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		answer, err := ParseAnswer(body)
		if err != nil {
			if err != ErrAnswer || answer.Active {
				t.Fatalf("%v, %v", answer.Active, err)
			}
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(body), &members); err != nil {
			t.Fatalf("taken, but %v", err)
		}
		if answer.Active != (string(members["active"]) == "true") {
			t.Fatalf("active is %v, but %s", answer.Active, members["active"])
		}
		if got := answer.Claims.Object().Raw(); strings.TrimSpace(got) != strings.TrimSpace(body) {
			t.Fatalf("%q is not %q", got, body)
		}
		_, _, _ = answer.Claims.Time("exp")
		_, _ = answer.Claims.Audiences()
		_, _ = answer.Claims.Confirmation()
	})
}
