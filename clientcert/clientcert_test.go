package clientcert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/thumbprint"
)

// testCert is a certificate in every form that a proxy writes it.
type testCert struct {
	der        []byte
	pem        string
	hash       string // hex
	urlPEM     string
	base64     string
	thumbprint thumbprint.Thumbprint
}

func newCert(t testing.TB) testCert {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return testCert{
		der: der, pem: text, hash: hex.EncodeToString(sum[:]), urlPEM: url.PathEscape(text),
		base64: base64.StdEncoding.EncodeToString(der), thumbprint: sum,
	}
}

// check compares an outcome: want nil means that sentinel is the error.
func check(t *testing.T, got thumbprint.Thumbprint, err error, want *testCert, sentinel error) {
	t.Helper()
	switch {
	case want == nil:
		if !errors.Is(err, sentinel) || got != (thumbprint.Thumbprint{}) {
			t.Errorf("got %v, %v; want the zero thumbprint and %q", got, err, sentinel)
		}
	case err != nil:
		t.Errorf("error: %v", err)
	case !got.Equal(want.thumbprint):
		t.Errorf("got %v, want %v", got, want.thumbprint)
	}
}

func TestRFC9440ClientCert(t *testing.T) {
	t.Parallel()
	cert, other := newCert(t), newCert(t)
	unpadded := strings.TrimRight(cert.base64, "=")
	tests := []struct {
		name, in string
		want     *testCert
	}{
		{"byte sequence", ":" + cert.base64 + ":", &cert},
		{"spaces around", " :" + cert.base64 + ":  ", &cert},
		{"no padding (RFC 8941 §4.2.7)", ":" + unpadded + ":", &cert},
		{"empty", "", nil},
		{"colon", ":", nil},
		{"empty sequence", "::", nil},
		{"no colons", cert.base64, nil},
		{"no first colon", cert.base64 + ":", nil},
		{"no last colon", ":" + cert.base64, nil},
		{"parameter", ":" + cert.base64 + ":;a=1", nil},
		{"two fields joined", ":" + cert.base64 + ":, :" + other.base64 + ":", nil},
		{"same twice", ":" + cert.base64 + ":,:" + cert.base64 + ":", nil},
		{"chain in one sequence", ":" + base64.StdEncoding.EncodeToString(slices.Concat(cert.der, other.der)) + ":", nil},
		{"string item", `"` + cert.base64 + `"`, nil},
		{"base64url", ":" + base64.URLEncoding.EncodeToString([]byte{0x30, 3, 0xff, 0xff, 0xff}) + ":", nil},
		{"line feed within", ":" + cert.base64[:20] + "\n" + cert.base64[20:] + ":", nil},
		{"space within", ":" + cert.base64[:20] + " " + cert.base64[20:] + ":", nil},
		{"PEM", cert.pem, nil},
		{"tab around", "\t:" + cert.base64 + ":", nil},
		{"truncated", ":" + base64.StdEncoding.EncodeToString(cert.der[:100]) + ":", nil},
		{"too long", ":" + strings.Repeat("A", maxInput+4) + ":", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := RFC9440(tt.in)
			check(t, got, err, tt.want, ErrHeader)
		})
	}
}

func TestBase64DER(t *testing.T) {
	t.Parallel()
	cert := newCert(t)
	tests := []struct {
		name, in string
		want     *testCert
	}{
		{"padded", cert.base64, &cert},
		{"unpadded", strings.TrimRight(cert.base64, "="), &cert},
		{"empty", "", nil},
		{"too much padding", cert.base64 + "====", nil},
		{"CRLF", cert.base64[:64] + "\r\n" + cert.base64[64:], nil},
		{"comma-joined", cert.base64 + "," + cert.base64, nil},
		{"colons", ":" + cert.base64 + ":", nil},
		{"hash", cert.hash, nil},
		{"PEM", cert.pem, nil},
		{"space at the end", cert.base64 + " ", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Base64DER(tt.in)
			check(t, got, err, tt.want, ErrHeader)
		})
	}
}

func TestURLEncodedPEM(t *testing.T) {
	t.Parallel()
	cert, other := newCert(t), newCert(t)
	nothingElse := strings.NewReplacer("\n", "%0A", " ", "%20").Replace(cert.pem)
	everything := func() string {
		var b strings.Builder
		for _, c := range []byte(cert.pem) {
			b.WriteString("%" + hex.EncodeToString([]byte{c}))
		}
		return b.String()
	}()
	tests := []struct {
		name, in string
		want     *testCert
	}{
		{"path escape", cert.urlPEM, &cert},
		{"query escape, with %20 for space, as nginx", strings.ReplaceAll(url.QueryEscape(cert.pem), "+", "%20"), &cert},
		{"+ / = as themselves, as load balancers", nothingElse, &cert},
		{"every byte escaped", everything, &cert},
		{"lower-case hex", strings.ReplaceAll(cert.urlPEM, "%0A", "%0a"), &cert},
		{"empty", "", nil},
		{"plus for space", url.QueryEscape(cert.pem), nil},
		{"bad escape", cert.urlPEM + "%zz", nil},
		{"bad second digit", cert.urlPEM + "%2x", nil},
		{"escape cut off", cert.urlPEM + "%2", nil},
		{"chain", cert.urlPEM + other.urlPEM, nil},
		{"comma-joined", cert.urlPEM + "," + other.urlPEM, nil},
		{"escaped twice", url.PathEscape(cert.urlPEM), nil},
		{"no PEM", cert.base64, nil},
		{"nginx without a certificate", "(null)", nil},
		{"too long", strings.Repeat("%20", maxInput), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := URLEncodedPEM(tt.in)
			check(t, got, err, tt.want, ErrHeader)
		})
	}
}

