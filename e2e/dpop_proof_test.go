package e2e

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// proofCase is one request whose proof differs from an honest one. Exactly one of
// change, compact and lines says how.
type proofCase struct {
	name    string
	change  func(p *Token, h *holder) *Token      // what is signed, by the holder's key
	compact func(p *Token, h *holder) string      // the whole proof
	lines   func(h *holder, path string) []string // the header fields
	path    string                                // of the request, behind its own; htu does not have it
	reason  string                                // empty: it passes
	code    string                                // default invalid_dpop_proof
}

func claims(change M) func(*Token, *holder) *Token {
	return func(p *Token, _ *holder) *Token { return p.With(change) }
}

func header(change M) func(*Token, *holder) *Token {
	return func(p *Token, _ *holder) *Token { return p.WithHeader(change) }
}

// jwk changes the key that the proof carries.
func jwk(change M) func(*Token, *holder) *Token {
	return func(p *Token, _ *holder) *Token {
		return p.WithHeader(M{"jwk": merge(p.Header["jwk"].(M), change)})
	}
}

// htu changes the text of the target URI.
func htu(change func(uri string) string) func(*Token, *holder) *Token {
	return func(p *Token, _ *holder) *Token { return p.With(M{"htu": change(p.Claims["htu"].(string))}) }
}

func replaceIn(old, new string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, new, 1) }
}

// seconds is the time so many seconds from now, as a claim.
func seconds(n time.Duration) int64 { return time.Now().Add(n * time.Second).Unix() }

