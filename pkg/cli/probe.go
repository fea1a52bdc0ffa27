package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/probe"
	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/rights"
	"github.com/cni-shim/cni-shim/pkg/status"
	"github.com/cni-shim/cni-shim/pkg/survey"
	"github.com/cni-shim/cni-shim/pkg/visible"
)

func newProbe(env *Env) *cobra.Command {
	f := &probeFlags{}
	c := &cobra.Command{
		Use:   "probe",
		Short: "try the chain in a throw-away network namespace: ADD, CHECK, STATUS, DEL, and nothing left behind",
		Long: `probe tries the node's chain as the runtime would run it for a pod, in a network namespace of its own that is gone afterwards.

Each plugin is a line as it ends. Then it tells what the pod would have, and compares links, addresses, routes, firewall rules and
address reservations with what they were before. Interrupted, it cleans up all the same. Exit status: 0 the chain works and nothing
is left, 1 not, 2 usage.`,
		Example: `  cni-shim probe
  cni-shim probe --config 10-new.conflist
  cni-shim probe --dry-run
  cni-shim probe --pod default/web-0
  cni-shim probe --keep`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c.Context(), env) },
	}
	outputFlag(c, &f.output, "text", "json")
	c.Flags().StringVar(&f.config, "config", "", "try `FILE` instead of the node's chain, before it is put in place")
	c.Flags().StringVar(&f.pod, "pod", "", "tell the plugins it is this pod, `NAMESPACE/NAME`: some look it up in the API")
	c.Flags().BoolVar(&f.keep, "keep", false, "leave the namespace with its network, to look around")
	c.Flags().StringVar(&f.remove, "remove", "", "remove a probe that was kept, or killed, by its `NAME`")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what would be run, and ask the plugins for their versions alone")
	f.node.add(c)
	return c
}

// probeFlags is the command line of probe.
type probeFlags struct {
	output, config, pod, remove string
	keep, dryRun                bool
	node                        nodeFlags
}

