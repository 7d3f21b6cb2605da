package introspection

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"holdfast/jwt"
)

// The example of RFC 9701 §5: header and payload.
const (
	rfc9701Header  = `{"typ":"token-introspection+jwt","alg":"RS256","kid":"wG6D"}`
	rfc9701Payload = `{
     "iss":"https://as.example.com/",
     "aud":"https://rs.example.com/resource",
     "iat":1514797892,
     "token_introspection":
        {
           "active":true,
           "iss":"https://as.example.com/",
           "aud":"https://rs.example.com/resource",
           "iat":1514797822,
           "exp":1514797942,
           "client_id":"paiB2goo0a",
           "scope":"read write dolphin",
           "sub":"Z5O3upPC88QrAjx00dis",
           "birthdate":"1982-02-01",
           "given_name":"John",
           "family_name":"Doe",
           "jti":"t1FoCCaZd4Xv4ORJUWVUeTZfsKhW30CQCrWDDjwXy6w"
        }
   }`
)

var (
	rfc9701Policy = SignedPolicy{
		Issuer: "https://as.example.com/", ClientID: "https://rs.example.com/resource",
		Algorithms: []jwt.Algorithm{jwt.RS256}, ClockSkew: 10 * time.Second,
	}
	rfc9701Time = time.Unix(1514797892, 0)
)

func encodeURL(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// compact is a JWS with a signature that nobody looks at.
func compact(header, payload string) string {
	return encodeURL(header) + "." + encodeURL(payload) + ".AA"
}

// unpacked reads a JSON object.
func unpacked(t testing.TB, text string) map[string]any {
	t.Helper()
	var object map[string]any
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&object); err != nil {
		t.Fatal(err)
	}
	return object
}

