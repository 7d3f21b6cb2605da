package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast/filter"
	"holdfast/strictjson"
)

// File is one scenario file: a configuration, and what happens under it.
type File struct {
	Name   string          `json:"-"` // of the file, without ".json"
	About  string          `json:"about"`
	Config json.RawMessage `json:"config"`
	// Env are variables of the VM's environment. A name has the same value in all
	// files: filters of one VM share an environment.
	Env       map[string]string `json:"env"`
	Scenarios []*Scenario       `json:"scenarios"`
}

// Scenario is a story with steps, played on a fresh Holdfast or, where it cannot
// tell the difference, on one that other scenarios of its file used before.
type Scenario struct {
	Name string `json:"name"`
	Ref  string `json:"ref"` // the clause or the threat that asks for it
	// Hosts are the hosts that can show it, when not all can; Why says why not.
	Hosts []string `json:"hosts"`
	Why   string   `json:"why"`
	// Config changes the file's configuration, as RFC 7396 merges.
	Config json.RawMessage `json:"config"`
	// Others are further Holdfasts beside the scenario's own, by name, with what
	// they change in its configuration. A step is At one of them.
	Others    map[string]json.RawMessage `json:"others"`
	KeyServer KeyServer                  `json:"key_server"`
	// Introspection is how the endpoint of ${issuer} answers, Introspection2 that
	// of ${issuer2}.
	Introspection  Introspection `json:"introspection"`
	Introspection2 Introspection `json:"introspection2"`
	// StartFails are texts in the log of a start that fails. There are no steps.
	StartFails []string `json:"start_fails"`
	Steps      []*Step  `json:"steps"`
}

// Step is one thing that happens. It is a request, unless one of Pass, Jump, KeyServer,
// Introspection, Introspection2, Broken, Await and Leave is set.
type Step struct {
	Pass           Duration      `json:"pass"`       // time goes by
	Jump           Duration      `json:"jump"`       // somebody sets the clock, forth or back
	KeyServer      KeyServer     `json:"key_server"` // changes from now on
	Introspection  Introspection `json:"introspection"`
	Introspection2 Introspection `json:"introspection2"`
	Broken         *[]string     `json:"broken"` // methods of the host that fail from now on
	Await          string        `json:"await"`  // a request that waits gets its answer: Want
	Leave          string        `json:"leave"`  // the client of a request that waits hangs up

	At          string             `json:"at"`          // one of the scenario's Others; default its own
	Method      string             `json:"method"`      // default GET
	Path        string             `json:"path"`        // default /accounts
	Authority   string             `json:"authority"`   // default api.example.com
	SNI         *string            `json:"sni"`         // default api.example.com
	Certificate string             `json:"certificate"` // default own
	Headers     [][2]string        `json:"headers"`     // after the pseudo-headers, in this order
	Token       *Token             `json:"token"`       // sent under Scheme, or wherever ${token} stands
	Scheme      string             `json:"scheme"`      // Bearer, the default, or DPoP, in any case
	Proof       Proofs             `json:"proof"`       // sent as DPoP, a field for each, or wherever ${proof} stands
	Properties  map[string]*string `json:"properties"`  // of the host; null is absent, "${error}" unreadable
	As          string             `json:"as"`          // it has to wait, under this name
	Keep        string             `json:"keep"`        // the session that the response starts, under this name
	Eventually  Duration           `json:"eventually"`  // try again for so long until Want is met
	Tries       int                `json:"tries"`       // try again at once, so often, until Want is met
	Want        *Want              `json:"want"`
}

// Token says how a token differs from a good one.
type Token struct {
	// Name keeps the token as ${token:NAME}; the next one of that name is the same.
	Name    string         `json:"name"`
	Opaque  string         `json:"opaque"`      // it is ${opaque:NAME}
	Key     string         `json:"key"`         // that signs; default main
	Header  map[string]any `json:"header"`      // members to set
	Claims  map[string]any `json:"claims"`      // members to set
	Remove  []string       `json:"remove"`      // claims, or header members as "header.kid"
	RawHead string         `json:"raw_header"`  // text in place of the header's JSON
	RawBody string         `json:"raw_payload"` // text in place of the claims' JSON
	Mutate  string         `json:"mutate"`      // what is done to the finished token, see mutations
	Raw     string         `json:"raw"`         // text in place of all that
}

