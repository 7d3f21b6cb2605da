package e2e

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// outage is a way in which an authorization server can fail.
type outage struct {
	name     string
	listener string // default "api"
	begin    func(f *fixture)
	end      func(f *fixture)
	asked    bool // the question reaches the server
}

func faulty(fault Fault) (begin, end func(*fixture)) {
	return func(f *fixture) { f.Auth.Fault("/introspect", fault) }, func(f *fixture) { f.Auth.Fault("/introspect", nil) }
}

func outages() []outage {
	var all []outage
	add := func(name string, fault Fault) {
		begin, end := faulty(fault)
		all = append(all, outage{name: name, begin: begin, end: end, asked: true})
	}
	active := func(f *fixture) string {
		return encode(M{"active": true, "aud": Resource, "scope": "accounts:read", "cnf": M{"x5t#S256": f.PKI.A.X5T()}})
	}
	const json = "content-type: application/json"
	add("timeout", hang())
	add("reset", Reset())
	add("500", Reply(500, `{"active":true}`, json))
	add("503", Reply(503, "", json))
	add("16 MB", func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("content-type", "application/json")
			w.Write([]byte(`{"active":true,"x":"` + strings.Repeat("x", 16<<20) + `"}`))
		})
	})
	all = append(all, outage{name: "wrong content type", asked: true,
		begin: func(f *fixture) { f.Auth.Fault("/introspect", Reply(200, active(f), "content-type: text/html")) },
		end:   func(f *fixture) { f.Auth.Fault("/introspect", nil) },
	}, outage{name: "connection refused",
		begin: func(f *fixture) { f.Auth.Close() },
		end: func(f *fixture) {
			if err := f.Auth.Start(); err != nil {
				panic(err)
			}
		},
	}, outage{name: "cluster missing", listener: "leaving",
		begin: func(f *fixture) { f.setLeavingCluster(false) },
		end:   func(f *fixture) { f.setLeavingCluster(true) },
	})
	return all
}

// hang never answers, until the caller gives up.
func hang() Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	}
}

// slow answers as usual, but takes its time.
func slow(d time.Duration) Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(d)
			next.ServeHTTP(w, r)
		})
	}
}

// leaving is an Envoy with a cluster that can be taken away while it runs: "as-mtls"
// comes from a file of its own (CDS).
func leaving(listeners ...Listener) Options {
	const before = "static_resources:\n"
	return Options{Setup: Setup{Listeners: listeners}, Prepare: func(s *Stack) error {
		s.options.Setup.Edits = []Edit{{Old: before, New: "dynamic_resources:\n  cds_config:\n    resource_api_version: V3\n    path_config_source: { path: " +
			s.leavingFile() + " }\n\n" + before}}
		return s.writeLeavingCluster(true)
	}}
}

func (s *Stack) leavingFile() string { return filepath.Join(s.Dir, "clusters.yaml") }

