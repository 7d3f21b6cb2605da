package dpop

import (
	"crypto/elliptic"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"holdfast/jwt"
)

// The twelve checks of RFC 9449 §4.3, each by its number.

func TestRFC9449_4_3_01_OneHeaderField(t *testing.T) {
	t.Parallel()
	// Counting fields is the caller's affair. Where a host joins two into one, that is no
	// JWT any more.
	one, two := newClient(jwt.ES256).proof(nil, nil), newClient(jwt.ES256).proof(nil, M{"jti": "2"})
	for _, separator := range []string{",", ", ", " ", ";", "\x00"} {
		is(t, verdict(one+separator+two, expected()), ErrMalformed)
		is(t, verdict(one+separator, expected()), ErrMalformed)
	}
}

func TestRFC9449_4_3_02_WellFormedJWT(t *testing.T) {
	t.Parallel()
	c := newClient(jwt.ES256)
	good := c.proof(nil, nil)
	header, payload, signature := cut3(good)
	is(t, verdict(good, expected()), nil)
	for name, compact := range map[string]string{
		"nothing":               "",
		"a space before":        " " + good,
		"a line break behind":   good + "\n",
		"two parts":             header + "." + payload,
		"four parts":            good + "." + signature,
		"five parts, a JWE":     good + ".AA.AA",
		"no signature":          header + "." + payload + ".",
		"padding":               good + "=",
		"base64":                header + "." + strings.NewReplacer("-", "+", "_", "/").Replace(payload) + "/." + signature,
		"JSON serialisation":    `{"protected":"` + header + `","payload":"` + payload + `","signature":"` + signature + `"}`,
		"claims in an array":    c.sign(text(M{"typ": "dpop+jwt", "alg": "ES256", "jwk": c.jwk}, nil), "[]"),
		"claims cut off":        c.sign(text(M{"typ": "dpop+jwt", "alg": "ES256", "jwk": c.jwk}, nil), `{"jti":`),
		"T08: jti twice":        c.sign(text(M{"typ": "dpop+jwt", "alg": "ES256", "jwk": c.jwk}, nil), `{"jti":"1","jti":"2","htm":"GET"}`),
		"T08: kty twice in jwk": c.sign(`{"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC","kty":"RSA"}}`, "{}"),
		"T16: enc":              c.proof(M{"enc": "A256GCM"}, nil),
		"crit":                  c.proof(M{"crit": []string{"x"}, "x": 1}, nil),
		"b64":                   c.proof(M{"b64": false}, nil),
		"kid no string":         c.proof(M{"kid": 1}, nil),
	} {
		t.Run(name, func(t *testing.T) {
			is(t, verdict(compact, expected()), ErrMalformed)
		})
	}
}

// cut3 returns the parts of a good proof.
func cut3(compact string) (header, payload, signature string) {
	parts := strings.Split(compact, ".")
	return parts[0], parts[1], parts[2]
}

func TestRFC9449_4_3_03_RequiredClaims(t *testing.T) {
	t.Parallel()
	var tests []judged
	for _, name := range []string{"jti", "htm", "htu", "iat"} {
		tests = append(tests, judged{name: name + " absent", claims: M{name: absent}, want: ErrMalformed})
		for what, value := range map[string]any{"null": nil, "true": true, "an array": []any{"GET", 1}, "an object": M{"a": 1}, "empty": ""} {
			tests = append(tests, judged{name: name + " " + what, claims: M{name: value}, want: ErrMalformed})
		}
		// Names are case-sensitive (T09).
		tests = append(tests, judged{name: strings.ToUpper(name), claims: M{name: absent, strings.ToUpper(name): "GET"}, want: ErrMalformed})
	}
	tests = append(tests, []judged{
		{name: "ath absent", claims: M{"ath": absent}, want: ErrToken},
		{name: "jti a number", claims: M{"jti": 1}, want: ErrMalformed},
		{name: "htm a number", claims: M{"htm": 1}, want: ErrMalformed},
		{name: "htu a number", claims: M{"htu": 1}, want: ErrMalformed},
		{name: "iat a string", claims: M{"iat": "1800000000"}, want: ErrMalformed},
		{name: "iat negative", claims: M{"iat": -1}, want: ErrMalformed},
		{name: "iat beyond all numbers", claims: M{"iat": json.RawMessage("1e400")}, want: ErrMalformed},
		{name: "iat with a fraction", claims: M{"iat": json.RawMessage("1799999999.5")}},
		{name: "iat with an exponent", claims: M{"iat": json.RawMessage("1.8e9")}},
		{name: "jti as long as allowed", claims: M{"jti": strings.Repeat("x", MaxID)}},
		{name: "jti longer", claims: M{"jti": strings.Repeat("x", MaxID+1)}, want: ErrMalformed},
		{name: "further claims", claims: M{"iss": 1, "aud": []any{}, "cnf": nil, "htm2": "PUT", "tx": M{"a": []int{1}}}},
	}...)
	judge(t, tests)
}

