// Package survey looks at the node now: which file wins, whether the chain in it can run, what calls have shown, who holds
// addresses. What can be looked at is looked at; the status file tells the rest, and where the two disagree, now wins.
package survey

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/check"
	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/delegate"
	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/inventory"
	"github.com/cni-shim/cni-shim/pkg/journal"
	"github.com/cni-shim/cni-shim/pkg/outer"
	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/stale"
	"github.com/cni-shim/cni-shim/pkg/status"
)

// Options say where to look.
type Options struct {
	ConfDir string   // that the runtime reads
	BinDirs []string // that it looks for plugins in
	Runtime string   // containerd or crio
	// StatusFile and StateDir replace those that the shim's own entry names; empty: those.
	StatusFile, StateDir string
	// NoSTATUS asks no plugin for its STATUS, for where this runs a plugin may not reach what it does under the runtime. What a
	// plugin answered the runtime stands then.
	NoSTATUS bool
	// Apart has another process of this program read the attachments on the disk, which may hang: see attachment.Apart.
	Apart bool
}

// Survey is what is known of the node: the status file with the verdict as of now, and what was looked at.
type Survey struct {
	*status.File
	Now   Now              `json:"now"`
	Stale []attachment.Key `json:"staleAttachments"` // proven so: no runtime will ask for them

	own   bool // there is a list of the shim's own
	blind bool // from here no attachment can be proven stale, and some look so
}

// Now is what was looked at.
type Now struct {
	Time    time.Time `json:"time"`
	ConfDir string    `json:"confDir"`
	BinDirs []string  `json:"binDirs"`
	Files   []File    `json:"files"`           // that the runtime would read, in its order
	Chain   *Chain    `json:"chain,omitempty"` // nil where it cannot be loaded
	// Contradicts is the verdict of the last call, in words, where what is seen now is another.
	Contradicts string `json:"contradicts,omitempty"`

	Findings    diag.List      `json:"findings"`    // of the directory's check, without those that are mere information
	Journal     bool           `json:"journal"`     // journald takes entries
	Attachments map[string]int `json:"attachments"` // how many are stored, by network
	// Saved: a watch saves them to the disk, so that they outlive a reboot.
	Saved   bool               `json:"attachmentsSaved"`
	IPAM    []Addresses        `json:"ipam"`
	Latency map[string]Latency `json:"latency"` // by verb
	Errors  []string           `json:"errors"`  // what could not be looked at, and why
}

// File is one configuration file and what becomes of it.
type File struct {
	Name string `json:"name"`
	Use  string `json:"use"`
}

// Chain is the wrapped chain as it is now.
type Chain struct {
	Network    string   `json:"network"`
	Source     string   `json:"source"`
	File       string   `json:"file,omitempty"`
	CNIVersion string   `json:"cniVersion"`
	Plugins    []Plugin `json:"plugins"`
}

// Plugin is one program of the chain.
type Plugin struct {
	inventory.Plugin
	CPU string `json:"cpu,omitempty"` // that it is built for
}

// Latency is how long a verb takes, in microseconds.
type Latency struct {
	P50 int64 `json:"p50Usec"`
	P99 int64 `json:"p99Usec"`
	// Slowest is the plugin of the chain with the largest share of the time, and its own median.
	Slowest     string `json:"slowestPlugin,omitempty"`
	SlowestUsec int64  `json:"slowestP50Usec,omitempty"`
}

// Unknown is the reason of a verdict that cannot be given.
const Unknown = "Unknown"

