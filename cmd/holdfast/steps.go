package main

import (
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"holdfast/dpop"
	"holdfast/filter"
	"holdfast/filter/filtertest"
	"holdfast/jwt"
	"holdfast/strictjson"
	"holdfast/thumbprint"
)

// stepNames are those of docs/decision.md.
var stepNames = [...]string{"rule", "token", "valid", "bound", "allowed"}

// explain plays the request and reads off how far it came.
func (p *play) explain() explanation {
	stream := p.send()
	reason := reasonNamed(told(stream))
	e := explanation{Allowed: stream.Continued, Status: 200, Reason: reason.String(), Reported: p.reported()}
	if stream.Answer != nil {
		e.Status = stream.Answer.Status
	}
	for i, name := range stepNames {
		step := stepOutcome{Step: i, Name: name, Outcome: "passed", Facts: p.facts(i)}
		switch {
		case i > reason.Step():
			step.Outcome, step.Facts = "not reached", nil
		case i == reason.Step() && reason.Refuses():
			step.Outcome, step.Why = "failed", reason.String()
			switch text := reason.Description(); {
			case reason == filter.KeysUnavailable && p.settings.keys == "":
				step.Why += ": nothing is fetched here, so --jwks is needed"
			case reason == filter.IntrospectionUnavailable && p.settings.introspection == "":
				step.Why += ": nobody is asked here, so --introspection is needed"
			case text != "":
				step.Why += ": " + text
			}
		}
		e.Steps = append(e.Steps, step)
	}
	return e
}

// told is the word that the filter left: Kong takes no property, so there it is in
// the counter.
func told(stream *filtertest.Stream) string {
	if word := stream.Left["holdfast.reason"]; word != "" {
		return word
	}
	if stream.Continued {
		return filter.TokenAccepted.String()
	}
	return strings.TrimPrefix(stream.Counted, "holdfast.denied.")
}

// send plays the request, with the time that its keys and answers take.
func (p *play) send() *filtertest.Stream {
	fields := []filter.Header{}
	if p.token != "" {
		scheme := "Bearer "
		if p.proof != "" {
			scheme = "DPoP "
			fields = append(fields, filter.Header{Name: "dpop", Value: p.proof})
		}
		fields = append(fields, filter.Header{Name: "authorization", Value: scheme + p.token})
	}
	p.worker.Proxy.Advance(time.Second) // the first tick, for the keys
	stream := p.worker.NewStream(p.settings.method, p.settings.host, p.settings.path, fields...)
	stream.Properties["connection.requested_server_name"] = p.settings.host
	if p.cert != nil {
		stream.Present(p.cert.der)
		stream.Properties["connection.subject_peer_certificate"] = p.cert.subject
	}
	exchange := p.plugin.NewExchange(stream)
	stream.Callback(exchange.OnRequestHeaders)
	for range 1000 {
		if !stream.Waits() {
			break
		}
		p.worker.Proxy.Advance(time.Millisecond)
	}
	for stream.Waits() {
		p.worker.Proxy.Advance(time.Second) // what no file answers runs into its timeout
	}
	return stream
}

// reported is the reason in the log line that report_only writes.
func (p *play) reported() string {
	for _, line := range p.worker.Lines {
		if rest, ok := strings.CutPrefix(line.Text, "holdfast: report_only reason="); ok {
			word, _, _ := strings.Cut(rest, " ")
			return word
		}
	}
	return ""
}

func reasonNamed(word string) filter.Reason {
	for _, reason := range filter.Reasons() {
		if reason.String() == word {
			return reason
		}
	}
	return filter.InternalError
}

// facts are what a step looks at. Never the signature, nor the token itself.
func (p *play) facts(step int) []string {
	switch step {
	case 0:
		return []string{p.settings.method + " https://" + p.settings.host + p.settings.path}
	case 1:
		if p.token == "" {
			return []string{"none"}
		}
		return []string{fmt.Sprintf("%d bytes", len(p.token))}
	case 2:
		return p.tokenFacts()
	case 3:
		return p.bindingFacts()
	}
	return nil
}

// tokenFacts reads what can be read of a JWT, verified or not.
func (p *play) tokenFacts() []string {
	if !jwt.IsJWT(p.token) {
		return []string{"an opaque token: only the authorization server knows what is in it"}
	}
	token, err := jwt.Parse(p.token)
	if err != nil {
		return []string{err.Error()}
	}
	header := token.Header()
	facts := []string{fmt.Sprintf("alg %s, typ %q, kid %q", header.Algorithm, header.Type, header.KeyID)}
	for _, name := range []string{"iss", "aud", "client_id", "scope"} {
		if claim := token.Claims().Get(name); claim.Kind() != strictjson.Missing {
			facts = append(facts, name+" "+claim.Raw())
		}
	}
	for _, name := range []string{"iat", "nbf", "exp"} {
		if at, present, err := token.Claims().Time(name); present && err == nil {
			facts = append(facts, fmt.Sprintf("%s %s (%s)", name, at.UTC().Format(time.RFC3339), distance(at, p.now)))
		}
	}
	return facts
}

func distance(at, now time.Time) string {
	if d := at.Sub(now).Round(time.Second); d > 0 {
		return "in " + d.String()
	} else {
		return (-d).String() + " ago"
	}
}

// bindingFacts stand side by side: what the token asks for and what the caller has.
func (p *play) bindingFacts() []string {
	var facts []string
	if cnf, ok := p.confirmation(); ok {
		facts = append(facts, claimed("x5t#S256", cnf.X5T)...)
		facts = append(facts, claimed("jkt", cnf.JKT)...)
		if cnf.X5T == nil && cnf.JKT == nil {
			facts = append(facts, "the token names no certificate and no key")
		}
	}
	if p.cert != nil {
		facts = append(facts, "certificate    "+p.cert.thumbprint.String()+"  "+p.cert.subject)
	} else {
		facts = append(facts, "certificate    none")
	}
	if p.proof != "" {
		if proof, err := dpop.Parse(p.proof); err != nil {
			facts = append(facts, "proof          "+err.Error())
		} else {
			facts = append(facts, "proof's key    "+proof.Thumbprint().String(), "proof's htu    "+proof.URI().String())
		}
	}
	return facts
}

func claimed(member string, print *thumbprint.Thumbprint) []string {
	if print == nil {
		return nil
	}
	return []string{fmt.Sprintf("token's %-8s %s", member, print)}
}

// confirmation is the cnf of a JWT; that of an opaque token is in the answer about it.
func (p *play) confirmation() (jwt.Confirmation, bool) {
	if token, err := jwt.Parse(p.token); err == nil {
		cnf, err := token.Claims().Confirmation()
		return cnf, err == nil
	}
	return jwt.Confirmation{}, false
}

// certificateOf is the client's certificate.
type certificateOf struct {
	der        []byte
	subject    string
	thumbprint thumbprint.Thumbprint
}

func readCertificate(content []byte) (*certificateOf, error) {
	der, print, err := readLeaf(content)
	if err != nil {
		return nil, err
	}
	c := &certificateOf{der: der, thumbprint: print}
	if parsed, err := x509.ParseCertificate(der); err == nil {
		c.subject = parsed.Subject.String()
	}
	return c, nil
}
