// Package probe tries a chain as a runtime would run it for a pod, in a network namespace of its own that is gone afterwards, and
// shows that the node is as it was before.
package probe

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/delegate"
	"github.com/cni-shim/cni-shim/pkg/evidence"
	"github.com/cni-shim/cni-shim/pkg/failure"
	"github.com/cni-shim/cni-shim/pkg/inventory"
	"github.com/cni-shim/cni-shim/pkg/report"
)

// namePrefix begins the name of every probe: of its namespace and of what is kept of it.
const namePrefix = "cni-shim-probe-"

// DefaultDir is where probes are kept while they run, and those that are to be looked at.
const DefaultDir = "/run/cni-shim-probe"

// ifName is the interface that runtimes ask for.
const ifName = "eth0"

// Bounds: of undoing, and of a plugin that goes on after the probe was interrupted.
const (
	undoTime  = time.Minute
	graceTime = 10 * time.Second
)

// Options say what is probed.
type Options struct {
	Chain   *chain.Chain
	BinDirs []string
	Dir     string // that probes are kept in while they run
	// CallsDir is where the shim marks calls that run: the node's pods may be changing.
	CallsDir string
	Pod      string // NAMESPACE/NAME of the pod that plugins are told; empty: one that does not exist
	Keep     bool   // leave namespace and attachment
	DryRun   bool   // run no verb: say what would be run
	// Tell is called with each step as it ends.
	Tell func(Step)
}

// Step is one thing that the probe did.
type Step struct {
	Do       string   `json:"do"` // ADD, CHECK, STATUS, DEL, or what was looked at: load, pod, ping
	Plugin   string   `json:"plugin,omitempty"`
	OK       bool     `json:"ok"`
	Duration int64    `json:"durationUsec,omitempty"`
	Text     string   `json:"text,omitempty"` // what was seen, or the cause
	Reason   string   `json:"reason,omitempty"`
	Seen     []string `json:"seen,omitempty"` // evidence on the node
	Cure     string   `json:"cure,omitempty"`
}

// Result is what a probe found.
type Result struct {
	Name        string `json:"name"`
	Network     string `json:"network"`
	File        string `json:"file,omitempty"`
	Works       bool   `json:"works"` // every verb succeeded
	Clean       bool   `json:"clean"` // nothing of the probe is left
	Kept        bool   `json:"kept"`  // the namespace and the attachment are there: see Remove
	DryRun      bool   `json:"dryRun,omitempty"`
	Interrupted bool   `json:"interrupted"`
	Steps       []Step `json:"steps"`
	// Stays are switches that the chain set for the whole node, as for any first pod; to set them back could cut others off.
	Stays []string `json:"stays"`
	// Left are the differences between the node before and after. Elsewhere are those that came about while pods came or went, and
	// that bear no mark of the probe's.
	Left      []Difference `json:"left"`
	Elsewhere []Difference `json:"elsewhere"`
	// Tidied is what the chain leaves behind for the next pod and the probe took away, because it was the first.
	Tidied  []string `json:"tidied"`
	Skipped []string `json:"notCompared"` // what could not be compared, and why
}

// Runnable reports whether nothing that was looked at before the first plugin stands against running the chain.
func (r *Result) Runnable() bool {
	return !slices.ContainsFunc(r.Steps, func(s Step) bool { return s.Do == "load" && !s.OK })
}

// probe is one under way.
type probe struct {
	Options
	Result
	ctx    context.Context // ends when the probe is interrupted
	id     string
	ns     *netns
	store  *attachment.Store
	key    attachment.Key
	args   map[string]string
	added  *delegate.Result // what ADD gave; nil until then
	prev   []byte           // of it, what CHECK and DEL get
	before *snapshot
	caps   map[string]json.RawMessage // capability arguments
	marks  []string                   // by which what is the probe's is known
	tidy   *tidy
	undone bool // every DEL succeeded
	told   int  // runs of the verb under way that are told
}

