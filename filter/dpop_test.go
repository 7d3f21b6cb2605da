package filter_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

const (
	dpopOnly  = `"proof_of_possession":{"methods":["dpop"],"dpop":{"origin":["https://api.example.com"]}}`
	dpopNonce = `"proof_of_possession":{"methods":["mtls","dpop"],"dpop":{"origin":["https://api.example.com"],"nonce":"required","nonce_key_env":"NONCES","nonce_lifetime":"60s"}}`
	bothWays  = `"proof_of_possession":{"methods":["mtls","dpop"],"dpop":{"origin":["https://api.example.com"]}}`
)

// jktOf is the RFC 7638 thumbprint of the key of this name.
func jktOf(key string) string {
	digest := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":` + coordinates(key)[0] + `,"y":` + coordinates(key)[1] + `}`))
	return encode(digest[:])
}

func coordinates(key string) [2]string {
	point, err := newKey(key).PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	return [2]string{`"` + encode(point[1:33]) + `"`, `"` + encode(point[33:]) + `"`}
}

// toKey binds to the key of this name.
func toKey(key string) edit { return claim("cnf", object{"jkt": jktOf(key)}) }

// proofOf is a DPoP proof by the key of this name for a GET of /accounts now.
func proofOf(key, token string, edits ...edit) string {
	digest := sha256.Sum256([]byte(token))
	jwk := object{"kty": "EC", "crv": "P-256", "x": strings.Trim(coordinates(key)[0], `"`), "y": strings.Trim(coordinates(key)[1], `"`)}
	header := object{"alg": "ES256", "typ": "dpop+jwt", "jwk": jwk}
	claims := object{"jti": "one", "htm": "GET", "htu": "https://api.example.com/accounts", "iat": seconds(0), "ath": encode(digest[:])}
	for _, e := range edits {
		e(header, claims)
	}
	return sign(key, marshal(header), marshal(claims))
}

// dpopGet is a request with this token under DPoP and these proofs, of a client that
// presents no certificate.
func dpopGet(token string, proofs ...string) *filtertest.Stream {
	fields := []filter.Header{field("authorization", "DPoP "+token)}
	for _, proof := range proofs {
		fields = append(fields, field("dpop", proof))
	}
	return filtertest.NewStream("GET", host, "/accounts", fields...)
}

func with(s *filtertest.Stream, fields ...filter.Header) *filtertest.Stream {
	s.Headers = append(s.Headers, fields...)
	return s
}

// startNonces starts a worker that has the keys of nonces in its environment.
func startNonces(t *testing.T, keys, configuration string) (*worker, error) {
	t.Helper()
	proxy := filtertest.NewProxy()
	w := &worker{Host: proxy.Worker(), t: t, proxy: proxy}
	w.Environment = map[string]string{"NONCES": keys}
	plugin, err := w.Start(configure(t, configuration))
	w.plugin = plugin
	return w, err
}

