// Package observability holds no code, only tests of what an operator loads: the
// rules and the dashboard in deploy/observability. They are read, and the rules are
// run, with Prometheus' own code in the version that go.mod pins, and every name in
// them is one that a running Envoy with Holdfast serves. What no test here can do is
// show the dashboard in a Grafana.
//
// "make test-observability" builds the filter and says where it and Envoy are.
package observability
