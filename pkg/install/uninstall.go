package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/disk"
	"github.com/cni-shim/cni-shim/pkg/inflight"
	"github.com/cni-shim/cni-shim/pkg/outer"
	"github.com/cni-shim/cni-shim/pkg/rights"
	"github.com/cni-shim/cni-shim/pkg/status"
)

// uninstalled is the name, in the state directory, of the mark that stands while the shim is being removed: a watch
// that runs leaves the list alone.
const uninstalled = "uninstalled"

// settle is how long a runtime has to notice that the list is gone. It is told by inotify, and reads the directory
// again once no call is under way.
const settle = time.Second

// Removal is what an uninstall did.
type Removal struct {
	ConfDir string   `json:"confDir"`
	BinDir  string   `json:"binDir"`
	Actions []Action `json:"actions"`
	Left    []string `json:"left"`  // what could not be removed, and why, one line each
	Notes   []string `json:"notes"` // what else an admin should know

	o     Options
	rec   *record
	entry *config.Config // the shim's, as its list has it
	today []byte         // the chain that it wraps
	gone  bool           // its list is gone, or would be
}

// Uninstall gives the node back. It asks nothing, and refuses only where it lacks the right to; what cannot be done is noted, and the
// rest is done. With Options.DryRun nothing is changed, and the removal says what would be done. Pods that were added through the shim run on, and are deleted by the chain that the shim wrapped: it has the
// same name, so that the runtime's cache serves it. wait bounds how long calls under way are waited for.
func Uninstall(ctx context.Context, o Options, wait time.Duration) (*Removal, error) {
	r := &Removal{o: o, Notes: []string{}, Left: []string{}, Actions: []Action{}}
	var err error
	if r.rec, err = readRecord(o.Root); err != nil {
		r.left("%v", err)
	}
	r.where()
	state := r.path(config.DefaultStateDir)
	need := rights.Need{Root: o.Root == ""}
	if conf := r.path(r.ConfDir); !o.DryRun && exists(conf) {
		need.Write = []string{conf}
	}
	if err := need.Missing(); err != nil {
		return nil, err
	}
	if exists(state) && !o.DryRun {
		unlock, err := disk.TryLock(state, "install")
		if errors.Is(err, disk.ErrLocked) {
			return r, fmt.Errorf("another install or uninstall: %w", err)
		}
		if err == nil {
			defer unlock()
		}
		if err := disk.Replace(state, uninstalled, nil, 0o600, false); err != nil {
			r.left("the mark for a running watch: %v", err)
		}
	}
	if o.Root == "" && !o.DryRun && booted() && (exists(adminUnit) || exists(vendorUnit)) {
		r.run(ctx, "systemctl", "stop", unitName)
	}
	r.readEntry()
	if r.removeList() && o.Root == "" && !o.DryRun {
		r.calm(ctx, wait)
	}
	if o.Root == "" {
		r.handOver(ctx)
	}
	gone := r.removeProgram()
	for _, f := range slices.Backward(r.rec.Files) {
		if f.Path == r.program() || !exists(r.path(f.Path)) {
			continue
		}
		if err := isLaid(o.Root, f); err != nil {
			r.left("%v", err)
			continue
		}
		r.do(Remove, f.Path, func() error { return os.Remove(r.path(f.Path)) })
	}
	if gone {
		r.removeState()
	} else if !o.DryRun {
		os.Remove(filepath.Join(state, uninstalled)) // it goes on, with what it has stored of its pods
	}
	if o.DryRun {
		return r, nil
	}
	for _, d := range slices.Backward(r.rec.Dirs) {
		os.Remove(r.path(d)) // it stays where others have put something into it
	}
	if o.Root == "" && booted() {
		r.run(ctx, "systemctl", "daemon-reload")
	}
	if o.Root == "" && exists(catalogDB) && slices.ContainsFunc(r.rec.Files, func(f recorded) bool { return f.Path == catalogPath }) {
		r.run(ctx, "journalctl", "--update-catalog")
	}
	return r, nil
}

func (r *Removal) path(s string) string { return under(r.o.Root, s) }
func (r *Removal) program() string      { return filepath.Join(r.BinDir, programName) }

// change changes the node, unless nothing is to be changed.
func (r *Removal) change(how func() error) error {
	if r.o.DryRun {
		return nil
	}
	return how()
}

// do does one thing with a file and notes it, or why it is left. It reports whether it is done.
func (r *Removal) do(do Do, path string, how func() error) bool {
	if err := r.change(how); err != nil {
		r.left("%s: %v", path, err)
		return false
	}
	r.act(do, path)
	return true
}

func (r *Removal) act(do Do, path string) { r.Actions = append(r.Actions, Action{Do: do, Path: path}) }

func (r *Removal) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

func (r *Removal) left(format string, args ...any) {
	r.Left = append(r.Left, fmt.Sprintf(format, args...))
}

func (r *Removal) run(ctx context.Context, name string, args ...string) {
	if err := run(ctx, name, args...); err != nil {
		r.left("%v", err)
	}
}

// where settles the directories: what is said, what the record says, what the runtime's configuration says.
func (r *Removal) where() {
	rt, _ := pick(r.o.Root)
	r.ConfDir, r.BinDir = rt.ConfDir, rt.BinDirs[0]
	for _, d := range rt.BinDirs {
		if exists(r.path(filepath.Join(d, programName))) {
			r.BinDir = d
			break
		}
	}
	if r.rec.ConfDir != "" {
		r.ConfDir, r.BinDir = r.rec.ConfDir, r.rec.BinDir
	}
	if r.o.ConfDir != "" {
		r.ConfDir = filepath.Clean(r.o.ConfDir)
	}
	if r.o.BinDir != "" {
		r.BinDir = filepath.Clean(r.o.BinDir)
	}
}

// readEntry reads the shim's entry: it says where status and state are, and what it wraps.
func (r *Removal) readEntry() {
	r.entry = config.Default()
	if text, _, err := r.readList(); err == nil && text != nil {
		if l, err := outer.Parse(text); err == nil {
			r.entry, _ = l.Config(r.ConfDir)
		}
	}
	if r.entry.Chain.IsZero() {
		r.entry.Chain.Path = r.ConfDir
	}
	if now, err := chain.Load(r.entry); err == nil && r.o.Root == "" {
		r.today = stored(now.Raw())
	}
}

// calm waits until the runtime has had the time to notice, and no call of the shim's is under way.
func (r *Removal) calm(ctx context.Context, wait time.Duration) {
	dir := status.Of(r.entry).CallsDir()
	until := time.Now().Add(wait)
	pause(ctx, min(settle, wait))
	for {
		running, _ := inflight.Running(dir)
		if len(running) == 0 || ctx.Err() != nil {
			return
		}
		if time.Now().After(until) {
			r.note("%d calls of the shim's are still under way after %s; they go on without their program's file", len(running), wait)
			return
		}
		pause(ctx, 50*time.Millisecond)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
