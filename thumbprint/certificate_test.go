package thumbprint

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

// selfSigned makes a certificate; padding makes its DER longer.
func selfSigned(t *testing.T, padding int) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		DNSNames:     []string{strings.Repeat("a", padding)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func pemOf(label string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
}

func TestOfDERIsSHA256OfTheWhole(t *testing.T) {
	t.Parallel()
	for _, padding := range []int{1, 400, 70_000} { // lengths of one, two and three bytes
		der := selfSigned(t, padding)
		got, err := OfDER(der)
		if err != nil {
			t.Fatalf("%d bytes: %v", len(der), err)
		}
		if want := Thumbprint(sha256.Sum256(der)); !got.Equal(want) {
			t.Errorf("%d bytes: got %v, want %v", len(der), got, want)
		}
		fromPEM, err := OfPEM(pemOf("CERTIFICATE", der))
		if err != nil || !fromPEM.Equal(got) {
			t.Errorf("%d bytes: PEM gives %v, %v", len(der), fromPEM, err)
		}
	}
}

func TestOfDERTakesOneSequenceOnly(t *testing.T) {
	t.Parallel()
	der := selfSigned(t, 10)
	tests := []struct {
		name string
		in   []byte
		ok   bool
	}{
		{"certificate", der, true},
		{"short form", []byte{0x30, 3, 2, 1, 1}, true},
		{"one-byte long form", append([]byte{0x30, 0x81, 0x80}, make([]byte, 0x80)...), true},
		{"nil", nil, false},
		{"tag alone", []byte{0x30}, false},
		{"empty sequence", []byte{0x30, 0}, false},
		{"set", []byte{0x31, 3, 2, 1, 1}, false},
		{"truncated", der[:len(der)-1], false},
		{"trailing byte", append(slices.Clone(der), 0), false},
		{"chain", slices.Concat(der, der), false},
		{"indefinite length", []byte{0x30, 0x80, 2, 1, 1, 0, 0}, false},
		{"long form where the short would do", []byte{0x30, 0x81, 3, 2, 1, 1}, false},
		{"length with a leading zero", append([]byte{0x30, 0x82, 0, 0x80}, make([]byte, 0x80)...), false},
		{"length cut off", []byte{0x30, 0x82, 1}, false},
		{"length of four bytes", []byte{0x30, 0x84, 1, 0, 0, 0}, false},
		{"length of 127 bytes", []byte{0x30, 0xff, 1}, false},
		{"text", []byte("certificate"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkCertificate(t, OfDER, tt.in, tt.ok)
		})
	}
}

func TestRFC7468OfPEM(t *testing.T) {
	t.Parallel()
	der := selfSigned(t, 10)
	one := pemOf("CERTIFICATE", der)
	withHeader := pem.EncodeToMemory(&pem.Block{
		Type: "CERTIFICATE", Bytes: der, Headers: map[string]string{"Proc-Type": "4,ENCRYPTED"},
	})
	tests := []struct {
		name string
		in   []byte
		ok   bool
	}{
		{"one block", one, true},
		{"CRLF", bytes.ReplaceAll(one, []byte("\n"), []byte("\r\n")), true},
		{"one line", bytes.ReplaceAll(one, []byte("\n"), nil), true},
		{"tabs, as nginx continues a header", bytes.ReplaceAll(one, []byte("\n"), []byte("\n\t")), true},
		{"white space around", slices.Concat([]byte(" \n"), one, []byte("\r\n\t")), true},
		{"empty", nil, false},
		{"no block", []byte("hello"), false},
		{"empty block", pemOf("CERTIFICATE", nil), false},
		{"begin and end overlap", []byte("-----BEGIN CERTIFICATE-----END CERTIFICATE-----"), false},
		{"chain of two", slices.Concat(one, pemOf("CERTIFICATE", selfSigned(t, 10))), false},
		{"key after it", slices.Concat(one, pemOf("PRIVATE KEY", der)), false},
		{"text before", slices.Concat([]byte("subject=x\n"), one), false},
		{"text after", slices.Concat(one, []byte("x")), false},
		{"trusted certificate", pemOf("TRUSTED CERTIFICATE", der), false},
		{"public key", pemOf("PUBLIC KEY", der), false},
		{"headers", withHeader, false},
		{"no end", one[:len(one)-10], false},
		{"truncated DER", pemOf("CERTIFICATE", der[:len(der)-1]), false},
		{"two certificates in one block", pemOf("CERTIFICATE", slices.Concat(der, der)), false},
		{"no padding", bytes.Replace(pemOf("CERTIFICATE", []byte{0x30, 2, 5, 0}), []byte("="), nil, 1), false},
		{"not base64", bytes.Replace(one, []byte("M"), []byte("*"), 1), false},
		{"base64url", bytes.Replace(one, []byte("M"), []byte("_"), 1), false},
		{"NUL", bytes.Replace(one, []byte("\n"), []byte("\x00"), 1), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkCertificate(t, OfPEM, tt.in, tt.ok)
		})
	}
}

func checkCertificate(t *testing.T, of func([]byte) (Thumbprint, error), in []byte, ok bool) {
	t.Helper()
	got, err := of(in)
	if (err == nil) != ok {
		t.Fatalf("error %v, want ok %v", err, ok)
	}
	if err != nil && (!errors.Is(err, ErrCertificate) || got != Thumbprint{}) {
		t.Errorf("got %v and %v, want the zero thumbprint and ErrCertificate", got, err)
	}
}

// Whatever OfPEM takes, the standard library reads as the same one certificate.
func FuzzOfPEM(f *testing.F) {
	f.Add([]byte(rfc8705AppendixACer))
	f.Add([]byte(rfc8705AppendixACer + rfc8705AppendixACer))
	f.Add([]byte("-----BEGIN CERTIFICATE-----MAIFAA==-----END CERTIFICATE-----"))
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := OfPEM(in)
		if err != nil {
			return
		}
		body := strings.Join(strings.Fields(string(in)), "")
		body = strings.TrimSuffix(strings.TrimPrefix(body, "-----BEGINCERTIFICATE-----"), "-----ENDCERTIFICATE-----")
		block, rest := pem.Decode([]byte(pemBegin + "\n" + body + "\n" + pemEnd + "\n"))
		if block == nil || len(rest) != 0 {
			t.Fatalf("encoding/pem does not read %q", in)
		}
		if !got.Equal(sha256.Sum256(block.Bytes)) {
			t.Errorf("encoding/pem reads another certificate in %q", in)
		}
	})
}