// Run probes a chain. When ctx ends it lets the plugin that runs come to its end, for some seconds, undoes what was done and
// returns. It sets CNI_PATH, in which package invoke searches. The error is one of the probe's own; the chain's are in the result.
func Run(ctx context.Context, o Options) (*Result, error) {
	if err := os.Setenv("CNI_PATH", strings.Join(o.BinDirs, string(filepath.ListSeparator))); err != nil {
		return nil, err
	}
	random := make([]byte, 32)
	if _, err := unix.Getrandom(random, 0); err != nil { // crypto/rand would link 35 packages into the plugin
		return nil, err
	}
	p := &probe{Options: o, ctx: ctx, id: hex.EncodeToString(random), caps: capabilities()}
	p.Name = namePrefix + p.id[:8]
	p.Network, p.File, p.Result.DryRun = o.Chain.Name, o.Chain.Source.Path, o.DryRun
	p.Left, p.Elsewhere, p.Stays, p.Tidied, p.Skipped = []Difference{}, []Difference{}, []string{}, []string{}, []string{}
	p.marks = []string{p.id, p.Name}
	if !p.runnable() {
		p.Clean = true
		return &p.Result, nil
	}
	if o.DryRun {
		p.Clean = true
		return &p.Result, nil
	}
	p.before = look(ipamDirs(o.Chain))
	if p.Interrupted = ctx.Err() != nil; p.Interrupted {
		p.Clean = true
		return &p.Result, nil
	}
	p.tidy = newTidy(o.Chain, p.before, o.CallsDir)
	if err := p.prepare(); err != nil {
		return nil, errors.Join(err, p.forget())
	}
	p.Works = p.attach()
	if p.Interrupted = ctx.Err() != nil; p.Interrupted {
		p.Works = false
	}
	if o.Keep && !p.Interrupted && p.added != nil {
		p.Kept = true
		return &p.Result, nil
	}
	if p.added != nil {
		if p.undone = p.detach(); !p.undone { // what is needed to try again stays
			p.Works, p.Kept = false, true
			p.compare()
			return &p.Result, nil
		}
	}
	err := p.forget()
	p.compare()
	return &p.Result, err
}

func (p *probe) step(s Step) bool {
	p.Steps = append(p.Steps, s)
	p.Tell(s)
	return s.OK
}

// runnable takes the chain's inventory: what the shim's STATUS and ADD refuse is refused here. A dry run shows what it found.
func (p *probe) runnable() bool {
	v := inventory.Take(p.ctx, p.Chain, p.BinDirs, nil)
	for i := range v.Problems {
		if x := &v.Problems[i]; x != v.Fatal() {
			p.step(Step{Do: "load", OK: true, Text: report.NotRunnable(p.Chain, x).Line()})
		}
	}
	if fatal := v.Fatal(); fatal != nil {
		return p.failed("load", report.NotRunnable(p.Chain, fatal), 0)
	}
	for _, x := range v.Plugins {
		if p.Result.DryRun && x.Path != "" { // of an ipam.type that is no program there is none
			p.step(Step{Do: "plan", OK: true, Text: x.Path + " would be run, for " + p.Chain.Label(x.Index)})
		}
	}
	return true
}

// failed tells a failure as the plugin would, with what is seen on the node.
func (p *probe) failed(do string, f *report.Failure, took time.Duration) bool {
	s := Step{Do: do, Duration: took.Microseconds(), Reason: f.Reason.Name, Text: report.Clean(f.Cause), Cure: f.Cure()}
	if f.Plugin != "" {
		s.Plugin = f.Where()
	}
	if f.Details != "" {
		s.Text += "; " + report.Clean(f.Details)
	}
	if f.Facts != nil {
		for _, fact := range evidence.Collect(context.Background(), f.Facts, failure.Verdict{Reason: f.Reason, Words: f.Words}, evidence.Input{
			Config: f.Config, Paths: p.BinDirs, Netns: p.args["CNI_NETNS"], ContainerID: p.id, IfName: ifName, Network: p.Network,
		}) {
			s.Seen = append(s.Seen, report.Clean(fact.Text))
		}
	}
	return p.step(s)
}

