//go:build keycloak

package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// keycloak is a running Keycloak: the second real authorization server.
type keycloak struct {
	address string // host:port
	stack   *Stack

	cmd  *exec.Cmd
	log  *buffer
	done chan struct{}
	err  error
}

// keycloakIssuer is the issuer of the realm that keycloakRealm describes.
const keycloakIssuer = Issuer + "/realms/holdfast"

// keycloakSecret is the password of every client there.
const keycloakSecret = "keycloak-client-secret-0123456789"

// startKeycloak starts the Keycloak below $HOLDFAST_KEYCLOAK, which "make
// test-keycloak" installs, and waits until it serves its metadata.
func startKeycloak(s *Stack) (*keycloak, error) {
	home := os.Getenv("HOLDFAST_KEYCLOAK")
	if _, err := os.Stat(filepath.Join(home, "bin", "kc.sh")); home == "" || err != nil {
		return nil, fmt.Errorf("HOLDFAST_KEYCLOAK=%q holds no Keycloak: run make test-keycloak", home)
	}
	k := &keycloak{address: fmt.Sprintf("127.0.0.1:%d", freePort()), stack: s, log: &buffer{}, done: make(chan struct{})}
	realm := must(json.Marshal(keycloakRealm(s)))
	if err := os.MkdirAll(filepath.Join(home, "data", "import"), 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(home, "data", "import", "holdfast-realm.json"), realm, 0o644); err != nil {
		return nil, err
	}
	certificate, key, err := s.PKI.Server.Write(s.Dir, "keycloak")
	if err != nil {
		return nil, err
	}
	ca := filepath.Join(s.Dir, "keycloak-ca.pem")
	if err := os.WriteFile(ca, s.PKI.CA.PEM(), 0o644); err != nil {
		return nil, err
	}
	_, port, _ := strings.Cut(k.address, ":")
	k.cmd = exec.Command(filepath.Join(home, "bin", "kc.sh"), "start", "--optimized", "--import-realm",
		"--hostname="+Issuer, "--http-host=127.0.0.1", "--http-enabled=false", "--https-port="+port,
		"--https-certificate-file="+certificate, "--https-certificate-key-file="+key, "--truststore-paths="+ca,
		"--cache=local", "--log-level=warn")
	k.cmd.Env = append(os.Environ(), "JAVA_OPTS_KC_HEAP=-Xms64m -Xmx512m")
	k.cmd.Stdout, k.cmd.Stderr = k.log, k.log
	k.cmd.SysProcAttr = endWithParent()
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // as StartEnvoy does
		err := k.cmd.Start()
		started <- err
		if err == nil {
			k.err = k.cmd.Wait()
		}
		close(k.done)
	}()
	if err := <-started; err != nil {
		return k, err
	}
	for deadline := time.Now().Add(4 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		status, _, err := k.request("GET", "/.well-known/openid-configuration", nil, nil)
		if err == nil && status == http.StatusOK {
			return k, nil
		}
		select {
		case <-k.done:
			return k, fmt.Errorf("keycloak ended: %v", k.err)
		default:
		}
		if time.Now().After(deadline) {
			return k, fmt.Errorf("keycloak was not ready in time: %d %v", status, err)
		}
	}
}

func (k *keycloak) stop() {
	if k == nil || k.cmd == nil || k.cmd.Process == nil {
		return
	}
	endGroup(k.cmd.Process.Pid) // kc.sh and its java
	<-k.done
}

