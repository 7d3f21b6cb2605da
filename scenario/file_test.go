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

		"a scheme that is none":          file(`{"name": "a", "ref": "b", "steps": [{"scheme": "DPoB", "token": {}, "want": {"status": 200, "reason": "x"}}]}`),
		"a scheme without a token":       file(`{"name": "a", "ref": "b", "steps": [{"scheme": "DPoP", "want": {"status": 200, "reason": "x"}}]}`),
		"a scheme beside ${token}":       file(`{"name": "a", "ref": "b", "steps": [{"scheme": "DPoP", "token": {}, "headers": [["a", "${token}"]], "want": {"status": 200, "reason": "x"}}]}`),
		"an unknown member of a proof":   file(`{"name": "a", "ref": "b", "steps": [{"token": {}, "proof": {"claim": {}}, "want": {"status": 200, "reason": "x"}}]}`),
		"a proof that is null":           file(`{"name": "a", "ref": "b", "steps": [{"token": {}, "proof": null, "want": {"status": 200, "reason": "x"}}]}`),
		"one of two that is null":        file(`{"name": "a", "ref": "b", "steps": [{"token": {}, "proof": [{}, null], "want": {"status": 200, "reason": "x"}}]}`),
		"no proofs":                      file(`{"name": "a", "ref": "b", "steps": [{"token": {}, "proof": [], "want": {"status": 200, "reason": "x"}}]}`),
		"a proof in words":               file(`{"name": "a", "ref": "b", "steps": [{"token": {}, "proof": "good", "want": {"status": 200, "reason": "x"}}]}`),
		"an opaque proof":                file(`{"name": "a", "ref": "b", "steps": [{"token": {}, "proof": {"opaque": "x"}, "want": {"status": 200, "reason": "x"}}]}`),
		"a proof that nobody sent":       file(`{"name": "a", "ref": "b", "steps": [{"token": {}, "proof": {"again": "p"}, "want": {"status": 200, "reason": "x"}}]}`),
		"a proof again, but other":       file(`{"name": "a", "ref": "b", "steps": [{"token": {}, "proof": {"again": "p", "key": "thief"}, "want": {"status": 200, "reason": "x"}}]}`),
		"two proofs of one name":         file(`{"name": "a", "ref": "b", "steps": [{"token": {}, "proof": [{"name": "p"}, {"name": "p"}], "want": {"status": 200, "reason": "x"}}]}`),
		"a name for many proofs":         file(`{"name": "a", "ref": "b", "steps": [{"token": {}, "proof": {"name": "p"}, "tries": 2, "want": {"status": 200, "reason": "x"}}]}`),
		"a proof by an unknown key":      file(`{"name": "a", "ref": "b", "steps": [{"token": {}, "proof": {"key": "x"}, "want": {"status": 200, "reason": "x"}}]}`),
		"nothing to remove from a proof": file(`{"name": "a", "ref": "b", "steps": [{"token": {}, "proof": {"remove": ["nonce"]}, "want": {"status": 200, "reason": "x"}}]}`),
		"${proof} without one":           file(`{"name": "a", "ref": "b", "steps": [{"token": {}, "headers": [["dpop", "${proof}"]], "want": {"status": 200, "reason": "x"}}]}`),
		"${proof} of two":                file(`{"name": "a", "ref": "b", "steps": [{"token": {}, "proof": [{}, {}], "headers": [["dpop", "${proof}"]], "want": {"status": 200, "reason": "x"}}]}`),
		"a nonce that nobody brought":    file(`{"name": "a", "ref": "b", "steps": [{"token": {}, "proof": {"claims": {"nonce": "${nonce}"}}, "want": {"status": 200, "reason": "x"}}]}`),
		"the hash of no token":           file(`{"name": "a", "ref": "b", "steps": [{"proof": {"claims": {"ath": "${ath}"}}, "want": {"status": 200, "reason": "x"}}]}`),
		"the hash of an unknown token":   file(`{"name": "a", "ref": "b", "steps": [{"token": {}, "proof": {"claims": {"ath": "${ath:x}"}}, "want": {"status": 200, "reason": "x"}}]}`),
		"the thumbprint of no key":       file(`{"name": "a", "ref": "b", "steps": [{"token": {"claims": {"cnf": {"jkt": "${jkt:}"}}}, "want": {"status": 200, "reason": "x"}}]}`),
		"a proof while time passes":      file(`{"name": "a", "ref": "b", "steps": [{"pass": "1s", "proof": {}}]}`),
		"two ways to try again":          file(`{"name": "a", "ref": "b", "steps": [{"tries": 2, "eventually": "1s", "want": {"status": 200, "reason": "x"}}]}`),
		"less than one try":              file(`{"name": "a", "ref": "b", "steps": [{"tries": -1, "want": {"status": 200, "reason": "x"}}]}`),
		"what no host has is broken":     file(`{"name": "a", "ref": "b", "hosts": ["fake"], "why": "c", "steps": [{"broken": ["SharedGot"]}]}`),
		"a broken envoy":                 file(`{"name": "a", "ref": "b", "steps": [{"broken": ["SharedGet"]}]}`),
		"broken, and a request":          file(`{"name": "a", "ref": "b", "hosts": ["fake"], "why": "c", "steps": [{"broken": [], "path": "/"}]}`),
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