func TestRFC9449_4_3_04_Type(t *testing.T) {
	t.Parallel()
	judge(t, []judged{
		{name: "absent", header: M{"typ": absent}, want: ErrType},
		{name: "JWT", header: M{"typ": "JWT"}, want: ErrType},
		{name: "T18 an access token's", header: M{"typ": "at+jwt"}, want: ErrType},
		{name: "a client assertion's", header: M{"typ": "client-authentication+jwt"}, want: ErrType},
		{name: "dpop", header: M{"typ": "dpop"}, want: ErrType},
		{name: "a space behind", header: M{"typ": "dpop+jwt "}, want: ErrType},
		{name: "more behind", header: M{"typ": "dpop+jwt+x"}, want: ErrType},
		{name: "an array", header: M{"typ": []string{"dpop+jwt"}}, want: ErrMalformed},
		{name: "empty", header: M{"typ": ""}, want: ErrMalformed},
		{name: "RFC 7515 4.1.9 application/", header: M{"typ": "application/dpop+jwt"}},
		{name: "RFC 7515 4.1.9 case", header: M{"typ": "DPoP+JWT"}},
	})
}

func TestRFC9449_4_3_05_Algorithm(t *testing.T) {
	t.Parallel()
	for _, a := range allAlgorithms {
		compact := newClient(a).proof(nil, nil)
		is(t, verdictOf(compact, expected(), []jwt.Algorithm{a}), nil)
		is(t, verdictOf(compact, expected(), nil), ErrAlgorithm)
		for _, other := range allAlgorithms {
			if other != a {
				is(t, verdictOf(compact, expected(), []jwt.Algorithm{other}), ErrAlgorithm)
			}
		}
	}
	var tests []judged
	for _, value := range []any{
		absent, nil, "", "none", "None", "NONE", "HS256", "HS512", "es256", "ES256 ", "ES256K", "RSA1_5", "dir", 1, true, []string{"ES256"},
	} {
		name, _ := json.Marshal(value)
		tests = append(tests, judged{name: string(name), header: M{"alg": value}, want: ErrAlgorithm})
	}
	judge(t, tests)
	// T02: "none" with no signature, as RFC 7519 §6 has it, is no JWS to begin with.
	header, payload, _ := cut3(newClient(jwt.ES256).proof(M{"alg": "none"}, nil))
	is(t, verdict(header+"."+payload+".", expected()), ErrAlgorithm)
}

func TestRFC9449_4_3_06_Signature(t *testing.T) {
	t.Parallel()
	for _, a := range allAlgorithms {
		t.Run(a.String(), func(t *testing.T) {
			t.Parallel()
			c := newClient(a)
			good := c.proof(nil, nil)
			is(t, verdict(good, expected()), nil)
			header, payload, signature := cut3(good)
			_, otherPayload, _ := cut3(c.proof(nil, M{"jti": "other"}))
			is(t, verdict(header+"."+otherPayload+"."+signature, expected()), ErrSignature)
			otherHeader, _, _ := cut3(c.proof(M{"x": 1}, nil))
			is(t, verdict(otherHeader+"."+payload+"."+signature, expected()), ErrSignature)
			size := len(c.signature(""))
			for _, length := range []int{1, size - 1, size, size + 1} { // T03: zeros
				is(t, verdict(header+"."+payload+"."+encodeURL(make([]byte, length)), expected()), ErrSignature)
			}
		})
	}
	// A key that the signature is not of: the attacker's proof with the victim's jwk.
	victim, attacker := newClient(jwt.ES256), newECClient(jwt.ES256, elliptic.P256())
	is(t, verdict(attacker.proof(M{"jwk": victim.jwk}, nil), expected()), ErrSignature)
}

