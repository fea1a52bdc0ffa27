package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/rights"
	"github.com/cni-shim/cni-shim/pkg/stale"
	"github.com/cni-shim/cni-shim/pkg/status"
)

func newForget(env *Env) *cobra.Command {
	f := &forgetFlags{}
	c := &cobra.Command{
		Use:   "forget {NETWORK CONTAINER INTERFACE | --stale}",
		Short: "delete attachments that no runtime will ask for, through the chain that each was added with",
		Long: `forget runs DEL for a stored attachment, or with --stale for all that no runtime will ask for, as after a reboot,
and removes its entry. It deletes only what is proven stale: this is the node itself and no container, the network
namespace is gone, no call of the attachment runs, ten minutes have passed since its ADD, and no runtime of the node
knows the container (crictl asks them; without crictl the runtimes' CNI cache says what they know). Anything else it
refuses and says why; --force deletes it all the same, and cuts off the pod that has it.

It needs root. Exit status: 0 done; 1 refused, or something stale could not be deleted.`,
		Example: `  cni-shim forget --stale --dry-run
  cni-shim forget --stale
  cni-shim forget k8s-pod-network 0f3a6c1e9b57 eth0`,
		Args: func(c *cobra.Command, given []string) error {
			if f.stale {
				return args(cobra.NoArgs)(c, given)
			}
			return args(cobra.ExactArgs(3))(c, given)
		},
		RunE: func(c *cobra.Command, names []string) error { return f.run(c.Context(), env, names) },
	}
	c.Flags().BoolVar(&f.stale, "stale", false, "all attachments that are proven stale")
	c.Flags().BoolVar(&f.force, "force", false, "delete it though it is not proven stale: a pod that runs loses its network")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, dryRunHelp)
	c.MarkFlagsMutuallyExclusive("stale", "force")
	outputFlag(c, &f.output, "text", "json")
	f.node.add(c)
	stateFlag(c, &f.state)
	return c
}

// forgetFlags is the command line of forget.
type forgetFlags struct {
	stale, force, dryRun bool
	state, output        string
	node                 nodeFlags
}

func (f *forgetFlags) run(ctx context.Context, env *Env, names []string) error {
	if err := (rights.Need{Root: true, NetAdmin: !f.dryRun}).Missing(); err != nil {
		return err
	}
	entry := chain.Entry(f.node.survey().ConfDir)
	file := status.Of(entry)
	store := file.Attachments(cmp.Or(f.state, entry.StateDir))
	judge := stale.NewJudge(store, file.CallsDir())
	var err error
	if f.stale {
		err = f.all(ctx, env, store, judge)
	} else {
		err = f.one(ctx, env, store, judge, attachment.Key{Network: names[0], ContainerID: names[1], IfName: names[2]})
	}
	if f.dryRun && err == nil {
		fmt.Fprintln(beside(env, f.output), unchanged)
	}
	return err
}

// one deletes one attachment if it is proven stale, or by force.
func (f *forgetFlags) one(ctx context.Context, env *Env, store *attachment.Store, judge *stale.Judge, k attachment.Key) error {
	if _, err := store.Get(k); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(env.Stderr, "cni-shim forget: %s: no such attachment is stored; nothing was changed\n", name(k))
		return errNo
	}
	x := judge.Of(ctx, k)
	if x.State != stale.Stale && !f.force {
		fmt.Fprintf(env.Stderr, "cni-shim forget: %s is kept: %s; nothing was changed (--force deletes it all the same)\n",
			name(k), report.Clean(x.Why))
		return errNo
	}
	x.State = stale.Stale // or by force
	o := f.forget(ctx, store, x)
	if o.Do == "not deleted" {
		fmt.Fprintf(env.Stderr, "cni-shim forget: %s is kept: %s\n", name(k), o.Why)
		return errNo
	}
	f.print(env, []outcome{o})
	return nil
}

// all deletes every attachment that is proven stale: a line for each that looks so, and a summary.
func (f *forgetFlags) all(ctx context.Context, env *Env, store *attachment.Store, judge *stale.Judge) error {
	if err := judge.OnNode(); err != nil {
		fmt.Fprintf(env.Stderr, "cni-shim forget: %s; nothing was changed\n", report.Clean(err.Error()))
		return errNo
	}
	all, err := judge.All(ctx)
	if err != nil {
		fmt.Fprintf(env.Stderr, "cni-shim forget: attachments: %s\n", report.Clean(err.Error()))
	}
	done, count := []outcome{}, map[string]int{}
	for _, x := range all {
		if x.State == stale.Stale {
			x = judge.Of(ctx, x.Key) // the deletions before this one may have taken minutes
		}
		o := f.forget(ctx, store, x)
		count[o.Do]++
		done = append(done, o)
	}
	f.print(env, done)
	if err := judge.NotAsked(); err != nil {
		fmt.Fprintln(beside(env, f.output), report.Clean(err.Error()))
	}
	summary := fmt.Sprintf("%d deleted, %d not deleted, ", count["deleted"], count["not deleted"])
	if f.dryRun {
		summary = fmt.Sprintf("%d would be deleted, ", count["would be deleted"])
	}
	fmt.Fprintf(beside(env, f.output), "%s%d kept, %d in use\n", summary, count["kept"], count["in use"])
	if err != nil || count["not deleted"] > 0 {
		return errNo
	}
	return nil
}