// Proof says how a DPoP proof (RFC 9449 §4.2) differs from a good one, with the
// members of a [Token]. A Name is given once.
type Proof struct {
	Again string `json:"again"` // it is the very proof of that name, and nothing else is said
	Token
}

// Proofs are one proof or a list of them.
type Proofs []*Proof

// UnmarshalJSON reads them as strictly as the file around them.
func (p *Proofs) UnmarshalJSON(b []byte) error {
	if b[0] != '[' {
		b = slices.Concat([]byte{'['}, b, []byte{']'})
	}
	if err := decodeStrictly(b, (*[]*Proof)(p)); err != nil {
		return err
	}
	if len(*p) == 0 || slices.Contains(*p, nil) {
		return errors.New(`no "proof" is written by leaving it out`)
	}
	return nil
}

func decodeStrictly(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	return decoder.Decode(into)
}

// Want is what has to come of a request.
type Want struct {
	Status int    `json:"status"` // 200 means that the upstream got it, or, with Body, that Holdfast served it
	Error  string `json:"error"`  // in body and challenge; empty for none
	// Reason is the word of docs/decision.md. Where hosts rightly differ, several
	// are separated by "|".
	Reason    string            `json:"reason"`
	Challenge []string          `json:"challenge"` // texts in WWW-Authenticate
	Header    map[string]*value `json:"header"`    // of the answer, or of the upstream's response; null for none
	Body      []string          `json:"body"`      // texts in the answer's body
	GRPC      int               `json:"grpc_status"`
	Upstream  map[string]*value `json:"upstream"` // header fields that it saw; null for none
	Binding   string            `json:"binding"`  // the host property holdfast.binding
	Reported  string            `json:"reported"` // the reason that report_only reported
	Fetches   *int              `json:"fetches"`  // of the JWK set, since Holdfast started
	// Session is what the response does to the session cookie: "started", "cleared",
	// or, without a word, nothing.
	Session string `json:"session"`
	// Nonce says that a response brings a DPoP nonce; without it none may. With the
	// error use_dpop_nonce there always has to be one.
	Nonce bool `json:"nonce"`
	// Calls and Calls2 are how often the introspection endpoints of ${issuer} and
	// ${issuer2} were asked since the scenario began, Asked how the first was last.
	Calls  *int   `json:"calls"`
	Calls2 *int   `json:"calls2"`
	Asked  *Asked `json:"asked"`
	// Metrics are counters, without "holdfast.", since the scenario began. On Envoy,
	// where other scenarios count along, they are the least.
	Metrics map[string]uint64 `json:"metrics"`
}

// value is one text or a list of them.
type value []string

func (v *value) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*v = value{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(v))
}

// Duration is written as in Holdfast's configuration: "250ms", "10s".
type Duration time.Duration

// UnmarshalJSON reads a duration.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	parsed, err := time.ParseDuration(text)
	if err == nil && parsed == 0 {
		err = errors.New("a duration is not zero")
	}
	*d = Duration(parsed)
	return err
}

// The hosts that scenarios run on.
const (
	Fake   = "fake"   // the package filter, natively, on filter/filtertest
	Wazero = "wazero" // build/holdfast.wasm on scenario/wasmhost
	Envoy  = "envoy"  // build/holdfast.wasm on the newest Envoy
	Old    = "old"    // the same on the oldest
)

// longestRealPause bounds what a scenario may let pass on a host whose clock is
// the real one.
const longestRealPause = 2 * time.Second

// Load reads all scenario files of a folder. Every doubt is an error: a typing
// mistake must not turn a test into one that tests nothing.
func Load(dir string) ([]*File, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	var files []*File
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		f, err := parseFile(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
		f.Name = strings.TrimSuffix(filepath.Base(name), ".json")
		files = append(files, f)
	}
	if len(files) == 0 {
		return nil, errors.New("no scenario files in " + dir)
	}
	_, err = environment(files)
	return files, err
}

