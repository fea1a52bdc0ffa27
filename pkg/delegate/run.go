package delegate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/invoke"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"

	"github.com/cni-shim/cni-shim/pkg/chain"
)

// Runner runs one chain for one call.
type Runner struct {
	Chain *chain.Chain
	// RuntimeConfig are the capability arguments that the runtime gave, by key, values verbatim.
	RuntimeConfig map[string]json.RawMessage
	// Env replaces CNI_* variables for a call that is not the runtime's own, such as the DEL of a stale attachment.
	Env map[string]string
	// Quiet keeps the plugins' stderr from being handed on: where nobody but the shim's own tool reads it.
	Quiet bool
	// Before is called before each plugin runs; may be nil.
	Before func(index int)
	// Beat is called about every second while a plugin runs, with how long it has; may be nil.
	Beat func(index int, ran time.Duration)
	// Attempts are the runs made, in their order.
	Attempts []*Attempt
}

// Error is a plugin of the chain that failed.
type Error struct {
	Attempt *Attempt
	CNI     *types.Error // the plugin's code, message and details, or ours where it printed none
	// Unusable is set where the plugin succeeded and what it printed cannot be used.
	Unusable bool
}

// Error is the plugin's message and details, masked and bounded as Mask of its attempt does it.
func (e *Error) Error() string { return e.Attempt.Mask(e.CNI.Error()) }

func (e *Error) Unwrap() error { return e.CNI }

// Add runs ADD of every plugin, each with the result of the one before it (SPEC 1.1, section 3). prevResult, at the chain's
// version, is for the first; nil for none. On an *Error nothing is undone: see RollBack.
func (r *Runner) Add(ctx context.Context, prevResult json.RawMessage) (*Result, error) {
	var prev any
	if prevResult != nil {
		prev = prevResult
	}
	var result types.Result
	for i := range r.Chain.Plugins {
		conf, err := r.conf(i, prev, true)
		if err != nil {
			return nil, r.notRun(i, "ADD", err)
		}
		exec := r.start(i)
		result, err = invoke.DelegateAdd(ctx, r.Chain.Plugins[i].Network.Type, conf, exec)
		if err := r.done(i, "ADD", exec, err); err != nil {
			return nil, err
		}
		prev = result
	}
	last := r.Attempts[len(r.Attempts)-1]
	if written, err := json.Marshal(result); err != nil {
		return nil, err
	} else if err := usable(written); err != nil {
		return nil, &Error{last, types.NewError(types.ErrInternal, err.Error(), ""), true}
	}
	return &Result{result, last.Stdout, r.Chain.CNIVersion}, nil
}

// RollBack undoes an ADD that failed: DEL of the plugins that ran, the failed one first, with no prevResult (SPEC 1.1,
// section 4). All are tried; the errors are returned for the log.
func (r *Runner) RollBack(ctx context.Context) []error {
	var errs []error
	reached := 0
	for _, a := range r.Attempts {
		reached = max(reached, a.Index)
	}
	for i := reached; i >= 0; i-- {
		if err := r.each(ctx, i, "DEL", nil, true, invoke.DelegateDel); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.Chain.Label(i), err))
		}
	}
	return errs
}

// Del runs DEL in reverse and halts at the first error (SPEC 1.1, section 3).
func (r *Runner) Del(ctx context.Context, prevResult json.RawMessage) error {
	if !r.atLeast("0.4.0") {
		prevResult = nil
	}
	for i := len(r.Chain.Plugins) - 1; i >= 0; i-- {
		if err := r.each(ctx, i, "DEL", prevResult, true, invoke.DelegateDel); err != nil {
			return err
		}
	}
	return nil
}

// Check runs CHECK forwards and halts at the first error. A chain below 0.4.0 has no CHECK, one with disableCheck wants none.
func (r *Runner) Check(ctx context.Context, prevResult json.RawMessage) error {
	if r.Chain.DisableCheck || !r.atLeast("0.4.0") {
		return nil
	}
	return r.forwards(ctx, "CHECK", prevResult, true, invoke.DelegateCheck)
}

// Status runs STATUS forwards and halts at the first error. A chain below 1.1.0 has no STATUS.
func (r *Runner) Status(ctx context.Context) error {
	if !r.atLeast("1.1.0") {
		return nil
	}
	return r.forwards(ctx, "STATUS", nil, false, invoke.DelegateStatus)
}