// The twelve checks of RFC 9449 §4.3, and what each is answered with.
func TestRFC9449_4_3_Proofs(t *testing.T) {
	t.Parallel()
	token := mint("k1", toKey("c1"))
	const invalidProof, invalidToken = "invalid_dpop_proof", "invalid_token"
	tests := []struct {
		name   string
		proofs []string
		reason string
		code   string
	}{
		{"1 no proof", nil, "dpop_proof_missing", invalidProof},
		{"1 two proofs", []string{proofOf("c1", token), proofOf("c1", token)}, "dpop_proof_multiple", invalidProof},
		{"2 no JWT", []string{"a.b.c"}, "dpop_proof_malformed", invalidProof},
		{"3 no jti", []string{proofOf("c1", token, claim("jti", nil))}, "dpop_proof_malformed", invalidProof},
		{"4 typ", []string{proofOf("c1", token, param("typ", "at+jwt"))}, "dpop_type_not_allowed", invalidProof},
		{"5 alg", []string{proofOf("c1", token, param("alg", "ES384"))}, "dpop_key_invalid", invalidProof},
		{"5 none", []string{proofOf("c1", token, param("alg", "none"))}, "dpop_algorithm_not_allowed", invalidProof},
		{"6 signature", []string{proofOf("c1", token)[:200] + "A" + proofOf("c1", token)[201:]}, "", invalidProof},
		{"7 private key", []string{proofOf("c1", token, func(header, _ object) { header["jwk"].(object)["d"] = "AA" })}, "dpop_key_invalid", invalidProof},
		{"8 htm", []string{proofOf("c1", token, claim("htm", "POST"))}, "dpop_method_mismatch", invalidProof},
		{"9 htu", []string{proofOf("c1", token, claim("htu", "https://api.example.com/other"))}, "dpop_uri_mismatch", invalidProof},
		{"9 htu of a malicious server", []string{proofOf("c1", token, claim("htu", "https://evil.example/accounts"))}, "dpop_uri_mismatch", invalidProof},
		{"11 too old", []string{proofOf("c1", token, claim("iat", seconds(-71*time.Second)))}, "dpop_proof_too_old", invalidProof},
		{"11 in future", []string{proofOf("c1", token, claim("iat", seconds(11*time.Second)))}, "dpop_proof_in_future", invalidProof},
		{"12 ath", []string{proofOf("c1", token+"x")}, "dpop_token_mismatch", invalidProof},
		{"12 another key", []string{proofOf("c2", token)}, "jkt_mismatch", invalidToken},
		{"good", []string{proofOf("c1", token)}, "token_accepted", ""},
		{"replayed", []string{proofOf("c1", token)}, "dpop_replayed", invalidProof},
	}
	w := start(t, "{"+dpopOnly+"}")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.t = t
			s := dpopGet(token, tt.proofs...)
			if reason := w.judge(s); reason != tt.reason && tt.reason != "" {
				t.Errorf("%s, want %s", reason, tt.reason)
			}
			if tt.code == "" {
				only(t, s, "dpop")
				only(t, s, "authorization", "DPoP "+token)
				return
			}
			want := `DPoP realm="holdfast", error="` + tt.code + `"`
			if s.Answer == nil || s.Answer.Status != 401 || !strings.HasPrefix(header(s, "www-authenticate"), want) ||
				!strings.HasSuffix(header(s, "www-authenticate"), `algs="ES256 PS256 EdDSA RS256"`) {
				t.Errorf("%+v, want %s", s.Answer, want)
			}
		})
	}
	w.t = t
	if got := w.Metric("holdfast.denied.jkt_mismatch"); got != 1 {
		t.Errorf("counted %d times", got)
	}
	w = start(t, "{"+dpopOnly+"}")
	w.expect(dpopGet(token, proofOf("c2", token)), "jkt_mismatch")
	if !strings.Contains(w.LogText(), "denied reason=jkt_mismatch") || !strings.Contains(w.LogText(), "jkt="+jktOf("c1")[:8]+" proved="+jktOf("c2")[:8]) {
		t.Errorf("log %s", w.LogText())
	}
}

// header is the value of a field of the answer; empty when it is not there exactly once.
func header(s *filtertest.Stream, name string) string {
	found := ""
	for _, h := range s.Answer.Headers {
		if h.Name == name {
			if found != "" {
				return ""
			}
			found = h.Value
		}
	}
	return found
}

// An algorithm that a proof may have is one of the list, whatever tokens may have.
func TestRFC9449_4_3_AlgorithmsOfProofs(t *testing.T) {
	t.Parallel()
	token := mint("k1", toKey("c1"))
	w := start(t, `{"proof_of_possession":{"methods":["dpop"],"dpop":{"origin":["https://api.example.com"],"algorithms":["PS256"]}}}`)
	w.expect(dpopGet(token, proofOf("c1", token)), "dpop_algorithm_not_allowed")
	if got := len(w.Recorded("holdfast.verify_us")); got != 1 {
		t.Errorf("%d signatures were verified, want the token's", got)
	}
}

