package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"holdfast/filter"
	"holdfast/filter/config"
	"holdfast/filter/filtertest"
)

type flagOf = flag.Flag

// explained is what "explain" is asked.
type explained struct {
	config, certificate, keys, introspection, proof string
	method, host, path, at                          string
	asJSON                                          bool
}

func (t *tool) explainFlags(e *explained) *flag.FlagSet {
	f := t.flags("explain", "TOKEN --config FILE [--cert FILE] [--jwks FILE] [--introspection FILE] [--proof FILE]")
	f.StringVar(&e.config, "config", "", "`FILE` with the filter's configuration, its own JSON")
	f.StringVar(&e.certificate, "cert", "", "`FILE` with the client certificate of the connection, PEM or DER; none without it")
	f.StringVar(&e.keys, "jwks", "", "`FILE` with the issuer's JWK Set, where the configuration fetches one: nothing is fetched here")
	f.StringVar(&e.introspection, "introspection", "", "`FILE` with what the authorization server answers about the token: nobody is asked here")
	f.StringVar(&e.proof, "proof", "", "`FILE` with the DPoP proof that came with the token")
	f.StringVar(&e.method, "method", "GET", "the request's method")
	f.StringVar(&e.host, "host", "localhost", "the request's host")
	f.StringVar(&e.path, "path", "/", "the request's path")
	f.StringVar(&e.at, "at", "", "when, as 2006-01-02T15:04:05Z; default now")
	f.BoolVar(&e.asJSON, "json", false, "print JSON")
	return f
}

// explanation is the answer of "explain".
type explanation struct {
	Allowed  bool          `json:"allowed"`
	Status   int           `json:"status"` // 200 when the request goes on to the upstream
	Reason   string        `json:"reason"`
	Reported string        `json:"reported,omitempty"` // what report_only would have refused it for
	Steps    []stepOutcome `json:"steps"`
}

type stepOutcome struct {
	Step    int      `json:"step"`
	Name    string   `json:"name"`
	Outcome string   `json:"outcome"` // passed, failed, or not reached
	Why     string   `json:"why,omitempty"`
	Facts   []string `json:"facts,omitempty"`
}

// explain plays one request on the filter itself, in a host that is made of the files
// given, and says how far it came.
func (t *tool) explain(args []string) (int, error) {
	var e explained
	token, err := t.parse(t.explainFlags(&e), args)
	switch {
	case err != nil:
		return wrongCall, err
	case e.config == "":
		return wrongCall, wrongUse{errors.New("--config is needed")}
	case token == "-":
		token, err = t.text("-")
	case strings.HasPrefix(token, "@"):
		token, err = t.text(token[1:])
	}
	if err != nil {
		return notGood, err
	}
	p, err := t.newPlay(e, token)
	if err != nil {
		return notGood, err
	}
	answer := p.explain()
	status := good
	if !answer.Allowed {
		status = notGood
	}
	if e.asJSON {
		return status, t.printJSON(answer)
	}
	t.print(answer)
	return status, nil
}

func (t *tool) print(e explanation) {
	for _, step := range e.Steps {
		fmt.Fprintf(t.out, "%d %-8s %-11s %s\n", step.Step, step.Name, step.Outcome, step.Why)
		for _, fact := range step.Facts {
			fmt.Fprintf(t.out, "  %20s %s\n", "", fact)
		}
	}
	if e.Reported != "" {
		fmt.Fprintf(t.out, "report_only let it pass: %s\n", e.Reported)
	}
	if e.Allowed {
		fmt.Fprintf(t.out, "allowed: %s\n", e.Reason)
		return
	}
	fmt.Fprintf(t.out, "refused: %d %s\n", e.Status, e.Reason)
}

// play is a request on a host of files.
type play struct {
	settings explained
	config   *config.Config
	token    string
	proof    string
	cert     *certificateOf
	now      time.Time
	worker   *filtertest.Host
	plugin   *filter.Plugin
}

