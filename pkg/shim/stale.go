package shim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"

	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/plugins/pkg/ns"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/report"
)

// prune runs DEL for stored attachments of this network that are not in the runtime's list (SPEC 1.1, GC). It goes on after
// errors and returns the first; an entry whose DEL failed stays.
func (c *call) prune(ctx context.Context) (first *report.Failure) {
	if !c.config.AttachmentsGiven {
		return nil
	}
	keys, err := c.store.List(c.config.Name)
	if err != nil {
		c.note("", "stale attachments are not looked for: "+err.Error(), true)
	}
	for _, k := range keys {
		if slices.Contains(c.config.Attachments, types.GCAttachment{ContainerID: k.ContainerID, IfName: k.IfName}) {
			continue
		}
		f := c.deleteStale(ctx, k)
		switch {
		case f == nil:
			c.note("", fmt.Sprintf("stale attachment %s %s removed", k.ContainerID, k.IfName), true)
		case first == nil:
			first = f
		default:
			c.note("", f.Line(), true)
		}
	}
	return first
}

func (c *call) deleteStale(ctx context.Context, k attachment.Key) *report.Failure {
	e, err := c.store.Get(k)
	if err != nil {
		c.note("", fmt.Sprintf("stale attachment %s %s: %v", k.ContainerID, k.IfName, err), true)
		return nil
	}
	ch, err := chain.FromRaw(e.Chain, chain.Stored)
	if err != nil {
		c.note("", fmt.Sprintf("stale attachment %s %s: %v", k.ContainerID, k.IfName, err), true)
		return nil
	}
	r := c.runner(ch)
	r.RuntimeConfig = e.RuntimeConfig
	r.Env = map[string]string{"CNI_CONTAINERID": k.ContainerID, "CNI_IFNAME": k.IfName, "CNI_NETNS": e.Netns, "CNI_ARGS": e.Args}
	if !exists(e.Netns) {
		r.Env["CNI_NETNS"] = ""
	}
	prev := []byte(nil)
	if e.Done != nil {
		prev = e.Done.Inner
	}
	err = r.Del(ctx, prev)
	c.runs(r)
	if err != nil {
		return c.failed(ch, r, err)
	}
	if err := c.store.Remove(k); err != nil {
		c.note("", err.Error(), true)
	}
	return nil
}

// nothingToDelete is certain only where ADD left no trace: no prevResult, nothing in our store or the runtime's, and no
// interface of that name in the namespace, or no namespace.
func (c *call) nothingToDelete() bool {
	if c.config.PrevResult != nil || c.store.Known(c.key()) {
		return false
	}
	if !exists(c.record.Netns) {
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

func exists(netns string) bool {
	if netns == "" {
		return false
	}
	_, err := os.Stat(netns)
	return !errors.Is(err, os.ErrNotExist)
}
