package shim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"time"

	"github.com/containernetworking/cni/pkg/types"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/delegate"
	"github.com/cni-shim/cni-shim/pkg/reason"
	"github.com/cni-shim/cni-shim/pkg/report"
)

// ServeEnv is set for a process that answers a question about the disk, instead of a call: see attachment.Serve.
const ServeEnv = "CNI_SHIM_SERVE"

// askTimeout bounds how long a call waits for a disk, where the verb's own bound is not shorter.
const askTimeout = 4 * time.Second

// ask has another process read what the disk holds. A thread that waits for a disk cannot be killed, and neither its process: a call
// must not be that process. While one such process waits in vain no other is started.
func (c *call) ask(ctx context.Context, q attachment.Question) (*attachment.Answer, error) {
	q.Lock = filepath.Join(c.status.Dir(), "asking")
	if since, ok := attachment.Asking(q.Lock); ok && time.Since(since) > askTimeout {
		return nil, c.unanswered(since)
	}
	began := time.Now()
	c.mark.Waiting(c.config.StateDir)
	defer c.mark.Waiting("")
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	b, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	out, err := delegate.Self(ctx, b, ServeEnv+"=1")
	if errors.Is(err, delegate.ErrLeft) || ctx.Err() != nil {
		if since, ok := attachment.Asking(q.Lock); ok && since.Before(began) {
			began = since
		}
		return nil, c.unanswered(began)
	}
	if errors.Is(err, syscall.ENOENT) { // no /proc to find this program in
		return q.Answer(), nil
	}
	a := &attachment.Answer{}
	if err == nil {
		err = json.Unmarshal(out, a)
	}
	if err != nil {
		if report.Exhausted(err) == nil {
			err = errors.New(err.Error()) // it says nothing about what is asked for
		}
		return nil, fmt.Errorf("what %s holds cannot be read: %w: %w", c.config.StateDir, attachment.ErrUnanswered, err)
	}
	return a, nil
}

func (c *call) unanswered(since time.Time) error {
	return &unanswered{c.config.StateDir, time.Since(since).Round(time.Second)}
}

// unanswered is a disk that does not answer.
type unanswered struct {
	path string
	age  time.Duration
}

func (e *unanswered) Error() string {
	return fmt.Sprintf("waiting for %s, not answering for %s", e.path, e.age)
}

func (e *unanswered) Is(target error) bool { return target == attachment.ErrUnanswered }

// tryAgain is the failure of a call that cannot know what ADD ran, because the disk that may hold it does not answer, or the host
// lacks what it takes to read it. Nil for another error. The runtime calls again (SPEC 1.1, code 11).
func (c *call) tryAgain(err error) *report.Failure {
	if f := report.Exhausted(err); f != nil || !errors.Is(err, attachment.ErrUnanswered) {
		return f
	}
	return &report.Failure{Reason: reason.DiskUnresponsive, Code: types.ErrTryAgainLater, Cause: err.Error(),
		Fix: fmt.Sprintf("see what holds the file system of %s: findmnt -T %[1]s; dmesg | tail -n 50", c.config.StateDir)}
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
