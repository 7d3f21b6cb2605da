package proxywasm

import (
	"errors"
	"fmt"
	"strconv"
	"syscall"
	"time"

	sdk "github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"holdfast/filter"
)

// host is filter.Host over the ABI, for one plugin context.
type host struct {
	vm        *vmContext
	contextID uint32
}

// enter notes that the host is calling in this context.
func (h *host) enter() { h.vm.effective = h.contextID }

func (h *host) Now() time.Time { return now() }

func (h *host) Random(b []byte) error { return random(b) }

// Env reads the variables that the host gave the VM when it started.
func (h *host) Env(name string) (string, bool) { return syscall.Getenv(name) }

func (h *host) Log(level filter.LogLevel, line string) {
	switch {
	case line == "": // the SDK takes the address of the first byte
	case level == filter.LogInfo:
		sdk.LogInfo(line)
	case level == filter.LogWarn:
		sdk.LogWarn(line)
	default:
		sdk.LogError(line)
	}
}

func (h *host) SetTick(period time.Duration) error {
	if err := h.vm.use(h.contextID); err != nil {
		return err
	}
	return sdk.SetTickPeriodMilliSeconds(uint32(period / time.Millisecond))
}

func (h *host) Dispatch(call filter.Call, done func(filter.CallResult)) error {
	if err := h.vm.use(h.contextID); err != nil {
		return err
	}
	return dispatch(call, func(result filter.CallResult) {
		h.enter()
		done(result)
	})
}

// dispatch sends a call from the context that the host acts on. done runs in that
// context, and not at all once it is gone.
func dispatch(call filter.Call, done func(filter.CallResult)) error {
	headers := [][2]string{
		{":method", call.Method},
		{":scheme", call.Scheme}, // on Kong it decides whether TLS is used, on Envoy the cluster does
		{":authority", call.Authority},
		{":path", call.Path},
	}
	for _, header := range call.Headers {
		headers = append(headers, [2]string{header.Name, header.Value})
	}
	timeout := uint32(max(call.Timeout/time.Millisecond, 1))
	// The host adds content-length, and without a byte of body it sends none.
	_, err := sdk.DispatchHttpCall(call.Cluster, headers, []byte(call.Body), nil, timeout, func(numHeaders, bodySize, _ int) {
		done(callResult(numHeaders, bodySize, call.MaxBody))
	})
	return err
}

// callResult reads the answer to a call. What cannot be read is left out: the
// caller takes nothing but status 200 with a body that parses.
func callResult(numHeaders, bodySize, maxBody int) (result filter.CallResult) {
	defer recovered(nil)
	if numHeaders > 0 {
		headers, err := sdk.GetHttpCallResponseHeaders()
		if err != nil {
			return result
		}
		for _, header := range headers {
			if header[0] == ":status" {
				result.Status, _ = strconv.Atoi(header[1])
				continue
			}
			result.Headers = append(result.Headers, filter.Header{Name: header[0], Value: header[1]})
		}
	}
	if bodySize > maxBody {
		// Linear memory never shrinks: such a body is not even copied.
		result.TooLarge = true
		return result
	}
	if bodySize > 0 {
		result.Body, _ = sdk.GetHttpCallResponseBody(0, bodySize)
	}
	return result
}

func (h *host) SharedGet(key string) ([]byte, uint32, bool, error) {
	value, cas, err := sdk.GetSharedData(key)
	if errors.Is(err, types.ErrorStatusNotFound) {
		return nil, 0, false, nil
	}
	return value, cas, err == nil, err
}

func (h *host) SharedSet(key string, value []byte, cas uint32) (bool, error) {
	err := sdk.SetSharedData(key, value, cas)
	if errors.Is(err, types.ErrorStatusCasMismatch) {
		return false, nil
	}
	return err == nil, err
}

func (h *host) DefineCounter(name string) (id filter.Metric, err error) {
	defer recovered(&err)
	return filter.Metric(sdk.DefineCounterMetric(name)), nil
}

func (h *host) DefineHistogram(name string) (id filter.Metric, err error) {
	defer recovered(&err)
	return filter.Metric(sdk.DefineHistogramMetric(name)), nil
}

func (h *host) Add(m filter.Metric, n uint64) { increment(uint32(m), n) }

func (h *host) Record(m filter.Metric, value uint64) {
	defer recovered(nil)
	sdk.MetricHistogram(m).Record(value)
}

// recovered turns the panics of the SDK into an error, or into nothing: a metric is
// not worth a request, and of an answer counts what was read.
func recovered(err *error) {
	if fault := recover(); fault != nil && err != nil {
		*err = fmt.Errorf("%v", fault)
	}
}
