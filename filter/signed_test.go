package filter_test

import (
	"strings"
	"testing"
	"time"

	"holdfast/filter"
	"holdfast/filter/filtertest"
)

const (
	signedType = "application/token-introspection+jwt"
	keysByURI  = `"jwks":{"uri":"https://as.example.com/jwks","cluster":"as","timeout":"5s","unknown_kid_interval":"30s"},`
)

// asksSigned is a configuration that asks for signed answers.
func asksSigned(rest ...string) string { return asks(`"accept":"`+signedType+`"`, rest...) }

// fetchesKeys has the issuer's keys fetched.
func fetchesKeys(change string) string {
	return strings.Replace(change, `{"issuer":{`, `{"issuer":{`+keysByURI, 1)
}

// signedAnswer is a signed answer (RFC 9701 §5) about the token of [said]. The edits
// are of the JWT around it.
func signedAnswer(key string, edits ...edit) string {
	header := object{"typ": "token-introspection+jwt", "alg": "ES256", "kid": key}
	claims := object{"iss": issuerURL, "aud": "gw", "iat": seconds(0), "token_introspection": answer()}
	for _, e := range edits {
		e(header, claims)
	}
	return sign(key, marshal(header), marshal(claims))
}

func saidSigned(key string, edits ...edit) filtertest.Reply {
	return saidAs(signedType, signedAnswer(key, edits...))
}

// about changes what a signed answer says of the token.
func about(edits ...edit) edit { return claim("token_introspection", answer(edits...)) }

// keysAndAnswers answers fetches of keys and questions each in their own way.
func keysAndAnswers(keys, question func(filter.Call) filtertest.Reply) func(filter.Call) filtertest.Reply {
	return func(call filter.Call) filtertest.Reply {
		if call.Path == "/jwks" {
			return keys(call)
		}
		return question(call)
	}
}

// calls counts the calls to a path.
func (w *worker) calls(path string) int {
	n := 0
	for _, call := range w.Dispatched {
		if call.Path == path {
			n++
		}
	}
	return n
}

func TestRFC9701_4_TheQuestion(t *testing.T) {
	t.Parallel()
	w := startAsking(t, asksSigned(), always(saidSigned("k1")))
	w.expectSettled(get("opaque"), "token_accepted")
	accepts := 0
	for _, h := range w.Dispatched[0].Headers {
		if h.Name == "accept" {
			accepts++
			if h.Value != signedType {
				t.Error(h.Value)
			}
		}
	}
	if accepts != 1 {
		t.Errorf("%d fields", accepts)
	}
}

