package jwt

import (
	"errors"
	"strings"
	"testing"

	"holdfast/internal/base64url"
)

// The examples of RFC 7515 appendix A share this payload: joe's claims, with line
// breaks and spaces in the JSON.
const rfc7515Payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

const rfc7515RSA = `{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4Q` +
	`lL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapH` +
	`g665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}`

const rfc7515P256 = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`

const rfc7515P521 = `{"kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",` +
	`"y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"}`

const (
	rfc7515TokenA2 = "eyJhbGciOiJSUzI1NiJ9." + rfc7515Payload + ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_l" +
		"F5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN93" +
		"83LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
	rfc7515TokenA3 = "eyJhbGciOiJFUzI1NiJ9." + rfc7515Payload + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)

// verifyCompact parses a token, finds its key and verifies it.
func verifyCompact(t *testing.T, keys *KeySet, compact string) (*Token, error) {
	t.Helper()
	token, err := Parse(compact)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.Find(token.Header())
	if err != nil {
		t.Fatal(err)
	}
	return token, key.Verify(token)
}

func TestRFC7515_A1_HS256Refused(t *testing.T) {
	const token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + rfc7515Payload + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	if _, err := Parse(token); !errors.Is(err, ErrAlgorithm) {
		t.Errorf("Parse: %v", err)
	}
	if !IsJWT(token) {
		t.Error("it is a JWT all the same")
	}
	const jwk = `{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}`
	if _, err := ParseKeySet(`{"keys":[` + jwk + `]}`); !errors.Is(err, ErrNoUsableKey) {
		t.Errorf("ParseKeySet: %v", err)
	}
}

func TestRFC7515_A2_RS256(t *testing.T) {
	token, err := verifyCompact(t, mustKeySet(t, rfc7515RSA), rfc7515TokenA2)
	if err != nil {
		t.Fatal(err)
	}
	if h := token.Header(); h != (Header{Algorithm: RS256}) {
		t.Errorf("header %+v", h)
	}
	checkJoe(t, token)
}

func TestRFC7515_A3_ES256(t *testing.T) {
	token, err := verifyCompact(t, mustKeySet(t, rfc7515P256), rfc7515TokenA3)
	if err != nil {
		t.Fatal(err)
	}
	checkJoe(t, token)
}

func checkJoe(t *testing.T, token *Token) {
	t.Helper()
	if iss, err := token.Claims().Issuer(); iss != "joe" || err != nil {
		t.Errorf("iss %q, %v", iss, err)
	}
	if exp, present, err := token.Claims().Time("exp"); exp.Unix() != 1300819380 || !present || err != nil {
		t.Errorf("exp %v, %v, %v", exp, present, err)
	}
	// The claim's name has dots: it is found as a whole.
	if root, ok := token.Claims().Lookup("http://example.com/is_root").Bool(); !root || !ok {
		t.Error("is_root is not true")
	}
	if token.PayloadSegment() != rfc7515Payload {
		t.Error("the payload segment is not what was sent")
	}
}

// The payload of A.4 is no JSON, and so it is no JWT; its signature is good.
func TestRFC7515_A4_ES512(t *testing.T) {
	const input = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA"
	const signature = "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"
	checkDetached(t, mustKeySet(t, rfc7515P521), ES512, input, signature)
	if _, err := Parse(input + "." + signature); !errors.Is(err, ErrMalformed) {
		t.Errorf("Parse: %v", err)
	}
}

func checkDetached(t *testing.T, keys *KeySet, a Algorithm, input, signature string) {
	t.Helper()
	key, err := keys.Find(Header{Algorithm: a})
	if err != nil {
		t.Fatal(err)
	}
	data, ok := base64url.Decode(signature)
	if !ok {
		t.Fatal("signature is not base64url")
	}
	if err := key.verifySignature(a, input, data, Tables{}); err != nil {
		t.Error(err)
	}
	if err := key.verifySignature(a, input+"x", data, Tables{}); !errors.Is(err, ErrSignature) {
		t.Errorf("another text: %v", err)
	}
}

func TestRFC7515_A5_UnsecuredRefused(t *testing.T) {
	for _, signature := range []string{"", "AA"} {
		if _, err := Parse("eyJhbGciOiJub25lIn0." + rfc7515Payload + "." + signature); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("signature %q: %v", signature, err)
		}
	}
}

// RFC 7515 A.6 and A.7 are JSON serialisations.
func TestRFC7515_A6_JSONSerializationRefused(t *testing.T) {
	_, rest, _ := strings.Cut(rfc7515TokenA3, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	for _, token := range []string{
		`{"payload":"` + payload + `","signatures":[{"protected":"eyJhbGciOiJFUzI1NiJ9","signature":"` + signature + `"}]}`,
		`{"payload":"` + payload + `","protected":"eyJhbGciOiJFUzI1NiJ9","signature":"` + signature + `"}`,
		`{"protected":"` + rfc7515TokenA3 + `"}`,
	} {
		if _, err := Parse(token); !errors.Is(err, ErrMalformed) {
			t.Errorf("%.40s: %v", token, err)
		}
	}
}

// The payload of RFC 8037 A.4 is a sentence, and so it is no JWT; its signature is
// good.
func TestRFC8037_A4_Ed25519(t *testing.T) {
	keys := mustKeySet(t, `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`)
	const input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
	const signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
	checkDetached(t, keys, EdDSA, input, signature)
	if _, err := Parse(input + "." + signature); !errors.Is(err, ErrMalformed) {
		t.Errorf("Parse: %v", err)
	}
}

// RFC 8705 §3.1 shows a thumbprint whose unused bits are not zero.
func TestRFC8705_3_1_Confirmation(t *testing.T) {
	is := newIssuer(ES256)
	token, err := verifyCompact(t, is.keySet(t), is.compact(is.header(), goodClaims))
	if err != nil {
		t.Fatal(err)
	}
	cnf, err := token.Claims().Confirmation()
	if err != nil || !cnf.Present || cnf.X5T == nil || cnf.JKT != nil || cnf.Others {
		t.Errorf("cnf %+v, %v", cnf, err)
	}
}

// TestRFC7519_4_1_4_ExpirationIsExclusive: "on or after which" the token is refused.
func TestRFC7519_4_1_4_ExpirationIsExclusive(t *testing.T) {
	policy := testPolicy()
	policy.ClockSkew = 0
	for exp, want := range map[string]error{"1800000000": ErrExpired, "1800000000.5": nil, "1800000001": nil, "1799999999.9": ErrExpired} {
		if err := policy.CheckClaims(mustClaims(t, with(t, goodClaims, "exp", exp)), testNow); !errors.Is(err, want) {
			t.Errorf("exp %s: %v, want %v", exp, err, want)
		}
	}
}