// Which scheme a token may come under, and what it needs there (RFC 9449 §7).
func TestRFC9449_7_Schemes(t *testing.T) {
	t.Parallel()
	byKey, byCert := mint("k1", toKey("c1")), good()
	byBoth := mint("k1", claim("cnf", object{"jkt": jktOf("c1"), "x5t#S256": x5t(certA)}))
	free := mint("k1", claim("cnf", nil))
	bearer := func(token string) *filtertest.Stream { return get(token) }
	proved := func(token string) *filtertest.Stream {
		return dpopGet(token, proofOf("c1", token, claim("jti", token[len(token)-20:]))).Present(certA)
	}
	tests := []struct {
		name, config, reason, binding string
		request                       *filtertest.Stream
	}{
		{"7.1 DPoP", bothWays, "token_accepted", "dpop", proved(byKey)},
		{"7.2 a DPoP token as Bearer", bothWays, "dpop_scheme_required", "failed", bearer(byKey)},
		{"7.2 a DPoP token as Bearer with a proof", bothWays, "dpop_scheme_required", "failed", get(byKey, field("dpop", proofOf("c1", byKey)))},
		{"both", bothWays, "token_accepted", "mtls+dpop", proved(byBoth)},
		{"both, without a certificate", bothWays, "certificate_missing", "failed", dpopGet(byBoth, proofOf("c1", byBoth))},
		{"both, without a proof", bothWays, "dpop_proof_missing", "failed", dpopGet(byBoth).Present(certA)},
		{"both, as Bearer", bothWays, "dpop_scheme_required", "failed", bearer(byBoth)},
		{"both, another certificate", bothWays, "cnf_mismatch", "failed", proved(byBoth).Present(certB)},
		{"a certificate's token under DPoP", bothWays, "jkt_missing", "failed", proved(byCert)},
		{"a certificate's token", bothWays, "token_accepted", "mtls", bearer(byCert)},
		{"mtls is off", dpopOnly, "cnf_unsupported", "failed", bearer(byCert)},
		{"mtls is off, both", dpopOnly, "cnf_unsupported", "failed", proved(byBoth)},
		{"dpop is off: the scheme is not taken", `"realm":"x"`, "no_token", "", proved(byKey)},
		{"dpop is off: the token is refused", `"realm":"x"`, "cnf_unsupported", "failed", bearer(byKey)},
		{"unbound, strict", bothWays, "cnf_missing", "failed", bearer(free)},
		{"unbound, optional", `"proof_of_possession":{"methods":["dpop"],"mode":"optional","dpop":{"origin":["https://api.example.com"]}}`, "token_accepted", "none", bearer(free)},
		{"unbound under DPoP, optional", `"proof_of_possession":{"methods":["dpop"],"mode":"optional","dpop":{"origin":["https://api.example.com"]}}`, "jkt_missing", "failed", proved(free)},
		{"from a header", bothWays + `,"token_sources":[{"authorization":{}},{"header":{"name":"x-token"}}]`, "dpop_scheme_required", "failed",
			filtertest.NewStream("GET", host, "/accounts", field("x-token", byKey), field("dpop", proofOf("c1", byKey)))},
		{"two schemes in one field", bothWays, "malformed_credentials", "", filtertest.NewStream("GET", host, "/accounts", field("authorization", "Basic eA==, DPoP "+byKey))},
		{"two fields", bothWays, "multiple_tokens", "", with(dpopGet(byKey, proofOf("c1", byKey)), field("authorization", "Bearer "+byCert))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := start(t, "{"+tt.config+"}")
			w.expect(tt.request, tt.reason)
			if got := tt.request.Left["holdfast.binding"]; got != tt.binding {
				t.Errorf("binding %q, want %q", got, tt.binding)
			}
		})
	}
	for _, scheme := range []string{"DPoP", "dpop", "DPOP", "dPoP"} {
		s := dpopGet(byKey, proofOf("c1", byKey))
		s.Headers[4].Value = scheme + " " + byKey
		start(t, "{"+dpopOnly+"}").expect(s, "token_accepted")
	}
}

