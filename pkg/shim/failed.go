package shim

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/containernetworking/cni/pkg/types"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/delegate"
	"github.com/cni-shim/cni-shim/pkg/failure"
	"github.com/cni-shim/cni-shim/pkg/inventory"
	"github.com/cni-shim/cni-shim/pkg/reason"
	"github.com/cni-shim/cni-shim/pkg/report"
)

// failed makes a failure of what running a chain returned; nil of nil.
func (c *call) failed(ch *chain.Chain, r *delegate.Runner, err error) *report.Failure {
	if err == nil {
		return nil
	}
	var e *delegate.Error
	if !errors.As(err, &e) { // the last plugin's result cannot be told in the runtime's version
		last := r.Attempts[len(r.Attempts)-1]
		return &report.Failure{Reason: reason.VersionIncompatible, Code: types.ErrIncompatibleCNIVersion, Plugin: last.Type, Index: last.Index,
			Of: len(ch.Plugins), Path: last.Path, Cause: err.Error()}
	}
	a := e.Attempt
	f := &report.Failure{
		Code: report.CodeFor(e.CNI.Code), Plugin: a.Type, Index: a.Index, Of: len(ch.Plugins), Path: a.Path,
		Cause: e.CNI.Msg, Details: e.CNI.Details, Given: a.Printed != nil, Stderr: string(a.Stderr), Exit: a.Exit, Signal: int(a.Signal),
	}
	if a.Path == "" {
		f.Reason = reason.PluginNotFound
		f.Cause, f.Fix = inventory.Missing(a.Type, filepath.SplitList(os.Getenv("CNI_PATH")))
		f.Facts = &failure.Facts{Verb: a.Verb, Plugin: a.Type}
		return f
	}
	if inventory.Definite(a.Errno) {
		p := inventory.Unrunnable(a.Path, a.Errno)
		f.Reason, f.Cause, f.Fix = p.Reason, p.Cause, p.Fix
		f.Facts = &failure.Facts{Verb: a.Verb, Plugin: a.Type, Path: a.Path, Errno: a.Errno}
		return f
	}
	if f.Cause == "" {
		f.Cause = "failed and gave no message" // a CNI error that is all details, or a code alone
	}
	f.Facts = &failure.Facts{
		Verb: a.Verb, Plugin: a.Type, Path: a.Path, Code: e.CNI.Code, Msg: e.CNI.Msg, Details: e.CNI.Details, Printed: a.Printed != nil,
		Stdout: string(a.Stdout[:min(len(a.Stdout), delegate.MaxStderr)]), Stderr: string(a.Stderr),
		Errno: a.Errno, Exited: a.Started && a.Signal == 0, Exit: a.Exit, Signal: a.Signal, Timeout: a.Timeout, Unusable: e.Unusable,
	}
	v := failure.Classify(f.Facts)
	f.Config = a.Stdin
	f.Reason, f.Words, f.Said = v.Reason, v.Words, v.Said
	if v.Reason == reason.InvalidPluginOutput && len(strings.TrimSpace(f.Stderr)) > 0 {
		f.Fix = "read what the plugin said on stderr: journalctl -t cni-shim -o verbose"
	}
	return f
}

// runs notes what ran, for the debug log.
func (c *call) runs(r *delegate.Runner) {
	for _, a := range r.Attempts {
		c.record.Runs = append(c.record.Runs, report.Run{Plugin: a.Type, Index: a.Index, Verb: a.Verb, Duration: a.Duration, Exit: a.Exit})
	}
}