func TestProperty(t *testing.T) {
	t.Parallel()
	cert := newCert(t)
	tests := []struct {
		name, in string
		want     *testCert
	}{
		{"PEM", cert.pem, &cert},
		{"PEM after white space", "\n" + cert.pem, &cert},
		{"DER", string(cert.der), &cert},
		{"hex", cert.hash, &cert},
		{"upper-case hex", strings.ToUpper(cert.hash), &cert},
		{"empty", "", nil},
		{"hex and line feed", cert.hash + "\n", nil},
		{"63 digits", cert.hash[:63], nil},
		{"65 digits", cert.hash + "0", nil},
		{"SHA-1", cert.hash[:40], nil},
		{"base64url thumbprint", cert.thumbprint.String(), nil},
		{"base64 DER", cert.base64, nil},
		{"URL-encoded PEM", cert.urlPEM, nil},
		{"DER and a byte", string(cert.der) + "\x00", nil},
		{"truncated DER", string(cert.der[:50]), nil},
		{"PEM chain", cert.pem + cert.pem, nil},
		{"PEM of a key", strings.ReplaceAll(cert.pem, "CERTIFICATE", "PRIVATE KEY"), nil},
		{"one byte", "1", nil},
		{"subject", "CN=client", nil},
		{"too long", strings.Repeat("0", maxInput+1), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Property([]byte(tt.in))
			check(t, got, err, tt.want, ErrProperty)
		})
	}
}

// The four certificate headers and the property agree about every certificate
// that the standard library makes.
func TestAllFormsAgree(t *testing.T) {
	t.Parallel()
	for range 20 {
		cert := newCert(t)
		for name, read := range map[string]func() (thumbprint.Thumbprint, error){
			"rfc9440":         func() (thumbprint.Thumbprint, error) { return RFC9440(":" + cert.base64 + ":") },
			"url_encoded_pem": func() (thumbprint.Thumbprint, error) { return URLEncodedPEM(cert.urlPEM) },
			"base64_der":      func() (thumbprint.Thumbprint, error) { return Base64DER(cert.base64) },
			"xfcc hash":       func() (thumbprint.Thumbprint, error) { return XFCC("Hash="+cert.hash, 0) },
			"xfcc cert":       func() (thumbprint.Thumbprint, error) { return XFCC(`Cert="`+cert.urlPEM+`"`, 0) },
			"property":        func() (thumbprint.Thumbprint, error) { return Property(cert.der) },
		} {
			got, err := read()
			if err != nil || !got.Equal(cert.thumbprint) {
				t.Errorf("%s: got %v, %v; want %v", name, got, err, cert.thumbprint)
			}
		}
	}
}

// FuzzClientCert holds RFC9440, Base64DER, URLEncodedPEM and Property against
// each other and against the standard library.
func FuzzClientCert(f *testing.F) {
	cert := newCert(f)
	for _, seed := range []string{
		":" + cert.base64 + ":", cert.base64, cert.urlPEM, cert.pem, cert.hash, string(cert.der),
		"::", ":MAIFAA==:", ":MAIFAA:", "%", "%2", "-----BEGIN CERTIFICATE-----", ":MAIFAA==:;a", "MAIFAA=\n=",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if got, err := RFC9440(in); err == nil {
			inner, err := Base64DER(strings.Trim(in, " :"))
			if err != nil || !inner.Equal(got) {
				t.Errorf("RFC9440 takes %q, Base64DER says %v", in, err)
			}
		}
		if got, err := Base64DER(in); err == nil {
			der, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(in, "="))
			if err != nil || !got.Equal(sha256.Sum256(der)) {
				t.Errorf("Base64DER reads %q otherwise than the standard library", in)
			}
		}
		if got, err := URLEncodedPEM(in); err == nil {
			text, err := url.PathUnescape(in)
			if err != nil {
				t.Fatalf("URLEncodedPEM takes %q: %v", in, err)
			}
			inner, err := Property([]byte(text))
			if err != nil || !inner.Equal(got) {
				t.Errorf("URLEncodedPEM takes %q, Property says %v", in, err)
			}
		}
		if got, err := Property([]byte(in)); err == nil && len(in) < 32 && got != sha256.Sum256([]byte(in)) {
			t.Errorf("Property takes %q, too short for hex or PEM", in)
		}
	})
}