func TestRFC9449_4_3_07_NoPrivateKey(t *testing.T) {
	t.Parallel()
	for _, a := range []jwt.Algorithm{jwt.ES256, jwt.PS256, jwt.EdDSA} {
		c := newClient(a)
		for _, member := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			for _, value := range []any{"AQAB", "", nil, []any{}} {
				is(t, verdict(c.proof(M{"jwk": with(c.jwk, member, value)}, nil), expected()), ErrKey)
			}
		}
	}
}

func TestRFC9449_4_3_08_Method(t *testing.T) {
	t.Parallel()
	method := func(m string) func(*Expected) { return func(e *Expected) { e.Method = m } }
	judge(t, []judged{
		{name: "the same", claims: M{"htm": "DELETE"}, request: method("DELETE")},
		{name: "another", claims: M{"htm": "PUT"}, want: ErrMethod},
		{name: "RFC 9110 9.1 another case", claims: M{"htm": "get"}, want: ErrMethod},
		{name: "HEAD for GET", claims: M{"htm": "HEAD"}, want: ErrMethod},
		{name: "a space behind", claims: M{"htm": "GET "}, want: ErrMethod},
		{name: "a request without", request: method(""), want: ErrMethod},
	})
}

func TestRFC9449_4_3_09_URI(t *testing.T) {
	t.Parallel()
	path := func(p string) func(*Expected) { return func(e *Expected) { e.Path = p } }
	judge(t, []judged{
		{name: "query and fragment in htu", claims: M{"htu": testOrigin + testPath + "?a=b#c"}},
		{name: "fragment in htu", claims: M{"htu": testOrigin + testPath + "#c?d"}},
		{name: "query in the request", request: path(testPath + "?a=b")},
		{name: "another query in the request", claims: M{"htu": testOrigin + testPath + "?x"}, request: path(testPath + "?y?z")},
		{name: "scheme and host in upper case", claims: M{"htu": "HTTPS://API.EXAMPLE.COM" + testPath}},
		{name: "default port", claims: M{"htu": "https://api.example.com:443" + testPath}},
		{name: "dot segments in htu", claims: M{"htu": testOrigin + "/x/../accounts/./1"}},
		{name: "dot segments in the request", request: path("/x/%2e%2E/accounts/1")},
		{name: "escapes", claims: M{"htu": testOrigin + "/%61ccounts/%31"}, request: path("/accoun%74s/1")},
		{name: "no path", claims: M{"htu": testOrigin}, request: path("/")},
		{name: "no path, a query", claims: M{"htu": testOrigin + "?x"}, request: path("/?y")},
		{name: "the second origin", request: func(e *Expected) { e.Origins = []string{"https://other.example", testOrigin} }},

		{name: "another path", claims: M{"htu": testOrigin + "/accounts/2"}, want: ErrURI},
		{name: "more of a path", claims: M{"htu": testOrigin + testPath + "/"}, want: ErrURI},
		{name: "a path in another case", claims: M{"htu": testOrigin + "/Accounts/1"}, want: ErrURI},
		{name: "an escaped slash", claims: M{"htu": testOrigin + "/accounts%2F1"}, want: ErrURI},
		{name: "another host", claims: M{"htu": "https://evil.example" + testPath}, want: ErrURI},
		{name: "a longer host", claims: M{"htu": "https://api.example.com.evil.example" + testPath}, want: ErrURI},
		{name: "http", claims: M{"htu": "http://api.example.com" + testPath}, want: ErrURI},
		{name: "another port", claims: M{"htu": "https://api.example.com:8443" + testPath}, want: ErrURI},
		{name: "http's port", claims: M{"htu": "https://api.example.com:80" + testPath}, want: ErrURI},
		{name: "userinfo", claims: M{"htu": "https://a@api.example.com" + testPath}, want: ErrURI},
		{name: "only a path", claims: M{"htu": testPath}, want: ErrURI},
		{name: "only an authority", claims: M{"htu": "//api.example.com" + testPath}, want: ErrURI},
		{name: "no URI", claims: M{"htu": "nothing"}, want: ErrURI},
		{name: "no URI, for a request without a path", claims: M{"htu": "nothing"}, request: path(""), want: ErrURI},
		{name: "no origins", request: func(e *Expected) { e.Origins = nil }, want: ErrURI},
		{name: "an origin that was not normalised", request: func(e *Expected) { e.Origins = []string{"https://API.example.com/"} }, want: ErrURI},
		{name: "a request in absolute form", request: path(testOrigin + testPath), want: ErrURI},
		{name: "a request for *", claims: M{"htu": testOrigin + "/*"}, request: path("*"), want: ErrURI},
		{name: "a fragment in the request", request: path(testPath + "#"), want: ErrURI},
		{name: "a bad escape in the request", request: path(testPath + "%"), want: ErrURI},
	})
}

