package shim

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/containernetworking/cni/pkg/types"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/delegate"
	"github.com/cni-shim/cni-shim/pkg/evidence"
	"github.com/cni-shim/cni-shim/pkg/inflight"
	"github.com/cni-shim/cni-shim/pkg/reason"
	"github.com/cni-shim/cni-shim/pkg/report"
)

// remember stores the attachment before the first plugin runs. Where that cannot be, the call goes on as it would without the
// shim: a DEL then runs the chain of its own time. Only where an older entry of the same key can be neither replaced nor
// removed it stops: DEL would run the wrong chain, and leak.
func (c *call) remember(ch *chain.Chain) *report.Failure {
	claim, err := c.store.Begin(&attachment.Entry{
		Key: c.key(), Netns: c.record.Netns, NetnsID: attachment.NetnsID(c.record.Netns), Args: os.Getenv("CNI_ARGS"), Path: delegate.Lasting(os.Getenv("CNI_PATH")),
		RuntimeConfig: c.config.RuntimeConfig, Chain: ch.Raw(), Created: c.record.Time,
	})
	if c.claim = claim; err == nil {
		return nil
	}
	if removeErr := c.store.Remove(c.key()); removeErr != nil && !errors.Is(removeErr, attachment.ErrAdding) {
		return &report.Failure{Reason: reason.HostResourceExhausted, Code: types.ErrIOFailure, Cause: "an older attachment of this container cannot be replaced: " + err.Error(),
			Fix: "make " + c.store.Dir() + " writable: DEL would run the older one's chain, and leak"}
	}
	c.note("", "the attachment is not stored, DEL will run the configuration of its time: "+err.Error(), true)
	return nil
}

// complete notes that the ADD succeeded, with its result as the chain gave it and as the runtime got it.
func (c *call) complete(ch *chain.Chain, inner, outer []byte) {
	if c.claim == nil {
		return // it could not be stored, which is noted
	}
	d := attachment.Done{Added: c.record.Time, Inner: inner}
	if ch.CNIVersion != c.config.CNIVersion {
		d.Outer = outer
	}
	if err := c.claim.Complete(d); err != nil {
		c.note("", "the attachment is not marked as added: "+err.Error(), true)
	}
}

// rollBack undoes an ADD that failed after the given runs. Its errors are noted, never returned in place of the cause.
func (c *call) rollBack(ch *chain.Chain, ran []*delegate.Attempt) {
	if c.store.Ask != nil { // with ADD's own time, which may be over: what cannot be asked counts as in use
		c.store.Ask = func(q attachment.Question) (*attachment.Answer, error) { return c.ask(context.Background(), q) }
	}
	if why := c.inUse(); why != "" {
		c.note("", "the failed ADD is not undone: "+why, true)
		return
	}
	ctx, cancel := c.undoDeadline()
	defer cancel()
	r := c.runner(ch)
	r.Attempts = ran
	for _, e := range r.RollBack(ctx) {
		c.note("", "undoing the failed ADD: "+e.Error(), true)
	}
}

// inUse says why what this ADD set up may be a pod's network: the attachment is up from an earlier ADD, or another ADD of it is under
// way. Plugins keep their state by container and interface (host-local, portmap), so to undo one ADD is to undo them all. "": it is
// this ADD's alone.
func (c *call) inUse() string {
	if evidence.HostNetns(c.record.Netns) {
		return "its namespace is the host's own, where an interface of that name is the node's"
	}
	if e, err := c.store.Here(c.key()); err == nil && e.Up() && !c.claim.Own() {
		return "the attachment is up, from an ADD at " + e.Created.Format(timeOfDay)
	}
	if adds(inflight.Beside(c.status.CallsDir(), c.mark.Call()), c.config.Name) {
		return "another ADD of the attachment is under way"
	}
	if (c.claim == nil || !c.claim.Ended) && c.store.UpElsewhere(c.key()) {
		return "the runtime's cache, or the disk, has the attachment, from an ADD that memory knows nothing of"
	}
	return ""
}

// adds reports whether one of the calls, which are of this one's container and interface, is an ADD of a network.
func adds(calls []inflight.Call, network string) bool {
	return slices.ContainsFunc(calls, func(r inflight.Call) bool { return r.Verb == "ADD" && r.Network == network })
}

// timeOfDay is how a message names a moment of these days.
const timeOfDay = "15:04:05 MST"
