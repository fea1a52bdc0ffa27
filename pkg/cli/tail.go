package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/status"
	"github.com/cni-shim/cni-shim/pkg/visible"
)

// tailPause is how often tail looks whether calls have been recorded.
const tailPause = 300 * time.Millisecond

func newTail(env *Env) *cobra.Command {
	f := &tailFlags{}
	c := &cobra.Command{
		Use:   "tail",
		Short: "follow failures as they happen, with their pods, what was seen and the cure",
		Long: `tail shows the last failures and then each new one, until interrupted.

It follows the status file, and so works where there is no journald. Failures of the same kind that come faster than it looks are one
line with their number.`,
		Example: `  cni-shim tail
  cni-shim tail -n 0 -o json | jq -r .reason`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c.Context(), env) },
	}
	outputFlag(c, &f.output, "text", "json")
	c.Flags().IntVarP(&f.lines, "lines", "n", 10, "how many of the failures of before are shown first")
	c.Flags().StringVar(&f.file, "status-file", "", "the status file (default: what the shim's list says)")
	f.node.add(c)
	return c
}

// tailFlags is the command line of tail.
type tailFlags struct {
	output, file string
	lines        int
	node         nodeFlags
}

func (f *tailFlags) run(ctx context.Context, env *Env) error {
	if f.lines < 0 {
		return usagef("--lines is a number of failures, 0 for none")
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if f.file == "" {
		f.file = chain.Entry(f.node.survey().ConfDir).StatusFile
	}
	store := status.Open(f.file)
	t := &tail{w: env.Stdout, json: f.output == "json", seen: map[tailKey]int64{}}
	last := "-"
	for first := true; ; first = false {
		if now := stamp(f.file, filepath.Join(store.Dir(), "records")); now != last {
			last = now
			file, err := store.Read()
			if err != nil {
				return fmt.Errorf("status file: %w", err)
			}
			t.show(file, first, f.lines)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(tailPause):
		}
	}
}

// stamp changes when one of the paths does.
func stamp(paths ...string) string {
	s := ""
	for _, p := range paths {
		if fi, err := os.Stat(p); err == nil {
			s += fmt.Sprintln(fi.ModTime().UnixNano(), fi.Size())
		}
	}
	return s
}

// tail is what has been shown.
type tail struct {
	w       io.Writer
	json    bool
	seen    map[tailKey]int64 // how often
	verdict status.Verdict
}

// tailKey tells failures apart as the status file folds them.
type tailKey struct {
	reason, verb, plugin, file string
	index                      int
}

// show shows what is new in the file; at first the last lines of it.
func (t *tail) show(f *status.File, first bool, lines int) {
	var fresh []status.Failure
	for _, x := range f.Failures {
		k := tailKey{x.Reason, x.Verb, x.Plugin, x.File, x.Index}
		more := x.Count - t.seen[k]
		t.seen[k] = x.Count
		if more == 0 {
			continue
		}
		if !first && more > 0 { // fewer: the file was made anew
			x.Count = more
		}
		fresh = append(fresh, x)
	}
	if first {
		fresh = fresh[:min(len(fresh), lines)]
	}
	slices.Reverse(fresh) // the oldest first
	for _, x := range fresh {
		t.failure(x)
	}
	if v := f.Verdict; !first && v.Ready != t.verdict.Ready {
		t.turned(v)
	}
	t.verdict = f.Verdict
}

func (t *tail) failure(x status.Failure) {
	if t.json {
		b, _ := json.Marshal(x) // plain values
		fmt.Fprintf(t.w, "%s\n", b)
		return
	}
	count := ""
	if x.Count > 1 {
		count = fmt.Sprintf(" (%d times)", x.Count)
	}
	fmt.Fprintf(t.w, "%s %s%s: %s [%s]%s\n", x.Last.Local().Format(time.DateTime), visible.Line(x.Verb), subject(x), visible.Line(x.Message), visible.Line(x.Reason), count)
	for _, fact := range x.Evidence {
		fmt.Fprintf(t.w, "  seen: %s\n", visible.Line(fact.Text))
	}
	fmt.Fprintf(t.w, "  cure: %s\n", visible.Line(x.Cure))
}

// subject is whose network a failure was about.
func subject(x status.Failure) string {
	switch {
	case x.Pod != nil && x.Pod.Name != "":
		return " " + report.Clean(x.Pod.Namespace) + "/" + report.Clean(x.Pod.Name)
	case x.ContainerID != "":
		return " " + report.Clean(x.ContainerID[:min(len(x.ContainerID), 12)])
	}
	return ""
}

// turned tells that the node's verdict is another.
func (t *tail) turned(v status.Verdict) {
	switch {
	case t.json: // its lines are failures
	case v.Ready:
		fmt.Fprintf(t.w, "%s the network is ready again\n", v.Since.Local().Format(time.DateTime))
	default:
		fmt.Fprintf(t.w, "%s the network is NOT READY: %s [%s]\n", v.Since.Local().Format(time.DateTime), visible.Line(v.Message), visible.Line(v.Reason))
	}
}