// The error stands on the scheme that was used, and each scheme that is taken is named
// (RFC 9449 §7.1, §7.2).
func TestRFC9449_7_1_Challenges(t *testing.T) {
	t.Parallel()
	const algs = `algs="ES256 PS256 EdDSA RS256"`
	token := mint("k1", toKey("c1"))
	for config, rows := range map[string][][2]string{
		bothWays: {
			{"", `Bearer realm="holdfast", DPoP realm="holdfast", ` + algs},
			{"Bearer " + token, `Bearer realm="holdfast", error="invalid_token", error_description="the access token is bound to a DPoP key and was not sent under the scheme DPoP", DPoP realm="holdfast", ` + algs},
			{"DPoP " + token, `DPoP realm="holdfast", error="invalid_dpop_proof", error_description="the DPoP proof is missing", ` + algs + `, Bearer realm="holdfast"`},
			{"DPoP a,b", `DPoP realm="holdfast", error="invalid_request", error_description="the credentials are malformed", ` + algs + `, Bearer realm="holdfast"`},
			{"DPoP", `DPoP realm="holdfast", error="invalid_request", error_description="the credentials are malformed", ` + algs + `, Bearer realm="holdfast"`},
			{"DPoP " + strings.Repeat("a", 16385), `DPoP realm="holdfast", error="invalid_request", error_description="the access token is too long", ` + algs + `, Bearer realm="holdfast"`},
			{"Bearer a,b", `Bearer realm="holdfast", error="invalid_request", error_description="the credentials are malformed", DPoP realm="holdfast", ` + algs},
		},
		dpopOnly: {
			{"", `DPoP realm="holdfast", ` + algs},
			{"Bearer " + token, `DPoP realm="holdfast", error="invalid_token", error_description="the access token is bound to a DPoP key and was not sent under the scheme DPoP", ` + algs},
		},
	} {
		for _, row := range rows {
			s := filtertest.NewStream("GET", host, "/accounts")
			if row[0] != "" {
				s.Headers = append(s.Headers, field("authorization", row[0]))
			}
			start(t, "{"+config+"}").send(s)
			if got := header(s, "www-authenticate"); got != row[1] {
				t.Errorf("%q:\n%s, want\n%s", row[0], got, row[1])
			}
		}
	}
	s := filtertest.NewStream("GET", host, "/accounts?access_token=a", field("authorization", "DPoP "+token))
	start(t, "{"+bothWays+"}").send(s)
	if got := header(s, "www-authenticate"); !strings.HasPrefix(got, `DPoP realm="holdfast", error="invalid_request"`) {
		t.Errorf("a second token in the query: %s", got)
	}
}

func TestRFC9449_9_Nonces(t *testing.T) {
	t.Parallel()
	w, err := startNonces(t, sessionKey, "{"+dpopNonce+"}")
	if err != nil {
		t.Fatal(err)
	}
	token := mint("k1", toKey("c1"))
	fresh := 0
	ask := func(nonce any) *filtertest.Stream {
		fresh++
		return dpopGet(token, proofOf("c1", token, claim("nonce", nonce), claim("jti", string(rune('a'+fresh))), claim("iat", w.proxy.Now().Unix())))
	}
	// challenged checks a challenge and returns its nonce.
	challenged := func(s *filtertest.Stream) string {
		t.Helper()
		w.expect(s, "dpop_nonce_required")
		nonce := header(s, "dpop-nonce")
		if s.Answer.Status != 401 || nonce == "" || !strings.HasPrefix(header(s, "www-authenticate"), `DPoP realm="holdfast", error="use_dpop_nonce"`) {
			t.Errorf("%+v", s.Answer)
		}
		return nonce
	}
	// answered lets the upstream answer, and returns the fields of that.
	answered := func(s *filtertest.Stream) *filtertest.Stream {
		t.Helper()
		x := w.send(s)
		w.expectNow(s, "token_accepted")
		s.Response(x.OnResponseHeaders, field("dpop-nonce", "the upstream's"), field("cache-control", "public"))
		return s
	}
	nonce := challenged(ask(nil))
	challenged(ask("invented"))
	challenged(ask(1))
	// No new nonce in the first half of the old one's life, and never the upstream's.
	if s := answered(ask(nonce)); len(s.ResponseField("dpop-nonce")) != 0 || !slices.Equal(s.ResponseField("cache-control"), []string{"public"}) {
		t.Errorf("%q", s.ResponseHeaders)
	}
	stuck := ask(nonce)
	stuck.Faults = filtertest.FailOn(errors.New("no"), "RemoveResponseHeader")
	answered(stuck)
	if !strings.Contains(w.LogText(), "a response could not be edited") {
		t.Errorf("log %s", w.LogText())
	}
	w.proxy.Advance(31 * time.Second)
	s := answered(ask(nonce))
	renewed := s.ResponseField("dpop-nonce")
	if len(renewed) != 1 || renewed[0] == nonce || renewed[0] == "the upstream's" || !slices.Equal(s.ResponseField("cache-control"), []string{"private, no-store"}) {
		t.Errorf("%q", s.ResponseHeaders)
	}
	if len(s.ResponseField("access-control-expose-headers")) != 0 {
		t.Errorf("exposed to nobody: %q", s.ResponseHeaders)
	}
	w.proxy.Advance(40 * time.Second) // over 60 s and the skew of 10 s
	challenged(ask(nonce))
	answered(ask(renewed[0]))

	// Another replica has the same keys, in rotation.
	other, err := startNonces(t, otherKey+","+sessionKey, "{"+dpopNonce+"}")
	if err != nil {
		t.Fatal(err)
	}
	other.proxy.Advance(w.proxy.Now().Sub(filtertest.Epoch))
	other.expect(ask(renewed[0]), "token_accepted")

	// A certificate's token needs no nonce.
	w.expect(get(good()), "token_accepted")
}

