// Package shim handles one call of the plugin: config, chain, check, run, outcome. It returns what is to be printed and
// prints nothing itself; logging comes after the answer and never changes it.
package shim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/evidence"
	"github.com/cni-shim/cni-shim/pkg/failure"
	"github.com/cni-shim/cni-shim/pkg/inflight"
	"github.com/cni-shim/cni-shim/pkg/journal"
	"github.com/cni-shim/cni-shim/pkg/reason"
	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/status"
)

// journalBudget bounds what logging may cost a call; with evidence.Budget it makes the 200 ms that a call may lose.
const journalBudget = evidence.Budget

// Answer is what a call gives its caller.
type Answer struct {
	Stdout []byte // a result, a CNI error, versions or nothing
	Exit   int
	after  func()
}

// Tell logs and records the call. To be called once, after Stdout is printed.
func (a *Answer) Tell() {
	if a.after != nil {
		a.after()
	}
}

// call is one call under way.
type call struct {
	record  report.Record
	config  *config.Config
	status  *status.Store
	store   *attachment.Store
	claim   *attachment.Claim // what an ADD holds of its attachment; nil where it holds nothing
	mark    *inflight.Mark
	running []inflight.Call // beside this one, as it began
	dead    []inflight.Call // killed calls, to be told with this one
	unkept  bool            // the status directory takes nothing
	dry     bool            // nothing is kept: a look that leaves no trace
	budget  time.Duration   // that logging may cost
	stdout  []byte
	undo    func() // what ADD has set up so far; nil where that is nothing
	apart   bool   // what a disk holds is read by a process of its own
}

// Handle answers the call that the process's environment and stdin make (SPEC 1.1, section 2). With apart this program answers
// questions about the disk where attachment.ServeEnv is set, and a call reads no disk itself.
func Handle(apart bool) *Answer {
	verb := os.Getenv("CNI_COMMAND")
	if verb == "VERSION" {
		var b bytes.Buffer
		_ = version.All.Encode(&b) // to memory
		return &Answer{Stdout: b.Bytes()}
	}
	c := &call{config: config.Default(), budget: journalBudget, apart: apart}
	c.record = report.Record{
		Time: time.Now().UTC(), Verb: verb,
		ContainerID: os.Getenv("CNI_CONTAINERID"), IfName: os.Getenv("CNI_IFNAME"), Netns: os.Getenv("CNI_NETNS"),
		Pod: report.ParsePod(os.Getenv("CNI_ARGS")), TraceID: report.ParseTraceID(os.Getenv("TRACEPARENT")),
	}
	if err := Poller(); err != nil {
		c.record.Failure = report.Exhausted(err)
		return c.answer(nil) // nothing can be opened, so nothing can be logged
	}
	err := skel.PluginMainFuncsWithError(skel.CNIFuncs{
		Add:    c.handler((*call).add),
		Check:  c.handler((*call).check),
		Del:    c.handler((*call).del),
		GC:     c.handler((*call).gc),
		Status: c.handler((*call).statusVerb),
	}, version.All, "")
	if err != nil && c.record.Failure == nil {
		c.record.Failure = refused(err)
	}
	c.claim.Release()
	c.mark.End()
	c.record.Duration = time.Since(c.record.Time)
	return c.answer(c.tell)
}

// answer is what the caller gets; after logs it.
func (c *call) answer(after func()) *Answer {
	a := &Answer{Stdout: c.stdout, after: after}
	if c.record.Failure != nil {
		a.Exit = 1
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetIndent("", "    ")
		_ = e.Encode(c.record.CNIError()) // strings and a number
		a.Stdout = b.Bytes()
	}
	return a
}

// refused is a call that skel did not let through: the caller's input, or an outer version that is none.
func refused(e *types.Error) *report.Failure {
	f := &report.Failure{Reason: reason.InvalidCallerInput, Code: report.CodeFor(e.Code), Cause: e.Msg, Details: e.Details}
	switch e.Code {
	case types.ErrIncompatibleCNIVersion:
		f.Reason = reason.VersionIncompatible
	case types.ErrInvalidNetworkConfig:
		f.Reason = reason.ConfigInvalid
	}
	return f
}

// verb handles one verb within its deadline; nil for success.
type verb func(c *call, ctx context.Context) *report.Failure

// handler makes skel's callback of a verb: read the entry, guard against circles, handle.
func (c *call) handler(verb verb) func(*skel.CmdArgs) error {
	return func(args *skel.CmdArgs) error {
		args.NetnsOverride = "1" // whether a plugin may work on its own namespace is for the plugins to say, as without the shim
		cfg, err := config.Parse(args.StdinData)
		c.config, c.record.Network = cfg, cfg.Name
		ctx, cancel := c.deadline()
		defer cancel()
		c.open(ctx)
		for _, w := range cfg.Warnings {
			c.note("", w, false)
		}
		if f := c.begin(); f != nil {
			c.record.Failure = f
		} else if f := ownFault(err); f != nil && c.record.Verb == "DEL" && c.nothingToDelete() {
			c.note("", "nothing was set up for this attachment; its DEL succeeds although "+f.Line(), true)
		} else if f != nil && !c.canGoOn(f) {
			c.record.Failure = f
		} else {
			c.record.Failure = c.attempt(ctx, verb)
		}
		if c.record.Failure != nil {
			return c.record.CNIError()
		}
		return nil
	}
}

