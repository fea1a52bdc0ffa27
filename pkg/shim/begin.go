package shim

import (
	"fmt"
	"slices"
	"syscall"

	"github.com/containernetworking/cni/pkg/types"

	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/inflight"
	"github.com/cni-shim/cni-shim/pkg/reason"
	"github.com/cni-shim/cni-shim/pkg/report"
)

// begin marks the call as running and tells of calls that were killed. A mark of an ancestor with the same call is a circle.
func (c *call) begin() *report.Failure {
	own := inflight.Call{Verb: c.record.Verb, Network: c.record.Network, ContainerID: c.record.ContainerID, IfName: c.record.IfName}
	if p := c.record.Pod; p != nil && p.Name != "" && len(p.Namespace)+len(p.Name) <= maxPod {
		own.Pod = p.Namespace + "/" + p.Name
	}
	mark, running, dead, err := inflight.Begin(c.status.CallsDir(), own)
	if err != nil {
		c.unkept = true
		c.note("", "calls in flight are not marked: "+err.Error(), true)
		if inflight.Nested() >= maxNested {
			return circle(own)
		}
	}
	c.mark, c.running, c.dead = mark, running, dead
	if mark == nil {
		return nil
	}
	if len(dead) > 0 || mark.First { // a kill, or a power cut, may have left files half-written
		c.status.Sweep()
		c.store.Sweep()
	}
	if own.ContainerID == "" && mark.Like >= maxAtOnce {
		return circle(own)
	}
	return recursion(mark.Call(), running)
}

// maxPod bounds a pod's namespace and name in a mark, in bytes: Kubernetes allows 63 and 253.
const maxPod = 316

// maxNested is how many shims may run inside each other: through a daemon, or where no marks tell their networks (a meta-plugin may
// run another network's list, which is no circle).
const maxNested = 3

// maxAtOnce is how many STATUS, or GC, may run at the same time whoever makes them; maxEqual is the same for one attachment's calls,
// which runtimes make one after the other (SPEC 1.1, section 3).
const (
	maxAtOnce = 256
	maxEqual  = 64
)

// recursion finds a call that runs inside itself: a mark of an ancestor with the same call. The children of a daemon are nobody's
// descendants: there one process makes the same call again and again, and another one waits for the first of them. Equal calls
// that one runtime makes at the same time are none, also beside those of a runtime that was restarted.
func recursion(own inflight.Call, running []inflight.Call) *report.Failure {
	var ancestors []int
	equal, siblings, first := 0, 0, false
	for _, r := range running {
		if !r.Same(own) {
			continue
		}
		if ancestors == nil {
			ancestors = inflight.Ancestors()
		}
		if !r.Foreign() && slices.Contains(ancestors, r.PID) {
			return circle(r)
		}
		if equal++; r.Siblings(own) {
			siblings++
		} else if r.Foreign() || r.Parent > 1 && syscall.Kill(r.Parent, 0) == nil {
			first = true // by a process that waits for it
		}
	}
	if own.ContainerID != "" && (siblings >= maxNested && first || equal >= maxEqual) {
		return circle(own)
	}
	return nil
}

func circle(c inflight.Call) *report.Failure {
	return &report.Failure{Reason: reason.ConfigInvalid, Code: types.ErrInvalidNetworkConfig, Plugin: config.Type, Of: 1,
		Cause: fmt.Sprintf("the chain leads back to the shim: %s of network %s runs inside itself", c.Verb, c.Network),
		Fix:   "name the real plugins in the wrapped chain, and keep meta-plugins from taking the shim's own list as theirs"}
}
