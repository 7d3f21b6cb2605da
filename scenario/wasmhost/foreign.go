package wasmhost

import (
	"google.golang.org/protobuf/encoding/protowire"

	"holdfast/jwt"
)

// callForeign is proxy_call_foreign_function with the one function that Envoy has and
// the module calls: verify_signature. A host that verifies nothing does not have it.
func (vm *VM) callForeign(a []uint64) uint32 {
	if vm.text(a[0], a[1]) != "verify_signature" {
		return statusNotFound
	}
	question, ok := readVerifyArguments(vm.read(uint32(a[2]), uint32(a[3])))
	if !ok {
		return statusBadArgument
	}
	valid, err := vm.host.VerifySignature(question)
	if err != nil {
		return statusNotFound
	}
	answer := protowire.AppendString([]byte{2<<3 | 2}, "Failed to verify digest.") // error
	if valid {
		answer = []byte{1 << 3, 1} // result
	}
	vm.give(answer, uint32(a[4]), uint32(a[5]))
	return statusOK
}

// readVerifyArguments reads VerifySignatureArguments.
func readVerifyArguments(b []byte) (s jwt.X509Signature, ok bool) {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 || kind != protowire.BytesType {
			return s, false
		}
		content, size := protowire.ConsumeBytes(b[n:])
		if size < 0 {
			return s, false
		}
		b = b[n+size:]
		switch number {
		case 1:
			s.Hash = string(content)
		case 2:
			s.PublicKey = string(content)
		case 3:
			s.Signature = string(content)
		case 4:
			s.Input = string(content)
		}
	}
	return s, true
}
