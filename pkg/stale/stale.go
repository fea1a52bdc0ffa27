// Package stale decides by proof which attachments no runtime asks for any more, and deletes attachments through the
// chain that each was added with.
package stale

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/delegate"
)

// DeleteTimeout is for those who bound a Delete: longer than any DEL of a live chain takes.
const DeleteTimeout = 30 * time.Second

// Error is a stored attachment whose chain failed to delete it. The entry stays.
type Error struct {
	Chain  *chain.Chain
	Runner *delegate.Runner
	Err    error // a *delegate.Error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Delete runs DEL of a stored attachment with what was stored of its ADD, and forgets it. The plugins are searched
// where the ADD searched them.
func Delete(ctx context.Context, s *attachment.Store, k attachment.Key) error {
	e, err := s.Get(k)
	if err != nil {
		return fmt.Errorf("attachment %s %s %s: %w", k.Network, k.ContainerID, k.IfName, err)
	}
	ch, err := chain.FromRaw(e.Chain, chain.Stored)
	if err != nil {
		return fmt.Errorf("attachment %s %s %s: its chain: %w", k.Network, k.ContainerID, k.IfName, err)
	}
	r := &delegate.Runner{Chain: ch, RuntimeConfig: e.RuntimeConfig, Env: map[string]string{
		"CNI_CONTAINERID": k.ContainerID, "CNI_IFNAME": k.IfName, "CNI_NETNS": e.Netns, "CNI_ARGS": e.Args, "CNI_PATH": e.Path,
	}}
	if e.NetnsGone() {
		r.Env["CNI_NETNS"] = ""
	}
	if now := os.Getenv("CNI_PATH"); now != e.Path { // invoke searches the process's own
		if err := os.Setenv("CNI_PATH", e.Path); err != nil {
			return err
		}
		defer os.Setenv("CNI_PATH", now)
	}
	var prev []byte
	if e.Done != nil {
		prev, _ = delegate.Kept(e.Done.Inner, ch.CNIVersion) // else libcni hands none on
	}
	if err := r.Del(ctx, prev); err != nil {
		return &Error{ch, r, err}
	}
	return s.Remove(k)
}