func TestRFC9449_4_3_10_Nonce(t *testing.T) {
	t.Parallel()
	const nonce = "eyJ7S_zG.eyJH0-Z.HX4w-7v" // figure 20
	required := func(e *Expected) { e.Nonce = func(got string) bool { return got == nonce } }
	anything := func(e *Expected) { e.Nonce = func(string) bool { return true } }
	judge(t, []judged{
		{name: "not required, absent"},
		{name: "not required, there", claims: M{"nonce": nonce}},
		{name: "not required, of a wrong type", claims: M{"nonce": 1}},
		{name: "the right one", claims: M{"nonce": nonce}, request: required},
		{name: "absent", request: required, want: ErrNonce},
		{name: "another", claims: M{"nonce": "x" + nonce}, request: required, want: ErrNonce},
		{name: "empty", claims: M{"nonce": ""}, request: anything, want: ErrNonce},
		{name: "a number", claims: M{"nonce": 1}, request: anything, want: ErrNonce},
		{name: "null", claims: M{"nonce": nil}, request: anything, want: ErrNonce},
		{name: "an array", claims: M{"nonce": []string{nonce}}, request: anything, want: ErrNonce},
	})
}

func TestRFC9449_4_3_11_Time(t *testing.T) {
	t.Parallel()
	// Lifetime 60 s, clock skew 10 s.
	at := func(seconds float64) M { return M{"iat": float64(testNow.Unix()) + seconds} }
	judge(t, []judged{
		{name: "now", claims: at(0)},
		{name: "10 s ahead", claims: at(10)},
		{name: "more than 10 s ahead", claims: at(10.001), want: ErrInFuture},
		{name: "11 s ahead", claims: at(11), want: ErrInFuture},
		{name: "60 s old", claims: at(-60)},
		{name: "70 s old", claims: at(-70)},
		{name: "more than 70 s old", claims: at(-70.001), want: ErrTooOld},
		{name: "71 s old", claims: at(-71), want: ErrTooOld},
		{name: "1970", claims: M{"iat": 0}, want: ErrTooOld},
		{name: "the end of time", claims: M{"iat": int64(1<<63 - 1)}, want: ErrInFuture},
		{name: "milliseconds", claims: M{"iat": testNow.UnixMilli()}, want: ErrInFuture},
		{name: "no time at all", request: func(e *Expected) { e.Lifetime, e.ClockSkew = 0, 0 }},
		{name: "no time at all, 1 s old", claims: at(-1), request: func(e *Expected) { e.Lifetime, e.ClockSkew = 0, 0 }, want: ErrTooOld},
		{name: "no time at all, 1 s ahead", claims: at(1), request: func(e *Expected) { e.Lifetime, e.ClockSkew = 0, 0 }, want: ErrInFuture},
	})
}