func (s *Stack) writeLeavingCluster(there bool) error {
	text := "resources: []\n"
	if there {
		cluster := strings.NewReplacer("ADDRESS", socketAddress(s.Auth.Address), "DIR", s.Dir).Replace(mtlsCluster)
		text = "resources:\n" + strings.Replace(cluster, "  - name:", "  - \"@type\": type.googleapis.com/envoy.config.cluster.v3.Cluster\n    name:", 1)
	}
	if err := os.WriteFile(s.leavingFile()+".new", []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(s.leavingFile()+".new", s.leavingFile())
}

// setLeavingCluster takes the cluster away or brings it back, and returns when Envoy
// has done so.
func (f *fixture) setLeavingCluster(there bool) {
	const done = "cluster_manager.cds.update_success"
	before := must(f.Envoy.Stats())[done]
	if err := f.writeLeavingCluster(there); err != nil {
		panic(err)
	}
	if err := f.Envoy.poll(context.Background(), startLimit, "given other clusters", func() bool {
		stats, err := f.Envoy.Stats()
		return err == nil && stats[done] > before && stats["cluster_manager.warming_clusters"] == 0
	}); err != nil {
		panic(err)
	}
}

// TestT23FaultTable is the table of docs/operations.md: each failure, with nothing
// in the cache and with the token in it, for one request and for 200 at once. What
// may pass is what was in the cache; everything else gets 503 with a retry-after, the
// server is asked once for each worker, no VM is started again, and all is well soon
// after the server is.
func TestT23FaultTable(t *testing.T) {
	const workers = 2
	short := M{"timeout": "500ms", "cache_ttl": "1h"}
	o := leaving(
		Listener{Name: "api", Patch: introspecting(short, nil)},
		Listener{Name: "leaving", Patch: introspecting(merge(short, M{"cluster": "as-mtls"}), nil)},
	)
	o.Concurrency = workers
	f := start(t, o)
	table := []string{"| failure | cache | requests | passed | 503 | calls | recovered after |", "| --- | --- | --- | --- | --- | --- | --- |"}
	for _, o := range outages() {
		for _, warm := range []bool{false, true} {
			for _, n := range []int{1, 200} {
				t.Run(fmt.Sprintf("%s, warm %v, %d", o.name, warm, n), func(t *testing.T) {
					table = append(table, f.row(t, o, load{n: n, warm: warm}, workers))
				})
			}
		}
		t.Run(o.name+", 200 different tokens", func(t *testing.T) {
			table = append(table, f.row(t, o, load{n: 200, different: true}, workers))
		})
	}
	t.Logf("\n%s", strings.Join(table, "\n"))
	if path := os.Getenv("HOLDFAST_FAULT_TABLE"); path != "" {
		if err := os.WriteFile(path, []byte(strings.Join(table, "\n")+"\n"), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// load is what meets an outage.
type load struct {
	n         int  // requests at once
	warm      bool // their token is in the cache of every worker
	different bool // a token each, which nobody issued
}

func (f *fixture) row(t *testing.T, o outage, l load, workers int) string {
	n, warm := l.n, l.warm
	// A connection for each client, so that both workers have some.
	clients := make([]*Client, min(n, 40))
	for i := range clients {
		clients[i] = f.ClientOf(or(o.listener, "api"), Caller{Certificate: f.PKI.A})
		defer clients[i].Close()
	}
	token := "authorization: Bearer " + f.fresh(t, f.PKI.A, true)
	send := func() (passing, unavailable, other int) {
		statuses := make(chan int, n)
		var wait sync.WaitGroup
		for i := range n {
			wait.Go(func() {
				token := token
				if l.different {
					token = "authorization: Bearer " + rand.Text()
				}
				got := clients[i%len(clients)].Get(path, token)
				if (got.Seen != nil) != (got.Status == 200) {
					t.Errorf("got %v", describe(got))
				}
				if got.Status == 503 && got.Header.Get("retry-after") == "" {
					t.Error("503 without retry-after")
				}
				statuses <- got.Status
			})
		}
		wait.Wait()
		for range n {
			switch <-statuses {
			case 200:
				passing++
			case 503:
				unavailable++
			default:
				other++
			}
		}
		return passing, unavailable, other
	}
	if warm {
		// Until both workers have it in their caches.
		eventually(t, "cached by every worker", func() bool {
			before := f.Auth.Requests("/introspect")
			passing, _, _ := send()
			for range 20 {
				c := f.ClientOf(or(o.listener, "api"), Caller{Certificate: f.PKI.A})
				c.Get(path, token)
				c.Close()
			}
			return passing == n && f.Auth.Requests("/introspect") == before
		})
	}
	before := f.Auth.Requests("/introspect")
	o.begin(f)
	passing, unavailable, other := send()
	calls := f.Auth.Requests("/introspect") - before
	thief := f.ClientOf(or(o.listener, "api"), Caller{Certificate: f.PKI.B})
	defer thief.Close()
	stolen := thief.Get(path, token)
	o.end(f)
	began := time.Now()
	probe := "authorization: Bearer " + f.fresh(t, f.PKI.A, true)
	eventually(t, "recovered", func() bool {
		return !slices.ContainsFunc(clients[:min(len(clients), 8)], func(c *Client) bool { return c.Get(path, probe).Status != 200 })
	})
	recovered := time.Since(began)
	if err := f.Envoy.CheckVM(); err != nil {
		t.Error(err)
	}
	if want := map[bool]int{false: 503, true: 401}[warm]; stolen.Status != want || stolen.Seen != nil {
		t.Errorf("a thief got %v, want %d", describe(stolen), want)
	}
	if recovered > longestRecovery {
		t.Errorf("recovered after %v, want at most %v", recovered, longestRecovery)
	}
	switch {
	case other != 0:
		t.Errorf("%d neither passed nor got 503", other)
	case warm && passing != n:
		t.Errorf("%d of %d passed, though their token was in the cache", passing, n)
	case !warm && unavailable != n:
		t.Errorf("%d of %d got 503", unavailable, n)
	case warm && calls != 0:
		t.Errorf("%d calls, though the token was in the cache", calls)
	case l.different && calls > n:
		t.Errorf("%d calls for %d tokens", calls, n)
	case !l.different && !warm && o.asked && (calls < 1 || calls > workers):
		t.Errorf("%d calls, want one for each of at most %d workers", calls, workers)
	case !o.asked && calls != 0:
		t.Errorf("%d calls reached the server", calls)
	}
	cache := map[bool]string{false: "cold", true: "warm"}[warm]
	requests := fmt.Sprint(n)
	if l.different {
		requests += ", a token each"
	}
	return fmt.Sprintf("| %s | %s | %s | %d | %d | %d | %.1f s |", o.name, cache, requests, passing, unavailable, calls, recovered.Seconds())
}

// longestRecovery is the longest pause of the breaker, and the try that ends it.
const longestRecovery = 11 * time.Second

// TestT22FloodOfRandomTokens: one client sends 10,000 tokens that nobody issued.
// Memory stays flat, the server sees at most limits.introspection_calls at once for
// each worker, and a client whose token is known never waits.
func TestT22FloodOfRandomTokens(t *testing.T) {
	const workers, calls = 2, 16
	f := start(t, Options{Concurrency: workers, Setup: Setup{Listeners: []Listener{
		{Patch: introspecting(M{"cache_ttl": "1h", "timeout": "2s"}, M{"limits": M{"introspection_calls": calls, "waiting_requests": 64}})},
	}}})
	good := "authorization: Bearer " + f.fresh(t, f.PKI.A, true)
	owners := make([]*Client, 8)
	for i := range owners {
		owners[i] = f.Client(Caller{Certificate: f.PKI.A})
		defer owners[i].Close()
	}
	eventually(t, "cached by every worker", func() bool {
		before := f.Auth.Requests("/introspect")
		for _, c := range owners {
			passed(t, c.Get(path, good))
		}
		return f.Auth.Requests("/introspect") == before
	})
	flood := func(name string, tokens int) (refused, unavailable int) {
		jobs, statuses := make(chan int), make(chan int, tokens)
		var wait sync.WaitGroup
		for range 200 {
			c := f.Client(Caller{Certificate: f.PKI.B})
			wait.Go(func() {
				defer c.Close()
				for i := range jobs {
					got := c.Get(path, fmt.Sprintf("authorization: Bearer %s-%d", name, i))
					if got.Seen != nil {
						t.Error("it reached the upstream")
					}
					statuses <- got.Status
				}
			})
		}
		for i := range tokens {
			jobs <- i
		}
		close(jobs)
		wait.Wait()
		for range tokens {
			switch status := <-statuses; status {
			case 401:
				refused++
			case 503:
				unavailable++
			default:
				t.Errorf("got %d", status)
			}
		}
		return refused, unavailable
	}
	f.Auth.Fault("/introspect", slow(10*time.Millisecond))
	flood("warm-up", 2000)
	before, err := f.Envoy.ResidentMemory()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var honest sync.WaitGroup
	served, slowest := 0, time.Duration(0)
	const fromCache = "holdfast.introspection.cached"
	cached := f.Envoy.Metric(fromCache)
	honest.Go(func() {
		for ctx.Err() == nil {
			for _, c := range owners {
				began := time.Now()
				if got := c.Get(path, good); got.Status != 200 {
					t.Errorf("a client whose token is known got %v", describe(got))
				}
				slowest = max(slowest, time.Since(began))
				served++
			}
		}
	})
	refused, unavailable := flood("flood", 10000)
	cancel()
	honest.Wait()
	// Each token of the flood comes once: what the cache served was the known one.
	if n := f.Envoy.Metric(fromCache) - cached; n != uint64(served) {
		t.Errorf("the cache served %d of %d requests with a known token: the others waited", n, served)
	}
	after, err := f.Envoy.ResidentMemory()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("10,000 random tokens: %d got 401, %d got 503; %d requests with a known token passed, the slowest in %v; at most %d calls at once; resident memory %.1f MB before, %.1f MB after",
		refused, unavailable, served, slowest.Round(time.Millisecond), f.Auth.Busiest("/introspect"), float64(before)/1e6, float64(after)/1e6)
	if busiest := f.Auth.Busiest("/introspect"); busiest > workers*calls || busiest < calls {
		t.Errorf("%d calls at once, want at most %d, and enough to come up against the limit", busiest, workers*calls)
	}
	if unavailable == 0 || served == 0 {
		t.Error("the flood was no flood: nobody had to wait")
	}
	if grown := after - before; grown > 24<<20 {
		t.Errorf("resident memory grew by %d bytes", grown)
	}
}
