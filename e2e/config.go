package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
)

// Edit replaces one text in envoy.yaml. Old has to be there exactly once: a
// needle that went missing is an error, never a silent no-op.
type Edit struct{ Old, New string }

func (e Edit) apply(text string) (string, error) {
	if n := strings.Count(text, e.Old); n != 1 {
		return "", fmt.Errorf("envoy.yaml: %q is there %d times, want exactly once", e.Old, n)
	}
	return strings.Replace(text, e.Old, e.New, 1), nil
}

func applyAll(text string, edits []Edit) (string, error) {
	for _, e := range edits {
		var err error
		if text, err = e.apply(text); err != nil {
			return "", err
		}
	}
	return text, nil
}

// Places is where the things are that envoy.yaml names.
type Places struct {
	Dir      string // holds server.pem, server-key.pem, client-ca.pem, as-ca.pem
	Wasm     string
	Auth     string // host:port
	Upstream string // host:port
	Port     int    // of the listener; 0 lets the system choose
}

func (p Places) edits() []Edit {
	auth, upstream := socketAddress(p.Auth), socketAddress(p.Upstream)
	return []Edit{
		{"/etc/holdfast/holdfast.wasm", p.Wasm},
		{"/etc/holdfast/server.pem", filepath.Join(p.Dir, "server.pem")},
		{"/etc/holdfast/server-key.pem", filepath.Join(p.Dir, "server-key.pem")},
		{"/etc/holdfast/client-ca.pem", filepath.Join(p.Dir, "client-ca.pem")},
		{"/etc/holdfast/as-ca.pem", filepath.Join(p.Dir, "as-ca.pem")},
		{"{ address: 0.0.0.0, port_value: 8443 }", fmt.Sprintf("{ address: 127.0.0.1, port_value: %d }", p.Port)},
		{"{ address: 127.0.0.1, port_value: 9901 }", "{ address: 127.0.0.1, port_value: 0 }"},
		{"{ address: as.example.com, port_value: 443 }", auth},
		{"{ address: upstream.internal, port_value: 8080 }", upstream},
	}
}

func socketAddress(hostPort string) string {
	host, port, _ := strings.Cut(hostPort, ":")
	return fmt.Sprintf("{ address: %s, port_value: %s }", host, port)
}

// Listener is one listener with its Holdfast. The zero value is the one of
// envoy.yaml, word for word.
type Listener struct {
	Name  string // default "api"
	Patch M      // changes Holdfast's configuration, as RFC 7396 merges
	Edits []Edit // in the listener's text
}

// Setup is what a test changes in envoy.yaml.
type Setup struct {
	Listeners []Listener // none means one zero Listener
	Edits     []Edit     // outside of the listeners: clusters, for example
	LDS       bool       // listeners come from a file that can be replaced
}

// marks where the listeners begin and end in envoy.yaml.
const (
	listenersBegin = "  listeners:\n"
	listenersEnd   = "\n  clusters:\n"
	configBegin    = "                  value: |\n"
)

// Render turns the text of envoy.yaml into what Envoy is started with, and with
// setup.LDS into a file of listeners, ldsPath, beside it.
func Render(text string, places Places, setup Setup, ldsPath string) (bootstrap, lds string, err error) {
	if text, err = applyAll(text, places.edits()); err != nil {
		return "", "", err
	}
	before, rest, ok := strings.Cut(text, listenersBegin)
	listener, after, ok2 := strings.Cut(rest, listenersEnd)
	if !ok || !ok2 {
		return "", "", errors.New("envoy.yaml: no listeners before clusters")
	}
	after = listenersEnd + after
	if len(setup.Listeners) == 0 {
		setup.Listeners = []Listener{{}}
	}
	var listeners strings.Builder
	for _, l := range setup.Listeners {
		one, err := l.render(listener)
		if err != nil {
			return "", "", err
		}
		listeners.WriteString(one + "\n")
	}
	if setup.LDS {
		lds = "resources:\n" + strings.ReplaceAll("\n"+listeners.String(), "\n  - name:", "\n  - \"@type\": type.googleapis.com/envoy.config.listener.v3.Listener\n    name:")
		before = "dynamic_resources:\n  lds_config:\n    resource_api_version: V3\n    path_config_source: { path: " + ldsPath + " }\n\n" + before
		bootstrap = before + strings.TrimPrefix(after, "\n")
	} else {
		bootstrap = before + listenersBegin + listeners.String() + strings.TrimPrefix(after, "\n")
	}
	bootstrap, err = applyAll(bootstrap, setup.Edits)
	return bootstrap, lds, err
}

func (l Listener) render(text string) (string, error) {
	edits := l.Edits
	if l.Name != "" {
		edits = append([]Edit{{"  - name: api\n    address", "  - name: " + l.Name + "\n    address"}}, edits...)
	}
	if l.Patch != nil {
		head, _, tail, err := splitConfig(text)
		if err != nil {
			return "", err
		}
		config, err := Config(text)
		if err != nil {
			return "", err
		}
		patched := must(json.Marshal(patch(config, l.Patch)))
		text = head + "                    " + string(patched) + "\n" + tail
	}
	return applyAll(text, edits)
}

// splitConfig cuts the text around Holdfast's JSON.
func splitConfig(text string) (head, config, tail string, err error) {
	head, rest, ok := strings.Cut(text, configBegin)
	if !ok {
		return "", "", "", errors.New("envoy.yaml: no Holdfast configuration")
	}
	end := 0
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, "                    ") {
			break
		}
		end += len(line)
	}
	return head + configBegin, rest[:end], rest[end:], nil
}

// Config reads Holdfast's own configuration out of the text of envoy.yaml.
func Config(text string) (M, error) {
	_, raw, _, err := splitConfig(text)
	if err != nil {
		return nil, err
	}
	var config M
	return config, json.Unmarshal([]byte(raw), &config)
}

// patch merges as RFC 7396 says: objects merge, null removes, all else replaces.
func patch(base, change M) M {
	out := maps.Clone(base)
	if out == nil {
		out = M{}
	}
	for name, value := range change {
		switch v := value.(type) {
		case nil:
			delete(out, name)
		case M:
			inner, _ := out[name].(M)
			out[name] = patch(inner, v)
		default:
			out[name] = v
		}
	}
	return out
}

// IssuerWith is the issuer of envoy.yaml with changes, as a value for "issuers".
func IssuerWith(change M) []any {
	config := must(Config(must(ReadConfig())))
	return []any{patch(config["issuers"].([]any)[0].(M), change)}
}

// Root is the project's top folder: the nearest one above that holds envoy.yaml.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "envoy.yaml")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no envoy.yaml here or in any folder above")
		}
		dir = filepath.Dir(dir)
	}
}

// ReadConfig is the text of the project's envoy.yaml.
func ReadConfig() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(root, "envoy.yaml"))
	return string(text), err
}
