package shim

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/containernetworking/cni/pkg/utils"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/check"
	"github.com/cni-shim/cni-shim/pkg/delegate"
	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/disk"
	"github.com/cni-shim/cni-shim/pkg/inventory"
	"github.com/cni-shim/cni-shim/pkg/report"
)

// settling is how long a file or a program may be away or half-written before it counts: installers replace theirs in steps.
const settling = time.Second

// today loads the chain as it is configured now and takes its inventory. A chain that cannot run is a failure; where it could at
// the call before, that must be certain, and it is looked at once more.
func (c *call) today(ctx context.Context) (*chain.Chain, *report.Failure) {
	notes := len(c.record.Notes)
	ch, f := c.now(ctx)
	if f == nil || c.record.Verb != "STATUS" && c.record.Verb != "ADD" {
		return ch, f
	}
	if before, err := c.status.Verdict(); err != nil || !before.Ready {
		return ch, f
	}
	select {
	case <-ctx.Done():
		return ch, f
	case <-time.After(settling):
	}
	c.record.Notes = c.record.Notes[:notes]
	return c.now(ctx)
}

func (c *call) now(ctx context.Context) (*chain.Chain, *report.Failure) {
	ch, f := c.load()
	if f != nil {
		return nil, f
	}
	if ch.Name != c.config.Name {
		c.note("", fmt.Sprintf("the wrapped chain's name is %q, the shim's list is %q: pods of before cannot be deleted; give both the same name", ch.Name, c.config.Name), false)
	}
	if n := len(ch.Mended); n > 0 {
		more := ""
		if n > 1 {
			more = fmt.Sprintf(" (and %d more)", n-1)
		}
		c.note(ch.Mended[0].Rule, fmt.Sprintf("%s: %s%s: the chain runs in its mended form, as the shim's entry asks for (repair); cni-shim check --fix mends the file", ch.Mended[0].Place, ch.Mended[0].Message, more), false)
	}
	for _, path := range []string{ch.Source.Path, filepath.Dir(ch.Source.Path)} {
		if fi, err := os.Stat(path); err == nil && ch.Source.Path != "" && fi.Mode().Perm()&0o002 != 0 && fi.Mode()&os.ModeSticky == 0 {
			c.note("", fmt.Sprintf("%s can be written by anybody (%s), and what it says runs as root: chmod o-w it", path, fi.Mode().Perm()), false)
		}
	}
	if p := c.inspect(ctx, ch).Fatal(); p != nil {
		return nil, report.NotRunnable(ch, p)
	}
	return ch, nil
}

// load loads the chain as it is configured now.
func (c *call) load() (*chain.Chain, *report.Failure) {
	ch, err := chain.Load(c.config)
	if err == nil {
		return ch, nil
	}
	return nil, report.NotLoaded(err)
}

func (c *call) tellChain(ch *chain.Chain) {
	c.record.Chain = &report.Chain{Network: ch.Name, Source: string(ch.Source.Kind), File: ch.Source.Path, CNIVersion: ch.CNIVersion}
}

// inspect takes the chain's inventory and notes its problems. What is known of unchanged programs is kept beside the status
// file; a chain that is another than at the call before is told.
func (c *call) inspect(ctx context.Context, ch *chain.Chain) *inventory.Inventory {
	dir := filepath.Join(c.status.Dir(), "chains")
	if c.unkept { // nothing is remembered of what programs answer: to ask those that hang must not cost every call two seconds
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, journalBudget)
		defer cancel()
	}
	var before inventory.Stamp
	if b, err := disk.Read(filepath.Join(dir, disk.FileName(c.config.Name)), chain.MaxSize); err == nil {
		_ = json.Unmarshal(b, &before) // a damaged stamp is none
	}
	v := inventory.Take(ctx, ch, filepath.SplitList(os.Getenv("CNI_PATH")), before.Plugins)
	c.tellChain(ch)
	c.record.Chain.Plugins = v.Plugins
	if digest := digest(ch, v); digest != before.Digest {
		c.record.Changed = c.dry || c.firstToTell(dir, v, digest)
	}
	if c.record.Changed {
		c.noteFindings(ch)
	}
	return c.noteProblems(ch, v)
}

