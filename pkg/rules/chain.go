package rules

import (
	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/jsondoc"
	"github.com/cni-shim/cni-shim/pkg/known"
)

func (pl *Plugin) chained() bool { return pl.Known != nil && pl.Known.Chained }

// first are the leading plugins of a chain that need a previous result and get none.
func (c *Conf) first() []*Plugin {
	if c.Kind == Fragment || c.Kind == Single && c.isList() || c.Kind == List && len(c.Chain) < len(kids(c.Root.Get("plugins"))) {
		return nil // no chain, or one with elements that are no plugins
	}
	n := 0
	for n < len(c.Chain) && c.Chain[n].chained() {
		n++
	}
	return c.Chain[:n]
}

var chainNoInterfacePlugin = Rule{
	ID: "chain-no-interface-plugin", Title: "no plugin of the chain creates an interface", Severity: diag.Error,
	Doc:    "portmap, bandwidth, firewall, tuning, sbr, vrf, istio-cni and linkerd-cni work on what a plugin before them has made. Alone they fail every ADD: the main plugin's entry is gone, or never was there.",
	Fix:    "put the main plugin first, or let its installer write the configuration again",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": «"portmap"», "capabilities": {"portMappings": true}}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}, {"type": "portmap", "capabilities": {"portMappings": true}}]}`,
	Source: "containernetworking/plugins:plugins/meta/*/*.go",
	Check: func(p *Pass) {
		if f := p.first(); len(f) > 0 && len(f) == len(p.Chain) && len(p.Sub.Files) == 0 {
			p.value(f[0].TypeNode, "", "%s creates no interface, and no other plugin of the chain does", f[0].Type)
		}
	},
}

var _ = add(&chainNoInterfacePlugin)

var chainOrder = Rule{
	ID: "chain-order", Title: "a chained plugin before the one that creates the interface", Severity: diag.Error,
	Doc:    "Plugins run in the order of the list; the first gets no previous result, and this one refuses to run without.",
	Fix:    "move it behind the plugin that creates the interface",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": «"portmap"», "capabilities": {"portMappings": true}}, {"type": "bridge"}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}, {"type": "portmap", "capabilities": {"portMappings": true}}]}`,
	Source: "containernetworking/plugins:plugins/meta/*/*.go",
	Check: func(p *Pass) {
		if f := p.first(); len(f) > 0 && len(f) < len(p.Chain) {
			p.value(f[0].TypeNode, "", "%s stands before %s, which creates the interface", f[0].Type, p.Chain[len(f)].Type)
		}
	},
}

var _ = add(&chainOrder)

var chainDuplicatePlugin = Rule{
	ID: "chain-duplicate-plugin", Title: "the same chained plugin twice", Severity: diag.Warning,
	Doc:    "portmap, bandwidth and the like do their work twice, or the second fails on what the first has made.",
	Fix:    "keep one of them",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}, {"type": "firewall"}, {"type": «"firewall"»}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}, {"type": "firewall"}]}`,
	Source: "containernetworking/plugins:plugins/meta/portmap/main.go",
	Check: func(p *Pass) {
		seen := map[string]bool{}
		for _, pl := range p.Chain {
			if seen[pl.Type] && pl.chained() && pl.Type != "tuning" {
				p.value(pl.TypeNode, "", "%s is in the chain already", pl.Type)
			}
			seen[pl.Type] = true
		}
	},
}

var _ = add(&chainDuplicatePlugin)

var capabilityMissing = Rule{
	ID: "capability-missing", Title: "a plugin without the capability that it lives on", Severity: diag.Warning,
	Doc:    "portmap and bandwidth get their data from the runtime, which passes it only to a plugin that declares the capability. Without it they silently do nothing.",
	Fix:    "add the capability",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}, «{»"type": "portmap"}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}, {"type": "portmap", "capabilities": {"portMappings": true}}]}`,
	Source: "containernetworking/cni:libcni/api.go (injectRuntimeConfig), CONVENTIONS.md",
	Check: func(p *Pass) {
		for _, pl := range p.Plugins {
			if pl.Known == nil || pl.Known.Capability == "" || pl.capable(pl.Known.Capability) || pl.Node.Fold("runtimeConfig") != nil {
				continue
			}
			if pl.Type == "bandwidth" && pl.has("ingressRate", "egressRate", "ingressBurst", "egressBurst") {
				continue
			}
			if caps := pl.Node.Fold("capabilities"); caps != nil && caps.Kind != jsondoc.Object || caps.Get(pl.Known.Capability) != nil && caps.Get(pl.Known.Capability).Kind != jsondoc.Bool || pl.nearCapability() || pl.nearKey("capabilities") || pl.Node.Get(pl.Known.Capability) != nil {
				continue // told by another rule
			}
			p.value(pl.Node, `add "capabilities": { "`+pl.Known.Capability+`": true }`, "%s has no capability %s, so it gets nothing to do", pl.Type, pl.Known.Capability)
		}
	},
}

