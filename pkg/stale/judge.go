package stale

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/inflight"
)

// State is what is proven of a stored attachment.
type State uint8

// What is not proven is Unknown, never Stale.
const (
	Unknown State = iota
	InUse         // a pod has it, or a runtime will ask for its DEL
	Stale         // nobody will ask for it
)

// Finding is what is known of one stored attachment.
type Finding struct {
	attachment.Key
	State State
	Why   string // in words, for each state
	// Gone: as this process sees it the network namespace is gone. It decides nothing by itself: in a container every
	// live pod looks so.
	Gone bool
}

// least is how long after its ADD an attachment is left alone: the runtime may be about to ask for it.
const least = 10 * time.Minute

// Judge decides which stored attachments are stale. Stale is what all of this proves: this process sees the node's
// mounts and processes; the network namespace is gone, for each runtime as well; no call of the attachment runs; ten
// minutes have passed; and no runtime of the node knows the container. What cannot be seen or gets no answer is
// Unknown.
//
// A Judge asks each runtime once, and only where the rest is proven. It is for one goroutine.
type Judge struct {
	store    *attachment.Store
	callsDir string
	place    func() (*place, error)
	answers  []answer
	asked    bool
	noTool   error // crictl is not installed: the runtimes' CNI cache says what they know
}

// NewJudge makes a judge of the attachments in a store; callsDir holds the in-flight files of the shim's calls. Nothing
// is looked at yet.
func NewJudge(store *attachment.Store, callsDir string) *Judge {
	return &Judge{store: store, callsDir: callsDir, place: sync.OnceValues(findPlace)}
}

// OnNode is nil where this process sees the node's mounts and processes, without which nothing is proven stale.
func (j *Judge) OnNode() error {
	_, err := j.place()
	return err
}

// NotAsked says why no runtime was asked, where one would have been; nil where all were, or nothing depended on it.
func (j *Judge) NotAsked() error { return j.noTool }

// All judges every stored attachment. With an error, of those that could be listed.
func (j *Judge) All(ctx context.Context) (all []Finding, err error) {
	networks, err := j.store.Networks()
	if err != nil {
		return nil, err
	}
	for _, n := range networks {
		keys, err := j.store.List(n)
		if err != nil {
			return all, err
		}
		for _, k := range keys {
			f := j.Of(ctx, k)
			if _, err := j.store.Get(k); !errors.Is(err, os.ErrNotExist) { // else its DEL came meanwhile
				all = append(all, f)
			}
		}
	}
	return all, nil
}

// Of judges one attachment as it is now; what runtimes know is as of the first time.
func (j *Judge) Of(ctx context.Context, k attachment.Key) Finding {
	f := Finding{Key: k}
	e, err := j.store.Get(k)
	if err != nil {
		f.Why = "its entry cannot be read: " + err.Error()
		return f
	}
	if f.Gone = e.NetnsGone(); f.Gone {
		f.State, f.Why = j.decide(ctx, e)
	} else {
		f.State, f.Why = InUse, "its network namespace "+e.Netns+" is there"
	}
	return f
}

// decide judges an attachment whose network namespace is gone as this process sees it.
func (j *Judge) decide(ctx context.Context, e *attachment.Entry) (State, string) {
	if e.Netns == "" {
		return Unknown, "its entry names no network namespace"
	}
	at, err := j.place()
	if err != nil {
		return Unknown, err.Error()
	}
	for _, r := range at.runtimes {
		switch there, err := r.sees(e); {
		case err != nil:
			return Unknown, fmt.Sprintf("whether %s sees its network namespace %s cannot be seen: %v", r, e.Netns, err)
		case there:
			return InUse, fmt.Sprintf("its network namespace %s is there for %s", e.Netns, r)
		}
	}
	if _, err := os.ReadDir(j.callsDir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return Unknown, "which calls run cannot be seen: " + err.Error()
	}
	running, _ := inflight.Running(j.callsDir)
	for _, c := range running {
		if c.ContainerID == e.ContainerID && c.IfName == e.IfName {
			return InUse, fmt.Sprintf("its %s is running (process %d)", c.Verb, c.PID)
		}
	}
	if state, why := aged(e, attachment.Uptime(), time.Now()); why != "" {
		return state, why
	}
	return j.known(ctx, e.Key)
}

// aged says why ten minutes may not have passed since the ADD; "" where they have. The node's uptime decides, whatever
// clocks were set to: an entry with more of it than the node has is of an earlier boot. One without it was made by an
// older version.
func aged(e *attachment.Entry, up time.Duration, now time.Time) (State, string) {
	passed := up
	switch made := time.Duration(e.Uptime * float64(time.Second)); {
	case made > 0 && made <= up:
		passed = up - made
	case made > 0:
	case now.Before(e.Created):
		return Unknown, "its entry is dated in the future, " + e.Created.Format(time.RFC3339) + ": the clock was set back"
	default:
		passed = min(up, now.Sub(e.Created))
	}
	if passed < least {
		return InUse, fmt.Sprintf("its ADD or the node's start was only %s ago; it is left alone for %s",
			passed.Round(time.Second), least)
	}
	return Unknown, ""
}