// Take looks at the node. It runs each plugin's VERSION and, where the chain has it and it may, STATUS; nothing else is used.
// It sets CNI_PATH, in which package invoke searches. It is not safe for concurrent use.
func Take(ctx context.Context, o Options) *Survey {
	s := &Survey{Now: Now{Time: time.Now(), ConfDir: o.ConfDir, BinDirs: o.BinDirs, Journal: journal.Available(), Errors: []string{},
		Attachments: map[string]int{}, IPAM: []Addresses{}, Latency: map[string]Latency{}, Findings: diag.List{}}, Stale: []attachment.Key{}}
	if err := os.Setenv("CNI_PATH", strings.Join(o.BinDirs, string(filepath.ListSeparator))); err != nil {
		s.failed("CNI_PATH", err)
	}
	s.files(o.ConfDir)
	entry := chain.Entry(o.ConfDir)
	if o.StatusFile != "" {
		entry.StatusFile, entry.StatusFileGiven = o.StatusFile, true
	}
	if o.StateDir != "" {
		entry.StateDir = o.StateDir
	}
	if !s.own && outer.Away(entry.StateDir) {
		s.Now.Files = append(s.Now.Files, File{outer.Name, "the watch has taken it away (--withdraw) until the chain can be loaded"})
	}
	var err error
	file := status.Of(entry)
	if file.Refused != "" {
		s.failed("status file", errors.New(file.Refused))
	}
	if s.File, err = file.Read(); err != nil {
		s.failed("status file", err)
		s.File = status.Empty()
	}
	s.chain(ctx, entry, !o.NoSTATUS)
	s.check(o)
	store := file.Attachments(entry.StateDir)
	if o.Apart {
		store.Ask = func(q attachment.Question) (*attachment.Answer, error) { return attachment.Apart(ctx, q, func() {}) }
	}
	s.attachments(ctx, store, file.CallsDir())
	s.latencies()
	return s
}

func (s *Survey) failed(what string, err error) {
	s.Now.Errors = append(s.Now.Errors, what+": "+report.Clean(err.Error()))
}

// files lists what runtimes read in dir, and which of it is the shim's own.
func (s *Survey) files(dir string) {
	paths, err := chain.Files(dir)
	if err != nil {
		s.failed(dir, err)
	}
	for i, path := range paths {
		use := "nobody reads it"
		if c, err := chain.LoadFile(path); err == nil && c.Own() {
			s.own = true
			use = "the shim's own list; the runtime does not reach it, rename it so that it sorts first"
			if i == 0 {
				use = "the runtime reads it, the first in byte order: the shim's own list"
			}
		}
		s.Now.Files = append(s.Now.Files, File{filepath.Base(path), use})
	}
}

// wins notes which file the chain is in: what chain.Load took, or stopped at.
func (s *Survey) wins(path string) {
	at, err := os.Stat(path)
	if err != nil {
		return
	}
	for i := range s.Now.Files {
		fi, err := os.Stat(filepath.Join(s.Now.ConfDir, s.Now.Files[i].Name))
		switch {
		case err != nil || !os.SameFile(fi, at):
		case s.own:
			s.Now.Files[i].Use = "the shim runs it, the first that is not its own"
		case i == 0:
			s.Now.Files[i].Use = "the runtime reads it, the first in byte order, without the shim"
		}
	}
}

// chain loads the chain, takes its inventory, if it may asks it for its STATUS as the runtime does, and gives the verdict.
func (s *Survey) chain(ctx context.Context, entry *config.Config, ask bool) {
	ch, err := chain.Load(entry)
	if err != nil {
		if errors.Is(err, os.ErrPermission) && os.Geteuid() != 0 {
			s.Verdict = status.Verdict{Reason: Unknown, Message: report.Clean(err.Error()), Cure: "run this as root"}
			return
		}
		f := report.NotLoaded(err)
		s.wins(f.Place.File)
		s.judge(f, entry.Chain.Path)
		return
	}
	s.wins(ch.Source.Path)
	v := inventory.Take(ctx, ch, s.Now.BinDirs, nil)
	c := &Chain{Network: ch.Name, Source: string(ch.Source.Kind), File: ch.Source.Path, CNIVersion: ch.CNIVersion}
	for _, p := range v.Plugins {
		c.Plugins = append(c.Plugins, Plugin{p, inventory.CPU(p.Path)})
	}
	s.Now.Chain = c
	s.addresses(ctx, ch)
	var f *report.Failure
	if p := v.Fatal(); p != nil {
		f = report.NotRunnable(ch, p)
	} else if ask {
		f = s.ask(ctx, ch, entry.Timeouts["STATUS"])
	}
	if v := s.Verdict; ask || f != nil || v.Ready || v.ChainLevel || v.Since.IsZero() {
		s.judge(f, ch.Source.Path)
	}
	for i := range v.Problems {
		if p := &v.Problems[i]; p != v.Fatal() {
			s.Now.Errors = append(s.Now.Errors, report.NotRunnable(ch, p).Line())
		}
	}
}

