package e2e

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/tools/wasmfile"
)

var update = flag.Bool("update", false, "write what was measured into docs/hosts.md")

// The tables of docs/hosts.md, by what their rows are.
const properties, calls, metrics = "property", "call", "metric"

var sectionTitles = []string{properties, calls, metrics}

// TestHostTable asks the oldest and the newest Envoy what each property, call and
// metric comes to there, and compares with what docs/hosts.md says of that version.
// "make host-table" writes the document, with every version.
func TestHostTable(t *testing.T) {
	for _, variable := range Envoys() {
		t.Run(variable, func(t *testing.T) {
			s, err := StartProbe(t.Context(), os.Getenv(variable))
			if s != nil {
				t.Cleanup(func() {
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				})
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, envoyLog(s, 0))
			}
			m := &measuring{fixture: newFixture(t, s), t: t, version: must(s.Envoy.version())}
			t.Log("Envoy " + m.version)
			table := must(readHostTable())
			measured := []section{m.properties(), m.calls(), m.metrics()}
			if *update {
				table.put(m.version, measured)
				if err := os.WriteFile(hostsPath(), []byte(table.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			for _, problem := range table.compare(m.version, measured) {
				t.Error(problem)
			}
		})
	}
}

// measuring fills the column of one host.
type measuring struct {
	*fixture
	t       *testing.T
	version string
	rows    []row
}

func (m *measuring) row(name, cell string) {
	m.rows = append(m.rows, row{name, map[string]string{m.version: cell}})
}

func (m *measuring) section(title string) section {
	rows := m.rows
	m.rows = nil
	return section{title, rows}
}

// ask puts questions on one connection of a caller.
func (m *measuring) ask(c *Client, questions ...string) []string {
	m.t.Helper()
	answers, err := c.Ask(questions...)
	if err != nil {
		m.t.Fatal(err)
	}
	return answers
}

func (m *measuring) probe(c Caller) *Client { return m.ClientOf("probe", c) }

// properties are those that Holdfast reads, and connection.peer_certificate, which
// an operator may name as a source.
func (m *measuring) properties() section {
	own, none := m.probe(Caller{Certificate: m.PKI.A}), m.probe(Caller{})
	edge, server := m.probe(Caller{Certificate: m.PKI.Edge}), m.probe(Caller{Certificate: m.PKI.Server})
	digest := sha256.Sum256(m.PKI.A.Leaf.Raw)
	for _, p := range []struct {
		name, path string
		client     *Client
		words      map[string]string // what an answer means
	}{
		{"`connection.sha256_peer_certificate_digest`", "connection sha256_peer_certificate_digest", own, words(hex.EncodeToString(digest[:]), "64 hex digits")},
		{"`connection.sha256_peer_certificate_digest`, no certificate", "connection sha256_peer_certificate_digest", none, nil},
		{"`connection.peer_certificate_valid`", "connection peer_certificate_valid", own, nil},
		{"`connection.peer_certificate_valid`, no certificate", "connection peer_certificate_valid", none, nil},
		{"`connection.peer_certificate`", "connection peer_certificate", own, words(string(m.PKI.A.PEM()), "PEM")},
		{"`connection.mtls`", "connection mtls", own, nil},
		{"`connection.subject_peer_certificate`", "connection subject_peer_certificate", own, words("CN=client-a,O=Holdfast", "text, RFC 2253")},
		{"`connection.subject_peer_certificate`, no certificate", "connection subject_peer_certificate", none, nil},
		{"`connection.uri_san_peer_certificate`", "connection uri_san_peer_certificate", edge, words(EdgeID, "text")},
		{"`connection.dns_san_peer_certificate`, of several", "connection dns_san_peer_certificate", server, words(authHost, "the first")},
		{"`connection.requested_server_name`", "connection requested_server_name", own, words(apiHost, "text")},
		{"`filter_state`, `holdfast.direct_remote_address`", "filter_state holdfast.direct_remote_address", own, words("127.0.0.1", "text, no port")},
	} {
		m.row(p.name, meaning(m.ask(p.client, "property "+p.path)[0], p.words))
	}
	address := m.ask(own, "property source address")[0]
	if text, ok := value(address); ok && regexp.MustCompile(`^127\.0\.0\.1:[1-9][0-9]*$`).MatchString(text) {
		address = "text, with a port"
	}
	m.row("`source.address`", address)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		resuming := m.probe(Caller{Certificate: m.PKI.A, MaxTLS: version, Sessions: tls.NewLRUClientSessionCache(8), Reconnect: true})
		m.ask(resuming, "clock")
		if !resuming.Get("/probe", "x-probe: clock").TLS.DidResume {
			m.t.Error("no session was resumed")
		}
		answers := m.ask(resuming, "property connection sha256_peer_certificate_digest", "property connection peer_certificate_valid")
		m.row("`connection.sha256_peer_certificate_digest`, resumed "+tls.VersionName(version), meaning(answers[0], words(hex.EncodeToString(digest[:]), "64 hex digits")))
		m.row("`connection.peer_certificate_valid`, resumed "+tls.VersionName(version), meaning(answers[1], nil))
	}
	return m.section(properties)
}

// words says what one value is called in the table.
func words(value, name string) map[string]string { return map[string]string{value: name} }

// meaning writes an answer of the probe for the table.
func meaning(answer string, words map[string]string) string {
	text, ok := value(answer)
	switch {
	case !ok:
		return answer // "not found"
	case words[text] != "":
		return words[text]
	case text == "":
		return "empty"
	case len(text) == 1:
		return "one byte, " + strconv.Itoa(int(text[0]))
	}
	return fmt.Sprintf("%q", text)
}

// value is what the host gave, when it gave something.
func value(answer string) (text string, ok bool) {
	digits, ok := strings.CutPrefix(answer, "ok ")
	decoded, err := hex.DecodeString(digits)
	return string(decoded), ok && err == nil
}

// calls are the functions that the module imports: guards.TestImports keeps the list,
// and this test fails when one has no row.
func (m *measuring) calls() section {
	c := m.probe(Caller{Certificate: m.PKI.A})
	works := func(names string, ok bool) { m.row(names, map[bool]string{true: "works", false: "**differs**"}[ok]) }

	a := m.ask(c, "clock", "environ GOGC", "random", "random", "configuration")
	clock, _ := strconv.ParseInt(a[0], 10, 64)
	near := time.Since(time.UnixMilli(clock)).Abs() < time.Minute
	works("`clock_time_get`, `proxy_get_current_time_nanoseconds`", near)
	works("`environ_get`, `environ_sizes_get`", a[1] == ok("off"))
	works("`random_get`", strings.HasPrefix(a[2], "errno 0 ") && a[2] != a[3])
	configuration, _ := value(a[4])
	works("`proxy_get_buffer_bytes`: configuration, body of an answer", json.Valid([]byte(configuration)) && strings.Contains(configuration, Issuer))

	a = m.ask(c, "shared-get key", "shared-set key one 0", "shared-get key", "shared-set key two 77")
	works("`proxy_get_shared_data`, `proxy_set_shared_data`", a[0] == "not found 0" && a[1] == ok("") && strings.HasPrefix(a[2], ok("one")+" "))
	m.row("`proxy_set_shared_data`, over another one's", a[3])

	call := func(cluster string) string { return m.ask(c, "call "+cluster+" /jwks")[0] }
	answer, body, _ := strings.Cut(call("as"), " ok ")
	document, _ := hex.DecodeString(body)
	works("`proxy_http_call`, `proxy_set_tick_period_milliseconds`", answer == ":status 200" && json.Valid(document))
	m.row("`proxy_http_call` to a cluster that is not there", call("nowhere"))
	m.Auth.Fault("/jwks", Reset())
	status, text, _ := strings.Cut(call("as"), " ok ")
	m.Auth.Fault("/jwks", nil)
	m.row("`proxy_http_call` on a connection that is reset", fmt.Sprintf("`%s`, %s", status, map[bool]string{true: "no body", false: "a body of Envoy's"}[text == ""]))

	m.through(works)

	refused := c.Get("/local", "x-probe: clock")
	m.row("`proxy_send_local_response`: details in the access log", m.accessLog("/local", func(a Access) string { return a.Details }))
	works("`proxy_add_header_map_value` to an answer", slices.Equal(refused.Header.Values("x-added"), []string{"by the probe"}))
	logged := m.Envoy.Log()
	works("`proxy_log`", strings.Contains(logged, "[info][wasm]") && strings.Contains(logged, "probe: started"))
	if at := strings.Index(logged, "probe: "); strings.Contains(logged[at:], "[error][wasm]") {
		m.t.Error("a call failed")
	}
	counted := m.Envoy.Metric("probe.counter")
	works("`proxy_define_metric`, `proxy_increment_metric`", counted > 0)
	eventually(m.t, "Envoy has merged its histograms", func() bool {
		text = must(m.Envoy.Get("/stats/prometheus"))
		return strings.Contains(text, fmt.Sprintf("\nprobe_histogram_count{} %d\n", counted))
	})
	_, text, _ = strings.Cut(text, "\nprobe_histogram_sum{} ")
	text, _, _ = strings.Cut(text, "\n")
	sum, err := strconv.ParseFloat(text, 64)
	works("`proxy_record_metric`", err == nil && math.Abs(sum/float64(7*counted)-1) < 0.05) // Envoy rounds
	m.foreign(c)
	a = m.ask(c, "poll_oneoff", "sched_yield")
	m.row("`poll_oneoff`, which the module does without", a[0])
	m.row("`sched_yield`, which the module does without", a[1])
	works("the rest of WASI (`args_*`, `fd_*`, `proc_exit`): the module loads", must(m.Envoy.Stats())["wasmcustom.holdfast.jwks.fetched"] > 0)
	s := m.section(calls)
	m.everyImport(s)
	return s
}

// through sends a request past the probe and looks at what has become of it.
func (m *measuring) through(works func(string, bool)) {
	c := m.probe(Caller{Certificate: m.PKI.A, HTTP2: true})
	a := c.Do(m.t.Context(), "POST", "/through", bytes.NewReader([]byte("body")), "x-probe: through", "x-two: a", "x-two: b",
		"x-removed: a", "x-removed: b", "x-replaced: a", "x-replaced: b", ResponseHeader+": x-replaced: a", "trailer x-removed: a")
	if a.Seen == nil {
		m.t.Fatalf("the request did not get through: %s", describe(a))
	}
	works("`proxy_set_effective_context`, `proxy_continue_stream`", a.Status == 200 && a.Seen.Body == "body")
	works("`proxy_get_header_map_pairs`", slices.Equal(a.Seen.Header.Values("x-two"), []string{"a", "b"}))
	works("`proxy_remove_header_map_value`, all of one name", a.Seen.Header.Values("x-removed") == nil && a.Seen.Trailer.Get("x-removed") == "")
	works("`proxy_replace_header_map_value`, all of one name", slices.Equal(a.Seen.Header.Values("x-replaced"), []string{"by the probe"}))
	works("`proxy_replace_header_map_value` of an answer", slices.Equal(a.Header.Values("x-replaced"), []string{"by the probe"}))
	works("`proxy_get_property`, `proxy_set_property`: access log", m.accessLog("/through", func(a Access) string { return a.Reason }) == "probed")
}

// accessLog waits for the line about a path.
func (m *measuring) accessLog(path string, field func(Access) string) (found string) {
	eventually(m.t, "a line in the access log", func() bool {
		for _, line := range m.Envoy.Access() {
			if line.Path == path {
				found = field(line)
				return true
			}
		}
		return false
	})
	return found
}

// foreign shows verify_signature good and tampered signatures.
func (m *measuring) foreign(c *Client) {
	const text = "header.payload"
	digest := sha256.Sum256([]byte(text))
	ec := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	rs := must(rsa.GenerateKey(rand.Reader, 2048))
	for _, k := range []struct {
		name      string
		key       any
		signature []byte
	}{
		{"ES256", &ec.PublicKey, must(ecdsa.SignASN1(rand.Reader, ec, digest[:]))},
		{"RS256", &rs.PublicKey, must(rsa.SignPKCS1v15(rand.Reader, rs, crypto.SHA256, digest[:]))},
		{"PS256", &rs.PublicKey, must(rsa.SignPSS(rand.Reader, rs, crypto.SHA256, digest[:], nil))},
	} {
		der := must(x509.MarshalPKIXPublicKey(k.key))
		question := func(text string) string {
			return "foreign verify_signature " + hex.EncodeToString(protobuf("sha256", string(der), string(k.signature), text))
		}
		a := m.ask(c, question(text), question(text+"x"))
		good, ok1 := value(a[0])
		bad, ok2 := value(a[1])
		cell := a[0]
		switch {
		case ok1 && ok2 && good == "\x08\x01" && !strings.HasPrefix(bad, "\x08\x01"):
			cell = "verifies"
		case ok1 && ok2:
			cell = "does not verify"
		}
		m.row("`proxy_call_foreign_function`, `verify_signature` "+k.name, cell)
	}
}

// protobuf writes fields of bytes, numbered from 1.
func protobuf(fields ...string) (b []byte) {
	for i, f := range fields {
		b = append(b, byte(i+1)<<3|2)
		for n := len(f); ; n >>= 7 {
			if n < 0x80 {
				b = append(b, byte(n))
				break
			}
			b = append(b, byte(n)|0x80)
		}
		b = append(b, f...)
	}
	return b
}

// everyImport fails for a function of the host that the module imports and the table
// does not name.
func (m *measuring) everyImport(s section) {
	var names strings.Builder
	for _, r := range s.rows {
		names.WriteString(r.name)
	}
	module, err := wasmfile.Open(m.options.Wasm)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, i := range module.Imports {
		family, _, _ := strings.Cut(i.Name, "_")
		if !strings.Contains(names.String(), "`"+i.Name+"`") && !strings.Contains(names.String(), "`"+family+"_*`") {
			m.t.Errorf("the module imports %s: no row of the table is about it", i.Name)
		}
	}
}

// metrics are all that Holdfast has on this Envoy, with a name for each reason folded
// into one row, and what Envoy itself counts of the VM: the kind that /stats/prometheus
// gives to the name without "wasmcustom." and with "_" for ".".
func (m *measuring) metrics() section {
	for _, c := range []struct {
		client *Client
		status int
	}{{m.A, 200}, {m.B, 401}} {
		if a := c.client.Get(path, m.bearer(m.t, m.PKI.A)); a.Status != c.status {
			m.t.Fatalf("got %s, want %d", describe(a), c.status)
		}
	}
	token := must(m.OpaqueToken(m.PKI.A))
	passed(m.t, m.A.Get(path, "authorization: Bearer "+token))
	served := map[string]string{} // on /stats/prometheus, by name
	eventually(m.t, "the histograms have been merged", func() bool {
		for line := range strings.Lines(must(m.Envoy.Get("/stats/prometheus"))) {
			if f := strings.Fields(line); len(f) == 4 && f[1] == "TYPE" {
				served[f[2]] = f[3]
			}
		}
		return served["holdfast_introspection_ms"] != "" && served["holdfast_verify_us"] != ""
	})
	kinds := map[string]string{}
	for line := range strings.Lines(must(m.Envoy.Get("/stats"))) {
		name, _, _ := strings.Cut(line, ": ")
		if own, ok := strings.CutPrefix(name, "wasmcustom."); ok && strings.HasPrefix(own, "holdfast.") {
			folded := regexp.MustCompile(`^holdfast\.(denied|report_only)\..*`).ReplaceAllString(own, "holdfast.$1.<reason>")
			kind := or(served[strings.ReplaceAll(own, ".", "_")], "not there")
			if before := kinds[folded]; before != "" && before != kind {
				kind = before + ", " + kind
			}
			kinds[folded] = kind
		}
	}
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		m.row("`"+name+"`", kinds[name])
	}
	for _, name := range []string{"wasm.holdfast.vm_reload", "wasm.holdfast.vm_reload_backoff", "wasm.holdfast.vm_reload_failure", "wasm.holdfast.vm_reload_success", "wasm.wasm_vm_count"} {
		m.row("Envoy's own `"+name+"`", or(served["envoy_"+strings.ReplaceAll(name, ".", "_")], "not there"))
	}
	return m.section(metrics)
}
