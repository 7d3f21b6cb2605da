package filter

// metrics are defined once, at start: a metric that is defined in the hot path
// could be multiplied by what a client sends.
type metrics struct {
	host     Host
	allowed  Metric
	denied   [reasonCount]Metric
	reported [reasonCount]Metric
	fetched  Metric
	failed   Metric
	stale    Metric
	verifyUS Metric
}

func defineMetrics(host Host) (*metrics, error) {
	m := &metrics{host: host}
	var firstErr error
	counter := func(name string) Metric {
		id, err := host.DefineCounter("holdfast." + name)
		if err != nil && firstErr == nil {
			firstErr = err
		}
		return id
	}
	m.allowed = counter("allowed")
	for _, reason := range Reasons() {
		if !reason.Refuses() {
			continue
		}
		m.denied[reason] = counter("denied." + reason.String())
		if reason.ofBinding() {
			m.reported[reason] = counter("report_only." + reason.String())
		}
	}
	m.fetched = counter("jwks.fetched")
	m.failed = counter("jwks.failed")
	m.stale = counter("jwks.stale")
	id, err := host.DefineHistogram("holdfast.verify_us")
	if err != nil && firstErr == nil {
		firstErr = err
	}
	m.verifyUS = id
	return m, firstErr
}

// ofBinding reports whether step 3 gives this reason: the ones that report_only
// reports.
func (r Reason) ofBinding() bool { return CnfMissing <= r && r <= CnfMismatch }

func (m *metrics) decided(d Decision) {
	if d.Reported.ofBinding() {
		m.host.Add(m.reported[d.Reported], 1)
	}
	switch {
	case d.Reason == Metadata: // answered, neither let through nor refused
	case !d.Reason.Refuses():
		m.host.Add(m.allowed, 1)
	case d.Reason < reasonCount:
		m.host.Add(m.denied[d.Reason], 1)
	}
}
