package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"
	"github.com/luikyv/go-oidc/pkg/provider"
	"golang.org/x/crypto/bcrypt"
)

// The clients that every [AuthServer] knows. Those with a certificate use
// tls_client_auth (RFC 8705 §2.1) and get bound tokens; ClientBearer uses a
// password and gets plain bearer tokens; ClientDPoP uses one too, and gets none
// without a DPoP proof (RFC 9449 §5).
const (
	ClientA      = "client-a"
	ClientB      = "client-b"
	ClientC      = "client-c"
	ClientBearer = "client-bearer"
	ClientDPoP   = "client-dpop"

	// ClientSecret is the password of [ClientBearer] and of [ClientDPoP].
	ClientSecret = "correct horse battery staple"

	// The clients that ask about tokens, one for each way to authenticate.
	Gateway     = "gateway"      // client_secret_basic
	GatewayPost = "gateway-post" // client_secret_post
	GatewayJWT  = "gateway-jwt"  // private_key_jwt, by ES256
	GatewayRSA  = "gateway-rsa"  // private_key_jwt, by PS256
	GatewayTLS  = "gateway-tls"  // tls_client_auth, with [PKI.Gateway]

	// GatewaySecret is the password of [Gateway] and of [GatewayPost].
	GatewaySecret = "gateway&secret=100%+1 ü"

	opaqueSuffix = "-opaque"
)

// Scopes are all scopes that an [AuthServer] grants.
var Scopes = []string{"accounts:read", "payments:write"}

// AuthServer is an authorization server on HTTPS: client_credentials, access tokens
// bound to the client's certificate, to its DPoP key or to both, JWTs or opaque ones,
// JWKS, discovery, introspection (RFC 7662, and RFC 9701 for who accepts it) and revocation. Faults
// can be put before any of its paths.
type AuthServer struct {
	Address string // host:port
	// GatewayKey is the key of [GatewayJWT], GatewayRSAKey that of [GatewayRSA].
	GatewayKey, GatewayRSAKey *Key

	issuer   string
	pki      *PKI
	handler  http.Handler
	server   *http.Server
	mu       sync.Mutex
	keys     []*Key // published; the first signs
	faults   map[string]Fault
	requests map[string]int
	busy     map[string]int
	busiest  map[string]int
	lifetime int // of the next tokens, in seconds
}

// NewAuthServer starts a server for an issuer on a free port.
func NewAuthServer(pki *PKI, issuer string) (*AuthServer, error) {
	s := &AuthServer{
		issuer: issuer, pki: pki,
		GatewayKey:    NewKey("gateway-1", "ES256"),
		GatewayRSAKey: NewKey("gateway-2", "PS256"),
		keys:          []*Key{NewKey("key-1", "ES256")},
		faults:        map[string]Fault{},
		requests:      map[string]int{},
		busy:          map[string]int{},
		busiest:       map[string]int{},
		lifetime:      TokenLifetime,
	}
	scopes := make([]goidc.Scope, len(Scopes))
	for i, name := range Scopes {
		scopes[i] = goidc.NewScope(name)
	}
	options := []provider.Option{
		provider.WithScopes(scopes...),
		provider.WithGrantSessionStorage(&grants{}),
		provider.WithIDTokenSignatureAlgs(goidc.ES256),
		provider.WithClientCredentialsGrant(),
		provider.WithTokenAuthnMethods(goidc.ClientAuthnTLS, goidc.ClientAuthnSecretPost, goidc.ClientAuthnSecretBasic, goidc.ClientAuthnPrivateKeyJWT),
		provider.WithPrivateKeyJWTSignatureAlgs(goidc.ES256, goidc.PS256),
		provider.WithMTLS(issuer, s.clientCertificate),
		provider.WithTLSCertTokenBinding(),
		provider.WithDPoP(goidc.ES256, goidc.PS256, goidc.RS256, "EdDSA"),
		provider.WithResourceIndicators(Resource, "https://other.example.com"),
		provider.WithTokenOptions(func(_ goidc.GrantInfo, c *goidc.Client) goidc.TokenOptions {
			s.mu.Lock()
			lifetime := s.lifetime
			s.mu.Unlock()
			if strings.HasSuffix(c.ID, opaqueSuffix) {
				return goidc.NewOpaqueTokenOptions(40, lifetime)
			}
			return goidc.NewJWTTokenOptions(goidc.SignatureAlgorithm(s.Key().Algorithm), lifetime)
		}),
		// RFC 7662 §4: only the gateways may ask.
		provider.WithTokenIntrospection(func(c *goidc.Client, _ goidc.TokenInfo) bool { return strings.HasPrefix(c.ID, Gateway) },
			goidc.ClientAuthnTLS, goidc.ClientAuthnSecretPost, goidc.ClientAuthnSecretBasic, goidc.ClientAuthnPrivateKeyJWT),
		provider.WithTokenRevocation(func(*goidc.Client) bool { return true }, goidc.ClientAuthnTLS, goidc.ClientAuthnSecretPost),
	}
	for id, certificate := range map[string]*Certificate{ClientA: pki.A, ClientB: pki.B, ClientC: pki.Chained, ClientBearer: nil, ClientDPoP: nil} {
		options = append(options, provider.WithStaticClient(client(id, certificate)), provider.WithStaticClient(client(id+opaqueSuffix, certificate)))
	}
	for _, c := range s.gateways() {
		options = append(options, provider.WithStaticClient(c))
	}
	jwks := func(context.Context) (goidc.JSONWebKeySet, error) {
		var set goidc.JSONWebKeySet
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, k := range s.keys {
			set.Keys = append(set.Keys, k.JWK())
		}
		return set, nil
	}
	op, err := provider.New(goidc.ProfileOpenID, issuer, jwks, options...)
	if err != nil {
		return nil, err
	}
	s.handler = op.Handler()
	s.Address = "127.0.0.1:0"
	return s, s.Start()
}