// Under report_only a client learns the nonce from the answer that it would not have got.
func TestRFC9449_9_NonceWithReportOnly(t *testing.T) {
	t.Parallel()
	w, err := startNonces(t, sessionKey, "{"+strings.Replace(dpopNonce, `"methods"`, `"report_only":true,"methods"`, 1)+"}")
	if err != nil {
		t.Fatal(err)
	}
	token := mint("k1", toKey("c1"))
	s := with(dpopGet(token, proofOf("c1", token)), field("origin", "https://app.example.com"))
	x := w.send(s)
	w.expectNow(s, "token_accepted")
	s.Response(x.OnResponseHeaders, field("access-control-expose-headers", "x-a"))
	if nonce := s.ResponseField("dpop-nonce"); len(nonce) != 1 || w.Metric("holdfast.report_only.dpop_nonce_required") != 1 {
		t.Errorf("%q", s.ResponseHeaders)
	}
	if got := s.ResponseField("access-control-expose-headers"); !slices.Equal(got, []string{"x-a", "WWW-Authenticate, DPoP-Nonce"}) {
		t.Errorf("exposed %q", got)
	}
	s = dpopGet(token, proofOf("c1", token, claim("nonce", s.ResponseField("dpop-nonce")[0])))
	w.expect(s, "token_accepted")
	if s.Left["holdfast.binding"] != "dpop" {
		t.Errorf("binding %q", s.Left["holdfast.binding"])
	}
}