// open opens where the call is recorded and what it was added with.
func (c *call) open(ctx context.Context) {
	c.status = status.Of(c.config)
	if err := c.status.Own(); err != nil {
		c.note("", "calls are not recorded: "+err.Error(), true)
	}
	c.store = c.status.Attachments(c.config.StateDir)
	c.store.Writes = true
	if c.status.Refused != "" {
		c.note("", c.status.Refused, true)
	}
	if c.apart {
		c.store.Ask = func(q attachment.Question) (*attachment.Answer, error) { return c.ask(ctx, q) }
	}
}

// attempt runs a verb. A fault of the shim's own is a failure like any other: answered, told, and what ADD has set up is undone.
func (c *call) attempt(ctx context.Context, verb verb) (f *report.Failure) {
	defer func() {
		if p := recover(); p != nil {
			f = &report.Failure{Reason: reason.PluginCrashed, Code: types.ErrInternal, Plugin: config.Type, Of: 1, Cause: fmt.Sprintf("crashed: %v", p),
				Fix: "report the trace: journalctl -t cni-shim -o verbose", Stderr: string(debug.Stack())}
		}
		if f != nil && c.undo != nil {
			c.undo()
		}
	}()
	return verb(c, ctx)
}

// ownFault is a key of the shim's own entry that cannot be used.
func ownFault(err error) *report.Failure {
	e, ok := err.(*config.Error)
	if !ok {
		return nil
	}
	return &report.Failure{Reason: reason.ConfigInvalid, Code: types.ErrInvalidNetworkConfig, Cause: "own configuration: " + e.Cause, Fix: e.Fix, ChainLevel: true}
}

// canGoOn: a CHECK or DEL of a stored attachment needs nothing of the entry that could be wrong.
func (c *call) canGoOn(f *report.Failure) bool {
	if c.record.Verb != "DEL" && c.record.Verb != "CHECK" {
		return false
	}
	if _, err := c.entry(); err != nil {
		if _, err = c.store.FromRuntime(c.key(), c.config.ConfDir()); err != nil {
			return errors.Is(err, attachment.ErrUnanswered) // which is the failure then
		}
	}
	c.note("", f.Cause, true)
	return true
}

// stored tells whether ADD of this attachment went through the shim, whatever its list looks like now.
func (c *call) stored() bool {
	_, err := c.entry()
	return !errors.Is(err, os.ErrNotExist)
}

func (c *call) note(rule, message string, always bool) {
	c.record.Notes = append(c.record.Notes, report.Note{Rule: rule, Message: message, Always: always})
}

func (c *call) key() attachment.Key {
	return attachment.Key{Network: c.config.Name, ContainerID: c.record.ContainerID, IfName: c.record.IfName}
}

// tell sends the call to the journal and to the status file. What fails here is told in the other, and never to the caller.
func (c *call) tell() {
	if c.status == nil {
		c.status = status.Of(c.config)
	}
	if c.record.Verb == "STATUS" {
		c.compare()
	}
	c.look()
	entries := c.record.Journal(c.config.LogLevel)
	for _, k := range c.dead {
		if !inflight.Claim(c.status.CallsDir(), k) {
			continue // another call tells it
		}
		r := killedRecord(k)
		entries = append(entries, r.Journal(c.config.LogLevel)...)
		_ = c.status.Add(status.EventOf(r, 0, nil)) // that the file cannot be kept is told once, below
	}
	lost, why := journal.Send(entries, c.budget)
	if lost > 0 {
		c.status.Unlogged()
	} else if back := c.status.Logged(); back.Journal > 0 {
		_, _ = journal.Send([]journal.Entry{c.record.Warn(fmt.Sprintf("journald takes entries again; %d were lost, the last at %s: %s", back.Journal, back.Last.Format(time.RFC3339), back.Why))}, c.budget/3)
	}
	if err := c.status.Add(status.EventOf(&c.record, lost, why)); err != nil && lost == 0 {
		_, _ = journal.Send([]journal.Entry{c.record.Warn("the status file is not kept: " + err.Error())}, c.budget/3)
	}
}

// look finds on the node what proves a failure's reason: after the answer, and not again for a STATUS that only repeats.
func (c *call) look() {
	f := c.record.Failure
	if f == nil || f.Facts == nil || f.Repeated {
		return
	}
	f.Evidence = evidence.Collect(context.Background(), f.Facts, failure.Verdict{Reason: f.Reason, Words: f.Words}, evidence.Input{
		Config: f.Config, Paths: filepath.SplitList(os.Getenv("CNI_PATH")), Netns: c.record.Netns,
		ContainerID: c.record.ContainerID, IfName: c.record.IfName, Network: c.record.Network,
	})
}

// compare finds out whether a STATUS answers as the one before it: runtimes ask every five seconds, the journal is told once.
func (c *call) compare() {
	before, err := c.status.Verdict()
	if err != nil {
		return
	}
	if f := c.record.Failure; f != nil {
		f.Repeated = before.Says(f)
	} else {
		c.record.Recovered = !before.Ready && !before.Since.IsZero()
	}
}
