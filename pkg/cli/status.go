package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/disk"
	"github.com/cni-shim/cni-shim/pkg/rights"
	"github.com/cni-shim/cni-shim/pkg/status"
	"github.com/cni-shim/cni-shim/pkg/survey"
	"github.com/cni-shim/cni-shim/pkg/visible"
)

// refresh is how often --watch looks again.
const refresh = 2 * time.Second

func newStatus(env *Env) *cobra.Command {
	f := &statusFlags{}
	c := &cobra.Command{
		Use:   "status",
		Short: "is this node's network able to take pods; what failed last, and why",
		Long: `status tells on one screen whether this node's network can take pods and what failed last, the worst first.

The chain is loaded, its programs are looked at and its STATUS is asked now; calls, failures and attachments are those that the
shim has recorded. Exit status: 0 ready, 1 not ready, 2 cannot be told.`,
		Example: `  cni-shim status
  cni-shim status --watch
  cni-shim status -o json | jq .verdict
  cni-shim status -o prom --write /var/lib/node_exporter/textfile/cni-shim.prom
  cni-shim status -o npd`,
		Args:        args(cobra.NoArgs),
		Annotations: map[string]string{answers: ""},
		RunE:        func(c *cobra.Command, _ []string) error { return f.run(c.Context(), env) },
	}
	outputFlag(c, &f.output, "text", "json", "prom", "npd")
	c.Flags().BoolVarP(&f.watch, "watch", "w", false, "show it again when it changes, until interrupted")
	c.Flags().StringVar(&f.write, "write", "", "replace `FILE` with the output, as a whole")
	f.node.add(c)
	c.Flags().StringVar(&f.file, "status-file", "", "the status file (default: what the shim's list says, else "+config.DefaultStatusFile+")")
	stateFlag(c, &f.state)
	return c
}

// statusFlags is the command line of status.
type statusFlags struct {
	output, write, file, state string
	watch                      bool
	node                       nodeFlags
}

func (f *statusFlags) run(ctx context.Context, env *Env) error {
	if f.watch && (f.write != "" || f.output == "npd") {
		return usagef("--watch shows text, json or prom, and writes no file")
	}
	if f.write != "" {
		if err := (rights.Need{Write: []string{filepath.Dir(f.write)}}).Missing(); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if f.watch {
		return f.follow(ctx, env)
	}
	s := f.take(ctx)
	w, color := f.out(env)
	var b bytes.Buffer
	err := f.print(&b, s, time.Now(), color)
	if f.write == "" {
		_, _ = w.Write(b.Bytes())
	} else if writeErr := disk.ReplaceBeside(f.write, visible.Bytes(b.Bytes()), 0o644, nil); writeErr != nil {
		return writeErr
	} else if f.output == "prom" {
		return nil // the file tells it; a timer's unit is not to fail with the node
	}
	return err
}

// out returns where the survey goes, and whether it has colours: as text for a terminal.
func (f *statusFlags) out(env *Env) (w io.Writer, color bool) {
	if f.output == "text" && f.write == "" {
		return env.painted()
	}
	return env.Stdout, false
}

func (f *statusFlags) take(ctx context.Context) *survey.Survey {
	o := f.node.survey()
	o.StatusFile, o.StateDir = f.file, f.state
	return survey.Take(ctx, o)
}

// print writes the survey in the form asked for. Its error is the exit status.
func (f *statusFlags) print(w io.Writer, s *survey.Survey, now time.Time, color bool) error {
	switch f.output {
	case "json":
		printJSON(w, s)
	case "prom":
		s.Prom(w, Version)
	case "npd":
		line, _ := s.NPD()
		fmt.Fprintln(w, line)
	default:
		s.Text(w, now, color)
	}
	switch _, exit := s.NPD(); exit {
	case ExitOK:
		return nil
	case ExitNo:
		return errNo
	}
	return errUnknown
}

// follow shows the survey again and again: on a terminal in place, elsewhere when anything but the clock has moved.
func (f *statusFlags) follow(ctx context.Context, env *Env) error {
	w, color := f.out(env)
	start := time.Now()
	var last string
	var verdict status.Verdict
	for first := true; ; first = false {
		s := f.take(ctx)
		if !first && s.Verdict.Ready == verdict.Ready {
			s.Verdict.Since = verdict.Since // also where only the watch has seen it begin
		}
		verdict = s.Verdict
		if ctx.Err() != nil {
			return nil
		}
		var b, still bytes.Buffer
		err := f.print(&b, s, time.Now(), color)
		s.Now.Time = start
		_ = f.print(&still, s, start, false)
		switch {
		case env.screen != nil:
			_, _ = io.WriteString(env.screen, visible.Clear)
			_, _ = w.Write(b.Bytes())
		case first:
			_, _ = w.Write(b.Bytes())
		case still.String() != last:
			fmt.Fprintf(w, "\n%s", b.String())
		}
		last = still.String()
		select {
		case <-ctx.Done():
			return err
		case <-time.After(refresh):
		}
	}
}
