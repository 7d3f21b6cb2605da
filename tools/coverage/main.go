// Command coverage runs the tests of the named packages and fails when the
// statements that a package's own tests reach are less than the minimum.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
)

func main() {
	least := flag.Float64("min", 90, "least coverage of a package, in percent")
	flag.Parse()
	failed := false
	for _, pkg := range flag.Args() {
		percent, err := measure(pkg)
		switch {
		case err != nil:
			failed = true
			fmt.Printf("coverage of %s: %v\n", pkg, err)
		case percent < *least:
			failed = true
			fmt.Printf("coverage of %s: %.1f %%, LESS THAN %.0f %%\n", pkg, percent, *least)
		default:
			fmt.Printf("coverage of %s: %.1f %%\n", pkg, percent)
		}
	}
	if failed || flag.NArg() == 0 {
		os.Exit(1)
	}
}

// measure runs one package's tests.
func measure(pkg string) (float64, error) {
	cmd := exec.Command("go", "test", "-cover", pkg)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%w\n%s", err, out.String())
	}
	return percentIn(out.String())
}

var percentPattern = regexp.MustCompile(`coverage: ([0-9.]+)% of statements`)

// percentIn reads the one figure that "go test -cover" prints for a package. A
// package without a test has none, which is an error.
func percentIn(output string) (float64, error) {
	found := percentPattern.FindAllStringSubmatch(output, -1)
	if len(found) != 1 {
		return 0, fmt.Errorf("no figure in: %s", output)
	}
	return strconv.ParseFloat(found[0][1], 64)
}
