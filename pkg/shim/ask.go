package shim

import (
	"context"
	"errors"
	"fmt"

	"github.com/containernetworking/cni/pkg/types"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/reason"
	"github.com/cni-shim/cni-shim/pkg/report"
)

// ask has another process read what the disk holds, and notes in the call's mark that it waits for it.
func (c *call) ask(ctx context.Context, q attachment.Question) (*attachment.Answer, error) {
	c.mark.Waiting(c.config.StateDir)
	defer c.mark.Waiting("")
	return attachment.Apart(ctx, q, c.mark.Beat)
}

// tryAgain is the failure of a call that cannot know what ADD ran, because the disk that may hold it does not answer, or the host
// lacks what it takes to read it. Nil for another error. The runtime calls again (SPEC 1.1, code 11).
func (c *call) tryAgain(err error) *report.Failure {
	if f := report.Exhausted(err); f != nil || !errors.Is(err, attachment.ErrUnanswered) {
		return f
	}
	path := c.config.StateDir
	if e := (*attachment.Unanswered)(nil); errors.As(err, &e) {
		path = e.Path
	}
	return &report.Failure{Reason: reason.DiskUnresponsive, Code: types.ErrTryAgainLater, Cause: err.Error(),
		Fix: fmt.Sprintf("see what holds the file system of %s: findmnt -T %[1]s; dmesg | tail -n 50", path)}
}

// late is the failure of a call whose time is over before its first plugin runs; nil where there is time left.
func (c *call) late(ctx context.Context) *report.Failure {
	if ctx.Err() == nil {
		return nil
	}
	verb := c.record.Verb
	return &report.Failure{Reason: reason.HostResourceExhausted, Code: types.ErrTryAgainLater,
		Cause: fmt.Sprintf("%s was over its time of %s (timeouts.%s) before its first plugin ran", verb, c.config.Timeouts[verb], verb),
		Fix:   "see what slows the node down (uptime; cat /proc/pressure/*), or give the verb more time in the shim's entry"}
}
