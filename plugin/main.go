// cni-shim is a CNI plugin that runs another chain and says why it fails, and the admin's tool for the same.
package main

import (
	"os"

	"github.com/cni-shim/cni-shim/pkg/cli"
)

func main() {
	os.Exit(cli.Main(&cli.Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv}, os.Args[1:]))
}
