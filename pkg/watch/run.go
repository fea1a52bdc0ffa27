package watch

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/source"
	"github.com/cni-shim/cni-shim/pkg/status"
)

// quiet is how long a change must have been the last: a writer is to come to rest. most bounds that.
const (
	quiet = 100 * time.Millisecond
	most  = time.Second
)

// lastSave bounds how long the end waits for the last saving of attachments.
const lastSave = 2 * time.Second

// again is how long after a look the next one is made though nothing seems to have changed.
const again = time.Minute

// Run looks now and at every change, until ctx ends. after is called after each look with why the chain cannot run, at least once
// a minute.
func (w *Watch) Run(ctx context.Context, after func(*report.Failure)) {
	eyes := &eyes{}
	defer eyes.close()
	calls := newCalls(ctx)
	saved := make(chan struct{})
	go func() {
		defer close(saved)
		w.saver.loop(ctx)
	}()
	due, callsDue := time.NewTimer(0), time.NewTimer(most)
	defer due.Stop()
	defer callsDue.Stop()
	var first time.Time // of the changes not yet looked at; zero: there are none
	pending := true     // callsDue runs
	followCalls := func() {
		killed, unfollowed := calls.follow(w.callsDir())
		if killed {
			due.Reset(0)
		}
		if unfollowed && !pending {
			pending = true
			callsDue.Reset(most)
		}
	}
	for {
		events, lost := eyes.channels()
		select {
		case <-ctx.Done():
			select {
			case <-saved:
			case <-time.After(lastSave): // the disk hangs
			}
			return
		case e := <-events:
			attachments := w.store().Dir()
			switch {
			case filepath.Dir(e.Name) == attachments && strings.HasPrefix(filepath.Base(e.Name), "."): // what the store keeps beside them
			case filepath.Dir(e.Name) == attachments: // a network's first pod: its directory is to be watched
				due.Reset(quiet)
				w.saver.changed()
			case strings.HasPrefix(e.Name, attachments+"/"):
				w.saver.changed()
			case filepath.Dir(e.Name) == w.callsDir():
				if !pending {
					pending = true
					callsDue.Reset(most)
				}
			case eyes.concerns(e.Name):
				if first.IsZero() {
					first = time.Now()
				}
				due.Reset(min(quiet, max(0, most-time.Since(first))))
			}
		case <-w.saver.news:
			due.Reset(quiet)
		case <-lost:
			due.Reset(quiet)
		case <-callsDue.C:
			pending = false
			followCalls()
		case pid := <-calls.ended:
			calls.gone(pid)
			followCalls()
		case <-due.C:
			first = time.Time{}
			var more bool
			if more, w.unseen = eyes.open(w.places()); more {
				w.saver.changed()
			}
			after(w.Look())
			due.Reset(again)
			if more, _ = eyes.open(w.places()); more { // what changed there since has caused no event
				due.Reset(quiet)
				w.saver.changed()
			}
		}
	}
}

func (w *Watch) callsDir() string { return status.Of(w.entry).CallsDir() }

// places lists where changes matter: whole directories, and single names in others.
func (w *Watch) places() []place {
	all := append(w.saved(), w.o.ConfDir, w.callsDir(), filepath.Join(w.o.ConfDir, w.network))
	all = append(all, w.o.BinDirs...)
	if p := w.entry.Chain.Path; p != "" {
		all = append(all, p, filepath.Join(p, w.network))
	}
	for _, dir := range []string{w.o.ConfDir, w.entry.Chain.Path} {
		entries, _ := os.ReadDir(dir) // a file, or nothing, has no links in it
		for _, e := range entries {
			if e.Type()&os.ModeSymlink != 0 && source.Readable(e.Name()) {
				all = append(all, filepath.Join(dir, e.Name()))
			}
		}
	}
	for _, dir := range w.o.BinDirs {
		for _, name := range w.programs {
			if fi, err := os.Lstat(filepath.Join(dir, name)); err == nil && name != "" && fi.Mode()&os.ModeSymlink != 0 {
				all = append(all, filepath.Join(dir, name))
			}
		}
	}
	var out []place
	for _, path := range all {
		out = append(out, placesOf(path)...)
	}
	return append(out, placesOf(filepath.Join(w.o.StateDir, uninstalled))...)
}
