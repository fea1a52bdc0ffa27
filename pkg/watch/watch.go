// Package watch looks at the node's network configuration whenever it changes, with no pod involved: it tells what it finds as
// the plugin would, and keeps the shim's own list true to the chain that it wraps.
package watch

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/check"
	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/node"
	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/shim"
	"github.com/cni-shim/cni-shim/pkg/status"
)

// Options of a watch.
type Options struct {
	ConfDir string   // that the runtime reads
	BinDirs []string // that it looks for plugins in
	// StatusFile replaces that of the shim's own entry; empty: that one.
	StatusFile string
	// StateDir holds what is remembered of the list, and the mark of an uninstallation.
	StateDir  string
	NoRestore bool // tell only, and leave the list as it is
	DryRun    bool // for Try
	// Withdraw takes the list away while the chain cannot be loaded, unless this runtime asks plugins for STATUS; nil: never.
	Withdraw *node.Runtime
	Check    check.Options // of the directory
}

// Watch is one watcher of a node. It is not safe for concurrent use.
type Watch struct {
	o        Options
	keeper   *keeper
	standing map[string]bool // what stands to be told and has been, by its text; nil before the first look
	entry    *config.Config  // of the last look
	network  string          // its chain's name
	programs []string        // that the chain runs
	unseen   []string        // what inotify cannot watch, and why
	outcome  string          // of the last look
	saver    *saver
}

// New makes a watcher. It sets CNI_PATH, in which programs are searched.
func New(o Options) (*Watch, error) {
	for _, path := range append([]string{o.ConfDir, o.StateDir}, o.BinDirs...) {
		if !filepath.IsAbs(path) {
			return nil, fmt.Errorf("%q is no absolute path", path)
		}
	}
	w := &Watch{o: o, keeper: newKeeper(o.ConfDir, o.StateDir, o.BinDirs), entry: config.Default(), saver: newSaver()}
	w.keeper.withdraw, w.keeper.dry = o.Withdraw, o.DryRun
	return w, os.Setenv("CNI_PATH", strings.Join(o.BinDirs, string(filepath.ListSeparator)))
}

// Look looks at the node once: it loads the chain, sees to the list, checks the directory, and tells what is new. It returns why the
// chain cannot run, nil where it can.
func (w *Watch) Look() *report.Failure {
	look, _, f := w.look()
	w.outcome = look.Tell(w.outcome)
	return f
}

// Try looks as Look does, with Options.DryRun, and changes and reports nothing: it returns what Look would do with the list, empty where
// nothing, and what it would report.
func (w *Watch) Try() (done string, notes []report.Note, f *report.Failure) {
	look, done, f := w.look()
	return done, look.Notes(), f
}

func (w *Watch) look() (look *shim.Look, done string, f *report.Failure) {
	entry, refused := w.keeper.entry()
	if w.o.StatusFile != "" {
		entry.StatusFile, entry.StatusFileGiven = w.o.StatusFile, true
	}
	var ch *chain.Chain
	if !entry.Chain.IsZero() { // else the shim only observes
		ch, _ = chain.Load(entry) // why it cannot be loaded is told by the look
	}
	if ch != nil && !w.o.NoRestore && refused == nil {
		entry.Name = ch.Name // as the list will have it
	}
	w.remember(entry, ch)
	look = shim.NewLook(entry, refused)
	look.DryRun = w.o.DryRun
	f = look.Take(context.Background()) // a plugin that is killed while it tells its versions would count as one that has none
	var stands []report.Note
	if !w.o.NoRestore && refused == nil {
		var stand string
		done, stand = w.keeper.keep(ch, f)
		if done != "" && !w.o.DryRun {
			look.Note("", done)
		}
		if stand != "" {
			stands = append(stands, report.Note{Message: stand})
		}
	}
	runs := ""
	if f == nil && ch != nil {
		runs = ch.Source.Path
	}
	stands = append(stands, findings(w.o.ConfDir, w.o.Check, f, runs)...)
	if p := entry.Chain.Path; p != "" && p != w.o.ConfDir && filepath.Dir(p) != w.o.ConfDir {
		stands = append(stands, findings(p, check.Options{}, f, runs)...)
	}
	for _, u := range append(w.unseen[:len(w.unseen):len(w.unseen)], w.saver.trouble()) {
		if u != "" {
			stands = append(stands, report.Note{Message: u})
		}
	}
	for _, n := range w.fresh(stands) {
		look.Note(n.Rule, n.Message)
	}
	return look, done, f
}

// remember keeps what says where changes matter. A chain that cannot be loaded leaves the names of the one before.
func (w *Watch) remember(entry *config.Config, ch *chain.Chain) {
	w.entry = entry
	w.saver.follow(status.Of(entry).Dir(), entry.StateDir)
	if ch == nil {
		return
	}
	w.network, w.programs = ch.Name, []string{config.Type}
	for _, p := range ch.Plugins {
		w.programs = append(w.programs, p.Network.Type, p.Network.IPAM.Type)
	}
}

// fresh are those that did not stand at the look before. What an earlier process has told stands in the status file.
func (w *Watch) fresh(stands []report.Note) (fresh []report.Note) {
	before := w.standing
	if before == nil {
		before = map[string]bool{}
		if f, err := status.Of(w.entry).Read(); err == nil {
			for _, n := range f.Notes {
				before[n.Message] = true
			}
		}
	}
	w.standing = map[string]bool{}
	for _, n := range stands {
		n.Message = report.Clean(n.Message)
		if !before[n.Message] && !w.standing[n.Message] {
			fresh = append(fresh, n)
		}
		w.standing[n.Message] = true
	}
	return fresh
}