// What a signed answer says is judged as any other, and what is wrong with the JWT
// around it is a failure, never a verdict.
func TestRFC9701_5_TheAnswer(t *testing.T) {
	t.Parallel()
	good := signedAnswer("k1")
	flipped := good[:len(good)-10] + string("AB"[boolInt(good[len(good)-10] == 'A')]) + good[len(good)-9:]
	jwe := encode([]byte(`{"alg":"ECDH-ES","enc":"A256GCM","typ":"token-introspection+jwt"}`)) + "..AA.AA.AA"
	for name, tt := range map[string]struct {
		reason string
		reply  filtertest.Reply
	}{
		"good":                             {"token_accepted", saidSigned("k1")},
		"typ in full":                      {"token_accepted", saidSigned("k1", param("typ", signedType))},
		"no kid, one key":                  {"token_accepted", saidSigned("k1", param("kid", nil))},
		"aud among several":                {"token_accepted", saidSigned("k1", claim("aud", []any{"other", "gw"}))},
		"iat within the skew":              {"token_accepted", saidSigned("k1", claim("iat", seconds(10*time.Second)))},
		"exp to come":                      {"token_accepted", saidSigned("k1", claim("exp", seconds(time.Minute)))},
		"type with parameters":             {"token_accepted", saidAs(signedType+"; charset=utf-8", good)},
		"inactive":                         {"token_inactive", saidSigned("k1", claim("token_introspection", object{"active": false}))},
		"T22 active as text":               {"token_inactive", saidSigned("k1", about(claim("active", "true")))},
		"T22 active beside it":             {"token_inactive", saidSigned("k1", claim("active", true), about(claim("active", nil)))},
		"T22c another issuer's token":      {"issuer_unknown", saidSigned("k1", about(claim("iss", "https://other.example.com")))},
		"another audience's token":         {"audience_mismatch", saidSigned("k1", about(claim("aud", "https://other.example.com")))},
		"aud of the answer is no audience": {"audience_mismatch", saidSigned("k1", claim("aud", []any{"gw", audience}), about(claim("aud", nil)))},
		"expired":                          {"expired", saidSigned("k1", about(claim("exp", seconds(0))))},
		"another certificate's token":      {"cnf_mismatch", saidSigned("k1", about(cnf(certB)))},
		"cnf beside the answer":            {"cnf_missing", saidSigned("k1", cnf(certA), about(claim("cnf", nil)))},

		"unsigned where signed is asked":     {"", said()},
		"JSON of the signed type":            {"", saidAs(signedType, marshal(answer()))},
		"signed, but of the plain type":      {"", saidAs("application/json", good)},
		"signed, as application/jwt":         {"", saidAs("application/jwt", good)},
		"no type":                            {"", ok(good)},
		"JSON serialisation":                 {"", saidAs(signedType, `{"payload":"e30","protected":"e30","signature":"AA"}`)},
		"T16 JWE":                            {"", saidAs(signedType, jwe)},
		"T16 JWS with enc":                   {"", saidSigned("k1", param("enc", "A256GCM"))},
		"crit":                               {"", saidSigned("k1", param("crit", []any{"b64"}))},
		"T18 an access token":                {"", saidAs(signedType, mint("k1"))},
		"T18 an access token with an answer": {"", saidSigned("k1", param("typ", "at+jwt"))},
		"typ JWT":                            {"", saidSigned("k1", param("typ", "JWT"))},
		"no typ":                             {"", saidSigned("k1", param("typ", nil))},
		"T02 alg none":                       {"", saidSigned("k1", param("alg", "none"))},
		"T01 alg HS256":                      {"", saidSigned("k1", param("alg", "HS256"))},
		"alg of another key":                 {"", saidSigned("k1", param("alg", "RS256"))},
		"alg that is not listed":             {"", saidSigned("k1", param("alg", "ES384"))},
		"no iss":                             {"", saidSigned("k1", claim("iss", nil))},
		"another iss":                        {"", saidSigned("k1", claim("iss", issuerURL+"/"))},
		"no aud":                             {"", saidSigned("k1", claim("aud", nil))},
		"another client":                     {"", saidSigned("k1", claim("aud", "gw2"))},
		"aud is our audience":                {"", saidSigned("k1", claim("aud", audience))},
		"no iat":                             {"", saidSigned("k1", claim("iat", nil))},
		"iat in the future":                  {"", saidSigned("k1", claim("iat", seconds(11*time.Second)))},
		"iat as text":                        {"", saidSigned("k1", claim("iat", "0"))},
		"exp past":                           {"", saidSigned("k1", claim("exp", seconds(-10*time.Second)))},
		"no answer in it":                    {"", saidSigned("k1", claim("token_introspection", nil))},
		"answer as text":                     {"", saidSigned("k1", claim("token_introspection", marshal(answer())))},
		"answer beside":                      {"", saidSigned("k1", claim("token_introspection", nil), claim("active", true))},
		"signature of another key":           {"", saidSigned("evil", param("kid", "k1"))},
		"T04 key of its own":                 {"", saidSigned("evil", param("kid", "k1"), param("jwk", parse(t, jwks("evil"))["keys"].([]any)[0]))},
		"kid that is unknown":                {"", saidSigned("evil")},
		"kid of another type":                {"", saidSigned("k1", param("kid", 1))},
		"signature changed":                  {"", saidAs(signedType, flipped)},
		"no signature":                       {"", saidAs(signedType, good[:strings.LastIndexByte(good, '.')+1])},
		"trailing line break":                {"", saidAs(signedType, good+"\n")},
		"twice the answer": {"", saidAs(signedType, sign("k1", `{"typ":"token-introspection+jwt","alg":"ES256","kid":"k1"}`,
			strings.Replace(marshal(object{"iss": issuerURL, "aud": "gw", "iat": seconds(0), "token_introspection": answer()}), "{", `{"token_introspection":{"active":false},`, 1)))},
		"500 with a good one": {"", filtertest.Reply{Result: filter.CallResult{Status: 500, Headers: saidSigned("k1").Result.Headers, Body: []byte(good)}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := tt.reason
			if want == "" {
				want = "introspection_unavailable"
			}
			w := startAsking(t, asksSigned(), always(tt.reply))
			s := get("opaque")
			w.expectSettled(s, want)
			if s.Answer != nil && (s.Answer.Status == 503) != (tt.reason == "") {
				t.Errorf("answered with %d", s.Answer.Status)
			}
			if tt.reason == "" && introspections(w)[2] != 1 {
				t.Errorf("%v", introspections(w))
			}
			for _, secret := range []string{"opaque", "s3cret", good} {
				if strings.Contains(w.LogText(), secret) {
					t.Errorf("%s in the log", secret)
				}
			}
		})
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// An answer that was asked for without a signature is not taken with one: it would
// go by without anybody looking at the signature.
func TestRFC9701_5_SignedWherePlainIsAsked(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]filtertest.Reply{"its type": saidSigned("k1"), "plain type": saidAs("application/json", signedAnswer("k1"))} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startAsking(t, asks(""), always(reply))
			w.expectSettled(get("opaque"), "introspection_unavailable")
		})
	}
}

