package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/disk"
	"github.com/cni-shim/cni-shim/pkg/node"
	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/rights"
	"github.com/cni-shim/cni-shim/pkg/survey"
	"github.com/cni-shim/cni-shim/pkg/visible"
	"github.com/cni-shim/cni-shim/pkg/watch"
)

func newWatch(env *Env) *cobra.Command {
	f := &watchFlags{}
	c := &cobra.Command{
		Use:   "watch",
		Short: "check whenever the configuration changes, and keep the shim's own list true to the chain",
		Long: `watch looks at the node's network configuration now and whenever it changes, with no pod involved: it tells
what it finds in the journal and the status file as the plugin would, tells calls that were killed, and keeps
the shim's own list true to the chain that it wraps. It restores that list when somebody takes it away, three
times in ten minutes at most, and never while the shim is being uninstalled or its binary is gone.

A runtime that asks plugins for STATUS (containerd from 2.0.1, CRI-O from 1.32) is told when the chain cannot run.
An older one takes the node for ready as long as there is a list. With --withdraw the list is taken away for it
while the chain cannot be loaded: the node is NotReady then, and no pod can be stopped, both as without the shim.
cni-shim install sets the flag where it finds such a runtime.

It runs until it is interrupted: as the service cni-shim-watch, or in a DaemonSet. Exit status of --once: 0 the
chain can take pods, 1 it cannot.`,
		Example: `  cni-shim watch
  cni-shim watch --once --dry-run
  cni-shim watch --once --no-restore
  journalctl -t cni-shim -f`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return f.run(env) },
	}
	c.Flags().StringVar(&f.confDir, "conf-dir", "", "the directory of network configurations that the runtime reads (default: as its own configuration says, else "+node.DefaultConfDir+")")
	c.Flags().StringVar(&f.binDir, "bin-dir", "", "the directories that it looks for plugins in, separated by : (default: as its own configuration says, else "+node.DefaultBinDir+")")
	c.Flags().StringVar(&f.o.StatusFile, "status-file", "", "the status file (default: what the shim's list says, else "+config.DefaultStatusFile+")")
	c.Flags().StringVar(&f.o.StateDir, "state-dir", config.DefaultStateDir, "the directory in which the shim's list is remembered")
	c.Flags().StringVar(&f.textfile, "textfile", "", "replace `FILE` with the metrics of status -o prom at every look, for node_exporter")
	c.Flags().BoolVar(&f.o.NoRestore, "no-restore", false, "tell only, and never write the shim's list")
	c.Flags().BoolVar(&f.withdraw, "withdraw", false, "take the shim's list away while the chain cannot be loaded, unless the runtime asks for STATUS")
	c.MarkFlagsMutuallyExclusive("no-restore", "withdraw")
	c.Flags().BoolVar(&f.once, "once", false, "look once")
	c.Flags().BoolVar(&f.o.DryRun, "dry-run", false, "with --once: "+dryRunHelp)
	c.Flags().StringVar(&f.readyFile, "ready-file", "", "keep `FILE` from the first look until the end, and touch it at every look, once a minute at least")
	c.Flags().BoolVar(&f.isReady, "is-ready", false, "look at nothing: tell by the exit status whether --ready-file is fresh, for a probe of a container that has no other program")
	return c
}

// watchFlags is the command line of watch.
type watchFlags struct {
	confDir, binDir     string
	readyFile, textfile string
	once, isReady       bool
	withdraw            bool
	o                   watch.Options
}

