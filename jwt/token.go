package jwt

import (
	"holdfast/internal/base64url"
	"holdfast/strictjson"
)

// Token is a compact JWS whose form [Parse] has checked. Nothing in it is to be
// believed before [Key.Verify]. It is immutable.
type Token struct {
	head         *headerSegment // shared with other tokens; nil in the zero Token
	claims       Claims
	payload      string // second segment, as sent
	signingInput string // first and second segment with their dot, as sent
	signature    []byte
}

var (
	errPayloadEncoding = &detail{ErrMalformed, "payload is not base64url"}
	errPayloadJSON     = &detail{ErrMalformed, "payload is not a strict JSON object"}
	errSignatureForm   = &detail{ErrMalformed, "signature is not base64url"}
)

// Parse reads a token in the compact serialisation (RFC 7515 §7.1): three
// base64url segments in their one strict spelling, header and payload strict
// JSON objects as of package strictjson.
//
// Errors wrap [ErrMalformed], [ErrEncrypted], [ErrAlgorithm] or [ErrCritical].
// Time and memory are linear in the length, which the caller bounds. Parse
// decides nothing about whether the token may be used.
func Parse(compact string) (*Token, error) { return parse(compact, parseHeader) }

// parse is Parse with a way to read the header.
func parse(compact string, parseHeader func(segment string) (*headerSegment, error)) (*Token, error) {
	headerSegment, payloadSegment, signatureSegment, err := splitCompact(compact)
	if err != nil {
		return nil, err
	}
	header, err := parseHeader(headerSegment)
	if err != nil {
		return nil, err
	}
	payload, ok := decodeText(payloadSegment)
	if !ok {
		return nil, errPayloadEncoding
	}
	object, err := strictjson.Parse(payload)
	if err != nil || object.Kind() != strictjson.Object {
		return nil, errPayloadJSON
	}
	signature, ok := base64url.Decode(signatureSegment)
	if !ok || len(signature) == 0 {
		return nil, errSignatureForm
	}
	return &Token{
		head:         header,
		claims:       Claims{object},
		payload:      payloadSegment,
		signingInput: compact[:len(headerSegment)+1+len(payloadSegment)],
		signature:    signature,
	}, nil
}

// Header returns the JOSE header.
func (t *Token) Header() Header {
	if t.head == nil {
		return Header{}
	}
	return t.head.header
}

// Claims returns the claims.
func (t *Token) Claims() Claims { return t.claims }

// PayloadSegment returns the claims as base64url, byte for byte as they were
// signed.
func (t *Token) PayloadSegment() string { return t.payload }

// SigningInput returns the bytes that were signed: the first two segments with
// their dot, as sent (RFC 7515 §5.2).
func (t *Token) SigningInput() string { return t.signingInput }

// Signature returns the signature, which is not to be changed.
func (t *Token) Signature() []byte { return t.signature }
