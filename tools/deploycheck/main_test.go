package deploycheck

import (
	"fmt"
	"os"
	"testing"

	"istio.io/istio/pkg/log"
)

// TestMain keeps Istio's control plane quiet.
func TestMain(m *testing.M) {
	options := log.DefaultOptions()
	options.SetDefaultOutputLevel(log.OverrideScopeName, log.NoneLevel)
	if err := log.Configure(options); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