func (t *tool) newPlay(e explained, token string) (*play, error) {
	doc, err := t.read(e.config)
	if err != nil {
		return nil, err
	}
	p := &play{settings: e, token: token, now: time.Now()}
	if p.config, err = parse(doc); err != nil {
		return nil, fmt.Errorf("the configuration is not good: %w", err)
	}
	if e.at != "" {
		if p.now, err = time.Parse(time.RFC3339, e.at); err != nil {
			return nil, wrongUse{errors.New("--at is not a time such as 2006-01-02T15:04:05Z")}
		}
	}
	files := map[string]string{}
	for _, name := range []string{e.keys, e.introspection, e.proof} {
		if name == "" {
			continue
		}
		if files[name], err = t.text(name); err != nil {
			return nil, err
		}
	}
	p.proof = files[e.proof]
	if e.certificate != "" {
		content, err := t.read(e.certificate)
		if err != nil {
			return nil, err
		}
		if p.cert, err = readCertificate(content); err != nil {
			return nil, err
		}
	}
	proxy := filtertest.NewProxy()
	if p.config.Host == config.HostKong {
		proxy = filtertest.NewKong()
	}
	proxy.Server = func(call filter.Call) filtertest.Reply { return p.serve(call, files) }
	proxy.Jump(p.now.Sub(filtertest.Epoch))
	p.worker = proxy.Worker()
	if p.worker.Environment, err = environment(p.config); err != nil {
		return nil, err
	}
	if p.plugin, err = p.worker.Start(string(doc)); err != nil {
		return nil, fmt.Errorf("the filter does not start: %w", err)
	}
	return p, nil
}

// serve answers for the authorization server, from files: without one nothing is there.
func (p *play) serve(call filter.Call, files map[string]string) filtertest.Reply {
	name, kind := p.settings.keys, "application/json"
	switch {
	case call.Method == "POST":
		if name = p.settings.introspection; !strings.HasPrefix(files[name], "{") {
			kind = "application/token-introspection+jwt" // RFC 9701
		}
	case strings.HasPrefix(call.Path, "/.well-known/") && name != "":
		return reply("application/json", p.metadata(call))
	}
	if name == "" {
		return filtertest.Reply{Result: filter.CallResult{Status: 503}}
	}
	return reply(kind, files[name])
}

// metadata is that of whichever issuer is at this address (RFC 8414 §3.2): all that
// the filter reads of it is where the keys are.
func (p *play) metadata(call filter.Call) string {
	for i := range p.config.Issuers {
		issuer := p.config.Issuers[i].Policy.Issuer
		at, ok := config.ParseEndpoint(issuer)
		if ok && at.Authority == call.Authority && strings.HasSuffix(call.Path, strings.TrimSuffix(at.Path, "/")) {
			document, _ := json.Marshal(map[string]string{"issuer": issuer, "jwks_uri": "https://" + at.Authority + "/jwks"}) // texts
			return string(document)
		}
	}
	return "{}"
}

func reply(kind, body string) filtertest.Reply {
	return filtertest.Reply{Result: filter.CallResult{
		Status: 200, Headers: []filter.Header{{Name: "content-type", Value: kind}}, Body: []byte(body),
	}}
}

// environment has the variables that the configuration names. One that is not set here
// gets a value that will do: no secret has a part in the decision, but for DPoP nonces.
func environment(c *config.Config) (map[string]string, error) {
	values := map[string]string{}
	for _, name := range variables(c) {
		values[name] = os.Getenv(name)
	}
	set := func(name, value string) {
		if name != "" && values[name] == "" {
			values[name] = value
		}
	}
	random := base64.StdEncoding.EncodeToString([]byte(rand.Text() + rand.Text())[:32])
	for i := range c.Issuers {
		if s := c.Issuers[i].Introspection; s != nil {
			set(s.Client.SecretEnv, random)
			key, err := signingKey()
			if err != nil {
				return nil, err
			}
			set(s.Client.KeyEnv, key)
		}
	}
	if c.Binding.DPoP != nil {
		set(c.Binding.DPoP.NonceKeyEnv, random)
	}
	if c.Session != nil {
		set(c.Session.KeyEnv, random)
	}
	return values, nil
}

// signingKey is a private JWK of nobody's.
func signingKey() (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return "", err
	}
	secret, err := key.Bytes()
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":%q,"y":%q,"d":%q}`, encode(point[1:33]), encode(point[33:]), encode(secret)), nil
}
