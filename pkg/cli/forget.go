package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/stale"
)

func newForget(env *Env) *cobra.Command {
	var state string
	c := &cobra.Command{
		Use:   "forget NETWORK CONTAINER INTERFACE",
		Short: "delete an attachment that no runtime will ask for, through the chain that it was added with",
		Args:  args(cobra.ExactArgs(3)),
		RunE: func(c *cobra.Command, names []string) error {
			k := attachment.Key{Network: names[0], ContainerID: names[1], IfName: names[2]}
			if err := stale.Delete(c.Context(), attachment.Open(state), k); err != nil {
				fmt.Fprintf(env.Stderr, "%s: %v\n", c.CommandPath(), err)
				return errNo
			}
			fmt.Fprintf(env.Stdout, "%s %s %s: deleted\n", k.Network, k.ContainerID, k.IfName)
			return nil
		},
	}
	stateFlag(c, &state)
	return c
}