// environment is what the VM finds in its environment, placeholders and all.
func environment(files []*File) (map[string]string, error) {
	all := map[string]string{}
	for _, f := range files {
		for name, v := range f.Env {
			if before, there := all[name]; there && before != v {
				return nil, fmt.Errorf("%s: %s has another value in another file", f.Name, name)
			}
			all[name] = v
		}
	}
	return all, nil
}

func parseFile(text []byte) (*File, error) {
	// encoding/json would take the last of two members of one name.
	if _, err := strictjson.Parse(string(text)); err != nil {
		return nil, err
	}
	var f File
	if err := decodeStrictly(text, &f); err != nil {
		return nil, err
	}
	if f.About == "" || len(f.Config) == 0 || len(f.Scenarios) == 0 {
		return nil, errors.New(`"about", "config" and "scenarios" are required`)
	}
	seen := map[string]bool{}
	for _, s := range f.Scenarios {
		if s.Name == "" || seen[s.Name] {
			return nil, fmt.Errorf("scenario %q: names are required and occur once", s.Name)
		}
		seen[s.Name] = true
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("scenario %q: %w", s.Name, err)
		}
	}
	return &f, nil
}

func (s *Scenario) check() error {
	if s.Ref == "" || (len(s.Steps) == 0) != (s.StartFails != nil) {
		return errors.New(`"ref" is required, and "steps" or "start_fails"`)
	}
	if (s.Hosts == nil) != (s.Why == "") {
		return errors.New(`"hosts" and "why" come together`)
	}
	for _, host := range s.Hosts {
		if !slices.Contains([]string{Fake, Wazero, Envoy, Old}, host) {
			return fmt.Errorf("no such host: %q", host)
		}
	}
	onEnvoy := s.RunsOn(Envoy) || s.RunsOn(Old)
	if s.StartFails != nil && onEnvoy {
		return errors.New("an Envoy of which one filter does not start serves nobody")
	}
	if err := checkServers(s.KeyServer, s.Introspection, s.Introspection2); err != nil {
		return err
	}
	for i, step := range s.Steps {
		if err := step.check(); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
		_, known := s.Others[step.At]
		switch {
		case step.At != "" && !known:
			return fmt.Errorf("step %d: no other Holdfast is called %q", i+1, step.At)
		case onEnvoy && step.Jump != 0:
			return fmt.Errorf("step %d: nobody sets the clock of a real host", i+1)
		case onEnvoy && time.Duration(step.Pass) > longestRealPause:
			return fmt.Errorf("step %d: too long to wait for on a real host", i+1)
		case onEnvoy && step.Properties != nil:
			return fmt.Errorf("step %d: nobody can set the properties of a real host", i+1)
		case onEnvoy && step.Broken != nil:
			return fmt.Errorf("step %d: nobody can break a real host", i+1)
		}
	}
	return nil
}

func (s *Step) check() error {
	kinds := 0
	for _, is := range []bool{s.Pass != 0, s.Jump != 0, s.changesServer(), s.Broken != nil, s.Await != "", s.Leave != ""} {
		if is {
			kinds++
		}
	}
	if err := checkServers(s.KeyServer, s.Introspection, s.Introspection2); err != nil {
		return err
	}
	if err := s.checkProofs(); err != nil {
		return err
	}
	switch {
	case s.Pass < 0 || s.Eventually < 0 || s.Tries < 0:
		return errors.New("time does not go back")
	case s.Eventually > 0 && s.Tries > 0:
		return errors.New("a request is tried again in one way")
	case kinds > 1:
		return errors.New("one step is one thing")
	case kinds == 1 && (s.Path != "" || s.Token != nil || s.Scheme != "" || s.Proof != nil || s.Tries != 0 || s.As != ""):
		return errors.New("this step is no request")
	case kinds == 0 && (s.Want == nil) != (s.As != ""):
		return errors.New(`a request has "want", or "as" when it has to wait`)
	case s.Await != "" && s.Want == nil:
		return errors.New(`"await" needs "want"`)
	case s.Want == nil:
		return nil
	case s.Want.Status == 0 || s.Want.Reason == "":
		return errors.New(`"want" needs "status" and "reason"`)
	case !slices.Contains([]string{"", "started", "cleared"}, s.Want.Session):
		return fmt.Errorf("nothing is %q to a session", s.Want.Session)
	case s.Keep != "" && s.Want.Session != "started":
		return errors.New(`"keep" needs a session that is "started"`)
	}
	return nil
}