// Scripts may read the challenge, and the nonce with it.
func TestRFC9449_9_CORS(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{dpopOnly: "WWW-Authenticate, DPoP-Nonce", `"realm":"x"`: ""} {
		s := with(dpopGet("x"), field("origin", "https://app.example.com"))
		start(t, "{"+config+"}").send(s)
		if got := header(s, "access-control-expose-headers"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	s := dpopGet("x")
	start(t, "{"+dpopOnly+"}").send(s)
	if got := header(s, "access-control-expose-headers"); got != "" {
		t.Errorf("without an origin: %q", got)
	}
}

func TestDPoPSecrets(t *testing.T) {
	t.Parallel()
	for _, keys := range []string{"", "x", sessionKey[:40]} {
		w, err := startNonces(t, keys, "{"+dpopNonce+"}")
		if err == nil || !strings.Contains(err.Error(), "proof_of_possession.dpop.nonce_key_env: ") || keys != "" && strings.Contains(w.LogText(), keys+" ") {
			t.Errorf("%q: %v", keys, err)
		}
	}
}

// The proof never goes on, in whatever way the token does.
func TestContract1_ForwardOfDPoPTokens(t *testing.T) {
	t.Parallel()
	token := mint("k1", toKey("c1"))
	for forward, want := range map[string][]string{"keep": {"DPoP " + token}, "bearer": {"Bearer " + token}, "strip": nil} {
		w := start(t, `{`+bothWays+`,"forward":{"token":"`+forward+`"}}`)
		s := dpopGet(token, proofOf("c1", token))
		s.Trailers = []filter.Header{field("dpop", "x"), field("x-a", "b")}
		x := w.send(s)
		w.expectNow(s, "token_accepted")
		only(t, s, "authorization", want...)
		only(t, s, "dpop")
		if x.OnRequestTrailers(); len(s.Trailers) != 1 {
			t.Errorf("trailers %q", s.Trailers)
		}
		s = get(good(), field("DPoP", "x"))
		w.expect(s, "token_accepted")
		if forward != "strip" {
			only(t, s, "authorization", "Bearer "+good())
		}
		only(t, s, "dpop")
	}
	// Nor under a rule that asks for no token.
	w := start(t, `{`+dpopOnly+`,"rules":[{"access":"anonymous"}]}`)
	s := filtertest.NewStream("GET", host, "/accounts", field("dpop", "x"))
	w.expect(s, "anonymous")
	only(t, s, "dpop")
	// A token that is sent is judged, also there.
	w.expect(get(token), "dpop_scheme_required")
	w.expect(get("x"), "token_not_jwt")
	// Without DPoP the header is not Holdfast's.
	s = get(good(), field("dpop", "x"))
	start(t, ``).expect(s, "token_accepted")
	only(t, s, "dpop", "x")
}

// A session is for tokens that a certificate alone proves (contract §4).
func TestContract4_NoSessionForDPoP(t *testing.T) {
	t.Parallel()
	w := startSessions(t, sessionKey, `{`+bothWays+`,`+withSession+`}`)
	for id, cnf := range map[string]object{"a": {"jkt": jktOf("c1")}, "b": {"jkt": jktOf("c1"), "x5t#S256": x5t(certA)}} {
		token := mint("k1", claim("cnf", cnf))
		s := dpopGet(token, proofOf("c1", token, claim("jti", id))).Present(certA)
		x := w.send(s)
		w.expectNow(s, "token_accepted")
		if s.Response(x.OnResponseHeaders); len(s.ResponseField("set-cookie")) != 0 {
			t.Errorf("%v starts a session: %q", cnf, s.ResponseHeaders)
		}
	}
}

// A request that waits is judged again. Its proof is verified once, and spent once; of
// two that wait with one proof one passes.
func TestRFC9449_11_1_ParkedRequests(t *testing.T) {
	t.Parallel()
	w := startAsking(t, asks(`"tokens":"all"`, dpopOnly), always(said(toKey("c1"))))
	token := mint("k1", toKey("c1"))
	proof := proofOf("c1", token)
	first, second := dpopGet(token, proof), dpopGet(token, proof)
	w.send(first)
	w.send(second)
	w.expectNow(first, "waits")
	w.expectNow(second, "waits")
	w.proxy.Advance(10 * time.Millisecond)
	reasons := []string{w.outcome(first), w.outcome(second)}
	slices.Sort(reasons)
	if !slices.Equal(reasons, []string{"dpop_replayed", "token_accepted"}) {
		t.Errorf("%q", reasons)
	}
	// Each request is judged twice and verifies its token and its proof once.
	if got := len(w.Recorded("holdfast.verify_us")); got != 4 {
		t.Errorf("%d signatures were verified", got)
	}
}

// With "tokens": "all" the answer about a JWT may add a jkt to its x5t#S256: then both
// are needed. Where nobody adds one, the scheme DPoP is the wrong one.
func TestContract2_TheAnswerAddsAKey(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cnf    edit
		sent   func(token string) *filtertest.Stream
		reason string
	}{
		"both":                         {toKey("c1"), func(token string) *filtertest.Stream { return dpopGet(token, proofOf("c1", token)).Present(certA) }, "token_accepted"},
		"another key":                  {toKey("c1"), func(token string) *filtertest.Stream { return dpopGet(token, proofOf("c2", token)).Present(certA) }, "jkt_mismatch"},
		"as Bearer":                    {toKey("c1"), func(token string) *filtertest.Stream { return get(token) }, "dpop_scheme_required"},
		"no jkt":                       {cnf(certA), func(token string) *filtertest.Stream { return dpopGet(token, proofOf("c1", token)).Present(certA) }, "jkt_missing"},
		"no cnf":                       {claim("cnf", nil), func(token string) *filtertest.Stream { return dpopGet(token, proofOf("c1", token)).Present(certA) }, "jkt_missing"},
		"another certificate, unasked": {toKey("c1"), func(token string) *filtertest.Stream { return dpopGet(token, proofOf("c1", token)).Present(certB) }, "cnf_mismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startAsking(t, asks(`"tokens":"all"`, bothWays), always(said(tt.cnf)))
			if got := w.settle(tt.sent(mint("k1"))); got != tt.reason {
				t.Errorf("%s, want %s", got, tt.reason)
			}
			if asked := len(w.Dispatched) > 0; asked != (tt.reason != "cnf_mismatch") {
				t.Errorf("asked: %v", asked)
			}
		})
	}
}

