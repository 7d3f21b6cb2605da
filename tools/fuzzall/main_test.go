package main

import (
	"reflect"
	"testing"
)

func TestParseList(t *testing.T) {
	got, _, err := parseList([]byte(`{"Action":"start","Package":"m/b"}
{"Action":"output","Package":"m/b","Output":"FuzzParse\n"}
{"Action":"output","Package":"m/a","Output":"FuzzZ\n"}
{"Action":"output","Package":"m/a","Output":"FuzzA\n"}
{"Action":"output","Package":"m/a","Output":"ok  \tm/a\t0.002s\n"}
{"Action":"pass","Package":"m/a","Elapsed":0.002}
{"Action":"output","Package":"m/c","Output":"?   \tm/c\t[no test files]\n"}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []target{{"m/a", "FuzzA"}, {"m/a", "FuzzZ"}, {"m/b", "FuzzParse"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if _, _, err := parseList([]byte("{")); err == nil {
		t.Error("half an event gave no error")
	}
}

func TestEndedLate(t *testing.T) {
	if !endedLate("--- FAIL: FuzzParse (60.03s)\n    context deadline exceeded\nFAIL") {
		t.Error("Go's own interruption was not recognised")
	}
	if endedLate("context deadline exceeded\nFailing input written to testdata/fuzz/FuzzParse/1") {
		t.Error("a real finding was taken for Go's own interruption")
	}
}

func TestLastCount(t *testing.T) {
	got := lastCount("fuzz: elapsed: 0s, execs: 0\nfuzz: elapsed: 3s, execs: 9 (3/sec)\nPASS\n")
	if want := "elapsed: 3s, execs: 9 (3/sec)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
