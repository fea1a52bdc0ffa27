package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/containernetworking/cni/pkg/types"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/delegate"
	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/evidence"
	"github.com/cni-shim/cni-shim/pkg/failure"
	"github.com/cni-shim/cni-shim/pkg/inventory"
	"github.com/cni-shim/cni-shim/pkg/reason"
)

// NotLoaded makes a failure of what chain.Load returned.
func NotLoaded(err error) *Failure {
	var e *chain.Error
	if !errors.As(err, &e) {
		return &Failure{Reason: reason.ConfigInvalid, Code: types.ErrInvalidNetworkConfig, Cause: err.Error(),
			ChainLevel: true}
	}
	f := &Failure{Reason: e.Reason, Code: codeOf(err), Place: e.Place, Rule: e.Rule, Cause: e.Cause, Fix: e.Fix,
		ChainLevel: true}
	if f.Code != types.ErrInvalidNetworkConfig {
		f.Facts = &failure.Facts{Msg: e.Place.File + ": " + e.Cause} // the node is looked at
	}
	return f
}

// signalFix is what to look for where a signal ended a plugin; "" for SIGKILL, which the reason's own words are about.
func signalFix(s syscall.Signal) string {
	switch s {
	case syscall.SIGKILL:
		return ""
	case syscall.SIGXCPU, syscall.SIGXFSZ:
		return "raise the limit that the runtime's unit sets: LimitCPU= or LimitFSIZE="
	case syscall.SIGPIPE:
		return "find what the plugin wrote to: a pipe or socket whose reader was gone, such as an agent that restarts"
	}
	return fmt.Sprintf("find who sent signal %d (%s), which the out-of-memory killer does not: a unit that is stopped, "+
		"a script, an operator", s, s)
}

// Exhausted makes a failure of an error that a resource of the host is used up: what is there cannot be read or made
// now, and may be at the next try. Nil of other errors, and of nil.
func Exhausted(err error) *Failure {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return nil
	}
	r, fix := failure.Errno(errno)
	if r != reason.HostResourceExhausted {
		return nil
	}
	return &Failure{Reason: r, Code: codeOf(errno), Cause: err.Error(), Fix: fix,
		Facts: &failure.Facts{Errno: errno, Msg: err.Error()}}
}

// codeOf is the CNI code of what kept the shim from reading a file or running a program: what the host is short of may
// be there at the next try, what else a system call refuses is a failure of input and output, but for a file that is
// not there; the rest is the configuration's (SPEC 1.1, section 5).
func codeOf(err error) uint {
	var errno syscall.Errno
	if !errors.As(err, &errno) || errno == syscall.ENOENT || errno == 0 {
		return types.ErrInvalidNetworkConfig
	}
	if r, _ := failure.Errno(errno); r == reason.HostResourceExhausted {
		return types.ErrTryAgainLater
	}
	return types.ErrIOFailure
}

// NotRunnable makes a failure of a problem that an inventory found.
func NotRunnable(ch *chain.Chain, p *inventory.Problem) *Failure {
	return &Failure{
		Reason: p.Reason, Code: types.ErrInvalidNetworkConfig, Plugin: p.Plugin.Type, Index: p.Plugin.Index,
		Of: len(ch.Plugins), Path: p.Plugin.Path, Place: diag.Place{File: ch.Source.Path}, Cause: p.Cause, Fix: p.Fix, ChainLevel: true,
		Facts: &failure.Facts{Plugin: p.Plugin.Type, Path: p.Plugin.Path, Msg: p.Cause},
	}
}

// Failed makes a failure of what running a chain returned; nil of nil.
func Failed(ch *chain.Chain, r *delegate.Runner, err error) *Failure {
	if err == nil {
		return nil
	}
	var e *delegate.Error
	if !errors.As(err, &e) { // the last plugin's result cannot be converted to the runtime's version
		last := r.Attempts[len(r.Attempts)-1]
		return &Failure{Reason: reason.VersionIncompatible, Code: types.ErrIncompatibleCNIVersion, Plugin: last.Type,
			Index: last.Index, Of: len(ch.Plugins), Path: last.Path, Cause: err.Error()}
	}
	a := e.Attempt
	msg, details, stderr := a.Mask(e.CNI.Msg), a.Mask(e.CNI.Details), a.Mask(string(a.Stderr))
	f := &Failure{
		Code: CodeFor(e.CNI.Code), Plugin: a.Type, Index: a.Index, Of: len(ch.Plugins), Path: a.Path,
		Cause: msg, Details: details, Given: a.Printed != nil, Stderr: stderr, Exit: a.Exit, Signal: int(a.Signal),
	}
	if a.Path == "" && !a.Underived {
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
	if a.Started && a.Printed == nil {
		if p := inventory.Garbled(a.Path, a.Exit, a.Stderr); p != nil {
			f.Reason, f.Cause, f.Fix = p.Reason, p.Cause, p.Fix
			f.Facts = &failure.Facts{Verb: a.Verb, Plugin: a.Type, Path: a.Path, Exited: true, Exit: a.Exit}
			return f
		}
	}
	if f.Cause == "" {
		f.Cause = "failed and gave no message" // a CNI error that is all details, or a code alone
	}
	f.Facts = &failure.Facts{
		Verb: a.Verb, Plugin: a.Type, Path: a.Path, Code: e.CNI.Code, Msg: msg, Details: details, Printed: a.Printed != nil,
		Stdout: a.Mask(string(a.Stdout[:min(len(a.Stdout), delegate.MaxStderr)])), Stderr: stderr,
		Errno: a.Errno, Exited: a.Started && a.Signal == 0, Exit: a.Exit, Signal: a.Signal, Timeout: a.Timeout,
		TooMuch: a.TooMuch, Unusable: e.Unusable,
	}
	v := failure.Classify(f.Facts)
	if r, fix := failure.Errno(a.Errno); r == reason.HostResourceExhausted || r != nil && v.Reason == reason.Unclassified {
		v = failure.Verdict{Reason: r, Words: a.Errno.Error()}
		f.Code, f.Fix = codeOf(a.Errno), fix
	}
	f.Config = a.Stdin
	f.Reason, f.Words, f.Said = v.Reason, v.Words, v.Said
	netns := os.Getenv("CNI_NETNS")
	switch v.Reason {
	case reason.Unclassified, reason.StateCorrupt, reason.InterfaceExists: // the words may be about host-local's files
		if cause, fix := evidence.BrokenStore(f.Facts, evidence.Input{Config: f.Config}); cause != "" {
			f.Reason, f.Words, f.Said, f.Fix = reason.StateCorrupt, cause, false, fix
			return f
		}
	}
	switch {
	case (v.Reason == reason.InvalidCallerInput || v.Reason == reason.InterfaceExists) && evidence.HostNetns(netns):
		f.Reason, f.Said, f.Given, f.Cause = reason.InvalidCallerInput, false, false,
			"CNI_NETNS is the host's own network namespace: "+f.Cause
		f.Fix = fmt.Sprintf("correct what calls with %s: a pod that uses the host's network gets no CNI call", netns)
	case v.Reason == reason.InvalidPluginOutput && a.TooMuch:
		f.Fix = "make the plugin log to a file or to stderr: stdout is for its result alone"
	case v.Reason == reason.InvalidPluginOutput && len(strings.TrimSpace(f.Stderr)) > 0:
		f.Fix = "read what the plugin said on stderr: journalctl -t cni-shim -o verbose"
	case v.Reason == reason.PluginKilled && !v.Said:
		f.Fix = signalFix(a.Signal)
	}
	return f
}