// Listeners with the same configuration accept a proof once, also when its text
// differs: Envoy writes a google.protobuf.Struct in another order each time.
func TestRFC9449_11_1_OneConfigurationInTwoSpellings(t *testing.T) {
	t.Parallel()
	token := mint("k1", toKey("c1"))
	doc := configure(t, `{"realm":"a",`+dpopOnly+`}`) // encoding/json sorts by name
	rest, found := strings.CutSuffix(doc, `,"realm":"a"}`)
	if !found {
		t.Fatal(doc)
	}
	proxy := filtertest.NewProxy()
	first, second := startIn(t, proxy, doc), startIn(t, proxy, `{"realm":"a",`+rest[1:]+"}")
	other := startIn(t, proxy, `{"realm":"b",`+rest[1:]+"}")
	proof := proofOf("c1", token)
	first.expect(dpopGet(token, proof), "token_accepted")
	second.expect(dpopGet(token, proof), "dpop_replayed")
	other.expect(dpopGet(token, proof), "token_accepted") // nothing is shared with another one
}

// A proof that cannot be remembered is refused, never let pass.
func TestRFC9449_11_1_NothingToRememberWith(t *testing.T) {
	t.Parallel()
	token := mint("k1", toKey("c1"))
	w := start(t, "{"+dpopOnly+"}")
	w.Faults = filtertest.FailOn(errors.New("out of memory"), "SharedSet")
	s := dpopGet(token, proofOf("c1", token))
	w.expect(s, "dpop_replay_failed")
	if s.Answer.Status != 503 || header(s, "retry-after") == "" || header(s, "www-authenticate") != "" {
		t.Errorf("%+v", s.Answer)
	}
	w.Faults = nil
	w.expect(dpopGet(token, proofOf("c1", token)), "token_accepted")

	full := start(t, `{"limits":{"replay_entries":1024},"proof_of_possession":{"methods":["dpop"],"dpop":{"origin":["https://api.example.com"],"replay":"per_worker"}}}`)
	accepted, refused := 0, 0
	for i := range 2048 {
		id := base64.RawURLEncoding.EncodeToString([]byte{byte(i >> 8), byte(i), 'x'})
		switch reason := full.judge(dpopGet(token, proofOf("c1", token, claim("jti", id)))); reason {
		case "token_accepted":
			accepted++
		case "dpop_replay_full":
			refused++
		default:
			t.Fatal(reason)
		}
	}
	if accepted > 1024 || accepted < 512 {
		t.Errorf("%d accepted, %d refused", accepted, refused)
	}
	full.proxy.Advance(71 * time.Second)
	again := proofOf("c1", token, claim("iat", full.proxy.Now().Unix()))
	full.expect(dpopGet(token, again), "token_accepted")
}

// The host has to share data, unless each worker is to remember on its own.
func TestDPoPStartWithoutSharedData(t *testing.T) {
	t.Parallel()
	proxy := filtertest.NewProxy()
	h := proxy.Worker()
	h.Faults = filtertest.FailOn(errors.New("no shared data"), "SharedGet", "SharedSet")
	if _, err := h.Start(configure(t, "{"+dpopOnly+"}")); err == nil {
		t.Error("it started")
	}
	if _, err := h.Start(configure(t, `{"shared_data":false,"proof_of_possession":{"methods":["dpop"],"dpop":{"origin":["https://api.example.com"],"replay":"per_worker"}}}`)); err != nil {
		t.Error(err)
	}
}

func TestStartLineNamesTheMethods(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{dpopOnly: " methods=dpop ", bothWays: " methods=mtls,dpop ", `"realm":"x"`: " methods=mtls "} {
		if w := start(t, "{"+config+"}"); !strings.Contains(w.LogText(), want) {
			t.Errorf("%s", w.LogText())
		}
	}
}
