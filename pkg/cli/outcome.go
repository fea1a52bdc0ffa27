package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/stale"
)

// outcome is what became of one attachment, as -o json prints it.
type outcome struct {
	attachment.Key
	Do  string `json:"do"` // "deleted", "would be deleted", "not deleted", "kept", "in use"
	Why string `json:"why,omitempty"`
}

// forget does what a finding asks for.
func (f *forgetFlags) forget(ctx context.Context, store *attachment.Store, x stale.Finding) outcome {
	o := outcome{Key: x.Key, Why: report.Clean(x.Why)}
	switch {
	case x.State == stale.InUse && !x.Gone:
		o.Do = "in use"
	case x.State != stale.Stale:
		o.Do = "kept"
	case f.dryRun:
		o.Do = "would be deleted"
	default:
		if err := remove(ctx, store, x.Key); err != nil {
			o.Do, o.Why = "not deleted", why(err)
			break
		}
		o.Do = "deleted"
	}
	return o
}

// print writes what became of attachments; in text those that are in use, most of a node's, are only counted.
func (f *forgetFlags) print(env *Env, done []outcome) {
	if f.output == "json" {
		printJSON(env.Stdout, done)
		return
	}
	for _, o := range done {
		switch o.Do {
		case "in use":
		case "kept", "not deleted":
			fmt.Fprintf(env.Stdout, "%s: %s: %s\n", name(o.Key), o.Do, o.Why)
		default:
			fmt.Fprintf(env.Stdout, "%s: %s\n", name(o.Key), o.Do)
		}
	}
}

func remove(ctx context.Context, store *attachment.Store, k attachment.Key) error {
	ctx, cancel := context.WithTimeout(ctx, stale.DeleteTimeout)
	defer cancel()
	return stale.Delete(ctx, store, k)
}

// why says why a Delete failed, with the plugin's place in the chain where it was one.
func why(err error) string {
	var e *stale.Error
	if errors.As(err, &e) {
		return report.Failed(e.Chain, e.Runner, e.Err).Line()
	}
	return report.Clean(err.Error())
}

// name is an attachment as it is named on the command line.
func name(k attachment.Key) string {
	return report.Clean(k.Network + " " + k.ContainerID + " " + k.IfName)
}