// with is the object with a member set, or removed with nil.
func with(t testing.TB, text, name string, value any) string {
	t.Helper()
	object := unpacked(t, text)
	object[name] = value
	maps.DeleteFunc(object, func(_ string, v any) bool { return v == nil })
	b, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRFC9701_5_Example(t *testing.T) {
	t.Parallel()
	signed, err := ParseSigned(compact(rfc9701Header, rfc9701Payload))
	if err != nil {
		t.Fatal(err)
	}
	if err := signed.Check(rfc9701Policy, rfc9701Time); err != nil {
		t.Fatal(err)
	}
	if h := signed.Token().Header(); h.Algorithm != jwt.RS256 || h.KeyID != "wG6D" {
		t.Errorf("%+v", h)
	}
	answer := signed.Answer()
	if !answer.Active {
		t.Error("not active")
	}
	// What is said of the token, not of the answer.
	if issued, _, _ := answer.Claims.Time("iat"); issued.Unix() != 1514797822 {
		t.Errorf("iat %v", issued)
	}
	if client, _ := answer.Claims.Get("client_id").Text(); client != "paiB2goo0a" {
		t.Errorf("client_id %q", client)
	}
}

func TestRFC9701_5_Members(t *testing.T) {
	t.Parallel()
	now := rfc9701Time.Unix()
	for name, tt := range map[string]struct {
		inHeader bool
		member   string
		value    any
		want     error
	}{
		"typ in full":              {true, "typ", "application/token-introspection+jwt", nil},
		"typ in capitals":          {true, "typ", "Token-Introspection+JWT", nil},
		"no typ":                   {true, "typ", nil, ErrSignedType},
		"an access token":          {true, "typ", "at+jwt", ErrSignedType},
		"typ JWT":                  {true, "typ", "JWT", ErrSignedType},
		"typ with more":            {true, "typ", "token-introspection+jwt+x", ErrSignedType},
		"typ half":                 {true, "typ", "token-introspection", ErrSignedType},
		"typ of another type":      {true, "typ", 1, jwt.ErrMalformed},
		"alg that is not listed":   {true, "alg", "PS256", ErrSignedType},
		"alg none":                 {true, "alg", "none", jwt.ErrAlgorithm},
		"alg HS256":                {true, "alg", "HS256", jwt.ErrAlgorithm},
		"crit":                     {true, "crit", []any{"exp"}, jwt.ErrCritical},
		"enc":                      {true, "enc", "A256GCM", jwt.ErrEncrypted},
		"no iss":                   {false, "iss", nil, ErrSignedIssuer},
		"another iss":              {false, "iss", "https://as.example.com", ErrSignedIssuer},
		"empty iss":                {false, "iss", "", ErrSignedIssuer},
		"iss of another type":      {false, "iss", []any{"https://as.example.com/"}, ErrSignedIssuer},
		"aud among several":        {false, "aud", []any{"x", "https://rs.example.com/resource"}, nil},
		"no aud":                   {false, "aud", nil, ErrSignedAudience},
		"another aud":              {false, "aud", "https://rs.example.com/", ErrSignedAudience},
		"aud empty":                {false, "aud", []any{}, ErrSignedAudience},
		"aud an object":            {false, "aud", map[string]any{"https://rs.example.com/resource": true}, ErrSignedAudience},
		"aud nested":               {false, "aud", []any{[]any{"https://rs.example.com/resource"}}, ErrSignedAudience},
		"aud with a number":        {false, "aud", []any{"https://rs.example.com/resource", 1}, ErrSignedAudience},
		"no iat":                   {false, "iat", nil, ErrSignedTime},
		"iat of another type":      {false, "iat", "1514797892", ErrSignedTime},
		"iat negative":             {false, "iat", -1, ErrSignedTime},
		"iat within the skew":      {false, "iat", now + 10, nil},
		"iat in the future":        {false, "iat", now + 11, ErrSignedTime},
		"exp within the skew":      {false, "exp", now - 9, nil},
		"exp past":                 {false, "exp", now - 10, ErrSignedTime},
		"exp of another type":      {false, "exp", "never", ErrSignedTime},
		"nbf within the skew":      {false, "nbf", now + 10, nil},
		"nbf in the future":        {false, "nbf", now + 11, ErrSignedTime},
		"nbf of another type":      {false, "nbf", true, ErrSignedTime},
		"no answer":                {false, "token_introspection", nil, ErrSignedContent},
		"answer a text":            {false, "token_introspection", `{"active":true}`, ErrSignedContent},
		"answer a list":            {false, "token_introspection", []any{map[string]any{"active": true}}, ErrSignedContent},
		"answer true":              {false, "token_introspection", true, ErrSignedContent},
		"answer elsewhere":         {false, "Token_Introspection", map[string]any{"active": true}, nil},
		"active beside the answer": {false, "active", false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header, payload := rfc9701Header, rfc9701Payload
			if tt.inHeader {
				header = with(t, header, tt.member, tt.value)
			} else {
				payload = with(t, payload, tt.member, tt.value)
			}
			signed, err := ParseSigned(compact(header, payload))
			if err == nil {
				err = signed.Check(rfc9701Policy, rfc9701Time)
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

// What is not written in the policy is not allowed.
func TestRFC9701_5_EmptyPolicies(t *testing.T) {
	t.Parallel()
	anonymous := with(t, with(t, rfc9701Payload, "iss", ""), "aud", []any{""})
	for name, tt := range map[string]struct {
		payload string
		change  func(*SignedPolicy)
		want    error
	}{
		"no algorithms": {rfc9701Payload, func(p *SignedPolicy) { p.Algorithms = nil }, ErrSignedType},
		"no issuer":     {anonymous, func(p *SignedPolicy) { p.Issuer = "" }, ErrSignedIssuer},
		"no client":     {with(t, anonymous, "iss", rfc9701Policy.Issuer), func(p *SignedPolicy) { p.ClientID = "" }, ErrSignedAudience},
	} {
		signed, err := ParseSigned(compact(rfc9701Header, tt.payload))
		if err != nil {
			t.Fatal(err)
		}
		policy := rfc9701Policy
		tt.change(&policy)
		if err := signed.Check(policy, rfc9701Time); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// T22: the verdict within a signed answer is read like any other.
func TestT22_SignedVerdicts(t *testing.T) {
	t.Parallel()
	for _, value := range []any{nil, false, "true", 1, []any{true}, map[string]any{}} {
		answer := map[string]any{"active": value}
		if value == nil {
			answer = map[string]any{}
		}
		signed, err := ParseSigned(compact(rfc9701Header, with(t, with(t, rfc9701Payload, "active", true), "token_introspection", answer)))
		if err != nil || signed.Answer().Active {
			t.Errorf("%v counts as active, or %v", value, err)
		}
	}
}

func TestT22_NoSignedVerdict(t *testing.T) {
	t.Parallel()
	good := compact(rfc9701Header, rfc9701Payload)
	for name, tt := range map[string]struct {
		body string
		want error
	}{
		"nothing":             {"", jwt.ErrMalformed},
		"plain JSON":          {`{"active":true}`, jwt.ErrMalformed},
		"JSON serialisation":  {`{"payload":"e30","protected":"e30","signature":"AA"}`, jwt.ErrMalformed},
		"a JWE":               {encodeURL(`{"alg":"RSA-OAEP","enc":"A256GCM"}`) + ".AA.AA.AA.AA", jwt.ErrEncrypted},
		"a line break behind": {good + "\n", jwt.ErrMalformed},
		"a space before":      {" " + good, jwt.ErrMalformed},
		"padding":             {good + "==", jwt.ErrMalformed},
		"no signature":        {strings.TrimSuffix(good, "AA"), jwt.ErrMalformed},
		"trailing bits":       {strings.TrimSuffix(good, "AA") + "AB", jwt.ErrMalformed},
		"twice the member": {compact(rfc9701Header, `{"token_introspection":{"active":false},"token_introspection":{"active":true}}`),
			jwt.ErrMalformed},
		"twice in the member": {compact(rfc9701Header, `{"token_introspection":{"active":false,"active":true}}`), jwt.ErrMalformed},
		"an array":            {compact(rfc9701Header, `[]`), jwt.ErrMalformed},
		"dots":                {strings.Repeat(".", 8000), jwt.ErrMalformed},
	} {
		if signed, err := ParseSigned(tt.body); !errors.Is(err, tt.want) || signed != nil {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

// go-jose signs an answer, and our own parser and verifier take it from there.
func TestRFC9701_5_OracleGoJose(t *testing.T) {
	t.Parallel()
	_, edKey, _ := ed25519.GenerateKey(rand.Reader)
	ecKey, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	for algorithm, key := range map[jose.SignatureAlgorithm]crypto.Signer{jose.ES256: ecKey, jose.PS256: rsaKey, jose.RS256: rsaKey, jose.EdDSA: edKey} {
		t.Run(string(algorithm), func(t *testing.T) {
			t.Parallel()
			options := (&jose.SignerOptions{}).WithType("token-introspection+jwt")
			signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: "wG6D"}}, options)
			if err != nil {
				t.Fatal(err)
			}
			object, err := signer.Sign([]byte(rfc9701Payload))
			if err != nil {
				t.Fatal(err)
			}
			body, err := object.CompactSerialize()
			if err != nil {
				t.Fatal(err)
			}
			signed, err := ParseSigned(body)
			if err != nil {
				t.Fatal(err)
			}
			policy := rfc9701Policy
			ours, _ := jwt.ParseAlgorithm(string(algorithm))
			policy.Algorithms = []jwt.Algorithm{ours}
			if err := signed.Check(policy, rfc9701Time); err != nil {
				t.Fatal(err)
			}
			set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "wG6D"}}})
			if err != nil {
				t.Fatal(err)
			}
			keys, err := jwt.ParseKeySet(string(set))
			if err != nil {
				t.Fatal(err)
			}
			found, err := keys.Find(signed.Token().Header())
			if err != nil {
				t.Fatal(err)
			}
			if err := found.Verify(signed.Token()); err != nil || !signed.Answer().Active {
				t.Errorf("%v", err)
			}
			forged, err := ParseSigned(encodeURL(with(t, rfc9701Header, "alg", string(algorithm))) + "." + encodeURL(with(t, rfc9701Payload, "iat", 1)) + body[strings.LastIndexByte(body, '.'):])
			if err != nil {
				t.Fatal(err)
			}
			if found.Verify(forged.Token()) == nil {
				t.Error("a forgery verifies")
			}
		})
	}
}

// FuzzParseSigned shows that every text gives an answer or an error that is listed, and
// that what passes the check has what RFC 9701 §5 asks for.
func FuzzParseSigned(f *testing.F) {
	good := compact(rfc9701Header, rfc9701Payload)
	for _, seed := range []string{
		"", "..", good, good + "\n", `{"active":true}`, compact(rfc9701Header, `{"token_introspection":{}}`), compact(`{"alg":"RS256"}`, rfc9701Payload),
		compact(rfc9701Header, with(f, rfc9701Payload, "aud", []any{"https://rs.example.com/resource"})), compact(rfc9701Header, with(f, rfc9701Payload, "exp", 1)),
		compact(`{"alg":"RSA-OAEP","enc":"A256GCM"}`, "{}") + ".AA.AA", compact(rfc9701Header, with(f, rfc9701Payload, "nbf", 1e300)),
	} {
		f.Add(seed)
	}
	parsing := []error{jwt.ErrMalformed, jwt.ErrEncrypted, jwt.ErrAlgorithm, jwt.ErrCritical, ErrSignedContent}
	checking := []error{ErrSignedType, ErrSignedIssuer, ErrSignedAudience, ErrSignedTime}
	f.Fuzz(func(t *testing.T, body string) {
		signed, err := ParseSigned(body)
		if err != nil {
			if signed != nil || !isOneOf(err, parsing) {
				t.Fatalf("%v, %v", signed, err)
			}
			return
		}
		_ = signed.Answer()
		if err := signed.Check(rfc9701Policy, rfc9701Time); err != nil {
			if !isOneOf(err, checking) {
				t.Fatal(err)
			}
			return
		}
		payload, err := base64.RawURLEncoding.DecodeString(signed.Token().PayloadSegment())
		if err != nil {
			t.Fatal(err)
		}
		claims := unpacked(t, string(payload))
		if _, ok := claims["iat"].(json.Number); !ok || claims["iss"] != rfc9701Policy.Issuer || claims["aud"] == nil {
			t.Fatalf("%v passed", claims)
		}
		if _, ok := claims["token_introspection"].(map[string]any); !ok {
			t.Fatalf("%v passed", claims)
		}
	})
}

func isOneOf(err error, list []error) bool {
	for _, known := range list {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
