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

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/report"
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

It runs until it is interrupted: as the service cni-shim-watch, or in a DaemonSet. Exit status of --once: 0 the
chain can take pods, 1 it cannot.`,
		Example: `  cni-shim watch
  cni-shim watch --once --no-restore
  journalctl -t cni-shim -f`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return f.run(env) },
	}
	c.Flags().StringVar(&f.confDir, "conf-dir", config.DefaultConfDir, "the directory of network configurations that the runtime reads")
	c.Flags().StringVar(&f.binDir, "bin-dir", "/opt/cni/bin", "the directories that it looks for plugins in, separated by :")
	c.Flags().StringVar(&f.o.StatusFile, "status-file", "", "the status file (default: what the shim's list says, else "+config.DefaultStatusFile+")")
	c.Flags().StringVar(&f.o.StateDir, "state-dir", config.DefaultStateDir, "the directory in which the shim's list is remembered")
	c.Flags().BoolVar(&f.o.NoRestore, "no-restore", false, "tell only, and never write the shim's list")
	c.Flags().BoolVar(&f.once, "once", false, "look once")
	c.Flags().StringVar(&f.readyFile, "ready-file", "", "keep `FILE` from the first look until the end, and touch it at every look, once a minute at least")
	return c
}

// watchFlags is the command line of watch.
type watchFlags struct {
	confDir, binDir, readyFile string
	once                       bool
	o                          watch.Options
}

func (f *watchFlags) run(env *Env) error {
	f.o.ConfDir, f.o.BinDirs = filepath.Clean(f.confDir), filepath.SplitList(f.binDir)
	w, err := watch.New(f.o)
	if err != nil {
		return usageError{err}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if f.once {
		if w.Look(ctx) != nil {
			return errNo
		}
		return nil
	}
	defer f.notReady()
	w.Run(ctx, func(x *report.Failure) {
		if err := f.tell(x); err != nil {
			fmt.Fprintln(env.Stderr, "cni-shim watch:", err)
		}
	})
	return nil
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

func touch(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|syscall.O_NOFOLLOW, 0o644)
	if err != nil {
		return err
	}
	now := time.Now()
	return errors.Join(file.Close(), os.Chtimes(path, now, now))
}

func (f *watchFlags) notReady() {
	_, _ = daemon.SdNotify(false, daemon.SdNotifyStopping) // it ends in any case
	if f.readyFile != "" {
		os.Remove(f.readyFile)
	}
}