func (f *probeFlags) run(ctx context.Context, env *Env) error {
	if namespace, name, ok := strings.Cut(f.pod, "/"); f.pod != "" && (!ok || namespace == "" || name == "" || strings.ContainsAny(f.pod, ";=")) {
		return usagef("--pod wants NAMESPACE/NAME, not %q", f.pod)
	}
	if err := (rights.Need{Root: true, NetAdmin: !f.dryRun}).Missing(); err != nil {
		return err
	}
	if f.remove != "" {
		if err := probe.Remove(ctx, probe.DefaultDir, f.remove, f.dryRun); err != nil {
			fmt.Fprintf(env.Stderr, "cni-shim probe: %v\n", err)
			return errNo
		}
		if f.dryRun {
			fmt.Fprintf(env.Stdout, "%s: would be removed\n%s\n", f.remove, unchanged)
			return nil
		}
		fmt.Fprintf(env.Stdout, "%s: removed\n", f.remove)
		return nil
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	at := f.node.survey()
	entry := chain.Entry(at.ConfDir)
	var ch *chain.Chain
	var err error
	if f.config != "" {
		ch, err = chain.LoadPath(f.config)
	} else {
		ch, err = chain.Load(entry)
	}
	if err != nil {
		return f.notLoaded(env, err)
	}
	tell := func(s probe.Step) { tellStep(env.Stdout, s) }
	if f.output == "json" {
		tell = func(probe.Step) {}
	} else {
		from := "the shim's list"
		if ch.Source.Path != "" {
			from = ch.Source.Path
		}
		fmt.Fprintf(env.Stdout, "probe of %s, cniVersion %s, from %s\n", report.Clean(ch.Name), report.Clean(ch.CNIVersion), visible.Line(from))
	}
	began := time.Now()
	r, err := probe.Run(ctx, probe.Options{Chain: ch, BinDirs: at.BinDirs, Dir: probe.DefaultDir,
		CallsDir: status.Of(entry).CallsDir(), Pod: f.pod, Keep: f.keep, DryRun: f.dryRun, Tell: tell})
	if r != nil {
		if f.output == "json" {
			printJSON(env.Stdout, r)
		} else if !f.dryRun {
			tellEnd(env.Stdout, r, time.Since(began))
		}
	}
	switch {
	case err != nil:
		return err
	case f.dryRun && r.Runnable():
		fmt.Fprintln(beside(env, f.output), unchanged)
		return nil
	case !r.Works || !r.Clean && !r.Kept:
		return errNo
	}
	return nil
}

// notLoaded tells a configuration that cannot be tried at all.
func (f *probeFlags) notLoaded(env *Env, err error) error {
	x := report.NotLoaded(err)
	s := probe.Step{Do: "load", Text: x.Line(), Reason: x.Reason.Name, Cure: x.Cure()}
	if f.output == "json" {
		printJSON(env.Stdout, probe.Result{Clean: true, Steps: []probe.Step{s}, Left: []probe.Difference{}, Elsewhere: []probe.Difference{}, Stays: []string{}, Tidied: []string{}, Skipped: []string{}})
	} else {
		tellStep(env.Stdout, s)
	}
	return errNo
}

// tellStep writes one step on one line, and below one that failed what was seen and the cure.
func tellStep(w io.Writer, s probe.Step) {
	line := fmt.Sprintf("  %-6s  ", s.Do)
	switch {
	case s.Plugin != "" && s.OK:
		line += fmt.Sprintf("%-20s ok", s.Plugin)
	case s.Plugin != "":
		line += fmt.Sprintf("%-20s FAILED", s.Plugin)
	case !s.OK:
		line += "FAILED "
	}
	if s.Duration > 0 && s.Plugin != "" {
		line += " in " + survey.Human(time.Duration(s.Duration)*time.Microsecond)
	}
	if s.Plugin != "" && s.Text != "" {
		line += ": "
	}
	line += s.Text
	if s.Duration > 0 && s.Plugin == "" {
		line += " in " + survey.Human(time.Duration(s.Duration)*time.Microsecond)
	}
	if s.Reason != "" {
		line += " [" + s.Reason + "]"
	}
	fmt.Fprintln(w, visible.Line(strings.TrimRight(line, " ")))
	for _, seen := range s.Seen {
		fmt.Fprintf(w, "          seen: %s\n", visible.Line(seen))
	}
	if s.Cure != "" {
		fmt.Fprintf(w, "          cure: %s\n", visible.Line(s.Cure))
	}
}

// tellEnd says what is left on the node, and the outcome.
func tellEnd(w io.Writer, r *probe.Result, took time.Duration) {
	if r.Kept {
		defer fmt.Fprintf(w, "kept: ip netns exec %s ip address\nremove it: cni-shim probe --remove %s\n", r.Name, r.Name)
	}
	if r.Kept && r.Works {
		return
	}
	for _, t := range r.Tidied {
		fmt.Fprintf(w, "  tidied  %s\n", visible.Line(t))
	}
	for _, x := range r.Stays {
		fmt.Fprintf(w, "  stays   %s, set for the whole node\n", visible.Line(x))
	}
	for _, d := range r.Elsewhere {
		fmt.Fprintf(w, "  others  %s (pods came or went meanwhile)\n", visible.Line(fmt.Sprint(d)))
	}
	for _, s := range r.Skipped {
		fmt.Fprintf(w, "  unseen  %s\n", visible.Line(s))
	}
	for _, d := range r.Left {
		fmt.Fprintf(w, "  left    %s\n", visible.Line(fmt.Sprint(d)))
	}
	if r.Clean && !r.Kept {
		fmt.Fprintf(w, "  left    nothing\n")
	}
	outcome := "the chain works"
	switch {
	case r.Interrupted:
		outcome = "interrupted, and undone"
	case !r.Works:
		outcome = "the chain does NOT work"
	case !r.Clean:
		outcome = "the chain works, and leaves something behind"
	}
	fmt.Fprintf(w, "%s (%s)\n", outcome, survey.Human(took))
}
