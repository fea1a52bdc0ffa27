package watch

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/delegate"
	"github.com/cni-shim/cni-shim/pkg/disk"
	"github.com/cni-shim/cni-shim/pkg/node"
	"github.com/cni-shim/cni-shim/pkg/outer"
	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/source"
)

// How often the list is restored within how long. Who renames it will do so again, and each time the runtime changes its network.
const (
	maxTries = 3
	window   = 10 * time.Minute
)

// uninstalled, in the state directory, stands while the shim is being removed: the list is then nobody's to restore.
const uninstalled = "uninstalled"

// keeper keeps the shim's list in dir true to the chain.
type keeper struct {
	dir, state string
	bins       []string
	withdraw   *node.Runtime // for which the list is away while the chain cannot be loaded; nil: it stays
	right      []byte        // the list as it was last right; nil: never
	tries      []time.Time   // of restorations
	gaveUp     string        // the directory as it was when restoring was given up; empty: it was not
	standing   string        // what is told as long as that holds
	wrote      time.Time
	now        func() time.Time
	dry        bool // nothing is written: what would be done is returned
}

func newKeeper(dir, state string, bins []string) *keeper {
	k := &keeper{dir: dir, state: state, bins: bins, now: time.Now}
	if b, err := disk.Read(filepath.Join(state, outer.Remembered), chain.MaxSize); err == nil {
		if _, err := outer.Parse(b); err == nil {
			k.right = b
		}
	}
	return k
}

// entry reads the shim's entry: of its list, of the list as it was last right, of another list that the shim stands in, else the
// defaults. The error is of config.Parse.
func (k *keeper) entry() (*config.Config, error) {
	for _, read := range []func() []byte{
		func() []byte { text, _ := outer.Read(k.dir); return text },
		func() []byte { return k.right },
		func() []byte { text, _ := source.ReadFile(k.elsewhere()); return text },
	} {
		if list, err := outer.Parse(read()); err == nil {
			return list.Config(k.dir)
		}
	}
	c := config.Default()
	c.Chain.Path = k.dir
	return c, nil
}

// elsewhere is the first list under another name that the shim stands in: an admin has arranged it so.
func (k *keeper) elsewhere() string {
	files, _ := chain.Files(k.dir)
	for _, f := range files {
		if filepath.Base(f) == outer.Name {
			continue
		}
		if c, err := chain.LoadFile(f); err == nil && c.Own() {
			return f
		}
	}
	return ""
}

// keep compares the list with what it has to be for the chain, nil where none can be loaded, and writes it where it may. f says why
// the chain cannot run, nil where it can. It returns what it did and what stands in its way, each empty where there is nothing to tell.
func (k *keeper) keep(ch *chain.Chain, f *report.Failure) (done, stands string) {
	have, err := outer.Read(k.dir)
	if err != nil {
		return "", outer.Name + " cannot be read: " + err.Error()
	}
	var list *outer.List
	if have != nil {
		if list, err = outer.Parse(have); errors.Is(err, outer.ErrForeign) {
			return "", outer.Name + " is a list that the shim does not stand in; it is left as it is"
		}
	}
	if list != nil && list.Bare() || have == nil && (k.elsewhere() != "" || !exists(k.dir)) {
		return "", ""
	}
	if done, stands, over := k.away(ch, f, list, have); over {
		return done, stands
	}
	want, err := k.want(ch, list, have)
	switch {
	case err != nil:
		return "", outer.Name + " is left as it is: " + err.Error()
	case want == nil, have == nil && k.right == nil && f != nil:
		return "", "" // an older runtime would take the node for ready
	case list != nil && outer.Same(have, want):
		k.remember(have)
		return "", ""
	}
	if why := k.removed(); why != "" {
		if have == nil {
			return "", "" // it is gone with the shim
		}
		return "", outer.Name + " is no longer kept: " + why
	}
	restores := !(have == nil && outer.Away(k.state)) && k.right != nil && (list == nil || outer.Same(want, k.right))
	if restores && !k.may() {
		return "", k.standing
	}
	if done = k.doing(have, list, restores, ch); k.dry {
		return done, ""
	}
	if err := outer.Write(k.dir, want, have); err != nil {
		if errors.Is(err, outer.ErrChanged) {
			return "", "" // whoever writes it has caused an event
		}
		return "", outer.Name + " cannot be written: " + err.Error()
	}
	if restores {
		k.tries = append(k.tries, k.now())
	}
	k.remember(want)
	k.wrote = k.now()
	return done, ""
}

