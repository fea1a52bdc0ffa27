package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/cni-shim/cni-shim/pkg/install"
	"github.com/cni-shim/cni-shim/pkg/node"
	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/rights"
)

func newInstall(env *Env) *cobra.Command {
	f := &installFlags{}
	c := &cobra.Command{
		Use:   "install",
		Short: "take this node over: the program, the list before the chain, the service that keeps it true",
		Long: `install finds the node's container runtime and its directories, says what it will do and what stands against
it, and then puts the program and the shim's own list in place, each by rename, so that calls under way go on.
What is there already is left; a second run changes nothing. To upgrade, run a newer program's install.

While there is no chain that can take pods, the list goes in at once where the runtime asks for STATUS (the node
stays NotReady, and says why); with an older runtime it waits, and cni-shim watch writes it. Such a runtime takes a
node for ready as long as there is a list, so the service gets --withdraw for it: see cni-shim watch. Whether a
runtime asks is read from its configuration and program; where it cannot be told, the service gets no flag.

uninstall gives the node back as it was. Exit status: 0 done, or nothing to do; 1 something stands against it.`,
		Example: `  cni-shim install --dry-run
  cni-shim install
  cni-shim install --conf-dir /etc/cni/net.d --bin-dir /opt/cni/bin --chain /etc/cni/net.d/10-calico.conflist`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c, env) },
	}
	f.paths(c)
	c.Flags().StringVar(&f.o.Chain, "chain", "", "the file or `DIRECTORY` with the chain to wrap (default: the directory of network configurations)")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, dryRunHelp)
	c.Flags().BoolVar(&f.o.Force, "force", false, "install in spite of errors that are no certain end")
	c.Flags().StringVar(&f.withdraw, "withdraw", "auto", "whether the service takes the list away while the chain cannot be loaded: auto (as the runtime needs it), yes, no")
	_ = c.RegisterFlagCompletionFunc("withdraw", cobra.FixedCompletions(slices.Sorted(maps.Keys(withdrawals)), cobra.ShellCompDirectiveNoFileComp))
	outputFlag(c, &f.output, "text", "json")
	return c
}

// withdrawals are the values of install's --withdraw.
var withdrawals = map[string]node.Answer{"auto": node.Unknown, "yes": node.Yes, "no": node.No}

// installFlags are the flags of install and uninstall.
type installFlags struct {
	o        install.Options
	withdraw string
	dryRun   bool
	output   string
}

func (f *installFlags) paths(c *cobra.Command) {
	c.Flags().StringVar(&f.o.ConfDir, "conf-dir", "", "the `DIRECTORY` of network configurations that the runtime reads (default: as its configuration says)")
	c.Flags().StringVar(&f.o.BinDir, "bin-dir", "", "the `DIRECTORY` that it looks for plugins in (default: as its configuration says)")
	c.Flags().StringVar(&f.o.Root, "root", "", "the `DIRECTORY` that is the root of the node's files: of an image, say")
}

func (f *installFlags) run(c *cobra.Command, env *Env) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var ok bool
	if f.o.Withdraw, ok = withdrawals[f.withdraw]; !ok {
		return usagef("unknown --withdraw %q: auto, yes, no", f.withdraw)
	}
	if need := (rights.Need{Root: f.o.Root == ""}); !f.dryRun {
		if err := need.Missing(); err != nil {
			return err
		}
	}
	f.o.Program, f.o.Version = self, Version
	f.o.Completion = func(shell string) []byte { return completion(c.Root(), shell) }
	p, err := install.New(c.Context(), f.o)
	if err != nil {
		return err
	}
	told := len(p.Obstacles)
	if f.output == "text" {
		tellPlan(env.Stdout, p)
	}
	if f.dryRun {
		if p.Refused() {
			err = install.ErrRefused
		}
	} else {
		err = p.Apply(c.Context())
	}
	switch {
	case f.output == "json":
		printJSON(env.Stdout, p)
	default:
		tellObstacles(env.Stdout, p.Obstacles[told:])
	}
	if f.dryRun && err == nil {
		fmt.Fprintln(beside(env, f.output), unchanged)
	}
	if err != nil {
		fmt.Fprintf(env.Stderr, "%s: %v\n", c.CommandPath(), err)
		return errNo
	}
	return nil
}

func tellPlan(w io.Writer, p *install.Plan) {
	fmt.Fprintf(w, "runtime: %s\n", report.Clean(p.Runtime))
	chain := p.Chain
	if chain == "" {
		chain = "none yet, in " + p.ConfDir
	}
	fmt.Fprintf(w, "chain: %s\n", report.Clean(chain))
	if p.WithdrawWhy != "" {
		with := "without"
		if p.Withdraw {
			with = "with"
		}
		fmt.Fprintf(w, "watch: %s --withdraw: %s\n", with, report.Clean(p.WithdrawWhy))
	}
	tellObstacles(w, p.Obstacles)
	for _, a := range p.Actions {
		if a.Do != install.Keep {
			tellAction(w, a)
		}
	}
	if !p.Changes() {
		fmt.Fprintln(w, "nothing to change")
	}
}

func tellAction(w io.Writer, a install.Action) {
	why := ""
	if a.Why != "" {
		why = ": " + a.Why
	}
	fmt.Fprintf(w, "%s: %s%s\n", a.Do, report.Clean(a.Path), report.Clean(why))
}

func tellObstacles(w io.Writer, list []install.Obstacle) {
	for _, o := range list {
		fmt.Fprintf(w, "%s: %s\n", o.Severity, report.Clean(o.Cause))
		if o.Cure != "" {
			fmt.Fprintf(w, "  cure: %s\n", report.Clean(o.Cure))
		}
	}
}

// completion is the script that cobra makes for a shell.
func completion(root *cobra.Command, shell string) []byte {
	var b bytes.Buffer
	var err error
	switch shell {
	case "bash":
		err = root.GenBashCompletionV2(&b, true)
	case "zsh":
		err = root.GenZshCompletion(&b)
	case "fish":
		err = root.GenFishCompletion(&b, true)
	default:
		err = errors.New("no such shell")
	}
	if err != nil {
		return nil
	}
	return b.Bytes()
}
