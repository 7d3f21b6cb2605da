//go:build !wasm

package proxywasm

import (
	"crypto/rand"
	"time"

	sdk "github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"

	"holdfast/filter"
)

func random(b []byte) error {
	_, err := rand.Read(b)
	return err
}

func setProperty(name, value string) error { return sdk.SetProperty([]string{name}, []byte(value)) }

func now() time.Time { return time.Now() }

// sendLocalResponse is for the SDK's emulator, which has no details.
func sendLocalResponse(answer filter.Answer) error {
	headers := make([][2]string, len(answer.Headers))
	for i, h := range answer.Headers {
		headers[i] = [2]string{h.Name, h.Value}
	}
	return sdk.SendHttpResponse(uint32(answer.Status), headers, []byte(answer.Body), int32(answer.GRPCStatus))
}
