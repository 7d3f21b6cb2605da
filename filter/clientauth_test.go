package filter_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/filter"
	"holdfast/filter/filtertest"
	"holdfast/jwt"
)

// authenticates is a configuration whose introspection authenticates so.
func authenticates(members string, rest ...string) string {
	return strings.Replace(asks("", rest...), `"client_id":"gw","client_secret":"s3cret"`, members, 1)
}

// startClient starts a worker with this environment, whose calls are answered with
// an active token.
func startClient(t *testing.T, environment map[string]string, change string) *worker {
	t.Helper()
	proxy := filtertest.NewProxy()
	proxy.Server = always(said())
	w := &worker{Host: proxy.Worker(), t: t, proxy: proxy}
	w.Environment = environment
	plugin, err := w.Start(configure(t, change))
	if err != nil {
		t.Fatal(err)
	}
	w.plugin = plugin
	return w
}

// question asks about a token and returns the call.
func (w *worker) question(token string) *filtertest.Call {
	w.t.Helper()
	w.expectSettled(get(token), "token_accepted")
	return w.Dispatched[len(w.Dispatched)-1]
}

// callField is the values of a header field of a call.
func callField(call *filtertest.Call, name string) []string {
	var values []string
	for _, h := range call.Headers {
		if strings.EqualFold(h.Name, name) {
			values = append(values, h.Value)
		}
	}
	return values
}

func TestRFC6749_2_3_1_ClientSecretBasic(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ id, secret, pair string }{
		"the RFC's example":  {"s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw", "s6BhdRkqt3:7Fjfp0ZBr1KtDRbnfVdmIw"},
		"a colon in the id":  {"urn:x:1", "a:b", "urn%3Ax%3A1:a%3Ab"},
		"T22e what is coded": {"a b", "p+w%d&x=y/", "a+b:p%2Bw%25d%26x%3Dy%2F"},
	} {
		for from, environment := range map[string]map[string]string{"configuration": nil, "environment": {"SECRET": tt.secret}} {
			t.Run(name+", "+from, func(t *testing.T) {
				t.Parallel()
				secret := `"client_secret":"` + tt.secret + `"`
				if environment != nil {
					secret = `"client_secret_env":"SECRET"`
				}
				w := startClient(t, environment, authenticates(`"client_id":"`+tt.id+`",`+secret))
				call := w.question("opaque")
				want := "Basic " + base64.StdEncoding.EncodeToString([]byte(tt.pair))
				if got := callField(call, "authorization"); len(got) != 1 || got[0] != want {
					t.Errorf("%q, want %q", got, want)
				}
				if call.Body != "token=opaque" { // RFC 6749 §2.3: one method for each request
					t.Error(call.Body)
				}
			})
		}
	}
}

func TestRFC6749_2_3_1_ClientSecretPost(t *testing.T) {
	t.Parallel()
	w := startClient(t, map[string]string{"SECRET": "p+w d&token=x"},
		authenticates(`"client_auth":"client_secret_post","client_id":"urn:x","client_secret_env":"SECRET","params":{"b":"2 3","a":"1&1"}`))
	call := w.question("opaque")
	if want := "token=opaque&a=1%261&b=2+3&client_id=urn%3Ax&client_secret=p%2Bw+d%26token%3Dx"; call.Body != want {
		t.Errorf("%s, want %s", call.Body, want)
	}
	if got := callField(call, "authorization"); got != nil {
		t.Errorf("%q", got)
	}
	if got := form(t, call.Call)["token"]; len(got) != 1 {
		t.Errorf("%q", got)
	}
}

// What means something in a form and may stand in a token is encoded once. The rest
// is no token, from whatever source (RFC 6750 §2.1: b64token).
func TestT22e_TheTokenIsEncodedOnce(t *testing.T) {
	t.Parallel()
	w := startClient(t, nil, asks("", `"token_sources":[{"authorization":{}},{"cookie":{"name":"tok"}}]`))
	if got := w.question("mF_9.B5f-4.1JqM~+/==").Body; got != "token=mF_9.B5f-4.1JqM%7E%2B%2F%3D%3D" {
		t.Error(got)
	}
	for _, token := range []string{"a%26b", "a&token=b", "a#b?c", "a=b", "\"a\"", "a,b"} {
		w.expect(get(token), "malformed_credentials")
		w.expect(filtertest.NewStream("GET", host, "/", field("cookie", "tok="+token)).Present(certA), "malformed_credentials")
	}
	if len(w.Dispatched) != 1 {
		t.Errorf("%d calls", len(w.Dispatched))
	}
}

