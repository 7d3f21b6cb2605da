package scenario

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
)

// mint makes the token that a step describes. A good one is bound by cnf to what
// its scheme wants.
func (w *world) mint(t *Token, dpop bool) (string, error) {
	if token, there := w.tokens[t.Name]; there {
		return token, nil
	}
	cnf := map[string]any{"x5t#S256": "${x5t:own}"}
	if dpop {
		cnf = map[string]any{"jkt": "${jkt:" + deviceKey + "}"}
	}
	token, err := w.make(t, cnf)
	if t.Name != "" {
		w.tokens[t.Name] = token
	}
	return token, err
}

func (w *world) make(t *Token, cnf map[string]any) (string, error) {
	if t.Opaque != "" {
		return w.opaque(t.Opaque), nil
	}
	return w.signAs(t, "at+jwt", map[string]any{
		"iss": "${issuer}", "aud": "https://api.example.com", "sub": "client-a", "client_id": "client-a",
		"iat": "${now}", "exp": "${now+300}", "jti": rand.Text(), "scope": "accounts:read payments:write",
		"cnf": cnf,
	})
}

// signAs makes a JWT of a type by a key of the issuer.
func (w *world) signAs(t *Token, typ string, claims map[string]any) (string, error) {
	k, err := keyNamed(t.Key)
	if err != nil {
		return "", err
	}
	return w.sign(t, k, map[string]any{"alg": k.algorithms[0], "typ": typ, "kid": k.name}, claims)
}

// sign makes a JWT by a key, and does to it whatever t says.
func (w *world) sign(t *Token, k *key, header, claims map[string]any) (string, error) {
	if t.Raw != "" {
		return w.text(t.Raw)
	}
	var removed [2][]string
	for _, name := range t.Remove {
		if inner, ok := strings.CutPrefix(name, "header."); ok {
			removed[0] = append(removed[0], inner)
		} else {
			removed[1] = append(removed[1], name)
		}
	}
	header, err := edit(header, t.Header, removed[0])
	if err != nil {
		return "", err
	}
	if claims, err = edit(claims, t.Claims, removed[1]); err != nil {
		return "", err
	}
	headerText, err := w.json(header, t.RawHead)
	if err != nil {
		return "", err
	}
	claimsText, err := w.json(claims, t.RawBody)
	if err != nil {
		return "", err
	}
	algorithm, _ := header["alg"].(string)
	input := segment([]byte(headerText)) + "." + segment([]byte(claimsText))
	return mutate(t.Mutate, input, k.sign(algorithm, input), k)
}

// edit sets members of an object, and removes some that have to be there.
func edit(object, set map[string]any, remove []string) (map[string]any, error) {
	for name, v := range set {
		object[name] = v
	}
	for _, name := range remove {
		if _, there := object[name]; !there {
			return nil, fmt.Errorf("nothing to remove: %q", name)
		}
		delete(object, name)
	}
	return object, nil
}

// json is an object as JSON, or the text that stands in for it.
func (w *world) json(object map[string]any, raw string) (string, error) {
	if raw != "" {
		return w.text(raw)
	}
	expanded, err := w.expand(object)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(expanded)
	return string(text), err
}

// mutate finishes a token: signing input and signature, and what an attacker
// does to them.
func mutate(how, input string, signature []byte, k *key) (string, error) {
	switch how {
	case "":
	case "flip_signature":
		signature[len(signature)/2] ^= 1
	case "empty_signature":
		signature = nil
	case "zero_signature": // CVE-2022-21449
		signature = make([]byte, len(signature))
	case "short_signature":
		signature = signature[:len(signature)-1]
	case "der_signature":
		half := len(signature) / 2
		der, err := asn1.Marshal(struct{ R, S *big.Int }{
			new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:]),
		})
		if err != nil {
			return "", err
		}
		signature = der
	case "hmac_with_public_key": // the public key as PEM is the secret
		der, err := x509.MarshalPKIXPublicKey(k.private.Public())
		if err != nil {
			return "", err
		}
		mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		mac.Write([]byte(input))
		signature = mac.Sum(nil)
	case "padded":
		return input + "." + base64.URLEncoding.EncodeToString(signature), nil
	case "trailing_bits":
		// The last character of 64 bytes holds 4 bits that mean nothing.
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		text := segment(signature)
		last := strings.IndexByte(alphabet, text[len(text)-1])
		return input + "." + text[:len(text)-1] + alphabet[last|1:last|1+1], nil
	case "fourth_part":
		return input + "." + segment(signature) + ".AAAA", nil
	case "five_parts":
		return input + "." + segment(signature) + ".AAAA.AAAA", nil
	case "two_parts":
		return input, nil
	default:
		return "", fmt.Errorf("no mutation is called %q", how)
	}
	return input + "." + segment(signature), nil
}

func segment(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
