package filtertest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"holdfast/filter"
)

var _ filter.Stream = (*Stream)(nil)

// Stream is one request. It implements [filter.Stream].
type Stream struct {
	// Headers are the request's fields. What the filter removes and sets is done
	// here, so that after Continue they are what the upstream gets.
	Headers []filter.Header
	// Trailers are the request's trailer fields.
	Trailers []filter.Header
	// Properties are the host's, by the parts of their path joined with dots:
	// "connection.mtls". A missing one is not found.
	Properties map[string]string
	Unreadable []string // properties that the host fails to read
	Faults     Faults

	// Left are the properties that the filter set.
	Left map[string]string
	// Continued and Answer are what became of the request: at most one of them is
	// set, and while none is the request waits.
	Continued bool
	Answer    *filter.Answer
	// ResponseHeaders are the fields of the response that passes the filter, see
	// [Stream.Response].
	ResponseHeaders []filter.Header
	// Violations are what no host would stand for, in order.
	Violations []string

	inResponse bool
	gone       bool
}

// NewStream returns a request as Envoy presents it, of a caller at 127.0.0.1
// without a certificate.
func NewStream(method, authority, path string, fields ...filter.Header) *Stream {
	return &Stream{
		Headers: append([]filter.Header{
			{Name: ":authority", Value: authority}, {Name: ":path", Value: path},
			{Name: ":method", Value: method}, {Name: ":scheme", Value: "https"},
		}, fields...),
		Properties: map[string]string{
			"connection.mtls":                             "\x00",
			"connection.peer_certificate_valid":           "\x00",
			"connection.requested_server_name":            "api.example.com",
			"connection.subject_peer_certificate":         "",
			"source.address":                              "127.0.0.1:50000",
			"filter_state.holdfast.direct_remote_address": "127.0.0.1",
		},
		Left: map[string]string{},
	}
}

// Present sets the properties of a connection with this client certificate,
// which Envoy has validated.
func (s *Stream) Present(der []byte) *Stream {
	digest := sha256.Sum256(der)
	s.Properties["connection.mtls"] = "\x01"
	s.Properties["connection.peer_certificate_valid"] = "\x01"
	s.Properties["connection.sha256_peer_certificate_digest"] = hex.EncodeToString(digest[:])
	return s
}

// Field is the values of a header field, in order.
func (s *Stream) Field(name string) []string { return fieldValues(s.Headers, name) }

func fieldValues(fields []filter.Header, name string) []string {
	var values []string
	for _, h := range fields {
		if strings.EqualFold(h.Name, name) {
			values = append(values, h.Value)
		}
	}
	return values
}

// ResponseField is the values of a field of the response, in order.
func (s *Stream) ResponseField(name string) []string { return fieldValues(s.ResponseHeaders, name) }

// Response lets a response with these fields pass the filter: the upstream's
// once the request went on, or Holdfast's own answer, which a host shows it too.
// callback is the filter's callback, the only one that may edit the fields.
func (s *Stream) Response(callback func(), fields ...filter.Header) {
	s.ResponseHeaders = slices.Clone(fields)
	s.inResponse = true
	callback()
	s.inResponse = false
}

// Waits reports whether nothing has become of the request yet.
func (s *Stream) Waits() bool { return !s.Continued && s.Answer == nil }

// Gone notes that the stream is over: the host takes no more calls for it.
func (s *Stream) Gone() { s.gone = true }

var errUnreadable = errors.New("the property can't be read")

// use is the beginning of every method.
func (s *Stream) use(method string, edits bool) error {
	switch {
	case s.gone:
		s.violation("%s after the end of the stream", method)
	case edits && !s.Waits():
		s.violation("%s after the request went on or was answered", method)
	}
	return s.Faults.of(method)
}

func (s *Stream) violation(format string, args ...any) {
	s.Violations = append(s.Violations, fmt.Sprintf(format, args...))
}

// RequestHeaders implements [filter.Stream].
func (s *Stream) RequestHeaders() ([]filter.Header, error) {
	if err := s.use("RequestHeaders", true); err != nil {
		return nil, err
	}
	return slices.Clone(s.Headers), nil
}

