package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/cni-shim/cni-shim/pkg/bundle"
	"github.com/cni-shim/cni-shim/pkg/rights"
	"github.com/cni-shim/cni-shim/pkg/secret"
	"github.com/cni-shim/cni-shim/pkg/visible"
)

func newBundle(env *Env) *cobra.Command {
	f := &bundleFlags{}
	c := &cobra.Command{
		Use:   "bundle [FILE]",
		Short: "collect what support asks for in one archive, secrets masked",
		Long: `bundle collects what support asks for about this node's network in one tar.gz: configurations with their secrets masked, status,
findings, plugins, the journal of the shim and what kubelet and the runtime say of the network, links, routes, firewall rules and
address reservations. Its size is bounded. FILE is readable by its owner only, and must not be there yet.`,
		Example: `  cni-shim bundle --dry-run
  cni-shim bundle /tmp/node-7.tar.gz`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, names []string) error {
			if len(names) == 1 {
				f.path = names[0]
			}
			return f.run(c.Context(), env)
		},
	}
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "list what would be collected, and collect nothing")
	c.Flags().StringVar(&f.since, "since", "-1d", "how far back journals are read, as journalctl takes it")
	f.node.add(c)
	return c
}

// bundleFlags is the command line of bundle.
type bundleFlags struct {
	path, since string
	dryRun      bool
	node        nodeFlags
}

func (f *bundleFlags) run(ctx context.Context, env *Env) error {
	known := &secret.Known{}
	members := bundle.Members(bundle.Options{Options: f.node.survey(), Version: Version, Since: f.since}, known)
	if f.dryRun {
		for _, m := range members {
			fmt.Fprintf(env.Stdout, "%-24s %s\n", visible.Line(m.Name), visible.Line(m.From))
		}
		return nil
	}
	now := time.Now()
	if f.path == "" {
		host, _ := os.Hostname() // a name is not needed
		f.path = fmt.Sprintf("cni-shim-bundle-%s-%s.tar.gz", host, now.UTC().Format("20060102T150405Z"))
	}
	dir, err := filepath.Abs(filepath.Dir(f.path))
	if err == nil {
		err = (rights.Need{Write: []string{dir}}).Missing()
	}
	if err != nil {
		return err
	}
	out, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	missing, err := bundle.Write(ctx, out, members, known, now)
	err = errors.Join(err, out.Chmod(0o600)) // whatever the umask is
	info, statErr := out.Stat()
	if err = errors.Join(err, statErr, out.Close()); err == nil {
		err = ctx.Err()
	}
	if err != nil {
		os.Remove(f.path)
		return err
	}
	for _, m := range missing {
		fmt.Fprintf(env.Stderr, "left out: %s\n", m)
	}
	fmt.Fprintf(env.Stdout, "%s: %d KiB; read it before you hand it on: tar -tzf %s\n", f.path, (info.Size()+1023)>>10, f.path)
	return nil
}
