package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/cni-shim/cni-shim/pkg/install"
	"github.com/cni-shim/cni-shim/pkg/report"
)

func newUninstall(env *Env) *cobra.Command {
	f := &installFlags{}
	var wait time.Duration
	c := &cobra.Command{
		Use:   "uninstall",
		Short: "give this node back as it was before install",
		Long: `uninstall stops the watch, takes the shim's list away, waits until no call of the shim's is under way, and
removes what install laid down, its state and the program. It asks nothing. Pods that run go on, and are deleted by
the chain that the shim wrapped: by containerd from its directory, by CRI-O from its cache, which is corrected.
Plugins that others have put beside the shim, such as istio-cni, move into the chain's own file. Of the stored
attachments it deletes those that are proven stale, as cni-shim forget --stale does.

It needs root. Exit status: 0 all is gone; 1 something is left, and is named.`,
		Example: `  cni-shim uninstall --dry-run
  cni-shim uninstall`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := install.Uninstall(c.Context(), f.o, wait)
			if r == nil {
				return err // it may not, and has not begun
			}
			if f.output == "json" {
				printJSON(env.Stdout, r)
			} else {
				for _, a := range r.Actions {
					tellAction(env.Stdout, a)
				}
				for _, n := range r.Left {
					fmt.Fprintf(env.Stdout, "left: %s\n", report.Clean(n))
				}
				for _, n := range r.Notes {
					fmt.Fprintf(env.Stdout, "note: %s\n", report.Clean(n))
				}
				if len(r.Actions) == 0 && err == nil {
					fmt.Fprintln(env.Stdout, "nothing to remove")
				}
			}
			if f.o.DryRun {
				fmt.Fprintln(beside(env, f.output), unchanged)
			}
			if err != nil {
				fmt.Fprintf(env.Stderr, "%s: %v\n", c.CommandPath(), err)
			}
			if err != nil || len(r.Left) > 0 {
				return errNo
			}
			return nil
		},
	}
	f.paths(c)
	c.Flags().BoolVar(&f.o.DryRun, "dry-run", false, dryRunHelp)
	c.Flags().DurationVar(&wait, "wait", 30*time.Second, "how long to wait for calls under way")
	outputFlag(c, &f.output, "text", "json")
	return c
}