// firstToTell keeps the stamp of a changed chain and is true for one of the calls that see the change at once. Where nothing can
// be kept it is true for all: better told again than never.
func (c *call) firstToTell(dir string, v *inventory.Inventory, digest string) bool {
	if utils.ValidateNetworkName(c.config.Name) != nil { // it names a file; runtimes refuse such a network, a look comes without them
		return true
	}
	if disk.EnsureDir(c.status.Dir(), 0o755) != nil || disk.EnsureDir(dir, 0o700) != nil {
		return true
	}
	unlock, err := disk.TryLock(dir, disk.FileName(c.config.Name))
	if errors.Is(err, disk.ErrLocked) {
		return false
	}
	if err == nil {
		defer unlock()
	}
	var now inventory.Stamp
	if b, err := disk.Read(filepath.Join(dir, disk.FileName(c.config.Name)), chain.MaxSize); err == nil && json.Unmarshal(b, &now) == nil && now.Digest == digest {
		return false
	}
	_ = disk.Replace(dir, disk.FileName(c.config.Name), v.MarshalStamp(digest), 0o600, false) // else it is told again
	return true
}

func (c *call) noteProblems(ch *chain.Chain, v *inventory.Inventory) *inventory.Inventory {
	fatal := v.Fatal()
	for i := range v.Problems {
		if p := &v.Problems[i]; p != fatal {
			c.note("", report.NotRunnable(ch, p).Line(), false)
		}
	}
	return v
}

// noteFindings notes what check finds in a chain's file, other than what stops it: a chain that has changed is read for it
// once, so that calls of an unchanged one pay nothing.
func (c *call) noteFindings(ch *chain.Chain) {
	if ch.Source.Kind != chain.Directory && ch.Source.Kind != chain.File || len(ch.Mended) > 0 {
		return
	}
	const most = 20 // help nobody more
	r, err := check.Path(ch.Source.Path, check.Options{})
	if err != nil {
		return // gone since; the next call tells
	}
	for _, d := range r.List {
		if d.Severity <= diag.Warning && len(c.record.Notes) < most {
			c.note(d.Rule, d.Place.String()+": "+d.Message, false)
		}
	}
}

// digest changes when the chain, its source or one of its programs does.
func digest(ch *chain.Chain, v *inventory.Inventory) string {
	h := fnv.New128a()
	raw := ch.Raw()
	_, _ = fmt.Fprintf(h, "%s\x00%s", raw.Source.Kind, raw.Source.Path)
	for _, b := range append(raw.Plugins, raw.Config) {
		_, _ = fmt.Fprintf(h, "\x00%s", b)
	}
	for _, p := range v.Plugins {
		_, _ = fmt.Fprintf(h, "\x00%s\x00%s\x00%s\x00%s\x00%t", p.Type, p.Path, p.ID, strings.Join(p.Versions, " "), p.Asked)
	}
	for _, f := range ch.Mended {
		_, _ = fmt.Fprintf(h, "\x00%s\x00%s", f.Rule, f.Place)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (c *call) runner(ch *chain.Chain) *delegate.Runner {
	var told int
	return &delegate.Runner{
		Chain: ch, RuntimeConfig: c.config.RuntimeConfig,
		Before: func(i int) {
			told = 0
			c.mark.Starting(ch.Label(i))
		},
		Beat: func(i int, ran time.Duration) {
			c.mark.Beat()
			if ran >= patience(told) {
				told++
				c.tellProgress(ch.Label(i), ran)
			}
		},
	}
}

// runs notes what ran, for the debug log.
func (c *call) runs(r *delegate.Runner) {
	for _, a := range r.Attempts {
		c.record.Runs = append(c.record.Runs, report.Run{Plugin: a.Type, Index: a.Index, Verb: a.Verb, Duration: a.Duration, Exit: a.Exit})
	}
}

// deadline bounds the verb if the entry does.
func (c *call) deadline() (context.Context, context.CancelFunc) {
	if d, ok := c.config.Timeouts[c.record.Verb]; ok {
		return context.WithDeadline(context.Background(), c.record.Time.Add(d))
	}
	return context.Background(), func() {}
}

// undoDeadline bounds a roll-back as a DEL, or where only ADD is bounded as that; from now on, for ADD's own time may be over.
func (c *call) undoDeadline() (context.Context, context.CancelFunc) {
	for _, verb := range []string{"DEL", "ADD"} {
		if d, ok := c.config.Timeouts[verb]; ok {
			return context.WithTimeout(context.Background(), d)
		}
	}
	return context.WithTimeout(context.Background(), undoTimeout)
}

// undoTimeout bounds a roll-back by default: the ADD's own error must reach the pod's event before the runtime gives up.
const undoTimeout = 30 * time.Second
