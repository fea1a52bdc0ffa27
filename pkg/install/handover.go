package install

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/outer"
	"github.com/cni-shim/cni-shim/pkg/stale"
	"github.com/cni-shim/cni-shim/pkg/status"
)

// handOver sees to it that what the shim added is deleted without it. containerd takes today's list for that; CRI-O and
// podman the one in libcni's cache, which is the shim's: it is replaced there by the one that the shim ran. What is
// proven stale is deleted now, as nobody else knows of it.
func (r *Removal) handOver(ctx context.Context) {
	store := status.Of(r.entry).Attachments(r.entry.StateDir)
	r.sweep(ctx, store)
	networks, err := store.Networks()
	if err != nil {
		r.left("attachments: %v", err)
	}
	others := 0
	for _, n := range networks {
		keys, _ := store.List(n)
		for _, k := range keys {
			e, err := store.Get(k)
			if err != nil {
				r.left("attachment %s of container %s: %v", k.IfName, k.ContainerID, err)
				continue
			}
			if !outer.Same(stored(e.Chain), r.today) {
				others++
			}
			if err := r.change(func() error { return attachment.ReplaceInRuntime(k, e.Chain) }); err != nil {
				r.left("the runtime's cache, %s of container %s: %v", k.IfName, k.ContainerID, err)
			}
		}
	}
	if others > 0 {
		r.note("attachments that were added by another chain than today's: %d; a runtime that deletes them by today's, as containerd does, may leave something of them behind", others)
	}
}

// sweep deletes the attachments that are proven stale, and notes those that only look so.
func (r *Removal) sweep(ctx context.Context, store *attachment.Store) {
	judge := stale.NewJudge(store, status.Of(r.entry).CallsDir())
	all, err := judge.All(ctx)
	if err != nil {
		r.left("attachments: %v", err)
	}
	kept := map[string]int{}
	for _, f := range all {
		switch name := fmt.Sprintf("attachment %s %s %s", f.Network, f.ContainerID, f.IfName); {
		case f.State == stale.Stale:
			r.do(Remove, name, func() error {
				bounded, cancel := context.WithTimeout(ctx, stale.DeleteTimeout)
				defer cancel()
				return stale.Delete(bounded, store, f.Key)
			})
		case f.State == stale.Unknown:
			kept[f.Why]++
		}
	}
	for _, why := range slices.Sorted(maps.Keys(kept)) {
		r.note("attachments that may be stale, and are not deleted: %d: %s", kept[why], why)
	}
	if err := judge.NotAsked(); err != nil {
		r.note("%v", err)
	}
}

// stored is a chain as it is stored, wherever it came from.
func stored(c chain.Raw) []byte {
	c.Source = chain.Source{}
	b, _ := json.Marshal(c) // of JSON that has been parsed
	return b
}