// prepare makes the namespace and keeps what is needed to undo the probe, should it be killed: see Remove.
func (p *probe) prepare() error {
	p.key = attachment.Key{Network: p.Network, ContainerID: p.id, IfName: ifName}
	p.args = map[string]string{"CNI_CONTAINERID": p.id, "CNI_IFNAME": ifName, "CNI_NETNS": filepath.Join(netnsDir, p.Name), "CNI_ARGS": p.podArgs()}
	var err error
	if p.ns, err = newNetns(p.Name); err != nil {
		return err
	}
	p.store = attachment.Open(filepath.Join(p.Dir, p.Name), filepath.Join(p.Dir, p.Name))
	return p.store.Put(&attachment.Entry{Key: p.key, Netns: p.args["CNI_NETNS"], Args: p.args["CNI_ARGS"], Path: delegate.Lasting(os.Getenv("CNI_PATH")),
		RuntimeConfig: p.caps, Chain: p.Chain.Raw(), Created: time.Now().UTC()})
}

// podArgs are CNI_ARGS as runtimes give them for a pod.
func (p *probe) podArgs() string {
	namespace, name, ok := strings.Cut(p.Pod, "/")
	if !ok {
		namespace, name = "default", p.Name
	}
	return "IgnoreUnknown=1;K8S_POD_NAMESPACE=" + namespace + ";K8S_POD_NAME=" + name + ";K8S_POD_INFRA_CONTAINER_ID=" + p.id +
		";K8S_POD_UID=00000000-0000-4000-8000-" + p.id[:12]
}

// runner runs the chain and tells each plugin when it has ended, which is when the next begins.
func (p *probe) runner(cancel context.CancelFunc, uninterrupted bool) *delegate.Runner {
	r := &delegate.Runner{Chain: p.Chain, RuntimeConfig: p.caps, Env: p.args, Quiet: true}
	r.Before = func(int) {
		p.tellRuns(r, len(r.Attempts))
		if p.ctx.Err() != nil && !uninterrupted {
			cancel() // the next plugin does not start
		}
	}
	return r
}

// tellRuns tells the runs that succeeded and are not told yet, up to the given one.
func (p *probe) tellRuns(r *delegate.Runner, upTo int) {
	for _, a := range r.Attempts[min(p.told, upTo):upTo] {
		p.step(Step{Do: a.Verb, Plugin: p.Chain.Label(a.Index), OK: true, Duration: a.Duration.Microseconds()})
	}
	p.told = upTo
}

// verb runs one verb of the chain. An interrupted one ends with the plugin that runs, or is killed when that takes too long.
func (p *probe) verb(name string, uninterrupted bool, call func(context.Context, *delegate.Runner) error) (*delegate.Runner, bool) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := func() bool { return true }
	if uninterrupted {
		ctx, cancel = context.WithTimeout(ctx, undoTime)
		defer cancel()
	} else {
		stop = context.AfterFunc(p.ctx, func() { time.AfterFunc(graceTime, cancel) })
	}
	defer stop()
	p.told = 0
	r := p.runner(cancel, uninterrupted)
	err := call(ctx, r)
	f := report.Failed(p.Chain, r, err)
	if f == nil {
		p.tellRuns(r, len(r.Attempts))
		return r, true
	}
	last := len(r.Attempts) - 1
	p.tellRuns(r, last)
	if p.ctx.Err() != nil && !uninterrupted {
		return r, p.step(Step{Do: name, Text: "interrupted"})
	}
	return r, p.failed(name, f, r.Attempts[last].Duration)
}