// proofCases are the twelve checks of RFC 9449 §4.3, each with the blocks of the
// OpenID Foundation's FAPI 2.0 module for resource servers that are about it.
func proofCases() []proofCase {
	return []proofCase{
		{name: "4.3-1 no field", lines: func(h *holder, _ string) []string { return []string{h.authorization()} }, reason: "dpop_proof_missing"},
		{name: "4.3-1 two fields, both good", lines: func(h *holder, path string) []string {
			return []string{h.authorization(), proofLine(h.proof(path).Sign(h.key)), proofLine(h.proof(path).Sign(h.key))}
		}, reason: "dpop_proof_multiple"},
		{name: "4.3-1 the same field twice", lines: func(h *holder, path string) []string {
			line := proofLine(h.proof(path).Sign(h.key))
			return []string{h.authorization(), line, line}
		}, reason: "dpop_proof_multiple"},
		{name: "4.3-1 two fields, one empty", lines: func(h *holder, path string) []string {
			return []string{h.authorization(), proofLine(h.proof(path).Sign(h.key)), "dpop: "}
		}, reason: "dpop_proof_multiple"},
		{name: "4.3-1 two fields of different case", lines: func(h *holder, path string) []string {
			return []string{h.authorization(), proofLine(h.proof(path).Sign(h.key)), "DPoP: " + h.proof(path).Sign(h.key)}
		}, reason: "dpop_proof_multiple"},
		{name: "4.3-1 two proofs in one field", compact: func(p *Token, h *holder) string { return p.Sign(h.key) + "," + p.Sign(h.key) }, reason: "dpop_proof_malformed"},
		{name: "4.3-1 the field's name in upper case", lines: func(h *holder, path string) []string {
			return []string{h.authorization(), "DPOP: " + h.proof(path).Sign(h.key)}
		}},

		{name: "4.3-2 an empty field", compact: func(*Token, *holder) string { return "" }, reason: "dpop_proof_malformed"},
		{name: "4.3-2 no JWT", compact: func(*Token, *holder) string { return "no.jwt.here" }, reason: "dpop_proof_malformed"},
		{name: "4.3-2 padded", compact: func(p *Token, h *holder) string { return p.Sign(h.key) + "=" }, reason: "dpop_proof_malformed"},
		{name: "4.3-2 without its signature", compact: func(p *Token, h *holder) string { s := p.Sign(h.key); return s[:strings.LastIndex(s, ".")] }, reason: "dpop_proof_malformed"},
		{name: "4.3-2 critical header", change: header(M{"crit": []any{"exp"}, "exp": 1}), reason: "dpop_proof_malformed"},
		{name: "4.3-2 a claim twice", compact: func(p *Token, h *holder) string {
			return SignJSON(h.key, encode(p.Header), `{"htm":"POST",`+encode(p.Claims)[1:])
		}, reason: "dpop_proof_malformed"},
		{name: "4.3-2 8000 dots", compact: func(*Token, *holder) string { return strings.Repeat(".", 8000) }, reason: "dpop_proof_malformed"},

		{name: "4.3-3 jti missing", change: claims(M{"jti": nil}), reason: "dpop_proof_malformed"},
		{name: "4.3-3 jti a number", change: claims(M{"jti": 1}), reason: "dpop_proof_malformed"},
		{name: "4.3-3 htm missing", change: claims(M{"htm": nil}), reason: "dpop_proof_malformed"},
		{name: "4.3-3 htu missing", change: claims(M{"htu": nil}), reason: "dpop_proof_malformed"},
		{name: "4.3-3 iat missing", change: claims(M{"iat": nil}), reason: "dpop_proof_malformed"},
		{name: "4.3-3 iat a string", change: claims(M{"iat": "now"}), reason: "dpop_proof_malformed"},
		{name: "4.3-3 ath missing", change: claims(M{"ath": nil}), reason: "dpop_token_mismatch"},

		{name: "4.3-4 typ missing", change: header(M{"typ": nil}), reason: "dpop_type_not_allowed"},
		{name: "4.3-4 typ JWT", change: header(M{"typ": "JWT"}), reason: "dpop_type_not_allowed"},
		{name: "4.3-4 typ at+jwt", change: header(M{"typ": "at+jwt"}), reason: "dpop_type_not_allowed"},

		{name: "4.3-5 alg none", compact: func(p *Token, _ *holder) string { return p.Unsigned() }, reason: "dpop_algorithm_not_allowed"},
		{name: "4.3-5 alg HS256 by the public key", compact: func(p *Token, h *holder) string {
			return p.HMAC([]byte(encode(h.key.PublicJWK())))
		}, reason: "dpop_algorithm_not_allowed"},
		{name: "4.3-5 HS256 with a symmetric jwk", compact: func(p *Token, _ *holder) string {
			secret := []byte(strings.Repeat("k", 32))
			return p.WithHeader(M{"jwk": M{"kty": "oct", "k": segment(secret)}}).HMAC(secret)
		}, reason: "dpop_algorithm_not_allowed"},
		{name: "4.3-5 alg missing", change: header(M{"alg": nil}), reason: "dpop_algorithm_not_allowed"},
		{name: "4.3-5 alg in lower case", change: header(M{"alg": "es256"}), reason: "dpop_algorithm_not_allowed"},

		{name: "4.3-6 jwk missing", change: header(M{"jwk": nil}), reason: "dpop_key_invalid"},
		{name: "4.3-6 jwk null", change: header(M{"jwk": nullValue}), reason: "dpop_key_invalid"},
		{name: "4.3-6 jwk a text", change: header(M{"jwk": "key"}), reason: "dpop_key_invalid"},
		{name: "4.3-6 jwk of another type", change: func(p *Token, _ *holder) *Token {
			return p.WithHeader(M{"jwk": NewKey("", "EdDSA").PublicJWK()})
		}, reason: "dpop_key_invalid"},
		{name: "4.3-6 alg of another curve", change: header(M{"alg": "ES384"}), reason: "dpop_key_invalid"},
		{name: "4.3-6 jwk off its curve", change: jwk(M{"y": segment(make([]byte, 32))}), reason: "dpop_key_invalid"},
		{name: "4.3-6 kid and x5u in place of jwk", change: header(M{"jwk": nil, "kid": "key-1", "x5u": "https://evil.example/x5u"}), reason: "dpop_key_invalid"},
		{name: "4.3-6 jwk of another key", change: func(p *Token, _ *holder) *Token {
			return p.WithHeader(M{"jwk": NewKey("", "ES256").PublicJWK()})
		}, reason: "jkt_mismatch", code: "invalid_token"}, // the key is compared before the signature
		{name: "4.3-6 signature of another proof", compact: func(p *Token, h *holder) string {
			a, b := p.Sign(h.key), p.With(M{"jti": "other"}).Sign(h.key)
			return a[:strings.LastIndex(a, ".")] + b[strings.LastIndex(b, "."):]
		}, reason: "dpop_signature_invalid"},
		{name: "4.3-6 signature of zeros", compact: func(p *Token, h *holder) string {
			s := p.Sign(h.key)
			return s[:strings.LastIndex(s, ".")+1] + segment(make([]byte, 64))
		}, reason: "dpop_signature_invalid"},

		{name: "4.3-7 private key in jwk", change: func(p *Token, h *holder) *Token {
			return p.WithHeader(M{"jwk": asObject(jose.JSONWebKey{Key: h.key.Private})})
		}, reason: "dpop_key_invalid"},

		{name: "4.3-8 htm of another method", change: claims(M{"htm": "POST"}), reason: "dpop_method_mismatch"},
		{name: "4.3-8 htm in lower case", change: claims(M{"htm": "get"}), reason: "dpop_method_mismatch"},
		{name: "4.3-8 htm empty", change: claims(M{"htm": ""}), reason: "dpop_proof_malformed"},

		{name: "4.3-9 htu of another path", change: htu(func(s string) string { return s + "/more" }), reason: "dpop_uri_mismatch"},
		{name: "4.3-9 htu of another host", change: htu(replaceIn("api.example.com", "evil.example")), reason: "dpop_uri_mismatch"},
		{name: "4.3-9 htu of another port", change: htu(replaceIn("api.example.com", "api.example.com:8443")), reason: "dpop_uri_mismatch"},
		{name: "4.3-9 htu of another scheme", change: htu(replaceIn("https", "http")), reason: "dpop_uri_mismatch"},
		{name: "4.3-9 htu with a user", change: htu(replaceIn("api.example.com", "api.example.com@evil.example")), reason: "dpop_uri_mismatch"},
		{name: "4.3-9 htu without a host", change: htu(replaceIn(Resource, "")), reason: "dpop_uri_mismatch"},
		{name: "4.3-9 htu with the path in upper case", change: htu(replaceIn("/accounts", "/ACCOUNTS")), reason: "dpop_uri_mismatch"},
		{name: "4.3-9 htu empty", change: claims(M{"htu": ""}), reason: "dpop_proof_malformed"},
		{name: "4.3-9 made for a server whose name the client sends as Host", lines: func(h *holder, path string) []string {
			p := h.key.Proof("GET", "https://evil.example"+path, h.token)
			return []string{h.authorization(), proofLine(p.Sign(h.key)), "host: evil.example"}
		}, reason: "dpop_uri_mismatch"},
		{name: "4.3-9 scheme in upper case", change: htu(replaceIn("https", "HTTPS"))},
		{name: "4.3-9 host in upper case", change: htu(replaceIn("api.example.com", "API.Example.COM"))},
		{name: "4.3-9 default port", change: htu(replaceIn("api.example.com", "api.example.com:443"))},
		{name: "4.3-9 an escape that need not be one", change: htu(replaceIn("/accounts", "/%61ccounts"))},
		{name: "4.3-9 dot segments", change: htu(replaceIn("/accounts", "/x/../accounts"))},
		{name: "4.3-9 query and fragment in htu", change: htu(func(s string) string { return s + "?a=b#c" })},
		{name: "4.3-9 query in the request", path: "?page=2"},

		{name: "4.3-11 iat an hour ago", change: claims(M{"iat": seconds(-3600)}), reason: "dpop_proof_too_old"},
		{name: "4.3-11 iat in an hour", change: claims(M{"iat": seconds(3600)}), reason: "dpop_proof_in_future"},
		{name: "4.3-11 iat of the year 2100 and beyond", change: claims(M{"iat": 1 << 50}), reason: "dpop_proof_in_future"},
		{name: "4.3-11 iat 10 s ago", change: func(p *Token, _ *holder) *Token { return p.With(M{"iat": seconds(-10)}) }},
		{name: "4.3-11 iat in 10 s", change: func(p *Token, _ *holder) *Token { return p.With(M{"iat": seconds(10)}) }},
		{name: "4.3-11 exp has passed", change: claims(M{"exp": seconds(-3600)}), reason: "dpop_proof_too_old"},
		{name: "4.3-11 nbf is still to come", change: claims(M{"nbf": seconds(3600)}), reason: "dpop_proof_in_future"},
		{name: "4.3-11 nbf and exp around now", change: claims(M{"nbf": seconds(-60), "exp": seconds(3600)})},

		{name: "4.3-12a ath of another token", change: claims(M{"ath": tokenHash("another")}), reason: "dpop_token_mismatch"},
		{name: "4.3-12a ath empty", change: claims(M{"ath": ""}), reason: "dpop_token_mismatch"},
		{name: "4.3-12a ath padded", change: func(p *Token, _ *holder) *Token { return p.With(M{"ath": p.Claims["ath"].(string) + "="}) }, reason: "dpop_token_mismatch"},
		{name: "4.3-12a the token itself for its hash", change: func(p *Token, h *holder) *Token { return p.With(M{"ath": h.token}) }, reason: "dpop_token_mismatch"},

		{name: "4.3-12b another key", compact: func(p *Token, _ *holder) string {
			thief := NewKey("", "ES256")
			return p.WithHeader(M{"jwk": thief.PublicJWK()}).Sign(thief)
		}, reason: "jkt_mismatch", code: "invalid_token"},
		{name: "4.3-12b the access token for a proof", compact: func(_ *Token, h *holder) string { return h.token }, reason: "dpop_type_not_allowed"},

		{name: "4.2 more claims and header members", change: func(p *Token, _ *holder) *Token {
			return p.With(M{"iss": "x", "sub": "x", "aud": "x", "custom": M{"a": []any{1, nil}}}).WithHeader(M{"kid": "1", "custom": "x"})
		}},
		{name: "4.2 more members in jwk", change: jwk(M{"kid": "mine", "use": "sig", "alg": "ES256"})},
		{name: "4.2 an unknown nonce where none is asked for", change: claims(M{"nonce": "x"})},
	}
}