var _ = add(&capabilityMissing)

// nearKey tells a key that was meant to be the one that is missing.
func (pl *Plugin) nearKey(key string) bool {
	for _, k := range pl.Node.Kids {
		if known.Near(k.Key, []string{key}) != "" {
			return true
		}
	}
	return false
}

func (pl *Plugin) nearCapability() bool {
	for _, k := range kids(pl.Node.Fold("capabilities")) {
		if !isCapability(k.Key) && known.Near(k.Key, known.Capabilities) == pl.Known.Capability {
			return true
		}
	}
	return false
}

var capabilityUnknown = Rule{
	ID: "capability-unknown", Title: "a capability that no runtime offers", Severity: diag.Warning,
	Doc:    "Capabilities are case sensitive. This one is close to one that exists; the runtime passes nothing for it.",
	Fix:    "write the capability's name",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}, {"type": "portmap", "capabilities": {«"portMapping"»: true}}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}, {"type": "portmap", "capabilities": {"portMappings": true}}]}`,
	Source: "containernetworking/cni:CONVENTIONS.md; cri-o/ocicni:pkg/ocicni/ocicni.go",
	Check: func(p *Pass) {
		for _, pl := range p.Plugins {
			for _, k := range kids(pl.Node.Fold("capabilities")) {
				if near := known.Near(k.Key, known.Capabilities); near != "" && !isCapability(k.Key) {
					p.key(k, `write "`+near+`"`, "no runtime knows a capability %q; %q is meant, probably", k.Key, near)
				}
			}
		}
	},
}

var _ = add(&capabilityUnknown)

var delegateInvalid = Rule{
	ID: "delegate-invalid", Title: "a delegate that the meta-plugin refuses", Severity: diag.Error,
	Doc:    "flannel sets its delegate's name and ipam itself and refuses a file that gives them. multus wants a type or plugins in each delegate.",
	Fix:    "give the delegate what the meta-plugin wants",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "flannel", "delegate": {«"ipam"»: {"type": "host-local"}}}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "flannel", "delegate": {"isDefaultGateway": true}}]}`,
	Source: "flannel-io/cni-plugin:flannel.go; k8snetworkplumbingwg/multus-cni:pkg/types/conf.go",
	Check: func(p *Pass) {
		for _, pl := range p.Plugins {
			switch pl.Type {
			case "flannel":
				for _, key := range [...]string{"name", "ipam"} {
					if n := pl.Node.Fold("delegate").Get(key); n != nil {
						p.key(n, "delete it from delegate", "flannel refuses a delegate with %q: it sets that itself", key)
					}
				}
				if n := pl.Node.Fold("delegate").Get("type"); n != nil && n.Kind != jsondoc.String {
					p.value(n, "put it in double quotes", `the delegate's "type" must be a string, not %s`, n.Kind)
				}
			case "multus":
				for _, d := range kids(pl.Node.Fold("delegates")) {
					if d.Kind == jsondoc.Object && d.Fold("type").Str() == "" && len(kids(d.Get("plugins"))) == 0 {
						p.value(d, `add "type", or "plugins"`, `a delegate of multus has neither "type" nor "plugins"`)
					}
				}
			}
		}
	},
}

var _ = add(&delegateInvalid)

var multusSelfDelegate = Rule{
	ID: "multus-self-delegate", Title: "multus delegates to itself", Severity: diag.Error,
	Doc:    "The generator took multus' own file for that of the main network, so every ADD calls multus without end.",
	Fix:    "put the inner delegate in the place of multus, or delete the file and restart multus",
	File:   "00-multus.conf",
	Bad:    `{"cniVersion": "0.3.1", "name": "multus-cni-network", "type": "multus", "delegates": [«{»"cniVersion": "0.3.1", "name": "x", "type": "multus", "delegates": [{"type": "cilium-cni"}]}]}`,
	Good:   `{"cniVersion": "0.3.1", "name": "multus-cni-network", "type": "multus", "delegates": [{"type": "cilium-cni"}]}`,
	Source: "k8snetworkplumbingwg/multus-cni#1108, #1130, #1324",
	Check: func(p *Pass) {
		for _, pl := range p.Plugins {
			if pl.Parent != nil && pl.Parent.Type == "multus" && (pl.Type == "multus" || pl.Type == "multus-shim") {
				p.value(pl.Node, "", "multus delegates to multus")
			}
		}
	},
}

var _ = add(&multusSelfDelegate)
