package install

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/disk"
	"github.com/cni-shim/cni-shim/pkg/outer"
)

// removeList takes the shim's conflist away, and reports whether there was one. What the runtime uses then is never a
// part of what it used before: where the next file is not the chain, or other plugins stand beside the shim, the chain
// takes the shim's place.
func (r *Removal) removeList() bool {
	path := filepath.Join(r.ConfDir, outer.Name)
	text, away, err := r.readList()
	if err != nil {
		r.left("%s: %v", path, err)
	}
	if text == nil && err == nil {
		return false
	}
	l, parseErr := outer.Parse(text)
	if errors.Is(parseErr, outer.ErrForeign) {
		r.left("%s is a list that the shim does not stand in: it is left", path)
		return false
	}
	instead, into, err := r.instead(l)
	switch {
	case err != nil:
		r.left("%s: %v", path, err)
	case instead == nil && away:
		r.gone = true // calls that began before may go on
	case instead == nil:
		r.gone = r.do(Remove, path, func() error { return os.Remove(r.path(path)) })
	default:
		if away { // an admin's own goes or stays as if it had never been away
			text = nil
		}
		r.gone = r.do(Replace, path, func() error { return outer.Write(r.path(r.ConfDir), instead, text) })
	}
	if r.gone && into != nil {
		r.moveBeside(path, l, into)
	}
	return r.gone
}

// instead is what has to stand in place of the shim's conflist; nil where it goes. into is the chain's own file where
// the plugins beside the shim can stand in it as well, as they would without the shim. With an error the conflist has
// to stay.
func (r *Removal) instead(l *outer.List) (text []byte, into *chain.Chain, err error) {
	if l == nil {
		return nil, nil, nil
	}
	path := filepath.Join(r.ConfDir, outer.Name)
	if l.Bare() {
		text, err := l.Without()
		return text, nil, err
	}
	entry, next, beside := *r.entry, r.next(), strings.Join(l.Beside(), ", ")
	if entry.Chain.Path != "" {
		entry.Chain.Path = r.path(entry.Chain.Path)
	}
	ch, err := chain.Load(&entry)
	follows := err == nil && ch.Source.Path != "" && ch.Source.Path == next
	switch {
	case err != nil && !r.rec.MadeList && entry.Chain.Path != r.path(r.ConfDir) && entry.Chain.Path != next:
		return nil, nil, fmt.Errorf("the chain cannot be loaded: %w; without the shim the runtime would use %s", err, r.nextName())
	case err != nil:
		if beside != "" {
			r.note("%s stood beside the shim and is in no configuration any more, because the chain cannot be loaded (%v): "+
				"let its installer put it there again", beside, err)
		}
		return nil, nil, nil
	case beside == "" && r.rec.MadeList && !follows:
		r.note("the runtime uses %s from now on, as before the install, and not the chain that the shim ran: %s",
			r.nextName(), ch.Name)
		return nil, nil, nil
	case beside == "" && follows:
		return nil, nil, nil
	}
	text, err = ch.Raw().Inlined()
	if err == nil {
		text, err = l.Around(text)
	}
	if err != nil {
		return nil, nil, err
	}
	if follows && filepath.Ext(next) == ".conflist" {
		return text, ch, nil
	}
	if beside != "" {
		r.note("%s stood beside the shim: %s now holds it with the chain %s, and the runtime uses that; "+
			"what the add-on changes in its own file has no effect until it is removed", beside, path, ch.Name)
	}
	return text, nil, nil
}

// moveBeside puts the plugins that stand beside the shim into the chain's own file, and takes away the conflist that
// stands for both. Where that cannot be, the conflist stays: the runtime uses the same plugins at any moment.
func (r *Removal) moveBeside(path string, l *outer.List, into *chain.Chain) {
	at, beside := into.Source.Path, strings.Join(l.Beside(), ", ")
	name := filepath.Join(r.ConfDir, filepath.Base(at))
	text, err := disk.ReadAnyone(at, chain.MaxSize)
	if err == nil {
		text, err = l.Around(text)
	}
	if err == nil {
		err = r.change(func() error { return disk.ReplaceInPlace(at, text) })
	}
	if err == nil {
		err = r.change(func() error { return os.Remove(r.path(path)) })
	}
	if err != nil {
		r.note("%s stood beside the shim and cannot be put into %s (%v): %s now holds it with the chain, "+
			"and the runtime uses that", beside, name, err, path)
		return
	}
	why := beside + ", which stood beside the shim, stands in the chain, as without the shim"
	r.Actions[len(r.Actions)-1] = Action{Do: Replace, Path: name, Why: why}
	r.act(Remove, path)
}

// next is the file that the runtime uses once the shim's conflist is gone, with the root; "" where there is none.
func (r *Removal) next() string {
	files, _ := chain.Files(r.path(r.ConfDir))
	for _, f := range files {
		if filepath.Base(f) != outer.Name {
			return f
		}
	}
	return ""
}

func (r *Removal) nextName() string {
	if next := r.next(); next != "" {
		return filepath.Join(r.ConfDir, filepath.Base(next))
	}
	return "no network"
}

// readList reads the shim's conflist, or what a watch that has taken it away would write back; then away is true.
func (r *Removal) readList() (text []byte, away bool, err error) {
	return outer.ReadKept(r.path(r.ConfDir), r.path(config.DefaultStateDir))
}