func (f *watchFlags) run(env *Env) error {
	if f.isReady {
		const misses = 3 // of the looks that are made once a minute at least
		if fi, err := os.Lstat(f.readyFile); err != nil || time.Since(fi.ModTime()) > misses*time.Minute {
			return errNo
		}
		return nil
	}
	f.locate()
	switch {
	case f.o.DryRun && (!f.once || f.textfile != ""):
		return usagef("--dry-run is for --once, without --textfile")
	case f.o.DryRun: // what it would do depends on files that are root's alone
		if err := (rights.Need{Root: true}).Missing(); err != nil {
			return err
		}
	case os.Geteuid() != 0: // root goes on where it cannot write, and reports it: the service must not end
		need := rights.Need{Write: []string{filepath.Dir(cmp.Or(f.o.StatusFile, chain.Entry(f.o.ConfDir).StatusFile)), f.o.StateDir}}
		if !f.o.NoRestore {
			need.Write = append([]string{f.o.ConfDir}, need.Write...)
		}
		if err := need.Missing(); err != nil {
			return err
		}
	}
	w, err := watch.New(f.o)
	if err != nil {
		return usageError{err}
	}
	if f.o.DryRun {
		return f.try(env, w)
	}
	if f.once {
		x := w.Look()
		if err := f.metrics(); err != nil {
			return err
		}
		if x != nil {
			fmt.Fprintf(env.Stdout, "the chain cannot take pods: %s [%s] %s\n", x.Line(), x.Reason.Name, x.Cure())
			return errNo
		}
		return nil
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer f.notReady()
	w.Run(ctx, func(x *report.Failure) {
		if err := errors.Join(f.tell(x), f.metrics()); err != nil {
			fmt.Fprintln(env.Stderr, "cni-shim watch:", err)
		}
	})
	return nil
}

// try says what a look would do and report.
func (f *watchFlags) try(env *Env, w *watch.Watch) error {
	done, notes, x := w.Try()
	if done != "" {
		fmt.Fprintf(env.Stdout, "would be done: %s\n", report.Clean(done))
	}
	for _, n := range notes {
		fmt.Fprintf(env.Stdout, "would be reported: %s\n", report.Clean(n.Message))
	}
	if x == nil {
		fmt.Fprintf(env.Stdout, "the chain can take pods\n%s\n", unchanged)
		return nil
	}
	fmt.Fprintf(env.Stdout, "the chain cannot take pods: %s [%s] %s\n%s\n", x.Line(), x.Reason.Name, x.Cure(), unchanged)
	return errNo
}

// locate fills in where the node's runtime looks.
func (f *watchFlags) locate() {
	r := node.Default("")
	if found := node.Find(""); len(found) > 0 {
		r = found[0]
	}
	f.o.ConfDir, f.o.BinDirs = r.ConfDir, r.BinDirs
	if f.withdraw {
		f.o.Withdraw = &r
	}
	if f.confDir != "" {
		f.o.ConfDir = filepath.Clean(f.confDir)
	}
	if f.binDir != "" {
		f.o.BinDirs = filepath.SplitList(f.binDir)
	}
	f.o.Check.Runtime = strings.ReplaceAll(string(r.Kind), "-", "")
	f.o.Check.OnNode = f.o.ConfDir == r.ConfDir
	f.o.Check.All = f.o.Check.OnNode && r.MaxConfNum != 1
}

// tell tells the service manager that a look was made and what came of it. The unit's watchdog expects one a minute.
func (f *watchFlags) tell(x *report.Failure) error {
	says := "the chain can take pods"
	if x != nil {
		says = x.Line()
	}
	_, err := daemon.SdNotify(false, daemon.SdNotifyReady+"\n"+daemon.SdNotifyWatchdog+"\nSTATUS="+says)
	if f.readyFile == "" {
		return err
	}
	return errors.Join(err, touch(f.readyFile))
}

// metrics refreshes the metrics, if they are asked for.
func (f *watchFlags) metrics() error {
	if f.textfile == "" {
		return nil
	}
	s := survey.Take(context.Background(), survey.Options{ConfDir: f.o.ConfDir, BinDirs: f.o.BinDirs, Runtime: f.o.Check.Runtime, StatusFile: f.o.StatusFile, NoSTATUS: true, Apart: true})
	var b bytes.Buffer
	s.Prom(&b, Version)
	return disk.ReplaceBeside(f.textfile, visible.Bytes(b.Bytes()), 0o644, nil)
}

func touch(path string) error {
	if err := disk.Create(path, nil, 0o644); err != nil {
		return err
	}
	now := time.Now()
	return os.Chtimes(path, now, now)
}

func (f *watchFlags) notReady() {
	_, _ = daemon.SdNotify(false, daemon.SdNotifyStopping) // it ends in any case
	if f.readyFile != "" {
		os.Remove(f.readyFile)
	}
}
