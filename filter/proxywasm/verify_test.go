//go:build !wasm

package proxywasm

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"holdfast/jwt"
)

// The question is VerifySignatureArguments, byte for byte, at every length that has
// a form of its own; and "yes" is the one answer that counts as yes.
func TestVerifySignature(t *testing.T) {
	emulator, _ := emulate(t, configuration(inline, ""))
	var asked, answer []byte
	emulator.RegisterForeignFunction("verify_signature", func(argument []byte) []byte {
		asked = bytes.Clone(argument)
		return answer
	})
	for _, size := range []int{0, 1, 127, 128, 16383, 16384, 70000} {
		question := jwt.X509Signature{Hash: "sha256", PublicKey: strings.Repeat("k", size/2), Signature: strings.Repeat("s", size), Input: strings.Repeat("x", size)}
		var want []byte
		for i, content := range []string{question.Hash, question.PublicKey, question.Signature, question.Input} {
			want = protowire.AppendString(protowire.AppendTag(want, protowire.Number(i+1), protowire.BytesType), content)
		}
		answer = []byte{8, 1}
		if valid, err := VerifySignature(question); !valid || err != nil || !bytes.Equal(asked, want) {
			t.Errorf("%d bytes: %t, %v, asked %.40x, want %.40x", size, valid, err, asked, want)
		}
	}
	for _, no := range []string{"\x08\x00", "\x12\x02no", "\x08\x01\x12\x02no", "\x12\x02no\x08\x01", "\x08", "\x08\x02", "\x08\x81\x00", "\x08\x01\x08\x00", "yes"} {
		answer = []byte(no)
		if valid, err := (&host{}).VerifySignature(jwt.X509Signature{}); valid || err != nil {
			t.Errorf("%x: %t, %v", no, valid, err)
		}
	}
	// The SDK does not survive every answer; the filter does.
	answer = nil
	if valid, err := VerifySignature(jwt.X509Signature{}); valid || err == nil {
		t.Errorf("no answer: %t, %v", valid, err)
	}
}