// Only keys of the issuer that was asked count: not those of another one.
func TestT22c_SignedByAnotherIssuer(t *testing.T) {
	t.Parallel()
	other := `{"issuer":"https://other.example.com","audiences":["x"],"jwks":{"inline":` + jwks("theirs") + `}}`
	ours := marshal(parse(t, configure(t, asksSigned()))["issuers"].([]any)[0])
	w := startAsking(t, `{"issuers":[`+ours+`,`+other+`]}`, always(saidSigned("theirs")))
	w.expectSettled(get("opaque"), "introspection_unavailable")
	w.proxy.Server = always(saidSigned("k1"))
	w.proxy.Advance(2 * time.Second)
	w.expectSettled(get("opaque"), "token_accepted")
}

// The keys have to be fetched before a signature can be checked: the answer waits.
func TestRFC9701_5_TheAnswerWaitsForItsKey(t *testing.T) {
	t.Parallel()
	fetch := filtertest.Reply{}
	w := startAsking(t, fetchesKeys(asksSigned()), keysAndAnswers(func(filter.Call) filtertest.Reply { return fetch }, always(saidSigned("k1"))))
	first, second := get("opaque"), get("opaque")
	w.send(first)
	w.proxy.Advance(100 * time.Millisecond)
	w.send(second) // joins, while the answer waits
	w.proxy.Advance(100 * time.Millisecond)
	if !first.Waits() || !second.Waits() || w.calls("/introspect") != 1 || w.calls("/jwks") != 1 {
		t.Fatalf("%s, %s, %d questions, %d fetches", w.outcome(first), w.outcome(second), w.calls("/introspect"), w.calls("/jwks"))
	}
	fetch = ok(jwks("k1"))
	w.proxy.Release()
	w.proxy.Advance(100 * time.Millisecond)
	w.expectNow(first, "token_accepted")
	w.expectNow(second, "token_accepted")
	w.expect(get("opaque"), "token_accepted")
	if got := introspections(w); got != [5]uint64{1, 0, 0, 1, 1} || w.calls("/introspect") != 1 || w.calls("/jwks") != 1 {
		t.Errorf("%v, %d questions, %d fetches", got, w.calls("/introspect"), w.calls("/jwks"))
	}
}

