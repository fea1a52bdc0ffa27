package shim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/plugins/pkg/ns"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/inflight"
	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/stale"
)

// prune runs DEL for stored attachments of this network that are not in the runtime's list (SPEC 1.1, GC). It goes on after
// errors and returns the first; an entry whose DEL failed stays. What the runtime's libcni has in its cache is left: it has run those DELs
// itself, just before, and where one failed the entry is still there.
func (c *call) prune(ctx context.Context) (first *report.Failure) {
	if !c.config.AttachmentsGiven {
		return nil
	}
	running, _ := inflight.Running(c.status.CallsDir())
	keys, err := c.store.List(c.config.Name)
	if f := c.tryAgain(err); f != nil {
		return f
	}
	if err != nil {
		c.note("", "stale attachments are not looked for: "+err.Error(), true)
	}
	cached, err := c.store.Cached()
	if f := c.tryAgain(err); f != nil {
		return f
	}
	if err != nil {
		c.note("", "stale attachments are not looked for: "+err.Error(), true)
		return nil
	}
	var removed []string
	for _, k := range keys {
		if slices.Contains(c.config.Attachments, types.GCAttachment{ContainerID: k.ContainerID, IfName: k.IfName}) {
			continue
		}
		if cached(k) {
			continue
		}
		if slices.ContainsFunc(running, func(r inflight.Call) bool {
			return r.Verb == "ADD" && r.Network == k.Network && r.ContainerID == k.ContainerID && r.IfName == k.IfName
		}) {
			continue // newer than the runtime's list, or it is deleted by a call of its own
		}
		e, err := c.store.Get(k)
		if f := c.tryAgain(err); f != nil {
			first = cmp.Or(first, f)
			break
		}
		if errors.Is(err, os.ErrNotExist) {
			_ = c.store.Remove(k) // an ADD was killed before it wrote; one that is about to write holds it
			continue
		}
		if err == nil && c.newer(e) {
			continue
		}
		f, done := c.deleteStale(ctx, k)
		if done {
			removed = append(removed, k.ContainerID+" "+k.IfName)
		}
		if first == nil {
			first = f
		} else if f != nil {
			c.note("", f.Line(), true)
		}
	}
	if n := len(removed); n > 0 {
		const many = 5
		more := ""
		if n > many {
			more = fmt.Sprintf(" and %d more", n-many)
		}
		c.note("", "stale attachments removed: "+strings.Join(removed[:min(n, many)], ", ")+more, true)
	}
	return first
}

// newer reports whether an attachment may be younger than the runtime's list, which was made before this call began. A date in the
// future says nothing, for the clock was set back since: there a namespace that lives decides.
func (c *call) newer(e *attachment.Entry) bool {
	if e.Created.After(time.Now()) {
		return !e.NetnsGone()
	}
	return e.Created.After(c.record.Time)
}

func (c *call) deleteStale(ctx context.Context, k attachment.Key) (f *report.Failure, done bool) {
	err := stale.Delete(ctx, c.store, k)
	var e *stale.Error
	if errors.As(err, &e) {
		c.runs(e.Runner)
		return report.Failed(e.Chain, e.Runner, e.Err), false
	}
	if err != nil {
		c.note("", "not removed: "+err.Error(), true)
	}
	return nil, err == nil
}

// nothingToDelete is certain only where ADD left no trace: no prevResult, nothing in our store or the runtime's, and no
// interface of that name in the namespace, or no namespace.
func (c *call) nothingToDelete() bool {
	if c.config.PrevResult != nil || c.store.Known(c.key()) {
		return false
	}
	if e := (&attachment.Entry{Netns: c.record.Netns}); e.NetnsGone() {
		return true
	}
	absent := false
	err := ns.WithNetNSPath(c.record.Netns, func(ns.NetNS) error {
		all, err := net.Interfaces()
		absent = err == nil && !slices.ContainsFunc(all, func(i net.Interface) bool { return i.Name == c.record.IfName })
		return nil
	})
	return err == nil && absent
}
