package e2e

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// The names that envoy.yaml uses. They never change: only the addresses behind
// them do.
const (
	Issuer   = "https://as.example.com"
	Resource = "https://api.example.com"

	authHost = "as.example.com"
	apiHost  = "api.example.com"
)

// PKI is one certificate authority and everything it (or nobody) signed.
type PKI struct {
	CA *Certificate

	Server *Certificate // of the proxy and of the authorization server

	A       *Certificate // client-a: the honest client
	B       *Certificate // client-b: the thief, with a valid certificate of its own
	Renewed *Certificate // client-a again: same name, same key, newer certificate
	Chained *Certificate // client-c: signed by an intermediate, which is sent along

	SelfSigned *Certificate // client-a's name, signed by nobody
	Edge       *Certificate // a proxy in front, with a SPIFFE id
	Gateway    *Certificate // Envoy's own, towards the authorization server
}

// Certificate is a certificate with its key. Chain holds the leaf first.
type Certificate struct {
	Leaf  *x509.Certificate
	Key   crypto.Signer
	Chain [][]byte // DER
}

// EdgeID is the URI SAN of [PKI.Edge].
const EdgeID = "spiffe://example.com/edge"

// NewPKI makes all keys and certificates. They live for a day.
func NewPKI() *PKI {
	ca := issue(nil, nil, template("Holdfast demo CA", func(c *x509.Certificate) {
		c.IsCA = true
		c.KeyUsage = x509.KeyUsageCertSign
	}))
	middle := issue(ca, nil, template("Holdfast demo intermediate", func(c *x509.Certificate) {
		c.IsCA = true
		c.KeyUsage = x509.KeyUsageCertSign
	}))
	a := issue(ca, nil, template("client-a", nil))
	return &PKI{
		CA: ca,
		Server: issue(ca, nil, template("server", func(c *x509.Certificate) {
			c.DNSNames = []string{authHost, apiHost, "other.example.com", "localhost"}
			c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		})),
		A:       a,
		B:       issue(ca, nil, template("client-b", nil)),
		Renewed: issue(ca, a.Key, template("client-a", nil)),
		Chained: issue(middle, nil, template("client-c", nil)),
		SelfSigned: issue(nil, nil, template("client-a", func(c *x509.Certificate) {
			c.KeyUsage = x509.KeyUsageDigitalSignature
		})),
		Edge: issue(ca, nil, template("edge", func(c *x509.Certificate) {
			c.URIs = []*url.URL{must(url.Parse(EdgeID))}
		})),
		Gateway: issue(ca, nil, template("gateway", nil)),
	}
}

func template(name string, edit func(*x509.Certificate)) *x509.Certificate {
	c := &x509.Certificate{
		SerialNumber:          must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))),
		Subject:               pkix.Name{CommonName: name, Organization: []string{"Holdfast"}},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	if edit != nil {
		edit(c)
	}
	return c
}

// issue signs t: by itself when there is no parent, with a new key when none is
// given.
func issue(parent *Certificate, key crypto.Signer, t *x509.Certificate) *Certificate {
	if key == nil {
		key = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	}
	signer, issuer := key, t
	if parent != nil {
		signer, issuer = parent.Key, parent.Leaf
	}
	der := must(x509.CreateCertificate(rand.Reader, t, issuer, key.Public(), signer))
	c := &Certificate{Leaf: must(x509.ParseCertificate(der)), Key: key, Chain: [][]byte{der}}
	// An intermediate goes along with what it signed; a root never does.
	if parent != nil && parent.Leaf.Issuer.String() != parent.Leaf.Subject.String() {
		c.Chain = append(c.Chain, parent.Chain...)
	}
	return c
}

// TLS is the certificate as crypto/tls wants it.
func (c *Certificate) TLS() tls.Certificate {
	return tls.Certificate{Certificate: c.Chain, PrivateKey: c.Key, Leaf: c.Leaf}
}

// Pool holds only this certificate, as a root.
func (c *Certificate) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c.Leaf)
	return pool
}

// X5T is the value of "x5t#S256" for this certificate, RFC 8705 §3.1: unpadded
// base64url of the SHA-256 of the leaf's DER.
func (c *Certificate) X5T() string { return thumbprintOf(c.Leaf.Raw) }

func thumbprintOf(der []byte) string {
	sum := sha256.Sum256(der)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// XFCC is the element of x-forwarded-client-cert that Envoy writes for it.
func (c *Certificate) XFCC() string {
	return fmt.Sprintf("Hash=%x;Subject=%q", sha256.Sum256(c.Leaf.Raw), c.Leaf.Subject)
}

// PEM is the certificate with its chain.
func (c *Certificate) PEM() []byte {
	var out []byte
	for _, der := range c.Chain {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return out
}

// Write stores name.pem and name-key.pem in dir and returns both paths.
func (c *Certificate) Write(dir, name string) (certFile, keyFile string, err error) {
	certFile, keyFile = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+"-key.pem")
	if err := os.WriteFile(certFile, c.PEM(), 0o644); err != nil {
		return "", "", err
	}
	block := &pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(c.Key))}
	return certFile, keyFile, os.WriteFile(keyFile, pem.EncodeToMemory(block), 0o600)
}

// must is for what cannot fail here: generated keys, constant input.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
