package main

import "testing"

func TestPercentIn(t *testing.T) {
	got, err := percentIn("ok  \tholdfast/jwt\t0.004s\tcoverage: 91.7% of statements\n")
	if err != nil || got != 91.7 {
		t.Errorf("got %v, %v", got, err)
	}
	for _, output := range []string{
		"?   \tholdfast/e2e\t[no test files]\n",
		"ok  \tholdfast/e2e\t0.001s\tcoverage: [no statements]\n",
		"",
	} {
		if got, err := percentIn(output); err == nil {
			t.Errorf("%q: got %v, want an error", output, got)
		}
	}
}