// Every way in which a proof can be wrong, and the ways in which it may look wrong
// and is not, on both protocols: a proof that is refused is refused for its own
// reason, and the upstream never sees the request.
func TestRFC9449_4_3_Proofs(t *testing.T) {
	f := proving.use(t)
	for _, http2 := range []bool{false, true} {
		h := f.holder(t, "api", Request{}, Caller{HTTP2: http2})
		for i, test := range proofCases() {
			t.Run(fmt.Sprintf("http2=%t/%s", http2, test.name), func(t *testing.T) {
				at := fmt.Sprintf("/accounts/%d-%t", i, http2)
				var lines []string
				if test.lines != nil {
					lines = test.lines(h, at)
				} else {
					p, proof := h.proof(at), ""
					if test.change != nil {
						p = test.change(p, h)
					}
					if test.compact != nil {
						proof = test.compact(p, h)
					} else {
						proof = p.Sign(h.key)
					}
					lines = []string{h.authorization(), proofLine(proof)}
				}
				a := h.Get(at+test.path, lines...)
				reason, binding := f.reasonFor(t, at)
				if test.reason == "" {
					passed(t, a)
					if binding != "dpop" {
						t.Errorf("the binding is %s", binding)
					}
					return
				}
				f.refused(t, a, 401, or(test.code, "invalid_dpop_proof"))
				challenged(t, a, "DPoP", or(test.code, "invalid_dpop_proof"), 2)
				if reason != test.reason {
					t.Errorf("the reason is %s, want %s", reason, test.reason)
				}
				if a.Header.Get("dpop-nonce") != "" {
					t.Error("a nonce, where none is asked for")
				}
			})
		}
	}
}

