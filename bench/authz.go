package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"holdfast/e2e"
	"holdfast/internal/lru"
)

// authzCommand is the first argument by which this program is the helper.
const authzCommand = "authz"

// serveAuthz is the helper: what one would write in Go behind ext_authz to get the
// same decision as Holdfast's. It checks signature, typ, iss, aud, exp, nbf, the
// binding to the certificate and the scope, and names the caller to the upstream.
func serveAuthz(args []string) error {
	flags := flag.NewFlagSet(authzCommand, flag.ContinueOnError)
	listen := flags.String("listen", "", "address")
	keys := flags.String("keys", "", "file with the issuer's JWK Set")
	entries := flags.Int("cache", 0, "verified tokens to keep")
	if err := flags.Parse(args); err != nil {
		return err
	}
	text, err := os.ReadFile(*keys)
	if err != nil {
		return err
	}
	a := authz{cache: lru.New[string, *claims](*entries, *entries)}
	if err := json.Unmarshal(text, &a.keys); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	go func() { // ends with who started it
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	server := grpc.NewServer()
	auth.RegisterAuthorizationServer(server, &a)
	return server.Serve(listener)
}

type authz struct {
	auth.UnimplementedAuthorizationServer
	keys  jose.JSONWebKeySet
	mu    sync.Mutex
	cache *lru.Cache[string, *claims]
}

type claims struct {
	jwt.Claims
	ClientID     string `json:"client_id"`
	Scope        string `json:"scope"`
	Confirmation struct {
		X5T string `json:"x5t#S256"`
	} `json:"cnf"`
}

// Check implements the service of ext_authz.
func (a *authz) Check(_ context.Context, request *auth.CheckRequest) (*auth.CheckResponse, error) {
	headers, thumbprint, err := a.decide(request.GetAttributes())
	if err != nil {
		return &auth.CheckResponse{
			Status: &status.Status{Code: int32(codes.Unauthenticated)},
			HttpResponse: &auth.CheckResponse_DeniedResponse{DeniedResponse: &auth.DeniedHttpResponse{
				Status: &typev3.HttpStatus{Code: typev3.StatusCode_Unauthorized}, Body: err.Error(),
			}},
		}, nil
	}
	set := func(name, value string) *core.HeaderValueOption {
		return &core.HeaderValueOption{
			Header:       &core.HeaderValue{Key: name, Value: value},
			AppendAction: core.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
		}
	}
	return &auth.CheckResponse{
		Status: &status.Status{Code: int32(codes.OK)},
		HttpResponse: &auth.CheckResponse_OkResponse{OkResponse: &auth.OkHttpResponse{Headers: []*core.HeaderValueOption{
			set("x-auth-sub", headers.Subject), set("x-auth-client", headers.ClientID), set("x-auth-cert-thumbprint", thumbprint),
		}}},
	}, nil
}

func (a *authz) decide(attributes *auth.AttributeContext) (c *claims, thumbprint string, err error) {
	scheme, token, ok := strings.Cut(attributes.GetRequest().GetHttp().GetHeaders()["authorization"], " ")
	if !ok || !strings.EqualFold(scheme, "bearer") {
		return nil, "", errors.New("no token")
	}
	if c, err = a.verified(token); err != nil {
		return nil, "", err
	}
	if err := c.ValidateWithLeeway(jwt.Expected{Issuer: e2e.Issuer, AnyAudience: jwt.Audience{e2e.Resource}, Time: time.Now()}, 10*time.Second); err != nil {
		return nil, "", err
	}
	if c.Expiry == nil {
		return nil, "", errors.New("no exp")
	}
	thumbprint, err = presented(attributes.GetSource().GetCertificate())
	if err != nil {
		return nil, "", err
	}
	if subtle.ConstantTimeCompare([]byte(thumbprint), []byte(c.Confirmation.X5T)) != 1 {
		return nil, "", errors.New("the token is another certificate's")
	}
	if !slices.Contains(strings.Fields(c.Scope), "accounts:read") {
		return nil, "", errors.New("scope")
	}
	return c, thumbprint, nil
}

// verified is the token after its signature; from the cache, if it is there.
func (a *authz) verified(token string) (*claims, error) {
	a.mu.Lock()
	known, ok := a.cache.Get(token)
	a.mu.Unlock()
	if ok {
		return known, nil
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
	if err != nil {
		return nil, err
	}
	if typ, _ := parsed.Headers[0].ExtraHeaders[jose.HeaderType].(string); typ != "at+jwt" {
		return nil, fmt.Errorf("typ is %q", typ)
	}
	c := new(claims)
	if err := parsed.Claims(a.keys, c); err != nil {
		return nil, err
	}
	a.mu.Lock()
	a.cache.Put(token, c, 1)
	a.mu.Unlock()
	return c, nil
}

// presented is the x5t#S256 of the certificate that Envoy hands over, URL-encoded PEM.
func presented(certificate string) (string, error) {
	text, err := url.PathUnescape(certificate)
	if err != nil {
		return "", err
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return "", errors.New("no certificate")
	}
	sum := sha256.Sum256(block.Bytes)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}
