package filter

import (
	"strconv"
	"strings"
	"time"

	"holdfast/filter/config"
	"holdfast/internal/jsontext"
	"holdfast/jwt"
)

// answerer builds the answers that the filter gives itself. All text in them is
// configuration or fixed: nothing that a client sent is ever repeated.
type answerer struct {
	config   *config.Config
	metadata *Answer // the RFC 9728 document; nil without "resource_metadata"
}

// refusal is the answer to a refused request (RFC 6750 §3, RFC 9470 §3).
func (a *answerer) refusal(d Decision, grpc bool, retryAfter time.Duration) Answer {
	class := d.Reason.class()
	description := ""
	if a.config.ExposeDescription {
		description = d.Reason.Description()
	}
	answer := Answer{
		Status:     class.status,
		GRPCStatus: class.grpcStatus,
		Details:    "holdfast_denied{" + d.Reason.String() + "}",
		Headers: []Header{
			{"content-type", "application/json"},
			{"cache-control", "no-store"},
		},
		Body: errorBody(class.code, description),
	}
	if grpc {
		// The body becomes grpc-message: a person reads it.
		answer.Body = description
	}
	if class.challenge {
		answer.Headers = append(answer.Headers, Header{"www-authenticate", a.challenges(class.code, description, d)})
	}
	if class == &unavailable {
		answer.Headers = append(answer.Headers, Header{"retry-after", wholeSeconds(retryAfter)})
	}
	if grpc && !hostKinds[a.config.Host].grpc {
		answer.asGRPC()
	}
	return answer
}

// asGRPC makes it the answer of trailers only that a gRPC client wants (PROTOCOL-HTTP2
// of gRPC, "Responses"), where the host does not.
func (a *Answer) asGRPC() {
	a.Headers[0] = Header{"content-type", "application/grpc"}
	a.Headers = append(a.Headers, Header{"grpc-status", strconv.Itoa(a.GRPCStatus)}, Header{"grpc-message", a.Body})
	a.Status, a.Body = 200, ""
}

// takesBearer reports whether a token can pass that is not bound to a DPoP key.
func takesBearer(c *config.Config) bool {
	return c.Binding.MTLS || c.Binding.Optional || c.Binding.ReportOnly
}

// challenges is the WWW-Authenticate value: one challenge for each scheme that the
// configuration takes, and the error on the one that was used (RFC 9449 §7.1, §7.2).
func (a *answerer) challenges(code, description string, d Decision) string {
	bearer, dpop := takesBearer(a.config), a.config.Binding.DPoP
	switch {
	case dpop == nil:
		return a.challenge("Bearer", code, description, d)
	case !bearer:
		return a.challenge("DPoP", code, description, d)
	case d.credential.scheme == schemeDPoP:
		return a.challenge("DPoP", code, description, d) + ", " + a.challenge("Bearer", "", "", Decision{})
	}
	return a.challenge("Bearer", code, description, d) + ", " + a.challenge("DPoP", "", "", Decision{})
}

// challenge is that of one scheme. Quoted values are configuration or fixed text,
// which the configuration's checks keep free of quotes.
func (a *answerer) challenge(scheme, code, description string, d Decision) string {
	var b strings.Builder
	b.WriteString(scheme + ` realm="` + a.config.Realm + `"`)
	parameter := func(name, value string) {
		if value != "" {
			b.WriteString(`, ` + name + `="` + value + `"`)
		}
	}
	parameter("error", code)
	if code != "" {
		parameter("error_description", description)
	}
	if rule := d.rule; rule != nil {
		switch d.Reason.class() {
		case &insufficient:
			parameter("scope", strings.Join(rule.Scopes, " "))
		case &stepUp:
			parameter("acr_values", strings.Join(rule.ACRValues, " "))
			if rule.HasMaxAge {
				parameter("max_age", strconv.FormatInt(int64(rule.MaxAge/time.Second), 10))
			}
		}
	}
	if scheme == "DPoP" {
		parameter("algs", strings.Join(algorithmNames(a.config.Binding.DPoP.Algorithms), " "))
	}
	if a.config.Resource != nil {
		parameter("resource_metadata", a.config.Resource.WellKnownURL) // RFC 9728 §5.1
	}
	return b.String()
}

func algorithmNames(algorithms []jwt.Algorithm) []string {
	names := make([]string, len(algorithms))
	for i, algorithm := range algorithms {
		names[i] = algorithm.String()
	}
	return names
}

// errorBody is the JSON body of a refusal; without a code it names no error
// (RFC 6750 §3.1: a request without credentials gets no error code).
func errorBody(code, description string) string {
	var members []string
	if code != "" {
		members = append(members, `"error":`+jsontext.Quote(code))
	}
	if description != "" {
		members = append(members, `"error_description":`+jsontext.Quote(description))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// wholeSeconds rounds up, so that a client never comes back too early.
func wholeSeconds(d time.Duration) string {
	seconds := int64((d + time.Second - 1) / time.Second)
	return strconv.FormatInt(max(seconds, 1), 10)
}