// ask runs STATUS of the chain. One that does not answer in time is not certain to be unable.
func (s *Survey) ask(ctx context.Context, ch *chain.Chain, timeout time.Duration) *report.Failure {
	ctx, cancel := context.WithTimeout(ctx, max(timeout, time.Second))
	defer cancel()
	r := &delegate.Runner{Chain: ch, Quiet: true}
	f := report.Failed(ch, r, r.Status(ctx))
	if f != nil && ctx.Err() != nil {
		s.Now.Errors = append(s.Now.Errors, fmt.Sprintf("%s did not answer STATUS within %s", ch.Label(f.Index), timeout))
		return nil
	}
	return f
}

// judge gives the verdict as of now. Since is the status file's where the two agree; else the time at which the file to blame, or
// the one that mends it, was changed, if that is known to be the later.
func (s *Survey) judge(f *report.Failure, path string) {
	v := status.Verdict{Ready: true, Reason: "Ready", Message: "the chain can take pods"}
	if f != nil {
		v = status.Verdict{Reason: f.Reason.Name, Message: f.Line(), Cure: f.Cure()}
		if f.Place.File != "" {
			path = f.Place.File
		}
	}
	before := s.Verdict
	v.Since = before.Since
	if v.Ready != before.Ready && !before.Since.IsZero() || !v.Ready && before.Since.IsZero() {
		v.Since = s.Now.Time
		if t := changed(path); t.After(before.Since) {
			v.Since = t
		}
		if !before.Since.IsZero() {
			s.Now.Contradicts = "not ready [" + before.Reason + "]"
			if before.Ready {
				s.Now.Contradicts = "ready"
			}
		}
	}
	v.Since = v.Since.UTC().Truncate(time.Millisecond)
	s.Verdict = v
}

// changed is when a file was last changed or moved, zero where that cannot be seen.
func changed(path string) time.Time {
	var st syscall.Stat_t
	if syscall.Stat(path, &st) != nil {
		return time.Time{}
	}
	return time.Unix(st.Ctim.Unix())
}

// check takes the findings of the directory.
func (s *Survey) check(o Options) {
	r, err := check.Path(o.ConfDir, check.Options{Runtime: o.Runtime, OnNode: true})
	if err != nil {
		s.failed("check", err)
		return
	}
	for _, d := range r.List {
		if d.Severity != diag.Info {
			s.Now.Findings = append(s.Now.Findings, d)
		}
	}
}

func (s *Survey) attachments(ctx context.Context, store *attachment.Store, calls string) {
	s.Now.Saved = store.Saved()
	networks, err := store.Networks()
	if err != nil {
		s.failed("attachments", err)
		return
	}
	for _, n := range networks {
		if keys, err := store.List(n); err != nil {
			s.failed("attachments", err)
		} else if len(keys) > 0 {
			s.Now.Attachments[n] = len(keys)
		}
	}
	judge := stale.NewJudge(store, calls)
	all, err := judge.All(ctx)
	if err != nil {
		s.failed("attachments", err)
	}
	kept := map[string]int{}
	for _, f := range all {
		switch {
		case f.State == stale.Stale:
			s.Stale = append(s.Stale, f.Key)
		case f.State == stale.Unknown:
			kept[f.Why]++
		}
	}
	s.blind = len(kept) > 0 && judge.OnNode() != nil
	for _, why := range slices.Sorted(maps.Keys(kept)) {
		s.failed("stale attachments", fmt.Errorf("%d may be, and cannot be proven: %s", kept[why], why))
	}
}

func (s *Survey) latencies() {
	for verb, v := range s.Calls {
		if v == nil {
			continue
		}
		l := Latency{P50: v.Duration.Quantile(.5), P99: v.Duration.Quantile(.99)}
		most := int64(-1)
		for plugin, d := range v.Plugins {
			if d != nil && (d.Sum > most || d.Sum == most && plugin < l.Slowest) {
				most, l.Slowest, l.SlowestUsec = d.Sum, plugin, d.Quantile(.5)
			}
		}
		s.Now.Latency[verb] = l
	}
}
