// Command demo brings up Holdfast in a real Envoy, with a real authorization
// server and an upstream, and tries to get past it. It exits 0 only when every
// row of its table came out as expected.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"holdfast/e2e"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	began := time.Now()
	// envoy.yaml as it is, and beside it the same listener with sessions switched on,
	// and with DPoP.
	setup := e2e.Setup{Listeners: []e2e.Listener{
		{},
		{Name: sessions, Patch: e2e.M{"session": e2e.M{"key_env": "HOLDFAST_SESSION_KEY"}}},
		{Name: proving, Patch: e2e.M{"proof_of_possession": e2e.M{"methods": []any{"mtls", "dpop"}}}},
	}}
	s, err := e2e.Start(ctx, e2e.Options{Setup: setup, Progress: func(step string) {
		fmt.Printf("%5.1fs  starting: %s\n", time.Since(began).Seconds(), step)
	}})
	defer func() {
		if fault := s.Close(); fault != nil && err == nil {
			err = fault
		}
		if err != nil && s.Envoy != nil {
			fmt.Fprintf(os.Stderr, "\nEnvoy's log:\n%s\n", s.Envoy.Log())
		}
	}()
	if err != nil {
		return err
	}
	fmt.Printf("%5.1fs  ready. Envoy listens on %s with the project's envoy.yaml.\n\n", time.Since(began).Seconds(), s.Address(""))
	attempts, err := attempts(s)
	if err != nil {
		return err
	}
	fmt.Printf("Client A got an access token that is bound to its certificate (RFC 8705).\nWho can use it?\n\n")
	return table(ctx, s, attempts)
}

// table runs the attempts and prints a row for each as it ends.
func table(ctx context.Context, s *e2e.Stack, attempts []attempt) error {
	const row = "%2s  %-60s  %-25s  %-25s  %s\n"
	fmt.Printf(row, "#", "what was tried", "expected", "got", "")
	wrong := 0
	for i, a := range attempts {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		got, verdict := a.try(s), "ok"
		if got != a.want {
			verdict = "WRONG"
			wrong++
		}
		fmt.Printf(row, fmt.Sprint(i+1), a.what, a.want, got, verdict)
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d attempts came out wrong", wrong, len(attempts))
	}
	fmt.Printf("\nAll %d as expected. \"200\" reached the upstream; nothing else did.\n", len(attempts))
	fmt.Println("The words after the others are Holdfast's reasons, as Envoy's access log shows them.")
	fmt.Println("Next: make run keeps this up and prints curl lines for you to try.")
	return nil
}
