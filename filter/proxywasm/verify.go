package proxywasm

import (
	sdk "github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"

	"holdfast/jwt"
)

// VerifySignature asks the foreign function "verify_signature", which Envoy has:
// VerifySignatureArguments in, VerifySignatureResult out, both protobuf (package
// envoy.source.extensions.common.wasm). An error says that there is no such function
// or that it failed.
func VerifySignature(s jwt.X509Signature) (valid bool, err error) {
	defer recovered(&err) // the SDK trusts the size of the answer
	answer, err := sdk.CallForeignFunction("verify_signature", verifyArguments(s))
	// Field 1, "result", is true, and there is no "error" beside it.
	return err == nil && string(answer) == "\x08\x01", err
}

func (h *host) VerifySignature(s jwt.X509Signature) (bool, error) { return VerifySignature(s) }

// verifyArguments has four fields: hash_function, public_key (DER), signature, text.
func verifyArguments(s jwt.X509Signature) []byte {
	const fieldOverhead = 1 + 5
	b := make([]byte, 0, 4*fieldOverhead+len(s.Hash)+len(s.PublicKey)+len(s.Signature)+len(s.Input))
	b = appendField(b, 1, s.Hash)
	b = appendField(b, 2, s.PublicKey)
	b = appendField(b, 3, s.Signature)
	return appendField(b, 4, s.Input)
}

// appendField appends a protobuf field of wire type 2.
func appendField(b []byte, number byte, content string) []byte {
	b = append(b, number<<3|2)
	size := len(content)
	for ; size >= 0x80; size >>= 7 {
		b = append(b, byte(size)|0x80)
	}
	return append(append(b, byte(size)), content...)
}