// attach runs ADD, looks at what the pod would have, and runs CHECK and STATUS. It undoes an ADD that failed.
func (p *probe) attach() bool {
	if p.undone = p.ctx.Err() != nil; p.undone {
		return p.step(Step{Do: "ADD", Text: "interrupted"})
	}
	r, ok := p.verb("ADD", false, func(ctx context.Context, r *delegate.Runner) error {
		var err error
		if p.added, err = r.Add(ctx, nil); err == nil {
			p.prev, _ = delegate.Kept(p.added.Raw, p.Chain.CNIVersion) // else libcni hands none on
		}
		return err
	})
	if !ok {
		p.undo(r)
		return false
	}
	_ = p.store.Complete(p.key, attachment.Done{Added: time.Now().UTC(), Inner: p.added.Raw}) // else Remove goes without it
	ok = p.pod()
	prev := p.prev
	switch {
	case p.ctx.Err() != nil:
	case p.Chain.DisableCheck:
		p.step(Step{Do: "CHECK", OK: true, Text: "the chain wants none (disableCheck)"})
	default:
		r, good := p.verb("CHECK", false, func(ctx context.Context, r *delegate.Runner) error { return r.Check(ctx, prev) })
		p.none(r, good, "CHECK", "0.4.0")
		ok = good && ok
	}
	if p.ctx.Err() == nil {
		r, good := p.verb("STATUS", false, func(ctx context.Context, r *delegate.Runner) error { return r.Status(ctx) })
		p.none(r, good, "STATUS", "1.1.0")
		ok = good && ok
	}
	return ok
}

// none says why a verb that succeeded ran no plugin.
func (p *probe) none(r *delegate.Runner, ok bool, verb, since string) {
	if ok && len(r.Attempts) == 0 {
		p.step(Step{Do: verb, OK: true, Text: fmt.Sprintf("none: the chain's cniVersion %s is older than %s", p.Chain.CNIVersion, since)})
	}
}

// undo rolls an ADD back that failed after the given runs.
func (p *probe) undo(ran *delegate.Runner) {
	ctx, cancel := context.WithTimeout(context.Background(), undoTime)
	defer cancel()
	r := &delegate.Runner{Chain: p.Chain, RuntimeConfig: p.caps, Env: p.args, Quiet: true, Attempts: slices.Clone(ran.Attempts)}
	errs := r.RollBack(ctx)
	for _, err := range errs {
		p.step(Step{Do: "DEL", Text: "undoing the ADD: " + report.Clean(err.Error())})
	}
	if p.undone = len(errs) == 0; p.undone {
		p.step(Step{Do: "DEL", OK: true, Text: "the ADD is undone"})
	}
}

// detach runs DEL, interrupted or not.
func (p *probe) detach() bool {
	_, ok := p.verb("DEL", true, func(ctx context.Context, r *delegate.Runner) error { return r.Del(ctx, p.prev) })
	return ok
}

// forget removes the namespace and what is kept of the probe.
func (p *probe) forget() error {
	var err error
	if p.ns != nil {
		err = p.ns.remove()
	}
	return errors.Join(err, forget(p.Dir, p.Name))
}

// compare shows what the probe left.
func (p *probe) compare() {
	if p.undone {
		p.Tidied = p.tidy.run()
	}
	after := look(ipamDirs(p.Chain))
	p.Skipped = append(p.Skipped, after.skipped...)
	busy := p.tidy.busy()
	for _, d := range differences(p.before, after) {
		ours := slices.ContainsFunc(p.marks, func(m string) bool { return strings.Contains(d.What, m) })
		if d.Kind == "sysctl" {
			if !d.Gone {
				p.Stays = append(p.Stays, d.What)
			}
		} else if ours || !busy {
			p.Left = append(p.Left, d)
		} else {
			p.Elsewhere = append(p.Elsewhere, d)
		}
	}
	p.Clean = len(p.Left) == 0
}
