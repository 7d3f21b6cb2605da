package main

import (
	"bytes"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"

	"holdfast/strictjson"
	"holdfast/thumbprint"
)

// prints is the answer of "thumbprint".
type prints struct {
	Confirmation string `json:"cnf"` // the member: x5t#S256 or jkt
	Base64URL    string `json:"thumbprint"`
	Hex          string `json:"hex"`
}

// thumbprint prints what the cnf of a token that is bound to this certificate or key has.
func (t *tool) thumbprint(args []string) (int, error) {
	f := t.flags("thumbprint", "FILE")
	asJSON := f.Bool("json", false, "print JSON")
	name, err := t.parse(f, args)
	if err != nil {
		return wrongCall, err
	}
	content, err := t.read(name)
	if err != nil {
		return notGood, err
	}
	member, print, err := thumbprintOf(content)
	if err != nil {
		return notGood, err
	}
	answer := prints{member, print.String(), hex.EncodeToString(print[:])}
	if *asJSON {
		return good, t.printJSON(answer)
	}
	fmt.Fprintf(t.out, "%-9s %s\nhex       %s\n", answer.Confirmation, answer.Base64URL, answer.Hex)
	return good, nil
}

var errNoCertificate = errors.New("this is neither a certificate in PEM or DER nor a JWK")

func thumbprintOf(content []byte) (member string, print thumbprint.Thumbprint, err error) {
	if trimmed := bytes.TrimSpace(content); len(trimmed) > 0 && trimmed[0] == '{' {
		jwk, err := strictjson.Parse(string(trimmed))
		if err == nil {
			print, err = thumbprint.OfJWK(jwk)
		}
		return "jkt", print, err
	}
	_, print, err = readLeaf(content)
	return "x5t#S256", print, err
}

// readLeaf takes the first certificate of a PEM file, which in a chain is the client's
// own, or the one in DER.
func readLeaf(content []byte) (der []byte, print thumbprint.Thumbprint, err error) {
	der = content
	for rest := content; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type == "CERTIFICATE" {
			der = block.Bytes
			break
		}
	}
	if print, err = thumbprint.OfDER(der); err != nil {
		return nil, print, errNoCertificate
	}
	return der, print, nil
}
