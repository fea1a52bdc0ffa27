package shim

import (
	"fmt"
	"slices"

	"github.com/containernetworking/cni/pkg/types"

	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/inflight"
	"github.com/cni-shim/cni-shim/pkg/reason"
	"github.com/cni-shim/cni-shim/pkg/report"
)

// begin marks the call as running and tells of calls that were killed. A mark of an ancestor with the same call is a circle.
func (c *call) begin() *report.Failure {
	own := inflight.Call{Verb: c.record.Verb, Network: c.record.Network, ContainerID: c.record.ContainerID, IfName: c.record.IfName}
	mark, running, dead, err := inflight.Begin(c.status.CallsDir(), own)
	if err != nil {
		c.unkept = true
		c.note("", "calls in flight are not marked: "+err.Error(), true)
		if inflight.Nested() >= maxNested {
			return circle(own)
		}
	}
	c.mark, c.running, c.dead = mark, running, dead
	if len(dead) > 0 || mark != nil && mark.First { // a kill, or a power cut, may have left files half-written
		c.status.Sweep()
		c.store.Sweep()
	}
	var ancestors []int
	same := 0
	for _, r := range running {
		if !r.Same(own) {
			continue
		}
		if ancestors == nil {
			ancestors = inflight.Ancestors()
		}
		if same++; same >= maxAtOnce(own) || !r.Foreign() && slices.Contains(ancestors, r.PID) {
			return circle(r)
		}
	}
	return nil
}

// maxNested is how many shims may run inside each other at the same call where no marks tell their networks: a meta-plugin may
// run another network's list, which is no circle.
const maxNested = 3

// maxAtOnce is how many of the same call may run beside it before they are a circle through a daemon, whose children are nobody's
// descendants. Calls of one attachment never run at the same time (SPEC 1.1, section 3); STATUS and GC may.
func maxAtOnce(c inflight.Call) int {
	if c.ContainerID != "" {
		return maxNested
	}
	return 256
}

func circle(c inflight.Call) *report.Failure {
	return &report.Failure{Reason: reason.ConfigInvalid, Code: types.ErrInvalidNetworkConfig, Plugin: config.Type, Of: 1,
		Cause: fmt.Sprintf("the chain leads back to the shim: %s of network %s runs inside itself", c.Verb, c.Network),
		Fix:   "name the real plugins in the wrapped chain, and keep meta-plugins from taking the shim's own list as theirs"}
}
