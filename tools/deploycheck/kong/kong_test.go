// Package kong holds only tests: of what deploy/kong has for a user of Kong. Kong itself
// is not run: no test here has a build of it with ngx_wasm_module.
package kong

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"holdfast/filter"
	"holdfast/filter/config"
	"holdfast/filter/filtertest"
)

const deploy = "../../../deploy/kong"

// manifest is what kong.yml has of Kong's entities, and nothing else.
type manifest struct {
	Format   string `json:"_format_version"`
	Services []struct {
		Name, URL string
		Routes    []struct {
			Name           string
			Hosts, Paths   []string
			Protocols      []string
			RedirectStatus int  `json:"https_redirect_status_code"`
			StripPath      bool `json:"strip_path"`
			PreserveHost   bool `json:"preserve_host"`
			FilterChains   []struct {
				Name    string
				Filters []struct {
					Name   string
					Config json.RawMessage
				}
			} `json:"filter_chains"`
		}
	}
}

// filterConfig reads a kong.yml: the configuration of its one filter, as Kong hands it
// over.
func filterConfig(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "kong.yml"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	decoder := json.NewDecoder(bytes.NewReader(doc))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		t.Fatal(err)
	}
	if m.Format != "3.0" || len(m.Services) != 1 || len(m.Services[0].Routes) != 1 {
		t.Fatalf("%+v", m)
	}
	route := m.Services[0].Routes[0]
	// What Holdfast has judged is what the upstream gets, and it came over TLS.
	if !slices.Equal(route.Protocols, []string{"https"}) || route.StripPath || !route.PreserveHost {
		t.Errorf("%+v", route)
	}
	if len(route.FilterChains) != 1 || len(route.FilterChains[0].Filters) != 1 {
		t.Fatalf("%+v", route.FilterChains)
	}
	f := route.FilterChains[0].Filters[0]
	if f.Name != "holdfast" { // as the files of the release are called
		t.Errorf("the filter is %s", f.Name)
	}
	return string(f.Config)
}

func TestKongManifest(t *testing.T) {
	doc := filterConfig(t, deploy)
	c, err := config.Parse(doc)
	if err != nil {
		t.Fatal(err)
	}
	if c.Host != config.HostKong {
		t.Error("it is not for Kong")
	}
	if strings.Contains(doc, "[]") {
		t.Error("an empty list may reach the filter as an object")
	}
	if err := kongSchema(t, deploy).Validate(instance(t, doc)); err != nil {
		t.Errorf("Kong refuses it: %v", err)
	}
}

// kongSchema is what Kong checks a configuration with.
func kongSchema(t *testing.T, dir string) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "holdfast.meta.json"))
	if err != nil {
		t.Fatal(err)
	}
	var meta struct {
		Schema json.RawMessage `json:"config_schema"`
	}
	if err := json.Unmarshal(text, &meta); err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft4)
	if err := compiler.AddResource("holdfast.meta.json", instance(t, string(meta.Schema))); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("holdfast.meta.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func instance(t *testing.T, doc string) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// kong.conf has a value for whatever Holdfast needs.
func TestKongConf(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(deploy, "kong.conf"))
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, " = ")
		if !ok || settings[name] != "" {
			t.Errorf("no setting, or one that is there twice: %q", line)
		}
		settings[name] = value
	}
	for name, want := range map[string]string{
		"wasm": "on", "wasm_filters_path": "/etc/kong/wasm", "nginx_proxy_ssl_verify_client": "optional_no_ca",
		"nginx_wasm_shm_kv_holdfast": "32m", "lua_ssl_trusted_certificate": "system", "declarative_config": "/etc/kong/kong.yml",
	} {
		if settings[name] != want {
			t.Errorf("%s is %q, want %q", name, settings[name], want)
		}
	}
	if !strings.Contains(settings["proxy_listen"], " ssl") {
		t.Errorf("proxy_listen is %q", settings["proxy_listen"])
	}
}

// What try.sh makes is enough for the first try: the owner's request passes, and the
// token alone is worth nothing to a thief.
func TestKongTry(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), filepath.Join(deploy, "try.sh"), dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	token, err := os.ReadFile(filepath.Join(dir, "token"))
	if err != nil {
		t.Fatal(err)
	}
	doc := filterConfig(t, dir)
	if err := kongSchema(t, filepath.Join(dir, "wasm")).Validate(instance(t, doc)); err != nil {
		t.Errorf("Kong refuses it: %v", err)
	}
	proxy := filtertest.NewKong()
	proxy.Jump(time.Since(filtertest.Epoch))
	worker := proxy.Worker()
	plugin, err := worker.Start(doc)
	if err != nil {
		t.Fatal(err)
	}
	for caller, want := range map[string]string{
		"owner": "holdfast.allowed",
		"thief": "holdfast.denied.cnf_mismatch",
		"":      "holdfast.denied.certificate_missing",
	} {
		s := worker.NewStream("GET", "api.example.com", "/", filter.Header{Name: "Authorization", Value: "Bearer " + strings.TrimSpace(string(token))})
		if caller != "" {
			text, err := os.ReadFile(filepath.Join(dir, caller+".pem"))
			if err != nil {
				t.Fatal(err)
			}
			block, _ := pem.Decode(text)
			s.Present(block.Bytes)
		}
		s.Callback(plugin.NewExchange(s).OnRequestHeaders)
		if s.Counted != want || s.Continued != (caller == "owner") || len(s.Violations) > 0 {
			t.Errorf("%q: %s, want %s; %q", caller, s.Counted, want, s.Violations)
		}
		if caller == "owner" && !slices.Equal(s.Field("x-auth-sub"), []string{"owner"}) {
			t.Errorf("x-auth-sub is %q", s.Field("x-auth-sub"))
		}
	}
	if len(proxy.Violations) > 0 {
		t.Errorf("%q", proxy.Violations)
	}
}
