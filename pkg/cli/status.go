package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/stale"
	"github.com/cni-shim/cni-shim/pkg/status"
)

func newStatus(env *Env) *cobra.Command {
	var output, file, state string
	c := &cobra.Command{
		Use:   "status",
		Short: "is this node's network able to take pods; what failed last, and why",
		Args:  args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			v, err := newView(file, state, env)
			if err != nil {
				return err
			}
			if output == "json" {
				printJSON(env.Stdout, v)
			} else {
				v.text(env.Stdout, time.Now())
			}
			switch {
			case v.Verdict.Ready:
				return nil
			case v.Verdict.Since.IsZero():
				return errors.New("no call has shown it yet")
			}
			return errNo
		},
	}
	outputFlag(c, &output, "text", "json")
	c.Flags().StringVar(&file, "status-file", config.DefaultStatusFile, "the status file")
	stateFlag(c, &state)
	return c
}

func stateFlag(c *cobra.Command, dir *string) {
	c.Flags().StringVar(dir, "state-dir", config.DefaultStateDir, "the directory of stored attachments")
}

// view is what status tells: the status file as of now, and attachments that nobody will ask for.
type view struct {
	*status.File
	Stale []attachment.Key `json:"staleAttachments"`
}

func newView(file, state string, env *Env) (*view, error) {
	f, err := status.Open(file).Read()
	if err != nil {
		return nil, fmt.Errorf("status file: %w", err)
	}
	left, err := stale.List(attachment.Open(state))
	if err != nil {
		fmt.Fprintf(env.Stderr, "cni-shim: attachments: %v\n", err)
	}
	return &view{f, left}, nil
}

// text is one screen, the worst first.
func (v view) text(w io.Writer, now time.Time) {
	word := "ready"
	switch {
	case v.Verdict.Since.IsZero():
		word = "unknown"
	case !v.Verdict.Ready:
		word = "NOT READY [" + v.Verdict.Reason + "]"
	}
	fmt.Fprintf(w, "network: %s%s\n  %s\n", word, ago(now, v.Verdict.Since), v.Verdict.Message)
	if v.Verdict.Cure != "" {
		fmt.Fprintf(w, "  cure: %s\n", v.Verdict.Cure)
	}
	for _, c := range v.InFlight {
		fmt.Fprintf(w, "running: %s of container %s, %s%s\n", c.Verb, c.ContainerID, c.Plugin, ago(now, c.Since))
	}
	for _, c := range v.Chains {
		fmt.Fprintln(w, report.Clean(c.Text()))
	}
	verbs := make([]string, 0, len(v.Calls))
	for verb := range v.Calls {
		verbs = append(verbs, verb)
	}
	slices.Sort(verbs)
	for _, verb := range verbs {
		fmt.Fprintf(w, "%s: %d calls, %d failed\n", verb, v.Calls[verb].Total, v.Calls[verb].Failed)
	}
	for _, x := range v.Failures {
		fmt.Fprintf(w, "failed %d×: %s %s [%s]%s\n  cure: %s\n  turn: %s%s\n", x.Count, x.Verb, x.Message, x.Reason, ago(now, x.Last), x.Cure,
			x.Who, map[bool]string{true: "; the runtime's own retry may succeed"}[x.Retry])
		for _, fact := range x.Evidence {
			fmt.Fprintf(w, "  seen: %s\n", fact.Text)
		}
	}
	for _, n := range v.Notes {
		fmt.Fprintf(w, "note %d×: %s%s\n", n.Count, n.Message, ago(now, n.Last))
	}
	if v.Unrecorded.Journal > 0 {
		fmt.Fprintf(w, "not in the journal: %d entries%s: %s\n", v.Unrecorded.Journal, ago(now, v.Unrecorded.Last), v.Unrecorded.Why)
	}
	for _, k := range v.Stale {
		fmt.Fprintf(w, "stale attachment: %s %s %s (remove it: cni-shim forget %s %s %s)\n", k.Network, k.ContainerID, k.IfName, k.Network, k.ContainerID, k.IfName)
	}
}

func ago(now, then time.Time) string {
	if then.IsZero() {
		return ""
	}
	return ", " + now.Sub(then).Round(time.Second).String() + " ago"
}