// RFC 9449 §4.3, 8: the method is what the request line says, not what a header
// asks for, and its case counts.
func TestRFC9449_4_3_8_Method(t *testing.T) {
	f := proving.use(t)
	h := f.holder(t, "api", Request{}, Caller{})
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
		passed(t, h.Do(t.Context(), method, path, nil, h.key.Authorize(method, path, h.token)...))
		override := append(h.key.Authorize("GET", path, h.token), "x-http-method-override: GET")
		if a := h.Do(t.Context(), method, path, nil, override...); (a.Status == 200) != (method == "GET") {
			t.Errorf("%s with a proof for GET: got %v", method, describe(a))
		}
	}
}

// RFC 9449 §4.3, 9: the path is the one that the upstream gets, in every spelling
// that means the same.
func TestRFC9449_4_3_9_Path(t *testing.T) {
	f := proving.use(t)
	for _, http2 := range []bool{false, true} {
		h := f.holder(t, "api", Request{}, Caller{HTTP2: http2})
		for _, test := range []struct {
			requested, proved string
			passes            bool
		}{
			{"/accounts/~me", "/accounts/%7Eme", true}, {"/accounts/%7eme", "/accounts/~me", true},
			{"/accounts/%c3%a9", "/accounts/%C3%A9", true}, {"/accounts?a=b", "/accounts", true},
			{"/accounts", "/accounts/", false}, {"/accounts/A", "/accounts/a", false},
			{"/accounts/1", "/accounts/1/../2", false},
		} {
			a := h.Get(test.requested, h.authorization(), proofLine(h.key.Proof("GET", Resource+test.proved, h.token).Sign(h.key)))
			if test.passes {
				passed(t, a)
			} else {
				f.refused(t, a, 401, "invalid_dpop_proof")
			}
		}
	}
}

