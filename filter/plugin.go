package filter

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"holdfast/filter/config"
	"holdfast/jwt"
)

// Plugin is one configuration in one worker. Everything that lives longer than
// a request hangs here: two configurations in one VM share nothing.
type Plugin struct {
	host      Host
	config    *config.Config
	decider   *decider
	forwarder *forwarder
	answerer  *answerer
	metrics   *metrics
	refusals  refusalLog

	tables    tables                 // of issuers' keys
	inquiries inquiries              // to authorization servers
	waiting   map[*Exchange]struct{} // parked requests
	period    time.Duration          // of the tick, as last asked for
	logged    map[string]bool        // lines that are written once
}

// Ticks. The first one starts the first fetch: a call-out from the start of the
// plugin would belong to a VM that only validates the configuration.
const (
	tickAtOnce = time.Millisecond
	// Requests wait: for another worker's fetch, an answer, or their deadline. Or
	// tables are in the making.
	tickBusy = 20 * time.Millisecond
	tickIdle = time.Second // look for keys that another worker fetched, and at the age of ours
)

// Start is [VM.Start] in a VM of its own.
func Start(host Host, configuration string) (*Plugin, error) {
	return new(VM).Start(host, configuration)
}

// Start reads the configuration and prepares everything that can be prepared.
// It logs all problems and returns an error when the host must not start.
func (vm *VM) Start(host Host, configuration string) (p *Plugin, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			p, err = nil, fmt.Errorf("holdfast: fault at start: %v", fault)
			host.Log(LogError, err.Error())
		}
	}()
	c, err := config.Parse(configuration)
	if err != nil {
		host.Log(LogError, "holdfast: configuration refused: "+err.Error())
		return nil, err
	}
	hidden, err := readSecrets(host, c)
	if err != nil {
		host.Log(LogError, "holdfast: configuration refused: "+err.Error())
		return nil, err
	}
	m, err := defineMetrics(host)
	if err != nil {
		host.Log(LogError, "holdfast: metrics refused by the host: "+err.Error())
		return nil, err
	}
	p = &Plugin{
		host:      host,
		config:    c,
		forwarder: newForwarder(c),
		answerer:  &answerer{config: c, metadata: metadataAnswer(c)},
		metrics:   m,
		refusals:  refusalLog{host: host},
		tables:    tables{vm: vm, limit: c.Limits.KeyTables},
		inquiries: inquiries{called: map[*inquiry]struct{}{}},
		waiting:   map[*Exchange]struct{}{},
		logged:    map[string]bool{},
	}
	namespace := "holdfast/" + hex.EncodeToString(c.Digest[:16]) + "/"
	sources := make([]*keySource, len(c.Issuers))
	for i := range c.Issuers {
		sources[i] = newKeySource(p, &c.Issuers[i], namespace+"jwks/"+strconv.Itoa(i))
	}
	p.decider = newDecider(c, sources)
	p.decider.sessions, p.decider.nonces = hidden.sessions, hidden.nonces
	if d := c.Binding.DPoP; d != nil {
		if d.PerWorker {
			p.decider.replay = newWorkerReplay(c.Limits.ReplayEntries)
		} else if p.decider.replay, err = newSharedReplay(host, namespace, c.Limits.ReplayEntries, d.ProofLifetime+2*d.ClockSkew); err != nil {
			host.Log(LogError, "holdfast: the host shares no data for DPoP: "+err.Error())
			return nil, err
		}
	}
	for i, client := range hidden.clients {
		if client != nil {
			p.decider.introspectBy(i, newIntrospector(p, &c.Issuers[i], sources[i], client))
		}
	}
	signatures, err := newVerifier(host, m, c, &p.tables, p.logOnce)
	if err != nil {
		host.Log(LogError, `holdfast: configuration refused: verification: "host", but the host can't be used: `+err.Error())
		return nil, err
	}
	p.tables.idle = signatures.hostVerifies(jwt.ES256)
	p.decider.verify = signatures.verify
	p.decider.metrics = m
	p.decider.tokens = newTokenCache(c.Limits.TokenCacheEntries)
	host.Log(LogInfo, startLine(c, signatures))
	if p.fetchesKeys() {
		p.hurry()
	}
	return p, nil
}

// startLine says what an operator wants to see in the log after a rollout.
func startLine(c *config.Config, signatures *verifier) string {
	issuers := make([]string, len(c.Issuers))
	for i := range c.Issuers {
		issuers[i] = c.Issuers[i].Policy.Issuer
	}
	mode := "strict"
	if c.Binding.Optional {
		mode = "optional"
	}
	if c.Binding.ReportOnly {
		mode += ",report_only"
	}
	var methods []string
	if c.Binding.MTLS {
		methods = append(methods, "mtls")
	}
	if c.Binding.DPoP != nil {
		methods = append(methods, "dpop")
	}
	return "holdfast " + Version + ": issuers=" + strings.Join(issuers, ",") +
		" methods=" + strings.Join(methods, ",") + " mode=" + mode + " verification=" + signatures.String()
}

// OnTick does what is due: fetches, refreshes, deadlines, and a slice of a table when
// nobody waits for more.
func (p *Plugin) OnTick() {
	defer p.contain()
	now := p.host.Now()
	for _, source := range p.decider.keys {
		p.tickSource(source, now)
	}
	unsent := p.inquiries.tick(p.host, p.config.Limits.IntrospectionCalls, now)
	unserved := p.serveWaiting(now)
	more := unsent || unserved
	p.pace(more, !more && p.tables.step())
}

// tickSource contains a fault of one source, so that the others still get theirs.
func (p *Plugin) tickSource(source *keySource, now time.Time) {
	defer p.contain()
	source.tick(now)
}

// pace asks for the slowest tick that serves what is going on.
func (p *Plugin) pace(more, building bool) {
	switch {
	case more:
		p.setTick(tickAtOnce)
	case building || len(p.waiting) > 0:
		p.setTick(tickBusy)
	default:
		p.setTick(tickIdle)
	}
}

// hurry asks for a tick as soon as the host can. It reports whether one comes.
func (p *Plugin) hurry() bool { return p.setTick(tickAtOnce) }

func (p *Plugin) setTick(period time.Duration) bool {
	if period == p.period {
		return true
	}
	if err := p.host.SetTick(period); err != nil {
		p.logOnce("holdfast: the host gives no tick: " + err.Error())
		return false
	}
	p.period = period
	return true
}

func (p *Plugin) fetchesKeys() bool {
	for _, source := range p.decider.keys {
		if source.settings.Inline == nil {
			return true
		}
	}
	return false
}

// logOnce writes a line about the host that would otherwise repeat for ever.
func (p *Plugin) logOnce(line string) {
	if !p.logged[line] && len(p.logged) < 100 {
		p.logged[line] = true
		p.host.Log(LogError, line)
	}
}

func (p *Plugin) logFault(fault any) {
	p.logOnce(fmt.Sprintf("holdfast: fault: %v", fault))
}

// contain keeps a fault in a callback of the plugin from ending the VM.
func (p *Plugin) contain() {
	if fault := recover(); fault != nil {
		p.logFault(fault)
	}
}