func client(id string, certificate *Certificate) *goidc.Client {
	c := &goidc.Client{ID: id, ClientMeta: goidc.ClientMeta{
		GrantTypes: []goidc.GrantType{goidc.GrantClientCredentials},
		ScopeIDs:   strings.Join(Scopes, " "),
	}}
	if certificate == nil {
		c.TokenAuthnMethod = goidc.ClientAuthnSecretPost
		c.DPoPTokenBindingIsRequired = strings.HasPrefix(id, ClientDPoP)
		c.HashedSecret = string(must(bcrypt.GenerateFromPassword([]byte(ClientSecret), bcrypt.MinCost)))
		return c
	}
	c.TokenAuthnMethod = goidc.ClientAuthnTLS
	c.TLSSubDistinguishedName = certificate.Leaf.Subject.String()
	c.TLSTokenBindingIsRequired = true
	return c
}

// gateways are the clients that ask about tokens.
func (s *AuthServer) gateways() []*goidc.Client {
	hashed := string(must(bcrypt.GenerateFromPassword([]byte(GatewaySecret), bcrypt.MinCost)))
	meta := func(method goidc.ClientAuthnType) goidc.ClientMeta {
		return goidc.ClientMeta{GrantTypes: []goidc.GrantType{goidc.GrantClientCredentials}, ScopeIDs: Scopes[0], TokenAuthnMethod: method}
	}
	basic := &goidc.Client{ID: Gateway, HashedSecret: hashed, ClientMeta: meta(goidc.ClientAuthnSecretBasic)}
	post := &goidc.Client{ID: GatewayPost, HashedSecret: hashed, ClientMeta: meta(goidc.ClientAuthnSecretPost)}
	signing := func(id string, key *Key) *goidc.Client {
		c := &goidc.Client{ID: id, ClientMeta: meta(goidc.ClientAuthnPrivateKeyJWT)}
		jwk := key.JWK()
		c.PublicJWKS = &goidc.JSONWebKeySet{Keys: []goidc.JSONWebKey{jwk.Public()}}
		c.TokenAuthnSigAlg = goidc.SignatureAlgorithm(key.Algorithm)
		return c
	}
	mtls := &goidc.Client{ID: GatewayTLS, ClientMeta: meta(goidc.ClientAuthnTLS)}
	mtls.TLSSubDistinguishedName = s.pki.Gateway.Leaf.Subject.String()
	return []*goidc.Client{basic, post, signing(GatewayJWT, s.GatewayKey), signing(GatewayRSA, s.GatewayRSAKey), mtls}
}

// clientCertificate verifies the chain: go-oidc's tls_client_auth compares names
// only, and anyone can write a name into a certificate.
func (s *AuthServer) clientCertificate(r *http.Request) (*x509.Certificate, error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil, errors.New("no client certificate")
	}
	leaf := r.TLS.PeerCertificates[0]
	between := x509.NewCertPool()
	for _, c := range r.TLS.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: s.pki.CA.Pool(), Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return leaf, err
}

// Start listens (again), on the address of before if there was one.
func (s *AuthServer) Start() error {
	listener, err := net.Listen("tcp", s.Address)
	if err != nil {
		return err
	}
	s.Address = listener.Addr().String()
	s.server = &http.Server{
		Handler:  s,
		ErrorLog: log.New(io.Discard, "", 0), // resets are part of the tests
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{s.pki.Server.TLS()},
			ClientAuth:   tls.RequestClientCert,
		},
	}
	go s.server.ServeTLS(listener, "", "")
	return nil
}

// Close stops listening and drops every connection. [AuthServer.Start] undoes it.
func (s *AuthServer) Close() { s.server.Close() }

