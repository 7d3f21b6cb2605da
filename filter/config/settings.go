package config

import (
	"crypto/sha256"

	"holdfast/strictjson"
)

// settings are the parts of a document that a session must not outlive.
type settings struct{ document strictjson.Value }

// digest is the associated data of a session's seal: of what was resolved and of
// the sections that say who vouches for a token and how it is bound. What the
// requests are asked for beyond that (rules and the rest) is asked anew of every
// request, so a session may outlive it.
func (s settings) digest(cookie, realm, profile string) [sha256.Size]byte {
	var b []byte
	for _, text := range []string{cookie, realm, profile} {
		b = appendText(b, text)
	}
	for _, section := range []string{"issuers", "proof_of_possession", "certificate"} {
		b = appendCanonical(b, s.document.Get(section))
	}
	return sha256.Sum256(b)
}
