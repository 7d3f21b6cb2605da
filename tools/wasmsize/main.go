// Command wasmsize shows what makes a module large: its sections, and its code
// package by package, which takes a module with the names of its functions.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"holdfast/tools/wasmfile"
)

func main() {
	most := flag.Int("most", 25, "number of packages to list")
	flag.Parse()
	path := "build/holdfast.names.wasm"
	if flag.NArg() > 0 {
		path = flag.Arg(0)
	}
	file, err := wasmfile.Open(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, "wasmsize:", err)
		os.Exit(1)
	}
	fmt.Printf("%9d  %s\n\nsections\n", file.Size, path)
	for _, s := range file.Sections {
		fmt.Printf("%9d  %s\n", s.Size, s.Name)
	}
	fmt.Println("\ncode by package")
	packages := byPackage(file.Functions)
	for i, p := range packages {
		if i == *most {
			fmt.Printf("%9d  %d more\n", sum(packages[i:]), len(packages)-i)
			break
		}
		fmt.Printf("%9d  %s\n", p.size, p.name)
	}
}

type packageSize struct {
	name string
	size int
}

// byPackage adds up the functions, largest package first.
func byPackage(functions []wasmfile.Function) []packageSize {
	sizes := map[string]int{}
	for _, f := range functions {
		sizes[packageOf(f.Name)] += f.Size
	}
	var packages []packageSize
	for name, size := range sizes {
		packages = append(packages, packageSize{name, size})
	}
	slices.SortFunc(packages, func(a, b packageSize) int {
		return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.name, b.name))
	})
	return packages
}

func sum(packages []packageSize) int {
	total := 0
	for _, p := range packages {
		total += p.size
	}
	return total
}

// packageOf takes the package out of a name as Go's linker writes it: what
// stands before the first dot, with "_" in place of every "/". A dot that
// belongs to a host name, as in "github.com_tidwall_gjson.Parse", does not count.
func packageOf(function string) string {
	start := 0
	for _, host := range []string{"filippo.io_", "github.com_", "golang.org_"} {
		if i := strings.Index(function, host); i >= 0 {
			start = i + len(host)
		}
	}
	dot := strings.IndexByte(function[start:], '.')
	if dot < 0 {
		return "(no package)"
	}
	return function[:start+dot]
}