// TestRFC7519_4_1_TimesOfAProof: "exp" and "nbf" are not asked for, but hold.
func TestRFC7519_4_1_TimesOfAProof(t *testing.T) {
	t.Parallel()
	now := testNow.Unix()
	judge(t, []judged{
		{name: "exp and nbf that hold", claims: M{"exp": now + 300, "nbf": now}},
		{name: "exp within the skew", claims: M{"exp": now - 9}},
		{name: "exp has come", claims: M{"exp": now - 10}, want: ErrTooOld},
		{name: "exp 1970", claims: M{"exp": 0}, want: ErrTooOld},
		{name: "exp the end of time", claims: M{"exp": int64(1<<63 - 1)}},
		{name: "exp a string", claims: M{"exp": "1"}, want: ErrMalformed},
		{name: "exp null", claims: M{"exp": nil}, want: ErrMalformed},
		{name: "nbf within the skew", claims: M{"nbf": now + 10}},
		{name: "nbf is to come", claims: M{"nbf": now + 11}, want: ErrInFuture},
		{name: "nbf 1970", claims: M{"nbf": 0}},
		{name: "nbf an array", claims: M{"nbf": []int{1}}, want: ErrMalformed},
		{name: "exp does not make an old proof good", claims: M{"iat": now - 3600, "exp": now + 300}, want: ErrTooOld},
	})
}

func TestRFC9449_4_3_12_Token(t *testing.T) {
	t.Parallel()
	hash := hashOfToken(testToken)
	last := hash[:42] + string(hash[42]+1) // the same 32 bytes to a lenient decoder (T20)
	judge(t, []judged{
		{name: "the token's", claims: M{"ath": hash}},
		{name: "absent", claims: M{"ath": absent}, want: ErrToken},
		{name: "of another token", claims: M{"ath": hashOfToken("another")}, want: ErrToken},
		{name: "of the whole credentials", claims: M{"ath": hashOfToken("DPoP " + testToken)}, want: ErrToken},
		{name: "empty", claims: M{"ath": ""}, want: ErrToken},
		{name: "padded", claims: M{"ath": hash + "="}, want: ErrToken},
		{name: "T20 other trailing bits", claims: M{"ath": last}, want: ErrToken},
		{name: "cut off", claims: M{"ath": hash[:42]}, want: ErrToken},
		{name: "the token itself", claims: M{"ath": testToken}, want: ErrToken},
		{name: "null", claims: M{"ath": nil}, want: ErrToken},
		{name: "an array", claims: M{"ath": []string{hash}}, want: ErrToken},
		{name: "a request without a token", request: func(e *Expected) { e.Token = "" }, want: ErrToken},
	})
	// The key is compared by the caller: another key has another thumbprint.
	one, other := newClient(jwt.ES256), newClient(jwt.EdDSA)
	if mustParse(t, one.proof(nil, nil)).Thumbprint().Equal(mustParse(t, other.proof(nil, nil)).Thumbprint()) {
		t.Error("two keys, one thumbprint")
	}
}

// TestRFC9449_4_3_OrderOfCheck: with everything wrong, the first check that fails decides.
func TestRFC9449_4_3_OrderOfCheck(t *testing.T) {
	t.Parallel()
	claims := M{"htm": "PUT", "htu": "https://evil.example/", "nonce": "x", "iat": testNow.Unix() - 3600, "ath": "x"}
	e := expected()
	e.Nonce = func(string) bool { return false }
	for _, step := range []struct {
		claim string
		want  error
	}{{"htm", ErrMethod}, {"htu", ErrURI}, {"nonce", ErrNonce}, {"iat", ErrTooOld}, {"ath", ErrToken}} {
		is(t, verdict(newClient(jwt.ES256).proof(nil, claims), e), step.want)
		delete(claims, step.claim)
		if step.claim == "nonce" {
			e.Nonce = nil
		}
	}
	is(t, verdict(newClient(jwt.ES256).proof(nil, claims), e), nil)
}

// TestNothingPassesTheZeroExpected: an empty field refuses.
func TestNothingPassesTheZeroExpected(t *testing.T) {
	t.Parallel()
	p := mustParse(t, newClient(jwt.ES256).proof(nil, nil))
	if err := p.Check(Expected{}); err == nil {
		t.Error("passed")
	}
	if err := p.Check(Expected{Method: "GET", Origins: []string{testOrigin}, Path: testPath, Now: testNow.Add(time.Second)}); err == nil {
		t.Error("passed")
	}
}
