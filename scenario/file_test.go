package scenario

import (
	"encoding/json"
	"strings"
	"testing"

	"holdfast/filter/filtertest"
)

// A mistake in a scenario file is an error, never a test of nothing.
func TestParseFileIsStrict(t *testing.T) {
	t.Parallel()
	const step = `{"token": {}, "want": {"status": 200, "reason": "token_accepted"}}`
	file := func(scenario string) string {
		return `{"about": "x", "config": {}, "scenarios": [` + scenario + `]}`
	}
	whole := file(`{"name": "a", "ref": "b", "steps": [` + step + `]}`)
	if _, err := parseFile([]byte(whole)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"unknown member":               file(`{"name": "a", "ref": "b", "stepz": [], "steps": [` + step + `]}`),
		"duplicate member":             file(`{"name": "a", "name": "b", "ref": "b", "steps": [` + step + `]}`),
		"trailing text":                whole + "x",
		"no ref":                       file(`{"name": "a", "steps": [` + step + `]}`),
		"no steps":                     file(`{"name": "a", "ref": "b", "steps": []}`),
		"the same name twice":          file(`{"name": "a", "ref": "b", "steps": [` + step + `]}, {"name": "a", "ref": "b", "steps": [` + step + `]}`),
		"hosts without why":            file(`{"name": "a", "ref": "b", "hosts": ["fake"], "steps": [` + step + `]}`),
		"unknown host":                 file(`{"name": "a", "ref": "b", "hosts": ["fak"], "why": "c", "steps": [` + step + `]}`),
		"no want":                      file(`{"name": "a", "ref": "b", "steps": [{"token": {}}]}`),
		"want without reason":          file(`{"name": "a", "ref": "b", "steps": [{"want": {"status": 200}}]}`),
		"unknown mutation":             file(`{"name": "a", "ref": "b", "steps": [{"token": {"mutate": "x"}, "want": {"status": 200, "reason": "x"}}]}`),
		"unknown key":                  file(`{"name": "a", "ref": "b", "steps": [{"token": {"key": "x"}, "want": {"status": 200, "reason": "x"}}]}`),
		"unknown endpoint":             file(`{"name": "a", "ref": "b", "key_server": {"x": {}}, "steps": [` + step + `]}`),
		"unknown placeholder":          file(`{"name": "a", "ref": "b", "steps": [{"path": "/${x}", "want": {"status": 200, "reason": "x"}}]}`),
		"two things":                   file(`{"name": "a", "ref": "b", "steps": [{"pass": "1s", "leave": "x"}]}`),
		"a long pause":                 file(`{"name": "a", "ref": "b", "steps": [{"pass": "1h"}]}`),
		"time that goes back":          file(`{"name": "a", "ref": "b", "steps": [{"pass": "-1s"}]}`),
		"a clock set on envoy":         file(`{"name": "a", "ref": "b", "steps": [{"jump": "-1s"}]}`),
		"properties on envoy":          file(`{"name": "a", "ref": "b", "steps": [{"properties": {"x": "y"}, "want": {"status": 200, "reason": "x"}}]}`),
		"a duration in digits":         file(`{"name": "a", "ref": "b", "steps": [{"pass": 1}]}`),
		"an unknown other":             file(`{"name": "a", "ref": "b", "steps": [{"at": "x", "want": {"status": 200, "reason": "x"}}]}`),
		"a failed start, and steps":    file(`{"name": "a", "ref": "b", "hosts": ["fake"], "why": "c", "start_fails": ["x"], "steps": [` + step + `]}`),
		"a failed start on envoy":      file(`{"name": "a", "ref": "b", "start_fails": ["x"]}`),
		"an answer that is null":       file(`{"name": "a", "ref": "b", "introspection": {"good": null}, "steps": [` + step + `]}`),
		"an answer with two bodies":    file(`{"name": "a", "ref": "b", "introspection": {"good": {"claims": {"sub": "x"}, "body": "x"}}, "steps": [` + step + `]}`),
		"an answer with keys":          file(`{"name": "a", "ref": "b", "introspection": {"good": {"keys": ["main"]}}, "steps": [` + step + `]}`),
		"an unknown member of it":      file(`{"name": "a", "ref": "b", "introspection": {"good": {"claim": {}}}, "steps": [` + step + `]}`),
		"two changes, one a request":   file(`{"name": "a", "ref": "b", "steps": [{"introspection": {}, "path": "/"}]}`),
		"a word about sessions":        file(`{"name": "a", "ref": "b", "steps": [{"want": {"status": 200, "reason": "x", "session": "begun"}}]}`),
		"a session that nobody starts": file(`{"name": "a", "ref": "b", "steps": [{"keep": "s", "want": {"status": 200, "reason": "x"}}]}`),
		"a session that nobody kept":   file(`{"name": "a", "ref": "b", "steps": [{"headers": [["cookie", "${cookie:s}"]], "want": {"status": 200, "reason": "x"}}]}`),
		"a token that nobody sent":     file(`{"name": "a", "ref": "b", "steps": [{"path": "/${token:x}", "want": {"status": 200, "reason": "x"}}]}`),
		"nothing to remove":            file(`{"name": "a", "ref": "b", "steps": [{"token": {"remove": ["x"]}, "want": {"status": 200, "reason": "x"}}]}`),
	} {
		if err := tryFile(text); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// tryFile reads a file and builds its first requests.
func tryFile(text string) error {
	f, err := parseFile([]byte(text))
	if err != nil {
		return err
	}
	w := newWorld(pki(), "x")
	for _, step := range f.Scenarios[0].Steps {
		p := &play{proxy: &memory{proxy: filtertest.NewProxy()}, world: w, server: newServer(w, nil)}
		if _, err := p.build(step); err != nil {
			return err
		}
	}
	return nil
}

// Filters of one VM share an environment, so two files can't have two of it.
func TestOneEnvironment(t *testing.T) {
	t.Parallel()
	a, b := &File{Env: map[string]string{"A": "1", "B": "2"}}, &File{Env: map[string]string{"B": "2", "C": "${session_key:x}"}}
	env, err := environment([]*File{a, b})
	if err != nil || len(env) != 3 {
		t.Fatalf("%v, %v", env, err)
	}
	if env, err = newWorld(pki(), "x").environment(env); err != nil || env["A"] != "1" || len(env["C"]) != 44 {
		t.Errorf("%v, %v", env, err)
	}
	b.Env["B"] = "3"
	if _, err := environment([]*File{a, b}); err == nil {
		t.Error("two values of one name are taken")
	}
}

// Besides RFC 7396: the elements of a list are changed by number.
func TestMerge(t *testing.T) {
	t.Parallel()
	f := &File{Config: []byte(`{"a": [{"x": 1, "y": 2}, {"x": 3}], "b": 4, "c": [5]}`)}
	s := &Scenario{
		Config: []byte(`{"a": {"1": {"x": 6, "z": 7}}, "b": null}`),
		Others: map[string]json.RawMessage{"o": []byte(`{"a": {"0": {"y": null}}, "c": []}`)},
	}
	for other, want := range map[string]string{
		"":  `{"a":[{"x":1,"y":2},{"x":6,"z":7}],"c":[5]}`,
		"o": `{"a":[{"x":1},{"x":6,"z":7}],"c":[]}`,
	} {
		merged, err := f.mergedConfig(s, other)
		if got, _ := json.Marshal(merged); err != nil || string(got) != want {
			t.Errorf("%q: %s, %v, want %s", other, got, err, want)
		}
	}
}

// The runners notice when what they got is not what they wanted.
func TestCheckNoticesEverything(t *testing.T) {
	t.Parallel()
	good := func() *outcome {
		return &outcome{
			status: 401, body: `{"error":"invalid_token"}`, details: "holdfast_denied{cnf_mismatch}",
			properties: map[string]string{"reason": "cnf_mismatch", "outcome": "denied"},
			headers: headersOf("content-type", "application/json", "cache-control", "no-store",
				"www-authenticate", `Bearer realm="r", error="invalid_token"`),
		}
	}
	want := &Want{Status: 401, Error: "invalid_token", Reason: "cnf_mismatch", Challenge: []string{"realm"}}
	w := newWorld(pki(), "x")
	p := &play{
		host: Fake, proxy: &memory{proxy: filtertest.NewProxy()}, world: w, server: newServer(w, nil),
		configurations: map[string]string{"": `{"realm": "r"}`},
	}
	r := &request{token: "eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL2FwaSJ9.c2lnbmF0dXJlc2lnbmF0dXJl"}
	if err := p.check(good(), r, want); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*outcome){
		"status":                 func(o *outcome) { o.status = 403 },
		"error":                  func(o *outcome) { o.body = `{"error":"invalid_request"}` },
		"no JSON":                func(o *outcome) { o.body = "" },
		"reason":                 func(o *outcome) { o.properties["reason"] = "expired" },
		"outcome":                func(o *outcome) { o.properties["outcome"] = "allowed" },
		"details":                func(o *outcome) { o.details = "" },
		"passed":                 func(o *outcome) { o.passed = true },
		"no challenge":           func(o *outcome) { o.headers = o.headers[:2] },
		"two challenges":         func(o *outcome) { o.headers = append(o.headers, o.headers[2]) },
		"error of the challenge": func(o *outcome) { o.headers[2].Value = `Bearer realm="r", error="x"` },
		"no error there":         func(o *outcome) { o.headers[2].Value = `Bearer realm="r"` },
		"realm":                  func(o *outcome) { o.headers[2].Value = `Bearer realm="x", error="invalid_token"` },
		"no cache-control":       func(o *outcome) { o.headers[1].Name = "x" },
		"retry-after":            func(o *outcome) { o.headers = append(o.headers, headersOf("retry-after", "1")...) },
		"a token in the body":    func(o *outcome) { o.body = `{"error":"invalid_token","x":"` + strings.Split(r.token, ".")[1] + `"}` },
		"a token in the headers": func(o *outcome) { o.headers[0].Value = strings.Split(r.token, ".")[2] },
	} {
		o := good()
		spoil(o)
		if p.check(o, r, want) == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}