// The same for what DPoP adds to answers.
func TestCheckNoticesDPoP(t *testing.T) {
	t.Parallel()
	const challenges = `DPoP realm="r", error="use_dpop_nonce", algs="ES256 PS256 EdDSA RS256", Bearer realm="r"`
	w := newWorld(pki(), "x")
	p := &play{
		host: Fake, proxy: &memory{proxy: filtertest.NewProxy()}, world: w, server: newServer(w, nil),
		configurations: map[string]string{"": `{"realm": "r", "proof_of_possession": {"methods": ["mtls", "dpop"]}}`},
	}
	const proof = "eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiJhYmNkZWZnaCJ9.c2lnbmF0dXJlc2lnbmF0dXJl"
	r := &request{token: "x", proofs: []string{proof}, fields: headersOf("authorization", "dpop x")}
	refused := func() *outcome {
		return &outcome{
			status: 401, body: `{"error":"use_dpop_nonce"}`, details: "holdfast_denied{dpop_nonce_required}",
			properties: map[string]string{"reason": "dpop_nonce_required", "outcome": "denied"},
			headers: headersOf("content-type", "application/json", "cache-control", "no-store", "www-authenticate", challenges,
				"dpop-nonce", "abc"),
		}
	}
	passed := func() *outcome {
		return &outcome{
			status: 200, passed: true, properties: map[string]string{"reason": "token_accepted", "outcome": "allowed"},
			headers: headersOf("cache-control", "private, no-store", "dpop-nonce", "abc"), upstream: headersOf("authorization", "DPoP x"),
		}
	}
	for name, test := range map[string]struct {
		outcome func() *outcome
		spoil   func(*outcome)
	}{
		"": {refused, func(*outcome) {}},
		"Bearer first": {refused, func(o *outcome) {
			o.headers[2].Value = `Bearer realm="r", DPoP` + challenges[4:len(challenges)-len(`, Bearer realm="r"`)]
		}},
		"no Bearer":           {refused, func(o *outcome) { o.headers[2].Value = strings.TrimSuffix(challenges, `, Bearer realm="r"`) }},
		"a third challenge":   {refused, func(o *outcome) { o.headers[2].Value += `, Basic realm="r"` }},
		"an error for Bearer": {refused, func(o *outcome) { o.headers[2].Value += `, error="use_dpop_nonce"` }},
		"no error for DPoP":   {refused, func(o *outcome) { o.headers[2].Value = strings.Replace(challenges, `, error="use_dpop_nonce"`, "", 1) }},
		"another error for DPoP": {refused, func(o *outcome) {
			o.headers[2].Value = strings.Replace(challenges, "use_dpop_nonce", "invalid_token", 1)
		}},
		"no algs": {refused, func(o *outcome) {
			o.headers[2].Value = strings.Replace(challenges, `, algs="ES256 PS256 EdDSA RS256"`, "", 1)
		}},
		"other algs":            {refused, func(o *outcome) { o.headers[2].Value = strings.Replace(challenges, "RS256", "RS384", 1) }},
		"algs for Bearer":       {refused, func(o *outcome) { o.headers[2].Value += `, algs="ES256"` }},
		"no nonce":              {refused, func(o *outcome) { o.headers = o.headers[:3] }},
		"two nonces":            {refused, func(o *outcome) { o.headers = append(o.headers, o.headers[3]) }},
		"no nonce's characters": {refused, func(o *outcome) { o.headers[3].Value = "a, b" }},
		"a proof in the body":   {refused, func(o *outcome) { o.body = `{"error":"use_dpop_nonce","x":"` + strings.Split(proof, ".")[2] + `"}` }},

		"passed":                     {passed, func(*outcome) {}},
		"passed without a nonce":     {passed, func(o *outcome) { o.headers = o.headers[:1] }},
		"a nonce to be cached":       {passed, func(o *outcome) { o.headers[0].Value = "public" }},
		"the upstream saw dpop":      {passed, func(o *outcome) { o.upstream = append(o.upstream, headersOf("DPoP", "x")...) }},
		"the upstream saw the proof": {passed, func(o *outcome) { o.upstream = append(o.upstream, headersOf("x", proof)...) }},
	} {
		o := test.outcome()
		test.spoil(o)
		want := &Want{Status: 401, Error: "use_dpop_nonce", Reason: "dpop_nonce_required"}
		if o.passed {
			want = &Want{Status: 200, Reason: "token_accepted", Nonce: true}
		}
		if err := p.check(o, r, want); (err == nil) != (name == "" || name == "passed") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if p.check(passed(), r, &Want{Status: 200, Reason: "token_accepted"}) == nil {
		t.Error("a nonce that is not wanted: not noticed")
	}
}
