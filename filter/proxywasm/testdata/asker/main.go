// Command asker is a filter for a test on a real host: when it starts, it asks the
// host about every signature in its configuration, the way Holdfast does, and logs
// the answers in one line.
//
// A line of the configuration is a question: hash, key, signature and input, the last
// three in hexadecimal, with a space between each. The answers are one letter each:
// y, n, or e for an error.
package main

import (
	"encoding/hex"
	"strings"

	sdk "github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"holdfast/filter/proxywasm"
	"holdfast/jwt"
)

func main() {}

func init() { sdk.SetVMContext(&vmContext{}) }

type vmContext struct{ types.DefaultVMContext }

func (*vmContext) NewPluginContext(uint32) types.PluginContext { return &pluginContext{} }

type pluginContext struct{ types.DefaultPluginContext }

func (*pluginContext) OnPluginStart(int) types.OnPluginStartStatus {
	configuration, err := sdk.GetPluginConfiguration()
	if err != nil {
		sdk.LogCritical(err.Error())
		return types.OnPluginStartStatusFailed
	}
	var answers strings.Builder
	for line := range strings.Lines(string(configuration)) {
		answers.WriteByte(ask(strings.Split(strings.TrimSuffix(line, "\n"), " ")))
	}
	sdk.LogWarn("answers: " + answers.String() + ".")
	return types.OnPluginStartStatusOK
}

func ask(fields []string) byte {
	var decoded [3]string
	for i := range decoded {
		text, _ := hex.DecodeString(fields[1+i])
		decoded[i] = string(text)
	}
	valid, err := proxywasm.VerifySignature(jwt.X509Signature{
		Hash: fields[0], PublicKey: decoded[0], Signature: decoded[1], Input: decoded[2],
	})
	switch {
	case err != nil:
		return 'e'
	case valid:
		return 'y'
	}
	return 'n'
}
