package cli

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/stale"
	"github.com/cni-shim/cni-shim/pkg/status"
)

var statusCommand = &Command{
	Name:     "status",
	Synopsis: "is this node's network able to take pods; what failed last, and why",
	Usage:    "status [-o text|json] [--status-file FILE] [--state-dir DIR]",
	Run:      runStatus,
}

// view is what status tells: the status file as of now, and attachments that nobody will ask for.
type view struct {
	*status.File
	Stale []attachment.Key `json:"staleAttachments"`
}

func runStatus(env *Env, args []string) int {
	fs := flag.NewFlagSet("status", flag.ContinueOnError)
	fs.SetOutput(env.Stderr)
	output := fs.String("o", "text", "text or json")
	file := fs.String("status-file", config.DefaultStatusFile, "the status file")
	state := fs.String("state-dir", config.DefaultStateDir, "the directory of stored attachments")
	if fs.Parse(args) != nil {
		return ExitUsage
	}
	if fs.NArg() > 0 || *output != "text" && *output != "json" {
		fmt.Fprintln(env.Stderr, "cni-shim: usage: cni-shim status [-o text|json] [--status-file FILE] [--state-dir DIR]")
		return ExitUsage
	}
	f, err := status.Open(*file).Read()
	if err != nil {
		fmt.Fprintf(env.Stderr, "cni-shim: status file: %v\n", err)
		return ExitUsage
	}
	left, err := stale.List(attachment.Open(*state))
	if err != nil {
		fmt.Fprintf(env.Stderr, "cni-shim: attachments: %v\n", err)
	}
	v := view{f, left}
	if *output == "json" {
		e := json.NewEncoder(env.Stdout)
		e.SetIndent("", "  ")
		_ = e.Encode(v)
	} else {
		v.text(env.Stdout, time.Now())
	}
	switch {
	case f.Verdict.Ready:
		return ExitOK
	case f.Verdict.Since.IsZero():
		return ExitUsage // no call has shown it yet
	}
	return ExitNo
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
		fmt.Fprintf(w, "failed %d×: %s %s [%s]%s\n  cure: %s\n", x.Count, x.Verb, x.Message, x.Reason, ago(now, x.Last), x.Cure)
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

var forgetCommand = &Command{
	Name:     "forget",
	Synopsis: "delete an attachment that no runtime will ask for, through the chain that it was added with",
	Usage:    "forget [--state-dir DIR] NETWORK CONTAINER INTERFACE",
	Run:      runForget,
}

func runForget(env *Env, args []string) int {
	fs := flag.NewFlagSet("forget", flag.ContinueOnError)
	fs.SetOutput(env.Stderr)
	state := fs.String("state-dir", config.DefaultStateDir, "the directory of stored attachments")
	if fs.Parse(args) != nil {
		return ExitUsage
	}
	if fs.NArg() != 3 {
		fmt.Fprintln(env.Stderr, "cni-shim: usage: cni-shim forget [--state-dir DIR] NETWORK CONTAINER INTERFACE")
		return ExitUsage
	}
	k := attachment.Key{Network: fs.Arg(0), ContainerID: fs.Arg(1), IfName: fs.Arg(2)}
	if err := stale.Delete(context.Background(), attachment.Open(*state), k); err != nil {
		fmt.Fprintf(env.Stderr, "cni-shim: %v\n", err)
		return ExitNo
	}
	fmt.Fprintf(env.Stdout, "%s %s %s: deleted\n", k.Network, k.ContainerID, k.IfName)
	return ExitOK
}