// RemoveRequestHeader implements [filter.Stream].
func (s *Stream) RemoveRequestHeader(name string) error {
	if err := s.use("RemoveRequestHeader", true); err != nil {
		return err
	}
	s.Headers = slices.DeleteFunc(s.Headers, func(h filter.Header) bool { return strings.EqualFold(h.Name, name) })
	return nil
}

// RequestTrailers implements [filter.Stream].
func (s *Stream) RequestTrailers() ([]filter.Header, error) {
	if err := s.use("RequestTrailers", false); err != nil {
		return nil, err
	}
	return slices.Clone(s.Trailers), nil
}

// RemoveRequestTrailer implements [filter.Stream].
func (s *Stream) RemoveRequestTrailer(name string) error {
	if err := s.use("RemoveRequestTrailer", false); err != nil {
		return err
	}
	s.Trailers = slices.DeleteFunc(s.Trailers, func(h filter.Header) bool { return strings.EqualFold(h.Name, name) })
	return nil
}

// SetRequestHeader implements [filter.Stream].
func (s *Stream) SetRequestHeader(name, value string) error {
	if err := s.use("SetRequestHeader", true); err != nil {
		return err
	}
	if strings.ContainsAny(value, "\x00\r\n") {
		s.violation("%s was set to a value that is no field value", name)
	}
	s.Headers = slices.DeleteFunc(s.Headers, func(h filter.Header) bool { return strings.EqualFold(h.Name, name) })
	s.Headers = append(s.Headers, filter.Header{Name: name, Value: value})
	return nil
}

// SetResponseHeader implements [filter.Stream].
func (s *Stream) SetResponseHeader(name, value string) error {
	return s.editResponse("SetResponseHeader", name, value, true)
}

// AddResponseHeader implements [filter.Stream].
func (s *Stream) AddResponseHeader(name, value string) error {
	return s.editResponse("AddResponseHeader", name, value, false)
}

// RemoveResponseHeader implements [filter.Stream].
func (s *Stream) RemoveResponseHeader(name string) error {
	if !s.inResponse || !s.Continued {
		s.violation("RemoveResponseHeader outside of the upstream's response")
	}
	if err := s.use("RemoveResponseHeader", false); err != nil {
		return err
	}
	s.removeResponseFields(name)
	return nil
}

func (s *Stream) removeResponseFields(name string) {
	s.ResponseHeaders = slices.DeleteFunc(s.ResponseHeaders, func(h filter.Header) bool { return strings.EqualFold(h.Name, name) })
}

// editResponse adds a field, in place of those of its name or beside them. A host
// would take edits of Holdfast's own answer, too, but there is no reason for any.
func (s *Stream) editResponse(method, name, value string, replace bool) error {
	if !s.inResponse || !s.Continued {
		s.violation("%s outside of the upstream's response", method)
	}
	if err := s.use(method, false); err != nil {
		return err
	}
	if strings.ContainsAny(value, "\x00\r\n") {
		s.violation("%s was set to a value that is no field value", name)
	}
	if replace {
		s.removeResponseFields(name)
	}
	s.ResponseHeaders = append(s.ResponseHeaders, filter.Header{Name: name, Value: value})
	return nil
}

// Property implements [filter.Stream].
func (s *Stream) Property(path ...string) (value []byte, found bool, err error) {
	if err := s.use("Property", false); err != nil {
		return nil, false, err
	}
	name := strings.Join(path, ".")
	if slices.Contains(s.Unreadable, name) {
		return nil, false, errUnreadable
	}
	text, found := s.Properties[name]
	if !found {
		return nil, false, nil
	}
	return []byte(text), true, nil
}

// SetProperty implements [filter.Stream].
func (s *Stream) SetProperty(name, value string) error {
	if err := s.use("SetProperty", false); err != nil {
		return err
	}
	s.Left[name] = value
	return nil
}

// Respond implements [filter.Stream].
func (s *Stream) Respond(answer filter.Answer) error {
	if err := s.use("Respond", true); err != nil {
		return err
	}
	s.Answer = &answer
	return nil
}

// Continue implements [filter.Stream].
func (s *Stream) Continue() error {
	if err := s.use("Continue", true); err != nil {
		return err
	}
	s.Continued = true
	return nil
}