// want is the list as it has to be; nil where there is none to be. With no chain it stays as it is, or was. In place of one that does
// not parse no list is made up: what an admin had put into it, the chain above all, would be lost.
func (k *keeper) want(ch *chain.Chain, list *outer.List, have []byte) ([]byte, error) {
	switch {
	case ch == nil && list != nil:
		return have, nil
	case ch == nil, have != nil && list == nil && k.right == nil:
		return k.right, nil
	}
	if list == nil && k.right != nil {
		list, _ = outer.Parse(k.right) // what others had put into it
	}
	return outer.Generate(ch, list, k.dir)
}

// doing says what is done with the list as it is.
func (k *keeper) doing(have []byte, list *outer.List, restores bool, ch *chain.Chain) string {
	switch {
	case have == nil && outer.Away(k.state):
		return outer.Name + " is written back"
	case have == nil && restores:
		return outer.Name + " was gone and is restored: " + blame(k.dir, k.wrote)
	case have == nil:
		return outer.Name + " is written: the runtime runs " + ch.Name + " through the shim from now on"
	case list == nil:
		_, err := chain.LoadFile(filepath.Join(k.dir, outer.Name))
		return fmt.Sprintf("%s was broken and is restored as it was last right (%v)", outer.Name, err)
	case restores:
		return outer.Name + " was changed and is restored: its name, capabilities and flags follow the chain that it wraps"
	}
	return outer.Name + " follows the chain that it wraps"
}

// may tells whether the list may be restored once more. When it may not, that stands until something else in the directory changes.
func (k *keeper) may() bool {
	others := k.others()
	if k.gaveUp == others {
		return false
	}
	if k.gaveUp != "" {
		k.gaveUp, k.tries = "", nil
	}
	for len(k.tries) > 0 && k.now().Sub(k.tries[0]) > window {
		k.tries = k.tries[1:]
	}
	if len(k.tries) < maxTries {
		return true
	}
	k.gaveUp = others
	k.standing = fmt.Sprintf("%s is not restored any more, after %d times in %s: %s", outer.Name, maxTries, k.now().Sub(k.tries[0]).Round(time.Second), blame(k.dir, k.wrote))
	return false
}

// others is a digest of the directory without the shim's list and its copies.
func (k *keeper) others() string {
	h := fnv.New128a()
	d, err := source.ReadDir(k.dir)
	if err != nil {
		return err.Error()
	}
	for _, e := range d.Entries {
		if !strings.HasPrefix(e.Name, outer.Name) && !outer.Temporary(e.Name) {
			fmt.Fprintf(h, "%q %q %q\n", e.Name, e.Target, e.Text)
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// removed says why the list is nobody's to write: the shim is being removed, or is gone, and a list that names it would stop the node.
func (k *keeper) removed() string {
	if mark := filepath.Join(k.state, uninstalled); exists(mark) {
		return "the shim is being uninstalled (" + mark + ")"
	}
	if _, err := delegate.FindInPath(config.Type, k.bins); err != nil {
		return "there is no " + config.Type + " in " + strings.Join(k.bins, ":")
	}
	return ""
}

func exists(path string) bool { _, err := os.Lstat(path); return err == nil }

// remember keeps the list as it is right now, beyond this process. It is as good as the last that could be written.
func (k *keeper) remember(text []byte) {
	if k.gaveUp = ""; k.dry {
		return
	}
	_ = os.Remove(filepath.Join(k.state, outer.Withdrawn))
	if bytes.Equal(text, k.right) {
		return
	}
	k.right = text
	if disk.EnsureDir(k.state, 0o700) == nil {
		_ = disk.Replace(k.state, outer.Remembered, text, 0o600, false)
	}
}
