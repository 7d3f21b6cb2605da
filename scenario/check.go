package scenario

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"holdfast/filter"
)

// check compares an outcome with what a scenario wants, and with everything that
// contract §3 and §6 ask of each answer, so that no scenario has to repeat it.
func (p *play) check(o *outcome, r *request, want *Want) error {
	reasons := strings.Split(want.Reason, "|")
	reason := o.properties["reason"]
	served := len(want.Body) > 0 && want.Status == 200
	switch {
	case !slices.Contains(reasons, reason):
		return fmt.Errorf("reason is %q, want %q", reason, want.Reason)
	case o.passed != (want.Status == 200 && !served):
		return fmt.Errorf("passed is %t", o.passed)
	case want.Reported != "" && p.proxy.metric("holdfast.report_only."+want.Reported) == 0:
		return fmt.Errorf("report_only.%s was not counted", want.Reported)
	case want.Binding != "" && o.properties["binding"] != want.Binding:
		return fmt.Errorf("binding is %q, want %q", o.properties["binding"], want.Binding)
	}
	if leak := leaked(append(append(p.secrets(), r.token), r.proofs...), o.body+fmt.Sprint(o.headers)); leak != "" && !o.passed {
		return fmt.Errorf("the answer holds a part of a secret: %.12s…", leak)
	}
	w := *p.world
	w.token, w.now = r.token, p.proxy.now()
	_, w.answer = p.server.asked()
	offered := offeredBy(p.configurations[r.at])
	var err error
	switch {
	case o.passed:
		err = checkUpstream(&w, o, want)
		if offered.dpop {
			err = cmp.Or(err, checkProofGone(r.proofs, o.upstream))
		}
	case served:
		err = checkServed(&w, o, want)
	case r.isGRPC():
		err = checkGRPC(&w, offered, o, r, want, reason)
	default:
		err = checkRefusal(&w, offered, o, r, want, reason)
	}
	return cmp.Or(err, checkNonce(o, want), checkSession(cookieOf(p.configurations[r.at]), o, want), p.checkFetches(want), p.checkCalls(&w, want), p.checkMetrics(want))
}

// checkCalls looks at what the introspection endpoints saw.
func (p *play) checkCalls(w *world, want *Want) error {
	questions, _ := p.server.asked()
	for i, calls := range []*int{want.Calls, want.Calls2} {
		if calls != nil && *calls != len(questions[i]) {
			return fmt.Errorf("introspection endpoint %d was asked %d times, want %d", i+1, len(questions[i]), *calls)
		}
	}
	if want.Asked == nil {
		return nil
	}
	return want.Asked.check(w, questions[0])
}

func (p *play) checkMetrics(want *Want) error {
	for name, n := range want.Metrics {
		got := p.proxy.metric("holdfast."+name) - p.counted[name]
		if got < n || got > n && !p.onEnvoy() {
			return fmt.Errorf("%s counted %d, want %d", name, got, n)
		}
	}
	return nil
}

func (p *play) onEnvoy() bool { return p.host == Envoy || p.host == Old }

func (p *play) checkFetches(want *Want) error {
	if want.Fetches == nil {
		return nil
	}
	got, most := p.server.fetches(), *want.Fetches
	onEnvoy := p.onEnvoy()
	if onEnvoy && most > 0 {
		// Envoy runs the plugin on its main thread too, and the first write to shared
		// data always wins: both may fetch.
		most++
	}
	if got > most || !onEnvoy && got != most || got == 0 && most > 0 {
		return fmt.Errorf("the keys were fetched %d times, want %d", got, *want.Fetches)
	}
	return nil
}

func checkUpstream(w *world, o *outcome, want *Want) error {
	if o.properties["outcome"] != "allowed" {
		return fmt.Errorf("outcome is %q, want allowed", o.properties["outcome"])
	}
	get := func(name string) []string { return values(o.upstream, name) }
	if err := compare(w, "the upstream saw", get, want.Upstream); err != nil {
		return err
	}
	return checkHeader(w, o, want)
}

// compare looks for fields with exactly these values, or for none.
func compare(w *world, where string, get func(string) []string, want map[string]*value) error {
	for name, v := range want {
		got := get(name)
		if v == nil {
			if len(got) > 0 {
				return fmt.Errorf("%s %s: %q", where, name, got)
			}
			continue
		}
		expected := make([]string, len(*v))
		for i, text := range *v {
			var err error
			if expected[i], err = w.text(text); err != nil {
				return err
			}
		}
		if !slices.Equal(got, expected) {
			return fmt.Errorf("%s %s: %q, want %q", where, name, got, expected)
		}
	}
	return nil
}

