package shim

import (
	"context"
	"fmt"
	"slices"

	"github.com/containernetworking/cni/libcni"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/node"
	"github.com/cni-shim/cni-shim/pkg/report"
)

// chained are plugins that cannot start a chain: behind a shim with no "chain" they show that the shim is to run one. Service
// meshes append themselves to whatever list comes first.
var chained = []string{"bandwidth", "firewall", "istio-cni", "linkerd-cni", "portmap", "sbr", "tuning", "vrf"}

// bare returns the full list when the shim stands in it with no chain of its own and real plugins behind it: the runtime runs
// those itself. Nil: the shim runs a chain.
func (c *call) bare() *chain.Chain {
	if !c.config.Chain.IsZero() {
		return nil
	}
	var own *chain.Chain
	for _, dir := range node.ConfDirs() {
		if own = chain.FindOwn(dir, c.config.Name); own != nil {
			break
		}
	}
	if own == nil && (c.record.Verb == "CHECK" || c.record.Verb == "DEL") {
		own, _ = attachment.RuntimeList(c.key()) // the file is gone or broken; the pod was added by this list
	}
	if own == nil {
		return nil
	}
	at := slices.IndexFunc(own.Plugins, func(p *libcni.PluginConfig) bool { return p.Network.Type == config.Type })
	if at < 0 {
		return nil
	}
	if at+1 == len(own.Plugins) || slices.Contains(chained, own.Plugins[at+1].Network.Type) {
		return nil
	}
	others := *own.NetworkConfigList
	others.Plugins = slices.Delete(slices.Clone(own.Plugins), at, at+1)
	return &chain.Chain{NetworkConfigList: &others, Source: own.Source}
}

// observe validates and logs a list that the runtime runs itself, hands on prevResult, and says once what it cannot see.
func (c *call) observe(ctx context.Context, others *chain.Chain) *report.Failure {
	c.inspectObserved(ctx, others)
	c.note("", fmt.Sprintf("cni-shim stands bare before %s: the runtime runs the others itself, and their failures do not pass through the shim; "+
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
