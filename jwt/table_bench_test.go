package jwt

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"slices"
	"testing"
	"time"
)

// BenchmarkES256 is verification with and without tables beside crypto/ecdsa. All of
// them take turns, so that what disturbs one disturbs the others, and the figures are
// medians. "make bench-es256" runs it in V8.
func BenchmarkES256(b *testing.B) {
	is := newIssuer(ES256)
	token, err := Parse(is.compact(is.header(), goodClaims))
	if err != nil {
		b.Fatal(err)
	}
	key, err := is.keySet(b).Find(token.Header())
	if err != nil {
		b.Fatal(err)
	}
	public := is.private.Public().(*ecdsa.PublicKey)
	der := derSignature(b, setBytes(token.signature[:32]), setBytes(token.signature[32:]))
	tables := Tables{Generator: wholeTable(NewGeneratorTable()), Key: wholeTable(key.NewTable())}
	with := func(tables Tables) func() bool {
		return func() bool { return key.VerifyWith(token, tables) == nil }
	}
	builder := key.NewTable()
	contestants := []struct {
		name  string
		run   func() bool
		times []time.Duration
	}{
		{name: "crypto-ecdsa", run: func() bool {
			sum := sha256.Sum256([]byte(token.signingInput))
			return ecdsa.VerifyASN1(public, sum[:], der)
		}},
		{name: "no-table", run: with(Tables{})},
		{name: "generator", run: with(Tables{Generator: tables.Generator})},
		{name: "both", run: with(tables)},
		{name: "step", run: func() bool {
			if builder.Step() != nil {
				builder = key.NewTable()
			}
			return true
		}},
	}
	for b.Loop() {
		for i := range contestants {
			c := &contestants[i]
			begin := time.Now()
			if !c.run() {
				b.Fatal(c.name + ": a good signature is refused")
			}
			c.times = append(c.times, time.Since(begin))
		}
	}
	median := map[string]float64{}
	for _, c := range contestants {
		slices.Sort(c.times)
		median[c.name] = float64(c.times[len(c.times)/2]) / 1e3
		b.ReportMetric(median[c.name], c.name+"-µs")
	}
	b.ReportMetric(median["crypto-ecdsa"]/median["both"], "times-as-fast")
}
