package proxywasm

import (
	sdk "github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"holdfast/filter"
)

// stream is filter.Stream over the ABI, for one HTTP context.
type stream struct {
	vm        *vmContext
	contextID uint32
	inHeaders bool // within OnHttpRequestHeaders, whose return value continues
	goOn      bool // the filter let the request continue
	answered  bool // the filter answered it
}

// enter notes that the host is calling in this context.
func (s *stream) enter() { s.vm.effective = s.contextID }

// stopAll is what the host is told of headers that are not to go on:
// StopAllIterationAndWatermark (proxy-wasm-cpp-host, FilterHeadersStatus), which
// the SDK has no name for. It stops what comes behind the headers as well.
// types.ActionPause does so only where Envoy takes it for this, which allow_on_headers_stop_iteration forbids.
// Kong's host is not Envoy's: it knows types.ActionPause and nothing else.
const stopAll types.Action = 4

// action returns stop until the filter has let the request continue.
func (s *stream) action(stop types.Action) types.Action {
	if s.goOn {
		return types.ActionContinue
	}
	return stop
}

func (s *stream) Continue() error {
	if !s.inHeaders {
		if err := s.vm.use(s.contextID); err != nil {
			return err
		}
		if err := sdk.ResumeHttpRequest(); err != nil {
			return err
		}
	}
	s.goOn = true
	return nil
}

func (s *stream) Respond(answer filter.Answer) error {
	if err := s.vm.use(s.contextID); err != nil {
		return err
	}
	err := sendLocalResponse(answer)
	s.answered = err == nil
	return err
}

// Dispatch is for ngx_wasm_module, which lets a request go on after the answer to its
// last call unless it was answered in time. What was not decided by then ends the VM:
// nothing else would hold the request back.
func (s *stream) Dispatch(call filter.Call, done func(filter.CallResult)) error {
	if err := s.vm.use(s.contextID); err != nil {
		return err
	}
	return dispatch(call, func(result filter.CallResult) {
		s.enter()
		done(result)
		if !s.goOn && !s.answered {
			panic("holdfast: a request could be neither answered nor let go on")
		}
	})
}

func (s *stream) RequestHeaders() ([]filter.Header, error) { return s.fields(requestHeaders) }

func (s *stream) RequestTrailers() ([]filter.Header, error) { return s.fields(requestTrailers) }

func (s *stream) fields(m fieldMap) ([]filter.Header, error) {
	if err := s.vm.use(s.contextID); err != nil {
		return nil, err
	}
	return s.vm.buffers.fields(m)
}

func (s *stream) RemoveRequestHeader(name string) error {
	if err := s.vm.use(s.contextID); err != nil {
		return err
	}
	return sdk.RemoveHttpRequestHeader(name)
}

func (s *stream) RemoveRequestTrailer(name string) error {
	if err := s.vm.use(s.contextID); err != nil {
		return err
	}
	return sdk.RemoveHttpRequestTrailer(name)
}

func (s *stream) SetRequestHeader(name, value string) error {
	if err := s.vm.use(s.contextID); err != nil {
		return err
	}
	return sdk.ReplaceHttpRequestHeader(name, value)
}

func (s *stream) SetResponseHeader(name, value string) error {
	if err := s.vm.use(s.contextID); err != nil {
		return err
	}
	return sdk.ReplaceHttpResponseHeader(name, value)
}

func (s *stream) RemoveResponseHeader(name string) error {
	if err := s.vm.use(s.contextID); err != nil {
		return err
	}
	return sdk.RemoveHttpResponseHeader(name)
}

func (s *stream) AddResponseHeader(name, value string) error {
	if err := s.vm.use(s.contextID); err != nil {
		return err
	}
	return sdk.AddHttpResponseHeader(name, value)
}

func (s *stream) Property(path ...string) ([]byte, bool, error) {
	if err := s.vm.use(s.contextID); err != nil {
		return nil, false, err
	}
	return s.vm.buffers.property(path)
}

func (s *stream) SetProperty(name, value string) error {
	if err := s.vm.use(s.contextID); err != nil {
		return err
	}
	// One path element: Envoy's filter state then has it under "wasm." + name.
	return setProperty(name, value)
}
