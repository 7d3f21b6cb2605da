package e2e

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"sync"
)

// StartProbe brings up one Envoy with two listeners: "api" has Holdfast, and "probe"
// has the filter of e2e/probe in its place, which says what this host can do. envoy
// is the binary, by default $HOLDFAST_ENVOY.
func StartProbe(ctx context.Context, envoy string) (*Stack, error) {
	wasm, err := fromEnvironment("", "HOLDFAST_WASM")
	if err != nil {
		return nil, err
	}
	probe, err := fromEnvironment("", "HOLDFAST_PROBE")
	if err != nil {
		return nil, err
	}
	return Start(ctx, Options{Envoy: envoy, Setup: Setup{Listeners: []Listener{{}, {Name: "probe", Edits: []Edit{
		{wasm, probe},
		{"vm_id: holdfast\n", "vm_id: probe\n"},
		// It is an ordinary Go module, and Go's runtime ends where poll_oneoff fails.
		{`GOGC: "50"`, `GOGC: "off"`},
	}}}}})
}

// Ask puts questions to the probe (see e2e/probe) over a connection of c, which is a
// client of the listener "probe". The answers are in the order of the questions.
func (c *Client) Ask(questions ...string) ([]string, error) {
	var fields []string
	for _, question := range questions {
		fields = append(fields, "x-probe: "+question)
	}
	a := c.Get("/probe", fields...)
	if a.Err != nil {
		return nil, a.Err
	}
	answers := strings.Split(a.Body, "\n")
	if a.Status != 200 || a.Seen != nil || len(answers) != len(questions) {
		return nil, fmt.Errorf("the probe answered %d questions with %d %q", len(questions), a.Status, a.Body)
	}
	return answers, nil
}

// SaysValidated reports whether this Envoy positively says that it validated the
// certificate of a connection: connection.peer_certificate_valid, which not every
// version has. The first call for a binary starts it.
func SaysValidated(envoy string) (bool, error) {
	ask, _ := validated.LoadOrStore(envoy, sync.OnceValues(func() (bool, error) {
		s, err := StartProbe(context.Background(), envoy)
		if s == nil {
			return false, err
		}
		defer s.Close()
		if err != nil {
			return false, err
		}
		answers, err := s.ClientOf("probe", Caller{Certificate: s.PKI.A}).Ask("property connection peer_certificate_valid")
		return err == nil && answers[0] == ok("\x01"), err
	}))
	return ask.(func() (bool, error))()
}

var validated sync.Map // of func() (bool, error), by binary

// ok is what the probe answers when the host gave it this value.
func ok(value string) string { return "ok " + hex.EncodeToString([]byte(value)) }

// Envoys are the variables that name an Envoy to test on: the oldest and the newest,
// or one where both name the same.
func Envoys() []string {
	const oldest, newest = "HOLDFAST_ENVOY_OLD", "HOLDFAST_ENVOY"
	if os.Getenv(oldest) == os.Getenv(newest) {
		return []string{newest}
	}
	return []string{oldest, newest}
}
