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

	introspection struct{ active, inactive, failed, cached, coalesced, ms Metric }
	session       struct{ started, used, refused Metric }
	tokenCache    struct{ hit, miss Metric }
	verification  struct{ host, sandbox Metric } // signatures, by who verified them
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
	m.introspection.active = counter("introspection.active")
	m.introspection.inactive = counter("introspection.inactive")
	m.introspection.failed = counter("introspection.failed")
	m.introspection.cached = counter("introspection.cached")
	m.introspection.coalesced = counter("introspection.coalesced")
	m.session.started = counter("session.started")
	m.session.used = counter("session.used")
	m.session.refused = counter("session.refused")
	m.tokenCache.hit = counter("token_cache.hit")
	m.tokenCache.miss = counter("token_cache.miss")
	m.verification.host = counter("verification.host")
	m.verification.sandbox = counter("verification.sandbox")
	histogram := func(name string) Metric {
		id, err := host.DefineHistogram("holdfast." + name)
		if err != nil && firstErr == nil {
			firstErr = err
		}
		return id
	}
	m.verifyUS = histogram("verify_us")
	m.introspection.ms = histogram("introspection_ms")
	return m, firstErr
}

// ofBinding reports whether step 3 gives this reason: the ones that report_only
// reports.
func (r Reason) ofBinding() bool { return CnfMissing <= r && r <= DPoPReplayFailed }

func (m *metrics) decided(d Decision) {
	if d.Reported.ofBinding() {
		m.host.Add(m.reported[d.Reported], 1)
	}
	switch {
	case d.session.refused(d.Reason):
		m.host.Add(m.session.refused, 1)
	case d.session.state == sessionUsed:
		m.host.Add(m.session.used, 1)
	}
	switch {
	case d.Reason == Metadata: // answered, neither let through nor refused
	case !d.Reason.Refuses():
		m.host.Add(m.allowed, 1)
	case d.Reason < reasonCount:
		m.host.Add(m.denied[d.Reason], 1)
	}
}
