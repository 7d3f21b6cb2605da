package filtertest

import (
	"slices"
	"strings"
	"time"

	"holdfast/filter"
	"holdfast/jwt"
)

// Faults decides, before each call of a method of an interface, whether it
// fails: with the error that it returns. method is the name in the interface,
// such as "SharedGet". It may panic, and is never asked where nothing can fail.
type Faults func(method string) error

// FailOn lets these methods fail.
func FailOn(err error, methods ...string) Faults {
	return func(method string) error {
		if slices.Contains(methods, method) {
			return err
		}
		return nil
	}
}

func (f Faults) of(method string) error {
	if f == nil {
		return nil
	}
	return f(method)
}

// Ticker is what a [Host] ticks: a *filter.Plugin, or a VM that holds one.
type Ticker interface{ OnTick() }

// Line is a line of the log.
type Line struct {
	Level filter.LogLevel
	Text  string
}

// Host is one worker. It implements [filter.Host].
type Host struct {
	Proxy  *Proxy
	Plugin Ticker // set by Start, or by a test
	// Environment holds the variables of the VM's environment.
	Environment map[string]string

	Faults     Faults
	Lines      []Line
	Dispatched []*Call // every call that this worker ever sent

	inPlugin int // depth of callbacks in which Dispatch is legal
	period   time.Duration
	nextTick time.Time
	metrics  []metric
	seed     byte
}

type metric struct {
	name   string
	values []uint64
}

// Start starts a plugin in this worker, which gets the ticks from now on.
func (h *Host) Start(configuration string) (*filter.Plugin, error) {
	p, err := filter.Start(h, configuration)
	if err == nil {
		h.Plugin = p
	}
	return p, err
}

// Tick ticks now. As in Envoy the next tick comes one period after this one.
func (h *Host) Tick() {
	h.within(h.Plugin.OnTick)
	h.nextTick = h.Proxy.now.Add(h.period)
}

// Period is the period of the tick that was asked for last; 0 without one.
func (h *Host) Period() time.Duration { return h.period }

// within runs a callback of the plugin's context.
func (h *Host) within(callback func()) {
	h.inPlugin++
	defer func() { h.inPlugin-- }()
	callback()
}

// Now implements [filter.Host].
func (h *Host) Now() time.Time { return h.Proxy.now }

// Random implements [filter.Host] with bytes that are the same in each run.
func (h *Host) Random(b []byte) error {
	if err := h.Faults.of("Random"); err != nil {
		return err
	}
	for i := range b {
		h.seed = h.seed*167 + 13
		b[i] = h.seed
	}
	return nil
}

// Env implements [filter.Host].
func (h *Host) Env(name string) (value string, found bool) {
	value, found = h.Environment[name]
	return value, found
}

// Log implements [filter.Host].
func (h *Host) Log(level filter.LogLevel, line string) { h.Lines = append(h.Lines, Line{level, line}) }

// LogText is the whole log, one line for each.
func (h *Host) LogText() string {
	var b strings.Builder
	for _, line := range h.Lines {
		b.WriteString(line.Text + "\n")
	}
	return b.String()
}

// SetTick implements [filter.Host].
func (h *Host) SetTick(period time.Duration) error {
	if err := h.Faults.of("SetTick"); err != nil {
		return err
	}
	h.period, h.nextTick = period, h.Proxy.now.Add(period)
	return nil
}

// Dispatch implements [filter.Host].
func (h *Host) Dispatch(call filter.Call, done func(filter.CallResult)) error {
	if h.inPlugin == 0 {
		h.Proxy.violation("Dispatch outside of the plugin's own callbacks")
	}
	if err := h.Faults.of("Dispatch"); err != nil {
		return err
	}
	return h.Proxy.dispatch(h, call, done)
}

// SharedGet implements [filter.Host].
func (h *Host) SharedGet(key string) (value []byte, cas uint32, found bool, err error) {
	if err := h.Faults.of("SharedGet"); err != nil {
		return nil, 0, false, err
	}
	value, cas, found = h.Proxy.sharedGet(key)
	return value, cas, found, nil
}

// SharedSet implements [filter.Host].
func (h *Host) SharedSet(key string, value []byte, cas uint32) (ok bool, err error) {
	if err := h.Faults.of("SharedSet"); err != nil {
		return false, err
	}
	return h.Proxy.sharedSet(key, value, cas), nil
}

// VerifySignature implements [filter.Host].
func (h *Host) VerifySignature(s jwt.X509Signature) (valid bool, err error) {
	if err := h.Faults.of("VerifySignature"); err != nil {
		return false, err
	}
	if h.Proxy.Verifier == nil {
		return false, errNoVerifier
	}
	return h.Proxy.Verifier(s)
}

// DefineCounter implements [filter.Host].
func (h *Host) DefineCounter(name string) (filter.Metric, error) {
	return h.define("DefineCounter", name)
}

// DefineHistogram implements [filter.Host].
func (h *Host) DefineHistogram(name string) (filter.Metric, error) {
	return h.define("DefineHistogram", name)
}

func (h *Host) define(method, name string) (filter.Metric, error) {
	if err := h.Faults.of(method); err != nil {
		return 0, err
	}
	for i := range h.metrics {
		if h.metrics[i].name == name {
			return filter.Metric(i + 1), nil
		}
	}
	h.metrics = append(h.metrics, metric{name: name})
	return filter.Metric(len(h.metrics)), nil
}

// Add implements [filter.Host]. Envoy refuses to add 0.
func (h *Host) Add(m filter.Metric, n uint64) {
	if n == 0 {
		h.Proxy.violation("a counter was incremented by 0")
	}
	h.Record(m, n)
}

// Record implements [filter.Host].
func (h *Host) Record(m filter.Metric, value uint64) {
	if m == 0 || int(m) > len(h.metrics) {
		h.Proxy.violation("metric %d was never defined", m)
		return
	}
	h.metrics[m-1].values = append(h.metrics[m-1].values, value)
}

// Metric is the sum of what was added to the counter, or recorded in the
// histogram, of this full name ("holdfast.allowed").
func (h *Host) Metric(name string) uint64 {
	var sum uint64
	for _, value := range h.Recorded(name) {
		sum += value
	}
	return sum
}

// Recorded is every single value that was added or recorded.
func (h *Host) Recorded(name string) []uint64 {
	for i := range h.metrics {
		if h.metrics[i].name == name {
			return h.metrics[i].values
		}
	}
	return nil
}

// MetricNames are the names of all metrics, in the order of their definition.
func (h *Host) MetricNames() []string {
	names := make([]string, len(h.metrics))
	for i := range h.metrics {
		names[i] = h.metrics[i].name
	}
	return names
}