func TestRFC8705_2_TLSClientAuthAndNone(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ members, body string }{
		"tls_client_auth":      {`"client_auth":"tls_client_auth","client_id":"gw"`, "token=opaque&client_id=gw"},
		"none":                 {`"client_auth":"none","client_id":"gw"`, "token=opaque&client_id=gw"},
		"none, and no id":      {`"client_auth":"none"`, "token=opaque"},
		"none, with a header":  {`"client_auth":"none","headers":{"Authorization":"Bearer of-holdfast"}`, "token=opaque"},
		"none, with parameter": {`"client_auth":"none","params":{"token_type_hint":"access_token"}`, "token=opaque&token_type_hint=access_token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startClient(t, nil, authenticates(tt.members))
			call := w.question("opaque")
			if call.Body != tt.body {
				t.Errorf("%s, want %s", call.Body, tt.body)
			}
			if got := callField(call, "authorization"); (got != nil) != strings.Contains(tt.members, "Authorization") {
				t.Errorf("%q", got)
			}
		})
	}
}

// clientKey is the client's private JWK, and the JWK Set that the server has of it.
func clientKey(t *testing.T, kty string) (private, public string) {
	t.Helper()
	if kty == "EC" {
		d, err := newKey("client").Bytes()
		if err != nil {
			t.Fatal(err)
		}
		public = jwks("client")
		return strings.TrimSuffix(strings.TrimPrefix(public, `{"keys":[`), `}]}`) + `,"d":"` + encode(d) + `"}`, public
	}
	key := clientRSA()
	number := func(n *big.Int) string { return `:"` + encode(n.Bytes()) + `"` }
	open := `{"kty":"RSA","kid":"client","n"` + number(key.N) + `,"e":"AQAB"`
	return open + `,"d"` + number(key.D) + `,"p"` + number(key.Primes[0]) + `,"q"` + number(key.Primes[1]) + `,"dp"` + number(key.Precomputed.Dp) +
		`,"dq"` + number(key.Precomputed.Dq) + `,"qi"` + number(key.Precomputed.Qinv) + `}`, `{"keys":[` + open + `}]}`
}

var clientRSA = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

const withAssertion = `"client_auth":"private_key_jwt","client_id":"gw","private_key_env":"KEY"`

