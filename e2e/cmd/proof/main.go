// Command proof prints a DPoP proof (RFC 9449 §4.2) for one request, for the curl
// lines of "make run".
//
//	proof -key build/run/dpop.json [-token TOKEN] [-nonce NONCE] GET https://api.example.com/accounts
package main

import (
	"flag"
	"fmt"
	"os"

	"holdfast/e2e"
)

func main() {
	file := flag.String("key", "", "file with the private key, a JWK")
	token := flag.String("token", "", "the access token that the proof goes with; none for the token endpoint")
	nonce := flag.String("nonce", "", "the last DPoP-Nonce of the server")
	flag.Parse()
	if flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "proof: want a method and a URL")
		os.Exit(2)
	}
	key, err := e2e.ReadKey(*file)
	if err != nil {
		fmt.Fprintln(os.Stderr, "proof:", err)
		os.Exit(1)
	}
	p := key.Proof(flag.Arg(0), flag.Arg(1), *token)
	if *nonce != "" {
		p.Claims["nonce"] = *nonce
	}
	fmt.Println(p.Sign(key))
}
