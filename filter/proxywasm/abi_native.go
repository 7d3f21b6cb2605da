//go:build !wasm

package proxywasm

import (
	"crypto/rand"
	"errors"
	"time"

	sdk "github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"holdfast/filter"
)

func random(b []byte) error {
	_, err := rand.Read(b)
	return err
}

func setProperty(name, value string) error { return sdk.SetProperty([]string{name}, []byte(value)) }

// buffers are the affair of the SDK's emulator.
type buffers struct{}

func (*buffers) fields(m fieldMap) ([]filter.Header, error) {
	get := sdk.GetHttpRequestHeaders
	if m == requestTrailers {
		get = sdk.GetHttpRequestTrailers
	}
	pairs, err := get()
	if err != nil {
		return nil, err
	}
	headers := make([]filter.Header, len(pairs))
	for i, pair := range pairs {
		headers[i] = filter.Header{Name: pair[0], Value: pair[1]}
	}
	return headers, nil
}

func (*buffers) property(path []string) (value []byte, found bool, err error) {
	value, err = sdk.GetProperty(path)
	if errors.Is(err, types.ErrorStatusNotFound) {
		return nil, false, nil
	}
	return value, err == nil, err
}

func increment(id uint32, n uint64) {
	defer recovered(nil)
	sdk.MetricCounter(id).Increment(n)
}

func now() time.Time { return time.Now() }

// sendLocalResponse is for the SDK's emulator, which has no details.
func sendLocalResponse(answer filter.Answer) error {
	headers := make([][2]string, len(answer.Headers))
	for i, h := range answer.Headers {
		headers[i] = [2]string{h.Name, h.Value}
	}
	return sdk.SendHttpResponse(uint32(answer.Status), headers, []byte(answer.Body), int32(answer.GRPCStatus))
}
