package cli

import (
	"fmt"

	"github.com/cni-shim/cni-shim/pkg/check"
	"github.com/cni-shim/cni-shim/pkg/diag"
)

var checkCommand = &Command{
	Name: "check", Synopsis: "find every fault of a configuration", Usage: "check [flags] [PATH... or -]",
	Run: func(env *Env, args []string) int {
		r, err := check.Path(args[len(args)-1], check.Options{})
		if err != nil {
			fmt.Fprintln(env.Stderr, err)
			return ExitUsage
		}
		diag.WriteJSON(env.Stdout, r.List)
		return 0
	},
}