// request asks the realm, with this certificate if there is one, and with these
// header lines.
func (k *keycloak) request(method, path string, form url.Values, c *Certificate, header ...string) (status int, body []byte, err error) {
	request, err := http.NewRequest(method, keycloakIssuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, err
	}
	if form != nil {
		request.Header.Set("content-type", "application/x-www-form-urlencoded")
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Add(name, value)
	}
	response, err := k.stack.PKI.clientTo(k.address, c).Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

// token gets an access token for a client, bound to c.
func (k *keycloak) token(t *testing.T, client string, c *Certificate) string {
	t.Helper()
	return k.tokenOfType(t, "Bearer", client, c)
}

// dpopToken gets an access token for a client, bound to key and, with a
// certificate, to that as well.
func (k *keycloak) dpopToken(t *testing.T, client string, c *Certificate, key *Key) string {
	t.Helper()
	return k.tokenOfType(t, "DPoP", client, c, proofLine(key.Proof("POST", keycloakIssuer+keycloakToken, "").Sign(key)))
}

const keycloakToken = "/protocol/openid-connect/token"

func (k *keycloak) tokenOfType(t *testing.T, tokenType, client string, c *Certificate, header ...string) string {
	t.Helper()
	status, body, err := k.request("POST", keycloakToken, url.Values{
		"grant_type": {"client_credentials"}, "client_id": {client}, "client_secret": {keycloakSecret}, "scope": {"accounts:read"},
	}, c, header...)
	var answer struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
	}
	if err != nil || status != 200 || json.Unmarshal(body, &answer) != nil || answer.AccessToken == "" || answer.TokenType != tokenType {
		t.Fatalf("no token of type %s: %d %s %v", tokenType, status, body, err)
	}
	k.stack.secrets.add(answer.AccessToken)
	return answer.AccessToken
}

func (k *keycloak) revoke(t *testing.T, client, token string, c *Certificate) {
	t.Helper()
	status, body, err := k.request("POST", "/protocol/openid-connect/revoke", url.Values{
		"token": {token}, "client_id": {client}, "client_secret": {keycloakSecret},
	}, c)
	if err != nil || status != 200 {
		t.Fatalf("not revoked: %d %s %v", status, body, err)
	}
}

// keycloakRealm is a realm with clients whose tokens are bound to certificates and
// gateways that may ask about them.
func keycloakRealm(s *Stack) M {
	client := func(id string, attributes M, more M) M {
		base := M{
			"clientId": id, "enabled": true, "secret": keycloakSecret, "serviceAccountsEnabled": true,
			"standardFlowEnabled": false, "attributes": attributes, "fullScopeAllowed": false,
			"defaultClientScopes": []any{}, "optionalClientScopes": []any{"accounts:read"},
		}
		return patch(base, more)
	}
	bound := func(id, algorithm string, lifespan int) M {
		return client(id, M{
			"tls.client.certificate.bound.access.tokens": "true",
			"access.token.header.type.rfc9068":           "true",
			"access.token.signed.response.alg":           algorithm,
			"access.token.lifespan":                      fmt.Sprint(lifespan),
		}, M{"protocolMappers": []any{
			audience("api", M{"included.custom.audience": Resource}),
			// Keycloak answers only a client that is in the token's aud.
			audience("basic", M{"included.client.audience": Gateway}), audience("post", M{"included.client.audience": GatewayPost}),
			audience("jwt", M{"included.client.audience": GatewayJWT}), audience("tls", M{"included.client.audience": GatewayTLS}),
			audience("rsa", M{"included.client.audience": GatewayRSA}),
			M{"name": "client_id", "protocol": "openid-connect", "protocolMapper": "oidc-hardcoded-claim-mapper", "config": M{
				"claim.name": "client_id", "claim.value": id, "jsonType.label": "String", "access.token.claim": "true", "introspection.token.claim": "true",
			}},
			M{"name": "sub", "protocol": "openid-connect", "protocolMapper": "oidc-sub-mapper", "config": M{"access.token.claim": "true", "introspection.token.claim": "true"}},
		}})
	}
	proving := func(id string, more M) M {
		c := bound(id, "RS256", 300)
		c["attributes"] = patch(patch(c["attributes"].(M), M{"dpop.bound.access.tokens": "true", "tls.client.certificate.bound.access.tokens": "false"}), more)
		return c
	}
	signing := func(id string, key *Key) M {
		return client(id, M{"use.jwks.string": "true", "jwks.string": Set(key), "token.endpoint.auth.signing.alg": key.Algorithm}, M{"clientAuthenticatorType": "client-jwt"})
	}
	return M{
		"realm": "holdfast", "enabled": true, "sslRequired": "all", "defaultSignatureAlgorithm": "RS256",
		"clientScopes": []any{M{"name": "accounts:read", "protocol": "openid-connect", "attributes": M{"include.in.token.scope": "true"}}},
		"clients": []any{
			bound("client-a", "RS256", 300), bound("client-a-es256", "ES256", 300), bound("client-a-short", "RS256", 6),
			proving("client-dpop", nil), proving("client-both", M{"tls.client.certificate.bound.access.tokens": "true"}),
			client(Gateway, M{}, nil), client(GatewayPost, M{}, nil),
			signing(GatewayJWT, s.Auth.GatewayKey), signing(GatewayRSA, s.Auth.GatewayRSAKey),
			client(GatewayTLS, M{"x509.subjectdn": s.PKI.Gateway.Leaf.Subject.String(), "x509.allow.regex.pattern.comparison": "false"}, M{"clientAuthenticatorType": "client-x509"}),
		},
	}
}