// verified reads the assertion of a call and verifies it as a server would.
func verified(t *testing.T, call *filtertest.Call, public string) jwt.Claims {
	t.Helper()
	values := form(t, call.Call)
	for name, want := range map[string]string{"client_id": "gw", "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"} {
		if got := values[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if len(values) != 4 || len(values["client_assertion"]) != 1 || callField(call, "authorization") != nil {
		t.Errorf("%v, %v", values, call.Headers)
	}
	token, err := jwt.Parse(values.Get("client_assertion"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jwt.ParseKeySet(public)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.Find(token.Header())
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Verify(token); err != nil {
		t.Fatal(err)
	}
	return token.Claims()
}

func TestRFC7523_3_PrivateKeyJWT(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ kty, more, aud string }{
		"ES256": {"EC", ``, issuerURL},
		"PS256": {"RSA", ``, issuerURL},
		"another aud": {"EC", `,"client_assertion_audience":"https://as.example.com/introspect"`,
			"https://as.example.com/introspect"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			private, public := clientKey(t, tt.kty)
			w := startClient(t, map[string]string{"KEY": private}, authenticates(withAssertion+tt.more))
			seen := map[string]bool{}
			for i := range 3 {
				now := w.proxy.Now().Unix()
				claims := verified(t, w.question(fmt.Sprint("opaque", i)), public)
				var got map[string]any
				if err := json.Unmarshal([]byte(claims.Object().Raw()), &got); err != nil {
					t.Fatal(err)
				}
				id, _ := got["jti"].(string)
				if len(id) != 32 || seen[id] {
					t.Errorf("jti %q", id)
				}
				seen[id] = true
				delete(got, "jti")
				if want := (object{"iss": "gw", "sub": "gw", "aud": tt.aud, "iat": float64(now), "exp": float64(now + 60)}); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%v, want %v", got, want)
				}
				w.proxy.Advance(time.Second)
			}
		})
	}
}

// Without randomness nothing is asked: a jti or a salt that comes twice is worse than
// a client that has to try again.
func TestRFC7523_3_NoRandomness(t *testing.T) {
	t.Parallel()
	for _, kty := range []string{"EC", "RSA"} {
		t.Run(kty, func(t *testing.T) {
			t.Parallel()
			private, _ := clientKey(t, kty)
			w := startClient(t, map[string]string{"KEY": private}, authenticates(withAssertion))
			w.Faults = filtertest.FailOn(errHost, "Random")
			for i := range 5 {
				s := get(fmt.Sprint("opaque", i))
				w.expectSettled(s, "introspection_unavailable")
				if s.Answer.Status != 503 {
					t.Errorf("answered with %d", s.Answer.Status)
				}
			}
			if len(w.Dispatched) != 0 {
				t.Errorf("%d calls", len(w.Dispatched))
			}
			if got := introspections(w); got != [5]uint64{0, 0, 5, 0, 0} {
				t.Error(got)
			}
			// It is not the server that is out of reach: the breaker stays closed.
			w.Faults = nil
			w.expectSettled(get("another"), "token_accepted")
		})
	}
	// The salt of PS256 alone.
	private, _ := clientKey(t, "RSA")
	w := startClient(t, map[string]string{"KEY": private}, authenticates(withAssertion))
	asked := 0
	w.Faults = func(method string) error {
		if method == "Random" {
			if asked++; asked == 2 {
				return errHost
			}
		}
		return nil
	}
	w.expectSettled(get("opaque"), "introspection_unavailable")
	if len(w.Dispatched) != 0 || asked != 2 {
		t.Errorf("%d calls, asked %d times", len(w.Dispatched), asked)
	}
}

// T24: a key that is of no use fails the start, by its path, and is not shown.
func TestT24_WrongPrivateKeys(t *testing.T) {
	t.Parallel()
	ec, public := clientKey(t, "EC")
	rsa, _ := clientKey(t, "RSA")
	for name, key := range map[string]string{
		"nothing":         "",
		"a PEM file":      "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49very-secret\n-----END PRIVATE KEY-----",
		"cut":             ec[:len(ec)-1],
		"a public key":    strings.TrimSuffix(strings.TrimPrefix(public, `{"keys":[`), `]}`),
		"a set":           `{"keys":[` + ec + `]}`,
		"for encryption":  strings.Replace(ec, `{`, `{"use":"enc",`, 1),
		"another's point": strings.Replace(ec, `"x":"`, `"x":"A`, 1),
		"another curve":   strings.Replace(ec, "P-256", "P-384", 1),
		"RSA, wrong e":    strings.Replace(rsa, "AQAB", "AQAD", 1),
		"RSA for RS256":   strings.Replace(rsa, `{`, `{"alg":"RS256",`, 1),
		"a secret":        "very-secret",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := filtertest.NewProxy().Worker()
			h.Environment = map[string]string{"KEY": key}
			p, err := h.Start(configure(t, authenticates(withAssertion)))
			if err == nil || p != nil {
				t.Fatal("it starts")
			}
			if log := h.LogText(); !strings.Contains(log, "issuers[0].introspection.private_key_env: ") {
				t.Error(log)
			}
			// No eight characters of it in a row but those of names that JWKs share.
			for i := 0; i+8 <= len(key); i++ {
				if part := key[i : i+8]; strings.Contains(h.LogText()+err.Error(), part) {
					t.Errorf("%q is shown", part)
				}
			}
		})
	}
	h := filtertest.NewProxy().Worker()
	if _, err := h.Start(configure(t, authenticates(withAssertion))); err == nil || !strings.Contains(h.LogText(), "private_key_env: names a variable") {
		t.Errorf("%v: %s", err, h.LogText())
	}
}

// T24: nothing that a client proves itself with gets into a line or an answer,
// whatever the server does with it.
func TestT24_ServersThatRepeatCredentials(t *testing.T) {
	t.Parallel()
	private, _ := clientKey(t, "EC")
	for name, members := range map[string]string{
		"basic": `"client_id":"gw","client_secret_env":"SECRET"`, "post": `"client_auth":"client_secret_post","client_id":"gw","client_secret_env":"SECRET"`, "jwt": withAssertion,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startClient(t, map[string]string{"SECRET": "very-secret", "KEY": private}, authenticates(members))
			var sent []string
			w.proxy.Server = func(call filter.Call) filtertest.Reply {
				sent = append(sent, call.Body)
				for _, h := range call.Headers {
					if h.Name == "authorization" {
						sent = append(sent, h.Value)
					}
				}
				return filtertest.Reply{Result: filter.CallResult{Status: 401, Headers: []filter.Header{field("www-authenticate", sent[0]), field("content-type", sent[0])}, Body: []byte(strings.Join(sent, " "))}}
			}
			s := get("opaque-token")
			w.expectSettled(s, "introspection_unavailable")
			shown := w.LogText() + fmt.Sprint(*s.Answer, s.Left)
			for _, secret := range append(sent, "opaque-token", "very-secret", private) {
				if strings.Contains(shown, secret) {
					t.Errorf("%s in %s", secret, shown)
				}
			}
		})
	}
}
