package shim

import (
	"github.com/cni-shim/cni-shim/pkg/delegate"
	"github.com/cni-shim/cni-shim/pkg/report"
)

// runs notes what ran, for the debug log.
func (c *call) runs(r *delegate.Runner) {
	for _, a := range r.Attempts {
		c.record.Runs = append(c.record.Runs, report.Run{Plugin: a.Type, Index: a.Index, Verb: a.Verb, Duration: a.Duration, Exit: a.Exit})
	}
}