// A key that came into use after the last fetch is fetched once, and then known.
func TestRFC9701_5_TheAnswerHasItsKeyFetched(t *testing.T) {
	t.Parallel()
	published := []string{"k1"}
	w := startAsking(t, fetchesKeys(asksSigned()), keysAndAnswers(
		func(call filter.Call) filtertest.Reply { return keysFrom(published...)(call) },
		func(call filter.Call) filtertest.Reply {
			if strings.HasPrefix(call.Body, "token=old") {
				return saidSigned("k1")
			}
			return saidSigned("k2")
		}))
	w.proxy.Advance(time.Minute)
	w.expectSettled(get("old"), "token_accepted")
	if n := w.calls("/jwks"); n != 1 {
		t.Fatalf("%d fetches", n)
	}
	published = append(published, "k2")
	s := get("new")
	w.send(s)
	w.proxy.Advance(100 * time.Millisecond)
	w.expectNow(s, "token_accepted")
	w.send(get("newer"))
	w.proxy.Advance(100 * time.Millisecond)
	if n := w.calls("/jwks"); n != 2 {
		t.Errorf("%d fetches", n)
	}
}

// T06: answers with invented kids have the keys fetched once in each interval.
func TestT06_UnknownKidsOfAnswers(t *testing.T) {
	t.Parallel()
	w := startAsking(t, fetchesKeys(asksSigned()), keysAndAnswers(keysFrom("k1"), always(saidSigned("evil"))))
	w.proxy.Advance(time.Minute)
	before := w.calls("/jwks")
	for _, token := range []string{"a", "b", "c", "d"} {
		s := get(token)
		w.send(s)
		w.proxy.Advance(100 * time.Millisecond)
		w.expectNow(s, "introspection_unavailable")
	}
	if n := w.calls("/jwks") - before; n != 1 || w.calls("/introspect") != 4 {
		t.Errorf("%d fetches, %d questions", n, w.calls("/introspect"))
	}
	// The server is there: the breaker stays closed.
	w.proxy.Server = keysAndAnswers(keysFrom("k1"), always(saidSigned("k1")))
	w.expectSettled(get("good"), "token_accepted")
}

func TestRFC9701_5_KeysOutOfReach(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]filtertest.Reply{"500": status(500), "reset": {Reset: true}, "refused": {Refuse: true}, "of no use": ok(`{"keys":[]}`), "no answer": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys := always(reply)
			w := startAsking(t, fetchesKeys(asksSigned()), keysAndAnswers(func(call filter.Call) filtertest.Reply { return keys(call) }, always(saidSigned("k1"))))
			s := get("opaque")
			w.send(s)
			w.proxy.Advance(6 * time.Second)
			w.expectNow(s, "introspection_unavailable")
			if s.Answer.Status != 503 {
				t.Errorf("answered with %d", s.Answer.Status)
			}
			if got := introspections(w); got != [5]uint64{0, 0, 1, 0, 0} {
				t.Error(got)
			}
			keys = keysFrom("k1")
			w.proxy.Advance(20 * time.Second)
			w.expectSettled(get("opaque"), "token_accepted")
		})
	}
}

// All clients left while the answer waited for its key: it is kept for the next one.
func TestT23_ClientsLeaveWhileAnAnswerWaits(t *testing.T) {
	t.Parallel()
	fetch := filtertest.Reply{}
	w := startAsking(t, fetchesKeys(asksSigned()), keysAndAnswers(func(filter.Call) filtertest.Reply { return fetch }, always(saidSigned("k1"))))
	x := w.send(get("opaque"))
	w.proxy.Advance(100 * time.Millisecond)
	x.OnDone()
	fetch = ok(jwks("k1"))
	w.proxy.Release()
	w.proxy.Advance(2 * time.Second)
	w.expect(get("opaque"), "token_accepted")
	if n := w.calls("/introspect"); n != 1 {
		t.Errorf("%d questions", n)
	}
}

// The clock is set back while an answer waits for its key: it does not wait for ever.
func TestT23_ClockSetBackWhileAnAnswerWaits(t *testing.T) {
	t.Parallel()
	w := startAsking(t, fetchesKeys(asksSigned()), keysAndAnswers(always(filtertest.Reply{}), always(saidSigned("k1"))))
	s := get("opaque")
	w.send(s)
	w.proxy.Advance(100 * time.Millisecond)
	w.proxy.Jump(-time.Hour)
	w.proxy.Advance(100 * time.Millisecond)
	w.expectNow(s, "introspection_unavailable")
	if got := introspections(w); got[2] != 1 {
		t.Error(got)
	}
}

