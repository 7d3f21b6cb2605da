// Package filtertest is a proxy in memory, for tests of package filter: a
// [filter.Host] and a [filter.Stream] that behave as Envoy does, with a clock
// that only moves when a test moves it.
//
//	proxy := filtertest.NewProxy()
//	worker := proxy.Worker()
//	plugin, err := worker.Start(configuration)
//	stream := filtertest.NewStream("GET", "api.example.com", "/accounts")
//	exchange := plugin.NewExchange(stream)
//	exchange.OnRequestHeaders()
//	proxy.Advance(time.Second) // ticks, answers to calls, timeouts
//
// [NewKong] is one that behaves as Kong's ngx_wasm_module does instead.
//
// Every method of the two interfaces can be made to fail, see [Faults]. What no
// host would stand for (a request continued twice, a header edited after the
// request went on) is noted in Violations and is always a bug of the caller.
//
// Nothing here is safe for several goroutines: a Proxy-Wasm VM has one.
package filtertest
