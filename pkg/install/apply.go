package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/disk"
	"github.com/cni-shim/cni-shim/pkg/outer"
)

// ErrRefused: something stands against the plan, and nothing was changed.
var ErrRefused = errors.New("nothing was changed: see the errors above")

// Apply does what the plan says. It may be interrupted at any point and run again. The program is in place before the
// list that names it. The error tells what could not be done of what a node needs; trouble with the rest is added to
// the plan's obstacles.
func (p *Plan) Apply(ctx context.Context) error {
	if p.Refused() {
		return ErrRefused
	}
	state := p.path(config.DefaultStateDir)
	made, err := disk.MakeAll(filepath.Dir(state))
	if err != nil {
		return err
	}
	if err := disk.EnsureDir(state, 0o700); err != nil {
		return err
	}
	unlock, err := disk.TryLock(state, "install")
	if err != nil {
		return fmt.Errorf("another install or uninstall: %w", err)
	}
	defer unlock()
	old, _ := readRecord(p.o.Root) // it has been told
	rec, err := p.prepare(old, made)
	if err != nil {
		return err
	}
	for i, it := range p.items {
		if err := p.lay(it); err != nil && i == 0 {
			return err // the program
		} else if err != nil {
			p.warn("", "%v", err)
		}
	}
	if err := os.Remove(filepath.Join(state, uninstalled)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if p.list != nil {
		if err := outer.Write(p.path(p.ConfDir), p.list, p.have); err != nil {
			return err
		}
	}
	for _, f := range old.Files {
		if !slices.ContainsFunc(rec.Files, func(n recorded) bool { return n.Path == f.Path }) {
			if err := p.takeBack(f); err != nil {
				p.warn("", "%v", err)
			}
		}
	}
	if p.o.Root == "" && p.Changes() {
		p.serve(ctx)
	}
	return nil
}

// prepare makes directories, besides those made already, and writes the record, if it is another than before.
func (p *Plan) prepare(old *record, made []string) (*record, error) {
	rec := &record{Version: p.o.Version, ConfDir: p.ConfDir, BinDir: p.BinDir, Dirs: old.Dirs, MadeList: old.MadeList || p.have == nil && !p.away}
	more, err := disk.MakeAll(p.path(p.ConfDir))
	if err != nil {
		return nil, err
	}
	made = append(made, more...)
	for i, it := range p.items {
		more, err := disk.MakeAll(filepath.Dir(p.path(it.path)))
		if err != nil && i == 0 {
			return nil, err // of the program; the others are told of when they cannot be written
		}
		made = append(made, more...)
		rec.Files = append(rec.Files, recorded{it.path, it.digest()})
	}
	for _, d := range made {
		rec.Dirs = append(rec.Dirs, p.bare(d))
	}
	if reflect.DeepEqual(rec, old) {
		return rec, nil
	}
	return rec, rec.write(p.o.Root)
}

// lay puts one file in place, unless it is there.
func (p *Plan) lay(it item) error {
	at := p.path(it.path)
	if is, err := digestOf(at); err == nil && is == it.digest() && p.modeIs(at, it) {
		return nil
	}
	if err := trusted(p.o.Root, filepath.Dir(it.path)); err != nil {
		return fmt.Errorf("%s: %w", it.path, err)
	}
	if it.target != "" {
		return placeLink(at, it.target)
	}
	return place(at, it.text, it.mode, label(filepath.Dir(at), filepath.Base(at)))
}

// takeBack removes a file that an install laid down, if it still is what was laid down.
func (p *Plan) takeBack(f recorded) error {
	return takeBack(p.o.Root, f)
}

func takeBack(root string, f recorded) error {
	err := isLaid(root, f)
	if err == nil {
		err = os.Remove(under(root, f.Path))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// isLaid is nil for a file that is as an install laid it down.
func isLaid(root string, f recorded) error {
	is, err := digestOf(under(root, f.Path))
	if err == nil && is != f.Digest {
		err = fmt.Errorf("%s was changed since it was installed, and is left", f.Path)
	}
	return err
}