func checkHeader(w *world, o *outcome, want *Want) error {
	return compare(w, "the answer has", func(name string) []string { return values(o.headers, name) }, want.Header)
}

// checkServed is for what Holdfast answers itself and is no refusal.
func checkServed(w *world, o *outcome, want *Want) error {
	if o.status != 200 {
		return fmt.Errorf("status is %d, want 200", o.status)
	}
	return checkTexts(w, o, want)
}

func checkTexts(w *world, o *outcome, want *Want) error {
	if err := checkHeader(w, o, want); err != nil {
		return err
	}
	for _, text := range want.Body {
		if !strings.Contains(o.body, text) {
			return fmt.Errorf("the body lacks %q", text)
		}
	}
	return nil
}

// checkRefusal holds the answer to contract §3.
func checkRefusal(w *world, offered offered, o *outcome, r *request, want *Want, reason string) error {
	if o.status != want.Status {
		return fmt.Errorf("status is %d, want %d", o.status, want.Status)
	}
	var body struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal([]byte(o.body), &body); err != nil {
		return fmt.Errorf("the body is no JSON: %w", err)
	}
	if body.Error != want.Error {
		return fmt.Errorf("error is %q, want %q", body.Error, want.Error)
	}
	for name, v := range map[string]string{"content-type": "application/json", "cache-control": "no-store"} {
		if got := values(o.headers, name); len(got) != 1 || got[0] != v {
			return fmt.Errorf("%s is %q, want %q", name, got, v)
		}
	}
	return checkCommon(w, offered, o, r, want, reason)
}

// checkGRPC is for a gRPC request: the same headers, and grpc-status.
func checkGRPC(w *world, offered offered, o *outcome, r *request, want *Want, reason string) error {
	if got := values(o.headers, "grpc-status"); o.status != 200 || len(got) != 1 || got[0] != strconv.Itoa(want.GRPC) {
		return fmt.Errorf("status is %d and grpc-status %q, want 200 and %d", o.status, got, want.GRPC)
	}
	if got := values(o.headers, "content-type"); len(got) != 1 || !strings.HasPrefix(got[0], "application/grpc") {
		return fmt.Errorf("content-type is %q, want application/grpc", got)
	}
	return checkCommon(w, offered, o, r, want, reason)
}

func checkCommon(w *world, offered offered, o *outcome, r *request, want *Want, reason string) error {
	if details := "holdfast_denied{" + reason + "}"; o.details != details {
		return fmt.Errorf("response code details are %q, want %q", o.details, details)
	}
	if o.properties["outcome"] != "denied" {
		return fmt.Errorf("outcome is %q, want denied", o.properties["outcome"])
	}
	retry := values(o.headers, "retry-after")
	if want.Status == 503 {
		if n, err := strconv.Atoi(strings.Join(retry, ",")); err != nil || n < 1 {
			return fmt.Errorf("retry-after is %q, want seconds", retry)
		}
	} else if len(retry) > 0 {
		return fmt.Errorf("retry-after is %q, want none", retry)
	}
	if err := checkChallenge(offered, r, values(o.headers, "www-authenticate"), want); err != nil {
		return err
	}
	return checkTexts(w, o, want)
}

// leaked returns a part of a secret that the text holds. The header of a JWT is
// none: payload and signature together are.
func leaked(secrets []string, text string) string {
	for _, secret := range secrets {
		parts := strings.Split(secret, ".")
		for _, part := range parts[min(1, len(parts)-1):] {
			if len(part) >= 16 && strings.Contains(text, part) {
				return part
			}
		}
	}
	return ""
}

// describe is an outcome in one line.
func (o *outcome) describe() string {
	if o.passed {
		return fmt.Sprintf("passed, properties %v, upstream %v, response %v", o.properties, short(o.upstream), short(o.headers))
	}
	return fmt.Sprintf("%d %s %v %s %v", o.status, o.body, short(o.headers), o.details, o.properties)
}

func short(headers []filter.Header) []string {
	var out []string
	for _, h := range headers {
		out = append(out, fmt.Sprintf("%s: %.100s", h.Name, h.Value))
	}
	return out
}
