package thumbprint

import (
	"errors"
	"strings"
	"testing"

	"holdfast/strictjson"
)

const (
	rfc7638N = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
	ed25519X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
	p256X    = "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs"
	p256Y    = "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"
)

func parse(t *testing.T, doc string) strictjson.Value {
	t.Helper()
	v, err := strictjson.Parse(doc)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestRFC7638Vectors(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, jwk, want string }{
		{
			"RFC 7638 §3.1",
			`{"kty":"RSA","n":"` + rfc7638N + `","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`,
			"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
		},
		{
			"RFC 8037 A.3",
			`{"kty":"OKP","crv":"Ed25519","x":"` + ed25519X + `"}`,
			"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
		},
		{
			"RFC 9449 §6.1 with the key of figure 2",
			`{"kty":"EC","x":"` + p256X + `","y":"` + p256Y + `","crv":"P-256"}`,
			"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
		},
		{
			"RFC 7638 §3.2.1: a private key has the thumbprint of its public half",
			`{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"` + ed25519X + `"}`,
			"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
		},
		{
			"escapes in the JWK do not show",
			`{"\u006bty":"\u004fKP","crv":"Ed25519","x":"` + ed25519X + `"}`,
			"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := OfJWK(parse(t, tt.jwk))
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != tt.want {
				t.Errorf("thumbprint = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestRFC7638Refusals(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, jwk string }{
		{"null", `null`},
		{"string", `"key"`},
		{"array", `[]`},
		{"empty", `{}`},
		{"symmetric", `{"kty":"oct","k":"AAAA"}`},
		{"kty in another case", `{"kty":"okp","crv":"Ed25519","x":"` + ed25519X + `"}`},
		{"member in another case", `{"kty":"OKP","crv":"Ed25519","X":"` + ed25519X + `"}`},
		{"kty a number", `{"kty":1}`},
		{"curve unknown", `{"kty":"OKP","crv":"Ed25520","x":"` + ed25519X + `"}`},
		{"curve of another type", `{"kty":"OKP","crv":"P-256","x":"` + p256X + `"}`},
		{"curve absent", `{"kty":"EC","x":"` + p256X + `","y":"` + p256Y + `"}`},
		{"no x", `{"kty":"EC","crv":"P-256","y":"` + p256Y + `"}`},
		{"no y", `{"kty":"EC","crv":"P-256","x":"` + p256X + `"}`},
		{"x not a string", `{"kty":"OKP","crv":"Ed25519","x":["` + ed25519X + `"]}`},
		{"x short", `{"kty":"OKP","crv":"Ed25519","x":"` + ed25519X[:40] + `"}`},
		{"x padded", `{"kty":"OKP","crv":"Ed25519","x":"` + ed25519X + `="}`},
		{"x with other trailing bits", `{"kty":"OKP","crv":"Ed25519","x":"` + ed25519X[:42] + `p"}`},
		{"x with a line feed", `{"kty":"OKP","crv":"Ed25519","x":"` + ed25519X + `\n"}`},
		{"x that breaks out of the JSON text", `{"kty":"OKP","crv":"Ed25519","x":"\",\"y\":\""}`},
		{"no n", `{"kty":"RSA","e":"AQAB"}`},
		{"no e", `{"kty":"RSA","n":"` + rfc7638N + `"}`},
		{"e with a leading zero", `{"kty":"RSA","n":"` + rfc7638N + `","e":"AAEAAQ"}`},
		{"e empty", `{"kty":"RSA","n":"` + rfc7638N + `","e":""}`},
		{"n in standard base64", `{"kty":"RSA","n":"` + strings.ReplaceAll(rfc7638N, "_", "/") + `","e":"AQAB"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := OfJWK(parse(t, tt.jwk))
			if !errors.Is(err, ErrJWK) || got != (Thumbprint{}) {
				t.Errorf("got %v, %v; want ErrJWK and the zero thumbprint", got, err)
			}
		})
	}
	if _, err := OfJWK(strictjson.Value{}); !errors.Is(err, ErrJWK) {
		t.Errorf("a missing value: %v", err)
	}
}