func audience(name string, config M) M {
	return M{"name": "aud-" + name, "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
		"config": merge(M{"access.token.claim": "true", "introspection.token.claim": "true"}, config)}
}

// keycloakStack is Envoy with Holdfast before a Keycloak.
func keycloakStack(t *testing.T) (*fixture, *keycloak) {
	t.Helper()
	var k *keycloak
	t.Cleanup(func() {
		k.stop()
		if t.Failed() && k != nil {
			t.Logf("Keycloak's log:\n%s", k.log.String())
		}
	})
	issuer := func(introspection M, rest M) M {
		base := M{
			"issuer": keycloakIssuer, "audiences": []any{Resource}, "algorithms": []any{"ES256", "RS256"},
			"jwks": M{"discovery": true, "cluster": "as", "unknown_kid_interval": "1s"},
		}
		if introspection != nil {
			base["introspection"] = patch(M{
				"endpoint": keycloakIssuer + "/protocol/openid-connect/token/introspect", "cluster": "as", "tokens": "all", "cache_ttl": "1s",
				"client_id": Gateway, "client_secret": keycloakSecret,
			}, introspection)
		}
		return patch(M{"issuers": []any{base}}, rest)
	}
	listeners := withGatewayKey(
		Listener{Name: "api", Patch: issuer(nil, nil)},
		Listener{Name: "all", Patch: issuer(M{}, nil)},
		Listener{Name: "post", Patch: issuer(M{"client_id": GatewayPost, "client_auth": "client_secret_post"}, nil)},
		Listener{Name: "jwt", Patch: issuer(M{"client_id": GatewayJWT, "client_auth": "private_key_jwt", "client_secret": nil, "private_key_env": "HOLDFAST_INTROSPECTION_KEY"}, nil)},
		Listener{Name: "rsa", Patch: issuer(M{"client_id": GatewayRSA, "client_auth": "private_key_jwt", "client_secret": nil, "private_key_env": "HOLDFAST_INTROSPECTION_RSA_KEY"}, nil)},
		Listener{Name: "tls", Patch: issuer(M{"client_id": GatewayTLS, "client_auth": "tls_client_auth", "client_secret": nil, "cluster": "as-mtls"}, nil)},
		Listener{Name: "dpop", Patch: issuer(M{}, dpop(M{}, M{"forward": M{"token": "bearer"}}))},
		Listener{Name: "sessions", Patch: issuer(M{}, M{"session": M{"key_env": "HOLDFAST_SESSION_KEY"}})},
	)
	began := time.Now()
	f := start(t, Options{Setup: Setup{Listeners: listeners}, Prepare: func(s *Stack) (err error) {
		if k, err = startKeycloak(s); err != nil {
			if k != nil {
				err = fmt.Errorf("%w\n%s", err, k.log.String())
			}
			return err
		}
		t.Logf("Keycloak was ready after %.1f s", time.Since(began).Seconds())
		s.authAddress = k.address
		s.options.Setup.Edits = []Edit{{Old: "  - name: upstream\n    type: STRICT_DNS\n", New: strings.NewReplacer(
			"ADDRESS", socketAddress(k.address), "DIR", s.Dir).Replace(mtlsCluster) + "  - name: upstream\n    type: STRICT_DNS\n"}}
		return nil
	}})
	return f, k
}

