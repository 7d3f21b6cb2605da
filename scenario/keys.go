package scenario

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // for crypto.Hash.New
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"sync"
)

// key is a signing key of an authorization server, or of an attacker.
type key struct {
	name       string
	private    crypto.Signer
	algorithms []string // the first is the key's own
}

// keyring makes every key once, when it is first needed.
var keyring = map[string]func() *key{
	"main":     sync.OnceValue(func() *key { return ecKey("main", elliptic.P256(), "ES256") }),
	"next":     sync.OnceValue(func() *key { return ecKey("next", elliptic.P256(), "ES256") }),
	"second":   sync.OnceValue(func() *key { return ecKey("second", elliptic.P256(), "ES256") }),
	"attacker": sync.OnceValue(func() *key { return ecKey("attacker", elliptic.P256(), "ES256") }),
	"p384":     sync.OnceValue(func() *key { return ecKey("p384", elliptic.P384(), "ES384") }),
	"p521":     sync.OnceValue(func() *key { return ecKey("p521", elliptic.P521(), "ES512") }),
	"rsa":      sync.OnceValue(func() *key { return rsaKey("rsa", 2048) }),
	"rsa1024":  sync.OnceValue(func() *key { return rsaKey("rsa1024", 1024) }),
	"ed":       sync.OnceValue(edKey),
	// Those of clients, for DPoP.
	"device": sync.OnceValue(func() *key { return ecKey("device", elliptic.P256(), "ES256") }),
	"thief":  sync.OnceValue(func() *key { return ecKey("thief", elliptic.P256(), "ES256") }),
	// Those that Holdfast itself signs client assertions with.
	"client":     sync.OnceValue(func() *key { return ecKey("client", elliptic.P256(), "ES256") }),
	"client_rsa": sync.OnceValue(func() *key { return rsaKey("client_rsa", 2048) }),
}

func ecKey(name string, curve elliptic.Curve, algorithm string) *key {
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		panic(err)
	}
	return &key{name, private, []string{algorithm}}
}

func rsaKey(name string, bits int) *key {
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return &key{name, private, []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}}
}

func edKey() *key {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return &key{"ed", private, []string{"EdDSA"}}
}

func keyNamed(name string) (*key, error) {
	if name == "" {
		name = "main"
	}
	if get := keyring[name]; get != nil {
		return get(), nil
	}
	return nil, fmt.Errorf("no key is called %q", name)
}

var hashes = map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}

// sign signs as RFC 7518 §3 and RFC 8037 say, under the key's own algorithm when
// it has nothing to do with the one that is asked for.
func (k *key) sign(algorithm, input string) []byte {
	if !slices.Contains(k.algorithms, algorithm) {
		algorithm = k.algorithms[0]
	}
	if private, ok := k.private.(ed25519.PrivateKey); ok {
		return ed25519.Sign(private, []byte(input))
	}
	hash := hashes[algorithm[2:]]
	h := hash.New()
	h.Write([]byte(input))
	digest := h.Sum(nil)
	switch private := k.private.(type) {
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, private, digest)
		if err != nil {
			panic(err)
		}
		size := (private.Curve.Params().BitSize + 7) / 8
		return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	case *rsa.PrivateKey:
		var options crypto.SignerOpts = hash
		if algorithm[0] == 'P' {
			options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
		}
		signature, err := private.Sign(rand.Reader, digest, options)
		if err != nil {
			panic(err)
		}
		return signature
	}
	panic("no such kind of key")
}

// verify checks a compact JWS, under ES256 or PS256, and decodes its two parts.
func (k *key) verify(token string, header, claims any) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return fmt.Errorf("no compact JWS: %q", token)
	}
	var bytes [3][]byte
	for i := range parts {
		var err error
		if bytes[i], err = base64.RawURLEncoding.DecodeString(parts[i]); err != nil {
			return err
		}
	}
	var algorithm struct{ Alg string }
	if err := errors.Join(json.Unmarshal(bytes[0], &algorithm), json.Unmarshal(bytes[0], header), json.Unmarshal(bytes[1], claims)); err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	good := false
	switch public := k.private.Public().(type) {
	case *ecdsa.PublicKey:
		if algorithm.Alg == "ES256" && len(bytes[2]) == 64 {
			good = ecdsa.Verify(public, digest[:], new(big.Int).SetBytes(bytes[2][:32]), new(big.Int).SetBytes(bytes[2][32:]))
		}
	case *rsa.PublicKey:
		options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
		good = algorithm.Alg == "PS256" && rsa.VerifyPSS(public, crypto.SHA256, digest[:], bytes[2], options) == nil
	}
	if !good {
		return fmt.Errorf("not signed by %s under %s", k.name, algorithm.Alg)
	}
	return nil
}

// privateJWK is the key with its private part, RFC 7518 §6.
func (k *key) privateJWK() map[string]any {
	b64 := base64.RawURLEncoding.EncodeToString
	jwk := k.jwk()
	switch private := k.private.(type) {
	case *ecdsa.PrivateKey:
		d, err := private.Bytes()
		if err != nil {
			panic(err)
		}
		jwk["d"] = b64(d)
	case *rsa.PrivateKey:
		private.Precompute()
		jwk["d"], jwk["p"], jwk["q"] = b64(private.D.Bytes()), b64(private.Primes[0].Bytes()), b64(private.Primes[1].Bytes())
		jwk["dp"], jwk["dq"] = b64(private.Precomputed.Dp.Bytes()), b64(private.Precomputed.Dq.Bytes())
		jwk["qi"] = b64(private.Precomputed.Qinv.Bytes())
	case ed25519.PrivateKey:
		jwk["d"] = b64(private.Seed())
	}
	return jwk
}

// jwk is the public key, RFC 7517 §4, without "alg" and "use".
func (k *key) jwk() map[string]any {
	b64 := base64.RawURLEncoding.EncodeToString
	switch public := k.private.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := public.Bytes() // 4, x, y
		if err != nil {
			panic(err)
		}
		size := (len(point) - 1) / 2
		return map[string]any{
			"kty": "EC", "kid": k.name, "crv": public.Params().Name,
			"x": b64(point[1 : 1+size]), "y": b64(point[1+size:]),
		}
	case *rsa.PublicKey:
		return map[string]any{
			"kty": "RSA", "kid": k.name, "n": b64(public.N.Bytes()), "e": b64(big.NewInt(int64(public.E)).Bytes()),
		}
	case ed25519.PublicKey:
		return map[string]any{"kty": "OKP", "kid": k.name, "crv": "Ed25519", "x": b64(public)}
	}
	panic("no such kind of key")
}

// thumbprint is that of RFC 7638 §3: the SHA-256 of the required members, sorted
// by their names, which encoding/json does.
func (k *key) thumbprint() string {
	jwk := k.jwk()
	delete(jwk, "kid")
	text, err := json.Marshal(jwk)
	if err != nil {
		panic(err)
	}
	digest := sha256.Sum256(text)
	return segment(digest[:])
}

// jwks is a JWK set. Each entry is the name of a key, or an object: "key" names
// it, "set" changes members, as RFC 7396 merges.
func jwks(entries []any) (map[string]any, error) {
	set := []any{}
	for _, entry := range entries {
		name, change := entry, map[string]any(nil)
		if object, ok := entry.(map[string]any); ok {
			object = maps.Clone(object)
			name = object["key"]
			change, _ = object["set"].(map[string]any)
		}
		text, _ := name.(string)
		k, err := keyNamed(text)
		if err != nil {
			return nil, err
		}
		set = append(set, merge(k.jwk(), change))
	}
	return map[string]any{"keys": set}, nil
}