// RFC 9449 §6.1: every shape of jkt that binds to nothing. go-oidc issues none of
// them.
func TestT12JKT(t *testing.T) {
	f := proving.use(t)
	key := NewKey("", "ES256")
	jkt := key.JKT()
	c := f.ClientOf("api", Caller{})
	defer c.Close()
	send := func(t *testing.T, confirmation any) *Answer {
		token := f.Auth.Mint(nil).With(M{"cnf": confirmation}).Sign(f.Auth.Key())
		return c.Get(path, key.Authorize("GET", path, token)...)
	}
	passed(t, send(t, M{"jkt": jkt}))
	passed(t, send(t, M{"jkt": jkt, "other": 1}))
	for name, cnf := range map[string]any{
		"null": nullValue, "text": jkt, "empty": M{}, "jkt null": M{"jkt": nil}, "jkt empty": M{"jkt": ""}, "jkt number": M{"jkt": 1},
		"jkt array": M{"jkt": []any{jkt}}, "jkt padded": M{"jkt": jkt + "="}, "jkt cut": M{"jkt": jkt[:42]}, "jkt longer": M{"jkt": jkt + "A"},
		"jkt standard base64": M{"jkt": base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\xff", 32)))},
		"jkt other case":      M{"JKT": jkt}, "someone else's": M{"jkt": NewKey("", "ES256").JKT()}, "the key itself": M{"jwk": key.PublicJWK()},
		"x5t in place of it": M{"x5t#S256": jkt},
	} {
		t.Run(name, func(t *testing.T) {
			f.refused(t, send(t, cnf), 401, "invalid_token")
		})
	}
}
