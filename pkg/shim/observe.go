package shim

import (
	"context"
	"fmt"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/node"
	"github.com/cni-shim/cni-shim/pkg/report"
)

// bare returns what the runtime runs itself of a list that the shim only observes (config.Bare). Nil: the shim runs a chain.
func (c *call) bare() *chain.Chain {
	if !c.config.Chain.IsZero() {
		return nil
	}
	own := ownList(c.config.Name)
	if own == nil && (c.record.Verb == "CHECK" || c.record.Verb == "DEL") {
		own, _ = c.store.RuntimeList(c.key()) // the file is gone or broken; the pod was added by this list
	}
	if own == nil || !own.Bare() {
		return nil
	}
	return own.Beside()
}

// ownList finds the list of a network that the shim stands in, in the directories that runtimes read by default, else in those that
// this node's runtimes are configured to read.
func ownList(network string) *chain.Chain {
	for _, dir := range node.ConfDirs() {
		if own := chain.FindOwn(dir, network); own != nil {
			return own
		}
	}
	for _, r := range node.Find("") {
		if own := chain.FindOwn(r.ConfDir, network); own != nil {
			return own
		}
	}
	return nil
}

// observe validates and logs a list that the runtime runs itself, hands on prevResult, and says once what it cannot see.
func (c *call) observe(ctx context.Context, others *chain.Chain) *report.Failure {
	c.inspectObserved(ctx, others)
	c.note("", fmt.Sprintf("cni-shim stands bare beside %s: the runtime runs the others itself, and their failures do not pass through the shim; "+
		`to nest them, move them into the shim's own entry as "chain": {"plugins": [...]}`, others.Label(0)), false)
	if c.record.Verb == "ADD" {
		c.stdout = c.config.PrevResult
		if c.stdout == nil {
			c.stdout = fmt.Appendf(nil, "{\"cniVersion\":%q}", c.config.CNIVersion)
		}
	}
	return nil
}

// inspectObserved notes every problem, also those because of which ADD fails: the runtime will tell, in its own words.
func (c *call) inspectObserved(ctx context.Context, others *chain.Chain) {
	if p := c.inspect(ctx, others).Fatal(); p != nil {
		c.note("", report.NotRunnable(others, p).Line(), false)
	}
}
