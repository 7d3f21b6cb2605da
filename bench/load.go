package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"holdfast/e2e"
)

// connections is how many a loader holds, each with its client certificate.
const connections = 16

// newClient calls the API at an address over HTTP/1.1 and TLS 1.3 with this
// certificate, on connections that stay open.
func newClient(pki *e2e.PKI, c *e2e.Certificate, address string, connections int) *http.Client {
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pki.CA.Pool(), Certificates: []tls.Certificate{c.TLS()}},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
		DisableCompression: true, MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections, MaxIdleConns: connections,
	}
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

// load is what came of a number of requests.
type load struct {
	Requests int
	Codes    map[int]int // by status; 0 is no answer
	Took     time.Duration
	P50, P99 time.Duration
	Err      string // of one that got no answer
}

func (l load) perSecond() float64 { return float64(l.Requests) / l.Took.Seconds() }

// only is an error unless every answer had this status.
func (l load) only(status int) error {
	if l.Requests > 0 && l.Codes[status] == l.Requests {
		return nil
	}
	return fmt.Errorf("%d requests got %v (by status), want all %d: %s", l.Requests, l.Codes, status, l.Err)
}

// atRate sends requests evenly spaced, whether or not earlier ones were answered.
func atRate(client *http.Client, s source, perSecond int, d time.Duration) load {
	return attack(vegeta.NewAttacker(vegeta.Client(client)), s, vegeta.Rate{Freq: perSecond, Per: time.Second}, d)
}

// flatOut has every connection send its next request as soon as it has an answer,
// until time is up or the source has no more. Zero is no limit of time.
func flatOut(client *http.Client, s source, d time.Duration) load {
	n := uint64(client.Transport.(*http.Transport).MaxConnsPerHost)
	return attack(vegeta.NewAttacker(vegeta.Client(client), vegeta.Workers(n), vegeta.MaxWorkers(n)), s, vegeta.Rate{}, d)
}

func attack(attacker *vegeta.Attacker, s source, pacer vegeta.Pacer, d time.Duration) load {
	targeter := func(t *vegeta.Target) error {
		header, ok := s()
		if !ok {
			return vegeta.ErrNoTargets
		}
		t.Method, t.URL, t.Header = http.MethodGet, target, header
		return nil
	}
	l := load{Codes: map[int]int{}}
	var latencies []time.Duration
	began := time.Now()
	for result := range attacker.Attack(targeter, pacer, d, "") {
		if result.Error == vegeta.ErrNoTargets.Error() {
			continue
		}
		l.Requests++
		l.Codes[int(result.Code)]++
		if result.Code == 0 {
			l.Err = result.Error
		}
		latencies = append(latencies, result.Latency)
	}
	l.Took = time.Since(began)
	slices.Sort(latencies)
	l.P50, l.P99 = percentile(latencies, 50), percentile(latencies, 99)
	return l
}

// percentile of sorted values, by the nearest rank.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}
