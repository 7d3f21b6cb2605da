package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// RFC 9728 §3: the metadata needs no token, and says where tokens come from.
func TestRFC9728_3_Metadata(t *testing.T) {
	f := standard.use(t)
	const wellKnown = "/.well-known/oauth-protected-resource"
	a := f.None.Get(wellKnown)
	var doc struct {
		Resource string
		Servers  []string `json:"authorization_servers"`
		Scopes   []string `json:"scopes_supported"`
		Bound    bool     `json:"tls_client_certificate_bound_access_tokens"`
	}
	if err := json.Unmarshal([]byte(a.Body), &doc); err != nil || a.Status != 200 || a.Header.Get("content-type") != "application/json" {
		t.Fatalf("got %s (%v)", describe(a), err)
	}
	if doc.Resource != Resource || !slices.Equal(doc.Servers, []string{Issuer}) || len(doc.Scopes) != 2 || !doc.Bound {
		t.Errorf("got %+v", doc)
	}
	head := f.None.Do(t.Context(), http.MethodHead, wellKnown, nil)
	if head.Status != 200 || head.Body != "" {
		t.Errorf("HEAD: got %s", describe(head))
	}
	if a.Seen != nil || head.Seen != nil {
		t.Error("the upstream saw the request")
	}
	f.refused(t, f.None.Do(t.Context(), http.MethodPost, wellKnown, nil), 401, "")
}

// HEAD gets the same answer without a body.
func TestHead(t *testing.T) {
	f := standard.use(t)
	passed(t, f.A.Do(t.Context(), http.MethodHead, path, nil, f.bearer(t, f.PKI.A)))
	a := f.B.Do(t.Context(), http.MethodHead, path, nil, f.bearer(t, f.PKI.A))
	if a.Err != nil || a.Status != 401 || a.Body != "" || a.Seen != nil {
		t.Errorf("got %s, want 401 without a body", describe(a))
	}
	checkChallenge(t, a, "invalid_token")
}

// A gRPC client gets an answer that it understands: trailers only, with
// grpc-status, and the same headers.
func TestGRPC(t *testing.T) {
	f := standard.use(t)
	a, b := f.Client(Caller{Certificate: f.PKI.A, HTTP2: true}), f.Client(Caller{Certificate: f.PKI.B, HTTP2: true})
	token := f.bearer(t, f.PKI.A)
	for _, contentType := range []string{"application/grpc", "application/grpc+proto"} {
		for _, test := range []struct {
			name   string
			client *Client
			header []string
			status string
			code   string
		}{
			{"no token", a, nil, "16", ""},
			{"another certificate", b, []string{token}, "16", "invalid_token"},
			{"scope missing", a, []string{f.mint(f.PKI.A, M{"scope": "x"})}, "7", "insufficient_scope"},
			{"two tokens", a, []string{token, token}, "3", "invalid_request"},
		} {
			t.Run(contentType+"/"+test.name, func(t *testing.T) {
				got := test.client.Do(t.Context(), http.MethodPost, path, strings.NewReader("\x00\x00\x00\x00\x00"), append(test.header, "content-type: "+contentType, "te: trailers")...)
				if got.Err != nil || got.Status != 200 || got.Header.Get("grpc-status") != test.status || got.Body != "" || got.Seen != nil {
					t.Errorf("got %s with grpc-status %q, want %s", describe(got), got.Header.Get("grpc-status"), test.status)
				}
				checkChallenge(t, got, test.code)
			})
		}
	}
	// A content type that only looks like it gets the usual answer.
	f.refused(t, b.Do(t.Context(), http.MethodPost, path, nil, token, "content-type: application/grpcx"), 401, "invalid_token")
}
