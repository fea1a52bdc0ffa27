package cli

import (
	"fmt"
	"runtime/debug"
)

// Version is the release, set at link time; "devel" in a build that is none.
var Version = "devel"

var versionCommand = &Command{
	Name:     "version",
	Synopsis: "print the version, commit and build",
	Usage:    "version",
	Run: func(env *Env, _ []string) int {
		fmt.Fprintf(env.Stdout, "cni-shim %s", Version)
		if info, ok := debug.ReadBuildInfo(); ok {
			fmt.Fprintf(env.Stdout, " (%s)", info.GoVersion)
		}
		fmt.Fprintln(env.Stdout)
		return ExitOK
	},
}