// TestKeycloak runs everything on one Keycloak, whose start takes a while.
func TestKeycloak(t *testing.T) {
	f, k := keycloakStack(t)
	bearer := func(token string) string { return "authorization: Bearer " + token }
	// The fixture's own checks ask for a token of go-oidc; here it is Keycloak's.
	refused := func(t *testing.T, a *Answer, status int) {
		t.Helper()
		if a.Err != nil || a.Status != status || a.Seen != nil {
			t.Errorf("got %v, want %d", describe(a), status)
		}
	}

	t.Run("what it issues", func(t *testing.T) {
		token := k.token(t, "client-a", f.PKI.A)
		status, body, err := k.request("POST", "/protocol/openid-connect/token/introspect", url.Values{
			"token": {token}, "client_id": {GatewayPost}, "client_secret": {keycloakSecret},
		}, nil)
		var answer struct {
			Active bool
			Cnf    map[string]any
		}
		if err != nil || status != 200 || json.Unmarshal(body, &answer) != nil || !answer.Active || answer.Cnf["x5t#S256"] != f.PKI.A.X5T() {
			t.Fatalf("%d %v\n%s", status, err, body)
		}
		t.Logf("Keycloak says of its token:\n%s", body)
		payload := strings.Split(token, ".")[1]
		t.Logf("and the token itself:\n%s", must(base64.RawURLEncoding.DecodeString(payload)))
	})
	for _, listener := range []string{"api", "all"} {
		t.Run("bound JWT, "+listener, func(t *testing.T) {
			a, b, none := f.callers(t, listener)
			token := k.token(t, "client-a", f.PKI.A)
			passed(t, a.Get(path, bearer(token)))
			refused(t, b.Get(path, bearer(token)), 401)
			refused(t, none.Get(path, bearer(token)), 401)
			short := k.token(t, "client-a-short", f.PKI.A)
			passed(t, a.Get(path, bearer(short)))
			eventually(t, "expired", func() bool { return a.Get(path, bearer(short)).Status == 401 })
		})
	}
	t.Run("revoked within cache_ttl", func(t *testing.T) {
		a, _, _ := f.callers(t, "all")
		token := k.token(t, "client-a", f.PKI.A)
		passed(t, a.Get(path, bearer(token)))
		k.revoke(t, "client-a", token, f.PKI.A)
		eventually(t, "revoked", func() bool { return a.Get(path, bearer(token)).Status == 401 })
	})
	t.Run("a key that appears with its first use (T06)", func(t *testing.T) {
		a, b, _ := f.callers(t, "all")
		published := func() string {
			status, body, err := k.request("GET", "/protocol/openid-connect/certs", nil, nil)
			if err != nil || status != 200 {
				t.Fatalf("no keys: %d %v", status, err)
			}
			return string(body)
		}
		if strings.Contains(published(), `"ES256"`) {
			t.Fatal("the key was there before: nothing has to be fetched again")
		}
		fetched := f.Envoy.Metric("holdfast.jwks.fetched")
		token := k.token(t, "client-a-es256", f.PKI.A)
		header, _, _ := strings.Cut(token, ".")
		if head := string(must(base64.RawURLEncoding.DecodeString(header))); !strings.Contains(head, `"ES256"`) || !strings.Contains(head, `"at+jwt"`) {
			t.Fatalf("the header is %s", head)
		}
		passed(t, a.Get(path, bearer(token)))
		refused(t, b.Get(path, bearer(token)), 401)
		if !strings.Contains(published(), `"ES256"`) || f.Envoy.Metric("holdfast.jwks.fetched") == fetched {
			t.Error("the keys were not fetched again")
		}
	})
	for _, listener := range []string{"post", "jwt", "rsa", "tls"} {
		t.Run("asked by "+listener, func(t *testing.T) {
			a, b, _ := f.callers(t, listener)
			token := k.token(t, "client-a", f.PKI.A)
			passed(t, a.Get(path, bearer(token)))
			refused(t, b.Get(path, bearer(token)), 401)
		})
	}
	t.Run("a session", func(t *testing.T) {
		a, b, _ := f.callers(t, "sessions")
		token := k.token(t, "client-a", f.PKI.A)
		cookie := begin(t, a, token)
		passed(t, a.Get(path, cookie))
		refused(t, b.Get(path, cookie), 401)
		k.revoke(t, "client-a", token, f.PKI.A)
		eventually(t, "ended", func() bool { return a.Get(path, cookie).Status == 401 })
	})
	t.Run("a token bound to a DPoP key (RFC 9449)", func(t *testing.T) {
		client := f.ClientOf("dpop", Caller{})
		defer client.Close()
		key, thief := NewKey("", "ES256"), NewKey("", "ES256")
		token := k.dpopToken(t, "client-dpop", nil, key)
		payload := string(must(base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])))
		status, body, err := k.request("POST", keycloakToken+"/introspect", url.Values{
			"token": {token}, "client_id": {GatewayPost}, "client_secret": {keycloakSecret},
		}, nil)
		var answer struct {
			Active bool
			Cnf    map[string]any
		}
		if err != nil || status != 200 || json.Unmarshal(body, &answer) != nil || !answer.Active || answer.Cnf["jkt"] != key.JKT() || !strings.Contains(payload, key.JKT()) {
			t.Fatalf("%d %v\n%s\n%s", status, err, body, payload)
		}
		t.Logf("Keycloak says of its token:\n%s", body)
		seen := passed(t, client.Get(path, key.Authorize("GET", path, token)...))
		if got := seen.Header; got.Get("dpop") != "" || got.Get("authorization") != "Bearer "+token || got.Get("x-auth-client") != "client-dpop" {
			t.Errorf("the upstream saw %d proofs and x-auth-client %q", len(got.Values("dpop")), got.Get("x-auth-client"))
		}
		lines := key.Authorize("GET", path, token)
		passed(t, client.Get(path, lines...))
		for _, wrong := range []struct {
			what, reason string
			lines        []string
		}{
			{"a replay", "dpop_replayed", lines},
			{"another key", "jkt_mismatch", thief.Authorize("GET", path, token)},
			{"no proof", "dpop_proof_missing", lines[:1]},
			{"as Bearer", "dpop_scheme_required", []string{bearer(token)}},
			{"as Bearer, with a proof", "dpop_scheme_required", []string{bearer(token), lines[1]}},
			{"a proof for another method", "dpop_method_mismatch", key.Authorize("POST", path, token)},
			{"a proof for another path", "dpop_uri_mismatch", key.Authorize("GET", "/other", token)},
		} {
			before := f.Envoy.Metric("holdfast.denied." + wrong.reason)
			refused(t, client.Get(path, wrong.lines...), 401)
			if f.Envoy.Metric("holdfast.denied."+wrong.reason) != before+1 {
				t.Errorf("%s: not refused as %s", wrong.what, wrong.reason)
			}
		}
		off := f.ClientOf("all", Caller{})
		defer off.Close()
		refused(t, off.Get(path, bearer(token)), 401) // where DPoP is off
		passed(t, client.Get(path, key.Authorize("GET", path, token)...))
		k.revoke(t, "client-dpop", token, nil)
		eventually(t, "revoked", func() bool { return client.Get(path, key.Authorize("GET", path, token)...).Status == 401 })
	})
	// Of a client that is to get both bindings Keycloak 26.7 names the certificate alone,
	// and calls the token's type DPoP all the same.
	t.Run("a certificate and a key, of which Keycloak names one", func(t *testing.T) {
		key := NewKey("", "ES256")
		token := k.dpopToken(t, "client-both", f.PKI.A, key)
		payload := string(must(base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])))
		if strings.Contains(payload, `"jkt"`) || !strings.Contains(payload, f.PKI.A.X5T()) {
			t.Fatalf("the token is\n%s", payload)
		}
		a, b, _ := f.callers(t, "dpop")
		refused(t, a.Get(path, key.Authorize("GET", path, token)...), 401)
		refused(t, b.Get(path, bearer(token)), 401)
		passed(t, a.Get(path, bearer(token)))
	})
	t.Run("Keycloak ends", func(t *testing.T) {
		a, _, _ := f.callers(t, "all")
		known, unknown := k.token(t, "client-a", f.PKI.A), k.token(t, "client-a", f.PKI.A)
		passed(t, a.Get(path, bearer(known)))
		k.stop()
		refused(t, a.Get(path, bearer(unknown)), 503)
	})
}
