package install

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/disk"
	"github.com/cni-shim/cni-shim/pkg/outer"
	"github.com/cni-shim/cni-shim/pkg/status"
)

// removeProgram removes the program, unless a list names it: without it that list would stop the node. It reports
// whether the shim is gone.
func (r *Removal) removeProgram() bool {
	files, _ := chain.Files(r.path(r.ConfDir))
	for _, f := range files {
		if r.gone && filepath.Base(f) == outer.Name {
			continue
		}
		if c, err := chain.LoadFile(f); err == nil && c.Own() {
			r.left("%s names cni-shim: %s is left, since the node would stop without it; take the entry out and run uninstall again", filepath.Join(r.ConfDir, filepath.Base(f)), r.program())
			return false
		}
	}
	at := r.path(r.program())
	_ = r.change(func() error { disk.SweepBeside(at); return nil })
	if exists(at) {
		r.do(Remove, r.program(), func() error { return os.Remove(at) })
	}
	return true
}

// What the shim keeps in its two directories. Whatever else is there, since the entry may name any directory, stays.
var (
	stateNames  = attachment.Names
	statusNames = []string{"records", "calls", "chains", "attachments", ".tmp", ".cni-shim"}
)

// removeState removes what the shim kept. The mark for a running watch goes last but for its directory: the program is
// gone by then, which stops the watch as well.
func (r *Removal) removeState() {
	file, state := r.entry.StatusFile, r.entry.StateDir
	if status.OpenEntry(r.path(file)).Refused != "" {
		file = config.DefaultStatusFile
	}
	if _, refused := attachment.StateDir(r.path(state), false); refused != "" {
		state = config.DefaultStateDir
	}
	name := filepath.Base(file)
	names := append([]string{name, name + ".bad"}, statusNames...)
	r.removeNames(filepath.Dir(file), names)
	dirs := []string{state}
	if d := config.DefaultStateDir; d != dirs[0] {
		dirs = append(dirs, d)
	}
	for _, d := range dirs {
		r.removeNames(d, stateNames)
	}
}

func (r *Removal) removeNames(dir string, names []string) {
	if err := trusted(r.o.Root, dir); err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			r.left("%v", err)
		}
		return
	}
	entries, _ := os.ReadDir(r.path(dir))
	others := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return !slices.Contains(names, e.Name()) })
	for _, n := range names {
		if err := r.change(func() error { return os.RemoveAll(filepath.Join(r.path(dir), n)) }); err != nil { // which follows no link
			r.left("%v", err)
		}
	}
	if !others && r.change(func() error { return os.Remove(r.path(dir)) }) == nil {
		r.act(Remove, dir)
	}
}