// checkProofs looks at what a request shows of DPoP, and at what breaks.
func (s *Step) checkProofs() error {
	switch {
	case s.Scheme != "" && s.Token == nil:
		return errors.New("a scheme without a token")
	case s.Scheme != "" && !strings.EqualFold(s.Scheme, "Bearer") && !s.isDPoP():
		return fmt.Errorf("%q is no scheme for tokens", s.Scheme)
	}
	for _, p := range s.Proof {
		switch {
		case p.Again != "" && !reflect.DeepEqual(p.Token, Token{}):
			return errors.New("what is sent again is not made anew")
		case p.Opaque != "":
			return errors.New("no proof is opaque")
		case p.Name != "" && (s.Eventually > 0 || s.Tries > 0):
			return errors.New("a proof with a name is made once")
		}
	}
	if s.Broken != nil {
		for _, method := range *s.Broken {
			if _, there := reflect.TypeFor[filter.Host]().MethodByName(method); !there {
				return fmt.Errorf("no host has %q", method)
			}
		}
	}
	return nil
}

func (s *Step) isDPoP() bool { return strings.EqualFold(s.Scheme, "DPoP") }

func (s *Step) changesServer() bool {
	return s.KeyServer != nil || s.Introspection != nil || s.Introspection2 != nil
}

// RunsOn reports whether the scenario can be shown on a host.
func (s *Scenario) RunsOn(host string) bool { return s.Hosts == nil || slices.Contains(s.Hosts, host) }

// Alone reports whether the scenario needs a Holdfast that nobody used before.
func (s *Scenario) Alone() bool {
	// Answers are by token, and no two scenarios send the same. But a server that
	// fails is spared for a while.
	return s.Config != nil || s.Others != nil || s.KeyServer != nil || s.Introspection.fails() || s.Introspection2.fails() ||
		slices.ContainsFunc(s.Steps, func(step *Step) bool {
			return step.KeyServer != nil || step.Introspection.fails() || step.Introspection2.fails()
		})
}

// mergedConfig is the file's configuration with the scenario's changes, and with
// those of one of its others unless that is "".
func (f *File) mergedConfig(s *Scenario, other string) (map[string]any, error) {
	config, err := decodeObject(f.Config)
	for _, text := range []json.RawMessage{s.Config, s.Others[other]} {
		if err != nil || text == nil {
			continue
		}
		var change map[string]any
		change, err = decodeObject(text)
		config = merge(config, change)
	}
	return config, err
}

func decodeObject(text []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var object map[string]any
	return object, decoder.Decode(&object)
}

// merge is RFC 7396: objects merge, null removes, all else replaces. And an object
// in place of a list changes its elements, by their number.
func merge(base, change map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range base {
		out[name] = v
	}
	for name, v := range change {
		switch v := v.(type) {
		case nil:
			delete(out, name)
		case map[string]any:
			if list, ok := out[name].([]any); ok {
				out[name] = mergeList(list, v)
				continue
			}
			inner, _ := out[name].(map[string]any)
			out[name] = merge(inner, v)
		default:
			out[name] = v
		}
	}
	return out
}

func mergeList(base []any, change map[string]any) []any {
	out := slices.Clone(base)
	for i := range out {
		number := strconv.Itoa(i)
		if _, there := change[number]; there {
			out[i] = merge(map[string]any{number: out[i]}, change)[number]
		}
	}
	return out
}
