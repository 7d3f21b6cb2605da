package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Stats returns Envoy's counters and gauges by name. Histograms are left out.
func (e *Envoy) Stats() (map[string]uint64, error) {
	body, err := e.Get("/stats")
	if err != nil {
		return nil, err
	}
	stats := map[string]uint64{}
	for line := range strings.Lines(body) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if n, err := strconv.ParseUint(value, 10, 64); err == nil {
			stats[name] = n
		}
	}
	return stats, nil
}

// Metric is one of Holdfast's counters, named as in the documentation
// ("holdfast.allowed"); 0 when it never counted.
func (e *Envoy) Metric(name string) uint64 {
	stats, err := e.Stats()
	if err != nil {
		return 0
	}
	return stats["wasmcustom."+name]
}

// Sum adds up all counters whose name ends like this, over all listeners.
func (e *Envoy) Sum(suffix string) (sum uint64) {
	stats, _ := e.Stats()
	for name, value := range stats {
		if strings.HasSuffix(name, suffix) {
			sum += value
		}
	}
	return sum
}

// CheckVM is an error when any VM crashed or was started again.
func (e *Envoy) CheckVM() error {
	stats, err := e.Stats()
	if err != nil {
		return err
	}
	var bad []string
	// The counters move when the next request asks for a new VM, so the crash
	// itself is looked for too.
	for _, sign := range []string{"Proxy-Wasm plugin in-VM backtrace", "wasm_fail_stream", "holdfast: fault"} {
		if strings.Contains(e.Log(), sign) {
			bad = append(bad, fmt.Sprintf("the log says %q", sign))
		}
	}
	for name, value := range stats {
		// wasm.holdfast.vm_reload, vm_reload_success, vm_reload_failure, vm_reload_backoff
		if value > 0 && strings.Contains(name, "vm_reload") {
			bad = append(bad, fmt.Sprintf("%s = %d", name, value))
		}
	}
	if len(bad) > 0 {
		slices.Sort(bad)
		return fmt.Errorf("the VM failed: %s", strings.Join(bad, ", "))
	}
	return nil
}

// Access is one line of the access log that envoy.yaml configures.
type Access struct {
	Method, Path, Protocol, Details, Outcome, Reason, Issuer, Sub, Binding, Certificate string

	ClientID string `json:"client_id"`
	Status   int
}

// Access returns the lines of the access log so far.
func (e *Envoy) Access() []Access {
	var out []Access
	for line := range strings.Lines(e.AccessLog()) {
		var a Access
		if strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &a) == nil {
			out = append(out, a)
		}
	}
	return out
}

// listeners maps names to addresses, once they are bound.
func (e *Envoy) listeners() (map[string]string, error) {
	body, err := e.Get("/listeners?format=json")
	if err != nil {
		return nil, err
	}
	var answer struct {
		Statuses []struct {
			Name    string
			Address struct {
				Socket struct {
					Address string
					Port    int `json:"port_value"`
				} `json:"socket_address"`
			} `json:"local_address"`
		} `json:"listener_statuses"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, s := range answer.Statuses {
		out[s.Name] = fmt.Sprintf("%s:%d", s.Address.Socket.Address, s.Address.Socket.Port)
	}
	return out, nil
}

// version is what this Envoy says it is, "1.40.0": a name for reports, on which
// nothing depends.
func (e *Envoy) version() (string, error) {
	body, err := e.Get("/server_info")
	if err != nil {
		return "", err
	}
	var info struct{ Version string }
	if err := json.Unmarshal([]byte(body), &info); err != nil {
		return "", err
	}
	parts := strings.Split(info.Version, "/") // commit/version/…
	if len(parts) < 2 {
		return "", fmt.Errorf("the version is %q", info.Version)
	}
	return parts[1], nil
}
