package shim

import (
	"context"
	"errors"
	"fmt"

	"github.com/containernetworking/cni/pkg/types"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/delegate"
	"github.com/cni-shim/cni-shim/pkg/reason"
	"github.com/cni-shim/cni-shim/pkg/report"
)

// notAvailable is the code of a STATUS that cannot serve ADD (SPEC 1.1, STATUS); the library has no name for it yet.
const notAvailable = 50

// add stores what is about to run, runs it, undoes it where it fails, and hands on the result in the runtime's version.
func (c *call) add(ctx context.Context) *report.Failure {
	if own := c.bare(); own != nil {
		return c.observe(ctx, own)
	}
	ch, f := c.today(ctx)
	if f != nil {
		return f
	}
	prev, err := convert(c.config.PrevResult, c.config.CNIVersion, ch.CNIVersion)
	if err != nil {
		return &report.Failure{Reason: reason.InvalidCallerInput, Code: types.ErrDecodingFailure, Cause: "prevResult: " + err.Error()}
	}
	if f := c.remember(ch); f != nil {
		return f
	}
	if f := c.late(ctx); f != nil {
		return f
	}
	r := c.runner(ch)
	c.undo = func() { c.rollBack(ch, r.Attempts) }
	result, err := r.Add(ctx, prev)
	c.runs(r)
	if err == nil {
		var outer []byte
		if outer, err = result.At(c.config.CNIVersion); err == nil {
			c.stdout = outer
			c.complete(ch, result.Raw, outer)
			return nil
		}
		err = fmt.Errorf("the result cannot be told at cniVersion %s: %w", c.config.CNIVersion, err)
	}
	return report.Failed(ch, r, err)
}

// check runs CHECK of the chain that ADD ran.
func (c *call) check(ctx context.Context) *report.Failure {
	if own := c.bare(); own != nil && !c.stored() {
		return c.observe(ctx, own)
	}
	ch, entry, f := c.added()
	if f != nil {
		return f
	}
	prev, err := c.inner(entry, ch)
	if err != nil {
		return &report.Failure{Reason: reason.InvalidCallerInput, Code: types.ErrDecodingFailure, Cause: "prevResult: " + err.Error()}
	}
	if f := c.late(ctx); f != nil {
		return f
	}
	r := c.runner(ch)
	err = r.Check(ctx, prev)
	c.runs(r)
	return report.Failed(ch, r, err)
}

// del runs DEL of the chain that ADD ran, and forgets the attachment when all of it succeeded.
func (c *call) del(ctx context.Context) *report.Failure {
	if own := c.bare(); own != nil && !c.stored() {
		return c.observe(ctx, own)
	}
	ch, entry, f := c.added()
	if f != nil {
		if c.nothingToDelete() {
			c.note("", "nothing was set up for this attachment; its DEL succeeds although "+f.Line(), true)
			return nil
		}
		return f
	}
	prev, err := c.inner(entry, ch)
	if err != nil {
		c.note("", "DEL runs without prevResult: "+err.Error(), true)
		prev = nil
	}
	if f := c.late(ctx); f != nil {
		return f
	}
	r := c.runner(ch)
	err = r.Del(ctx, prev)
	c.runs(r)
	if err != nil {
		return report.Failed(ch, r, err)
	}
	key := c.key()
	if entry != nil {
		key = entry.Key
	}
	if adds(c.running, c.config.Name) {
		return nil // its own DEL will remove the entry, and run the chain that it ran
	}
	if err := c.store.Remove(key); err != nil && !errors.Is(err, attachment.ErrAdding) {
		c.note("", "the attachment is still stored: "+err.Error(), true)
	}
	return nil
}

// statusVerb fails only when it is certain that no ADD can succeed, or when a plugin says so.
func (c *call) statusVerb(ctx context.Context) *report.Failure {
	if own := c.bare(); own != nil {
		return c.observe(ctx, own)
	}
	ch, f := c.today(ctx)
	if f != nil {
		f.Code = notAvailable
		return f
	}
	if f := c.late(ctx); f != nil {
		c.note("", f.Cause+"; the node counts as ready", true)
		return nil
	}
	r := c.runner(ch)
	err := r.Status(ctx)
	c.runs(r)
	var e *delegate.Error
	if errors.As(err, &e) && e.Attempt.Timeout {
		c.note("", fmt.Sprintf("%s did not answer STATUS within %s; the node counts as ready [%s]",
			ch.Label(e.Attempt.Index), c.config.Timeouts["STATUS"], reason.PluginTimeout.Name), true)
		return nil
	}
	if f = report.Failed(ch, r, err); f != nil && e != nil && e.CNI.Code == 0 {
		f.Code = notAvailable
	}
	return f
}

// gc removes attachments that the runtime no longer has, through the chain that each was added with, then hands GC on. With
// no list of attachments (absent or null, which an unrelated network gets) nothing is removed.
func (c *call) gc(ctx context.Context) *report.Failure {
	if own := c.bare(); own != nil {
		return c.observe(ctx, own)
	}
	if ch, _ := c.load(); ch != nil && ch.DisableGC {
		return nil // another runtime may share the network (SPEC 1.1, disableGC)
	}
	first := c.prune(ctx)
	ch, f := c.today(ctx)
	if f != nil && first != nil {
		c.note("", first.Line(), true)
	}
	if f != nil {
		return f
	}
	r := c.runner(ch)
	for _, err := range r.GC(ctx, c.config.GC) {
		if f := report.Failed(ch, r, err); first == nil {
			first = f
		} else {
			c.note("", f.Line(), true)
		}
	}
	c.runs(r)
	return first
}