// GC runs GC of every plugin with the runtime's own lists, goes on after errors and returns them all.
func (r *Runner) GC(ctx context.Context, lists map[string]json.RawMessage) []error {
	if r.Chain.DisableGC || !r.atLeast("1.1.0") {
		return nil
	}
	var errs []error
	for i := range r.Chain.Plugins {
		inject := map[string]any{}
		for k, v := range lists {
			inject[k] = v
		}
		conf, err := r.inject(i, inject)
		if err != nil {
			errs = append(errs, r.notRun(i, "GC", err))
			continue
		}
		exec := r.start(i)
		exec.Resultless = true
		err = invoke.DelegateGC(ctx, r.Chain.Plugins[i].Network.Type, conf, exec)
		if err := r.done(i, "GC", exec, err); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

type verbFunc func(ctx context.Context, plugin string, netconf []byte, exec invoke.Exec) error

func (r *Runner) forwards(ctx context.Context, verb string, prevResult json.RawMessage, attached bool, call verbFunc) error {
	for i := range r.Chain.Plugins {
		if err := r.each(ctx, i, verb, prevResult, attached, call); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runner) each(ctx context.Context, i int, verb string, prevResult json.RawMessage, attached bool, call verbFunc) error {
	var prev any
	if prevResult != nil {
		prev = prevResult
	}
	conf, err := r.conf(i, prev, attached)
	if err != nil {
		return r.notRun(i, verb, err)
	}
	exec := r.start(i)
	exec.Resultless = true
	return r.done(i, verb, exec, call(ctx, r.Chain.Plugins[i].Network.Type, conf, exec))
}

// conf derives what plugin i gets on stdin, as libcni's buildOneConfig and injectRuntimeConfig do, to the byte: name and version of the
// list, prevResult when there is one, then of the capability arguments those that this plugin declares. A static runtimeConfig in the
// file stays where none of them match.
func (r *Runner) conf(i int, prev any, attached bool) ([]byte, error) {
	inject := map[string]any{}
	if prev != nil {
		inject["prevResult"] = prev
	}
	conf, err := r.inject(i, inject)
	if err != nil || !attached {
		return conf, err
	}
	args := map[string]any{}
	for capability, declared := range r.Chain.Plugins[i].Network.Capabilities {
		if value, ok := r.RuntimeConfig[capability]; ok && declared {
			args[capability] = value
		}
	}
	if len(args) == 0 {
		return conf, nil
	}
	return injectInto(&libcni.PluginConfig{Network: r.Chain.Plugins[i].Network, Bytes: conf}, map[string]any{"runtimeConfig": args})
}

func (r *Runner) inject(i int, values map[string]any) ([]byte, error) {
	values["name"], values["cniVersion"] = r.Chain.Name, r.Chain.CNIVersion
	return injectInto(r.Chain.Plugins[i], values)
}

func injectInto(conf *libcni.PluginConfig, values map[string]any) ([]byte, error) {
	conf, err := libcni.InjectConf(conf, values)
	if err != nil {
		return nil, err
	}
	return conf.Bytes, nil
}

func (r *Runner) atLeast(v string) bool {
	ok, err := version.GreaterThanOrEqualTo(r.Chain.CNIVersion, v)
	return ok && err == nil
}

func (r *Runner) start(i int) *Exec {
	if r.Before != nil {
		r.Before(i)
	}
	e := &Exec{Env: r.Env, Quiet: r.Quiet}
	if r.Beat != nil {
		e.Beat = func(ran time.Duration) { r.Beat(i, ran) }
	}
	return e
}

// done notes an attempt and makes an error of what invoke returned.
func (r *Runner) done(i int, verb string, exec *Exec, err error) error {
	a := exec.Last
	if a == nil { // invoke refused before it searched: an empty CNI_PATH, say
		a = &Attempt{}
	}
	a.Index, a.Verb, a.Type = i, verb, r.Chain.Plugins[i].Network.Type
	r.Attempts = append(r.Attempts, a)
	if err == nil {
		return nil
	}
	e := &Error{Attempt: a, Unusable: a.Started && a.Exit == 0}
	if !errors.As(err, &e.CNI) {
		e.CNI = types.NewError(types.ErrInternal, err.Error(), "")
		if e.Unusable {
			e.CNI = types.NewError(types.ErrDecodingFailure, unusableOutput(a.Stdout, err), "")
		}
	}
	return e
}

// notRun is a plugin whose configuration could not be derived.
func (r *Runner) notRun(i int, verb string, err error) error {
	a := &Attempt{Verb: verb, Index: i, Type: r.Chain.Plugins[i].Network.Type, Underived: true}
	r.Attempts = append(r.Attempts, a)
	return &Error{Attempt: a, CNI: types.NewError(types.ErrDecodingFailure, err.Error(), "")}
}