// ServeHTTP counts the request, lets the fault for its path work, and serves.
func (s *AuthServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	s.mu.Lock()
	s.requests[path]++
	s.busy[path]++
	s.busiest[path] = max(s.busiest[path], s.busy[path])
	fault := s.faults[path]
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.busy[path]--
		s.mu.Unlock()
	}()
	next := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// RFC 8414 metadata is what go-oidc serves at OpenID's path alone.
		if r.URL.Path == "/.well-known/oauth-authorization-server" {
			r.URL.Path = "/.well-known/openid-configuration"
		}
		if id, secret, ok := r.BasicAuth(); ok {
			// RFC 6749 §2.3.1 form-encodes both before they are put together; go-oidc
			// takes them as they are.
			id, errID := url.QueryUnescape(id)
			secret, errSecret := url.QueryUnescape(secret)
			if errID == nil && errSecret == nil {
				r.SetBasicAuth(id, secret)
			}
		}
		if path == "/introspect" && r.Header.Get("accept") == signedAnswer {
			s.answerSigned(w, r)
			return
		}
		s.handler.ServeHTTP(w, r)
	}))
	if fault != nil {
		next = fault(next)
	}
	next.ServeHTTP(w, r)
}

// Requests is how many requests came for a path so far.
func (s *AuthServer) Requests(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[path]
}

// Busiest is how many requests were ever on a path at once.
func (s *AuthServer) Busiest(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.busiest[path]
}

// TokenLifetime is how long tokens are good, in seconds: longer than all tests take,
// as some tokens serve many of them.
const TokenLifetime = 3600

// Lifetime is how long the next tokens are good, in seconds.
func (s *AuthServer) Lifetime(seconds int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lifetime = seconds
}

// Key is the key that signs.
func (s *AuthServer) Key() *Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys[0]
}

// Publish replaces the keys. The first signs from now on.
func (s *AuthServer) Publish(keys ...*Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = slices.Clone(keys)
}

// Fault puts something before a path; nil takes it away.
func (s *AuthServer) Fault(path string, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[path] = f
}

// Request is what a client asks of the token endpoint. Empty fields mean
// client-a, or with a DPoP key and no certificate client-dpop, all scopes, and
// [Resource].
type Request struct {
	Client, Scope, Resource string
	Certificate             *Certificate // of the TLS connection
	Key                     *Key         // of a DPoP proof, which is sent along
	Opaque                  bool         // a token that only the server can read
}

// client is who asks: the opaque tokens have clients of their own.
func (r *Request) client() string {
	id := or(r.Client, ClientA)
	if r.Client == "" && r.Key != nil && r.Certificate == nil {
		id = ClientDPoP
	}
	if r.Opaque {
		id += opaqueSuffix
	}
	return id
}

// Token gets an access token, the honest way: over mutual TLS when the client
// has a certificate, and with a proof when it has a DPoP key.
func (s *AuthServer) Token(ctx context.Context, r Request) (string, error) {
	form := url.Values{
		"grant_type": {"client_credentials"},
		"client_id":  {r.client()},
		"scope":      {or(r.Scope, strings.Join(Scopes, " "))},
		"resource":   {or(r.Resource, Resource)},
	}
	if r.Certificate == nil {
		form.Set("client_secret", ClientSecret)
	}
	proof, tokenType := "", "Bearer"
	if r.Key != nil {
		proof, tokenType = r.Key.Proof(http.MethodPost, Issuer+"/token", "").Sign(r.Key), "DPoP" // RFC 9449 §5
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
	}
	err := s.post(ctx, "/token", form, r.Certificate, proof, &answer)
	if err == nil && answer.TokenType != tokenType {
		err = fmt.Errorf("/token answered with a token of type %q, want %q", answer.TokenType, tokenType)
	}
	return answer.AccessToken, err
}

// Revoke ends a token that this client got (RFC 7009).
func (s *AuthServer) Revoke(ctx context.Context, r Request, token string) error {
	form := url.Values{"client_id": {r.client()}, "token": {token}}
	if r.Certificate == nil {
		form.Set("client_secret", ClientSecret)
	}
	return s.post(ctx, "/revoke", form, r.Certificate, "", nil)
}

func (s *AuthServer) post(ctx context.Context, path string, form url.Values, c *Certificate, proof string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, Issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("content-type", "application/x-www-form-urlencoded")
	if proof != "" {
		request.Header.Set("dpop", proof)
	}
	response, err := s.pki.clientTo(s.Address, c).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s: %s", path, response.Status, body)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(body, answer)
}

// clientTo is a client of the server at an address, whatever the name that is asked
// for. It closes each connection.
func (p *PKI) clientTo(address string, c *Certificate) *http.Client {
	config := &tls.Config{RootCAs: p.CA.Pool()}
	if c != nil {
		config.Certificates = []tls.Certificate{c.TLS()}
	}
	return &http.Client{
		Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true, DialContext: dialTo(address)},
		Timeout:   10 * time.Second,
	}
}

// dialTo ignores the name that is asked for: names lead to loopback here.
func dialTo(address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
}

func or(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
