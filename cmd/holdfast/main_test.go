package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// kit is a folder with what an operator would have.
type kit struct {
	dir     string
	issuer  *ecdsa.PrivateKey
	own     []byte // DER
	another []byte
}

func newKit(t *testing.T) *kit {
	t.Helper()
	k := &kit{dir: t.TempDir()}
	var err error
	if k.issuer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	k.own, k.another = certificate(t, "client-a"), certificate(t, "client-b")
	k.write(t, "own.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.own}))+string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.another})))
	k.write(t, "own.der", string(k.own))
	k.write(t, "another.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.another})))
	k.write(t, "jwks.json", `{"keys":[`+jwk(t, k.issuer)+`]}`)
	k.write(t, "config.json", k.config(`"uri":"https://as.example.com/jwks","cluster":"as"`, ""))
	return k
}

func (k *kit) config(keys, rest string) string {
	return `{"issuers":[{"issuer":"https://as.example.com","audiences":["https://api.example.com"],"jwks":{` + keys + `}}]` + rest +
		`,"rules":[{"match":{"path":"/payments"},"scopes":["payments:write"]}]}`
}

func (k *kit) write(t *testing.T, name, content string) string {
	t.Helper()
	path := k.path(name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (k *kit) path(name string) string { return filepath.Join(k.dir, name) }

func certificate(t *testing.T, name string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func jwk(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":%q,"y":%q}`, encode(point[1:33]), encode(point[33:]))
}

func x5t(der []byte) string {
	digest := sha256.Sum256(der)
	return encode(digest[:])
}

// mint signs a token that is good for an hour and has these further claims.
func mint(t *testing.T, key *ecdsa.PrivateKey, header, claims string) string {
	t.Helper()
	input := encode([]byte(header)) + "." + encode([]byte(claims))
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + encode(signature[:])
}

func (k *kit) token(t *testing.T, cnf string) string {
	return mint(t, k.issuer, `{"alg":"ES256","typ":"at+jwt"}`, fmt.Sprintf(
		`{"iss":"https://as.example.com","aud":"https://api.example.com","sub":"a","scope":"accounts:read","exp":%d,"cnf":%s}`, time.Now().Add(time.Hour).Unix(), cnf))
}

// run calls the tool, and returns its exit status and what it printed.
func run(t *testing.T, in string, args ...string) (status int, out, errors string) {
	t.Helper()
	var o, e bytes.Buffer
	status = (&tool{strings.NewReader(in), &o, &e}).run(args)
	return status, o.String(), e.String()
}

func TestCheck(t *testing.T) {
	k := newKit(t)
	bad := k.write(t, "bad.json", `{"issuers":[{"issuer":"a","audiences":["b"],"jwks":{"uri":"x","cluster":"as"}}],"realm":1}`)
	secret := k.write(t, "secret.json", k.config(`"uri":"https://as.example.com/jwks","cluster":"as"`, `,"session":{"key_env":"KEYS"}`))
	for _, tt := range []struct {
		in     string
		args   []string
		status int
		out    string
	}{
		{"", []string{"check", k.path("config.json")}, good, "good\n"},
		{"", []string{"check", secret}, good, "good\nthe VM needs the environment variable KEYS\n"},
		{"", []string{"check", bad}, notGood, "issuers[0].jwks.uri: "},
		{"", []string{"check", bad}, notGood, "realm: must be a string, not a number\n"},
		{"", []string{"check", "--json", bad}, notGood, `"path": "realm"`},
		{"", []string{"check", secret, "--json"}, good, `"environment": [`},
		{k.config(`"discovery":true,"cluster":"as"`, ""), []string{"check", "-"}, good, "good\n"},
		{"", []string{"check", k.path("nothing")}, wrongCall, ""},
		{"", []string{"check", k.dir}, wrongCall, ""},
		{"", []string{"thumbprint", k.path("nothing")}, wrongCall, ""},
		{"static_resources:\n", []string{"check", "-"}, notGood, "configuration: is no JSON object: of an Envoy file"},
		{"", []string{"check"}, wrongCall, ""},
		{"", []string{"check", "a", "b"}, wrongCall, ""},
		{"", []string{"check", "--yaml", "a"}, wrongCall, ""},
		{"", []string{"check", "--help"}, good, "usage: holdfast check FILE"},
		{"", []string{"help"}, good, "usage: holdfast COMMAND"},
		{"", nil, wrongCall, ""},
		{"", []string{"verify"}, wrongCall, ""},
	} {
		status, out, errors := run(t, tt.in, tt.args...)
		if status != tt.status || !strings.Contains(out, tt.out) || status == wrongCall && errors == "" {
			t.Errorf("%q: %d, %q, %q, want %d, %q", tt.args, status, out, errors, tt.status, tt.out)
		}
	}
}

// A setting without effect is told, and is no reason to call a configuration bad.
func TestCheckIdle(t *testing.T) {
	issuer := func(keys, introspection string) string {
		return `{"issuers":[{"issuer":"https://as.example.com","audiences":["a"],"jwks":{` + keys + `}` + introspection + `}]`
	}
	const dpop = `,"proof_of_possession":{"methods":["dpop"],"dpop":{"origin":["https://api.example.com"],`
	const times = `,"timeout":"1s","cache_duration":"1m","stale_if_error":"1m","unknown_kid_interval":"1m"`
	const limits = `,"limits":{"jwks_bytes":4096,"introspection_calls":8,"introspection_bytes":4096,"waiting_requests":8,"replay_entries":4096}`
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	fetched, inline := `"uri":"https://as.example.com/jwks","cluster":"as"`, `"inline":{"keys":[`+jwk(t, key)+`]}`
	asked := func(ttl string) string {
		return `,"introspection":{"endpoint":"https://as.example.com/i","cluster":"as","client_auth":"none","cache_entries":8` + ttl + `}`
	}
	for name, tt := range map[string]struct {
		doc  string
		want []string // paths
	}{
		"nothing":    {issuer(fetched, "") + "}", nil},
		"all in use": {issuer(fetched+times, asked("")) + dpop + `"nonce":"required","nonce_key_env":"K","nonce_lifetime":"1m"}}` + limits + "}", nil},
		"a nonce that is off": {issuer(fetched, "") + dpop + `"nonce":"off","nonce_key_env":"K","nonce_lifetime":"1m"}}}`,
			[]string{"proof_of_possession.dpop.nonce_key_env", "proof_of_possession.dpop.nonce_lifetime"}},
		"inline keys": {issuer(inline+times, "") + limits + "}", []string{
			"issuers[0].jwks.timeout", "issuers[0].jwks.cache_duration", "issuers[0].jwks.stale_if_error", "issuers[0].jwks.unknown_kid_interval",
			"limits.jwks_bytes", "limits.introspection_calls", "limits.introspection_bytes", "limits.waiting_requests", "limits.replay_entries"}},
		"inline keys, asked": {issuer(inline, asked("")) + `,"limits":{"waiting_requests":8}}`, nil},
		"no header to trust": {issuer(fetched, "") + `,"certificate":{"trusted_proxies":{"addresses":["10.0.0.0/8"]}}}`, []string{"certificate.trusted_proxies"}},
		"a header to trust":  {issuer(fetched, "") + `,"certificate":{"sources":[{"xfcc":{}}],"trusted_proxies":{"addresses":["10.0.0.0/8"]}}}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			status, out, errors := run(t, tt.doc, "check", "-", "--json")
			var answer checked
			if err := json.Unmarshal([]byte(out), &answer); err != nil || status != good || !answer.Good {
				t.Fatalf("%d, %s%s", status, out, errors)
			}
			var got []string
			for _, p := range answer.Idle {
				got = append(got, p.Path)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	_, out, _ := run(t, issuer(fetched, "")+limits+"}", "check", "-")
	if want := "good\nlimits.introspection_calls: has no effect unless an issuer has introspection\n"; !strings.HasPrefix(out, want) {
		t.Errorf("%q, want %q first", out, want)
	}
}

func TestThumbprint(t *testing.T) {
	k := newKit(t)
	for _, file := range []string{"own.pem", "own.der"} {
		status, out, _ := run(t, "", "thumbprint", k.path(file))
		if status != good || !strings.HasPrefix(out, "x5t#S256  "+x5t(k.own)+"\nhex       ") {
			t.Errorf("%s: %d, %q", file, status, out)
		}
	}
	// RFC 7638 §3.1
	rsa := `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB"}`
	status, out, _ := run(t, rsa, "thumbprint", "-", "--json")
	if status != good || !strings.Contains(out, `"cnf": "jkt"`) || !strings.Contains(out, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs") {
		t.Errorf("%d, %q", status, out)
	}
	for _, in := range []string{"", "x", "{}", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"} {
		if status, out, errors := run(t, in, "thumbprint", "-"); status != notGood || out != "" || errors == "" {
			t.Errorf("%q: %d, %q", in, status, out)
		}
	}
}

func TestExplain(t *testing.T) {
	k := newKit(t)
	k.write(t, "opaque.json", `{"issuers":[{"issuer":"https://as.example.com","audiences":["https://api.example.com"],"jwks":{"discovery":true,"cluster":"as"},
		"introspection":{"endpoint":"https://as.example.com/i","cluster":"as","client_id":"a","client_auth":"private_key_jwt","private_key_env":"HOLDFAST_TEST_NOTHING"}}]}`)
	k.write(t, "answer.json", `{"active":true,"aud":"https://api.example.com","cnf":{"x5t#S256":"`+x5t(k.own)+`"}}`)
	k.write(t, "report.json", k.config(`"uri":"https://as.example.com/jwks","cluster":"as"`, `,"proof_of_possession":{"report_only":true}`))
	k.write(t, "dpop.json", k.config(`"uri":"https://as.example.com/jwks","cluster":"as"`, `,"proof_of_possession":{"methods":["dpop"],"dpop":{"origin":["https://api.example.com"]}}`))
	k.write(t, "kong.json", k.config(`"uri":"https://as.example.com/jwks","cluster":"as.example.com:443"`, `,"host":"kong"`))
	bound := k.token(t, `{"x5t#S256":"`+x5t(k.own)+`"}`)
	signature := bound[strings.LastIndexByte(bound, '.')+1:]
	k.write(t, "token", bound+"\n")

	client, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, out, _ := run(t, jwk(t, client), "thumbprint", "-", "--json")
	var jkt prints
	if err := json.Unmarshal([]byte(out), &jkt); err != nil {
		t.Fatal(err)
	}
	toKey := k.token(t, `{"jkt":"`+jkt.Base64URL+`"}`)
	ath := sha256.Sum256([]byte(toKey))
	k.write(t, "proof", mint(t, client, `{"alg":"ES256","typ":"dpop+jwt","jwk":`+jwk(t, client)+`}`, fmt.Sprintf(
		`{"jti":"1","htm":"GET","htu":"https://api.example.com/","iat":%d,"ath":%q}`, time.Now().Unix(), encode(ath[:]))))

	explain := func(token string, flags ...string) []string {
		args := []string{"explain", token}
		for _, f := range flags {
			name, value, has := strings.Cut(f, "=")
			if has && strings.ContainsAny(name, "cjip") && !strings.HasPrefix(name, "--path") && !strings.HasPrefix(name, "--at") {
				value = k.path(value)
			}
			args = append(args, name)
			if has {
				args = append(args, value)
			}
		}
		return args
	}
	const conf, keys, own = "--config=config.json", "--jwks=jwks.json", "--cert=own.pem"
	for name, tt := range map[string]struct {
		args   []string
		status int
		out    []string
	}{
		"allowed":         {explain(bound, conf, keys, own), good, []string{"allowed: token_accepted", "4 allowed  passed", "token's x5t#S256 " + x5t(k.own), "certificate    " + x5t(k.own) + "  CN=client-a"}},
		"from a file":     {explain("@"+k.path("token"), conf, keys, own), good, []string{"allowed: token_accepted"}},
		"stolen":          {explain(bound, conf, keys, "--cert=another.pem"), notGood, []string{"2 valid    passed", "3 bound    failed      cnf_mismatch: ", "4 allowed  not reached", "refused: 401 cnf_mismatch"}},
		"no certificate":  {explain(bound, conf, keys), notGood, []string{"certificate_missing", "certificate    none"}},
		"on Kong":         {explain(bound, "--config=kong.json", keys, own), good, []string{"allowed: token_accepted"}},
		"stolen, on Kong": {explain(bound, "--config=kong.json", keys, "--cert=another.pem"), notGood, []string{"3 bound    failed      cnf_mismatch: "}},
		"no keys":         {explain(bound, conf, own), notGood, []string{"2 valid    failed      keys_unavailable: nothing is fetched here, so --jwks is needed"}},
		"later":           {explain(bound, conf, keys, own, "--at=2100-01-01T00:00:00Z"), notGood, []string{"2 valid    failed      expired: ", " ago)"}},
		"scopes":          {explain(bound, conf, keys, own, "--path=/payments"), notGood, []string{"4 allowed  failed      scope_insufficient", `scope "accounts:read"`}},
		"path":            {explain(bound, conf, keys, own, "--path=/a/../b"), notGood, []string{"0 rule     failed      ambiguous_path", "1 token    not reached"}},
		"no token":        {explain("", conf, keys, own), notGood, []string{"1 token    failed      no_token\n"}},
		"report_only":     {explain(bound, "--config=report.json", keys, "--cert=another.pem"), good, []string{"report_only let it pass: cnf_mismatch"}},
		"opaque":          {explain("opaque", "--config=opaque.json", "--introspection=answer.json", own), good, []string{"an opaque token", "allowed: token_accepted"}},
		"opaque, unasked": {explain("opaque", "--config=opaque.json", own), notGood, []string{"introspection_unavailable: nobody is asked here, so --introspection is needed"}},
		"discovery":       {explain(bound, "--config=opaque.json", keys, own), good, []string{"allowed: token_accepted"}},
		"broken":          {explain(bound[:len(bound)-5], conf, keys, own), notGood, []string{"2 valid    failed"}},
		"dpop":            {explain(toKey, "--config=dpop.json", keys, "--proof=proof"), good, []string{"proof's key    " + jkt.Base64URL, "proof's htu    https://api.example.com/", "allowed"}},
		"dpop as Bearer":  {explain(toKey, "--config=dpop.json", keys), notGood, []string{"dpop_scheme_required"}},
		"json":            {explain(bound, conf, keys, "--cert=another.pem", "--json"), notGood, []string{`"allowed": false`, `"reason": "cnf_mismatch"`, `"outcome": "failed"`}},
		"bad config":      {explain(bound, "--config=jwks.json"), notGood, nil},
		"bad cert":        {explain(bound, conf, "--cert=token"), notGood, nil},
		"bad time":        {explain(bound, conf, "--at=today"), wrongCall, nil},
		"no config":       {explain(bound), wrongCall, nil},
		"no such keys":    {explain(bound, conf, "--jwks=nothing"), wrongCall, nil},
		"no such cert":    {explain(bound, conf, keys, "--cert=nothing"), wrongCall, nil},
		"no such config":  {explain(bound, "--config=nothing"), wrongCall, nil},
		"no such token":   {explain("@"+k.path("nothing"), conf, keys), wrongCall, nil},
	} {
		t.Run(name, func(t *testing.T) {
			status, out, errors := run(t, "", tt.args...)
			if status != tt.status {
				t.Errorf("status %d, want %d: %s %s", status, tt.status, out, errors)
			}
			for _, want := range tt.out {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in\n%s%s", want, out, errors)
				}
			}
			if strings.Contains(out+errors, signature[:20]) {
				t.Errorf("the signature is printed: %s%s", out, errors)
			}
		})
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		status, out, _ := run(t, "", "completion", shell)
		if status != good || !strings.Contains(out, "check thumbprint explain completion") || !strings.Contains(out, "introspection") {
			t.Errorf("%s: %d, %q", shell, status, out)
		}
	}
	if status, _, _ := run(t, "", "completion", "csh"); status != wrongCall {
		t.Errorf("csh: %d", status)
	}
	// bash takes it, and completes a command.
	_, script, _ := run(t, "", "completion", "bash")
	out, err := exec.Command("bash", "-c", script+"COMP_WORDS=(holdfast ex); COMP_CWORD=1; _holdfast; echo ${COMPREPLY[@]}").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "explain" {
		t.Errorf("%v: %s", err, out)
	}
}
