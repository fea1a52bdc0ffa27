package cli

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Version is the release, set at link time; "devel" in a build that is none.
var Version = "devel"

func newVersion(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "print the version, commit and build",
		Args:  args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintf(env.Stdout, "cni-shim %s", Version)
			if info, ok := debug.ReadBuildInfo(); ok {
				fmt.Fprintf(env.Stdout, " (%s)", info.GoVersion)
			}
			fmt.Fprintln(env.Stdout)
			return nil
		},
	}
}