// forward.token "introspection_jwt": the signed answer takes the token's place.
func TestContract1_ForwardIntrospectionJWT(t *testing.T) {
	t.Parallel()
	signed := signedAnswer("k1")
	for name, tt := range map[string]struct {
		sources    string
		send       filter.Header
		field      string
		want       []string
		otherField string
	}{
		"authorization": {``, field("authorization", "Bearer opaque"), "authorization", []string{"Bearer " + signed}, "cookie"},
		"scheme in small": {``, field("authorization", "bearer  opaque"), "authorization",
			[]string{"Bearer " + signed}, "cookie"},
		"header":                 {`,"token_sources":[{"header":{"name":"x-token"}}]`, field("x-token", "opaque"), "x-token", []string{signed}, "authorization"},
		"cookie":                 {`,"token_sources":[{"cookie":{"name":"tok"}}]`, field("cookie", "tok=opaque"), "cookie", []string{"tok=" + signed}, "authorization"},
		"cookie among others":    {`,"token_sources":[{"cookie":{"name":"tok"}}]`, field("cookie", "a=1; tok=opaque; b=2"), "cookie", []string{"a=1; tok=" + signed + "; b=2"}, "authorization"},
		"the source that had it": {`,"token_sources":[{"authorization":{}},{"header":{"name":"x-token"}}]`, field("x-token", "opaque"), "x-token", []string{signed}, "authorization"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startAsking(t, asksSigned(`"forward":{"token":"introspection_jwt"}`+tt.sources), always(saidAs(signedType, signed)))
			for _, when := range []string{"asked", "kept"} {
				s := filtertest.NewStream("GET", host, "/", tt.send).Present(certA)
				w.expectSettled(s, "token_accepted")
				only(t, s, tt.field, tt.want...)
				only(t, s, tt.otherField)
				for _, h := range s.Headers {
					if strings.Contains(h.Value, "opaque") {
						t.Errorf("%s: the token goes on in %s", when, h.Name)
					}
				}
			}
		})
	}
}

// A refused request hands nothing on, and claims come from within the answer.
func TestContract1_ForwardIntrospectionJWTClaims(t *testing.T) {
	t.Parallel()
	w := startAsking(t, asksSigned(`"forward":{"token":"introspection_jwt","claims":[{"claim":"sub","header":"x-sub"}],"payload_header":"x-claims"}`),
		always(saidSigned("k1", claim("sub", "root"))))
	s := get("opaque")
	w.expectSettled(s, "token_accepted")
	only(t, s, "x-sub", "alice")
	only(t, s, "x-claims", encode([]byte(marshal(answer()))))
	stolen := get("opaque").Present(certB)
	w.expect(stolen, "cnf_mismatch")
	only(t, stolen, "authorization", "Bearer opaque") // it went nowhere
}

// A JWT that nobody was asked about has no answer that could take its place.
func TestContract1_ForwardIntrospectionJWTKeepsAJWT(t *testing.T) {
	t.Parallel()
	signed := signedAnswer("k1")
	w := startAsking(t, asksSigned(`"forward":{"token":"introspection_jwt"}`), always(saidAs(signedType, signed)))
	s := get(good())
	w.expect(s, "token_accepted")
	only(t, s, "authorization", "Bearer "+good())
	if len(w.Dispatched) != 0 {
		t.Errorf("%d calls", len(w.Dispatched))
	}
	w = startAsking(t, asks(`"accept":"`+signedType+`","tokens":"all"`, `"forward":{"token":"introspection_jwt"}`), always(saidAs(signedType, signed)))
	s = get(good())
	w.expectSettled(s, "token_accepted")
	only(t, s, "authorization", "Bearer "+signed)
}

// T18: a signed answer is no access token, whoever finds one on its way.
func TestT18_ASignedAnswerIsNoToken(t *testing.T) {
	t.Parallel()
	w := startAsking(t, asksSigned(), always(saidSigned("k1")))
	full := signedAnswer("k1", func(_, claims object) {
		for name, value := range answer() {
			claims[name] = value
		}
	})
	w.expect(get(full), "token_type_not_allowed")
	w.expect(get(signedAnswer("k1")), "token_type_not_allowed")
	if len(w.Dispatched) != 0 {
		t.Errorf("%d calls", len(w.Dispatched))
	}
}
