package nodecheck

import (
	"context"

	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/inventory"
	"github.com/cni-shim/cni-shim/pkg/jsondoc"
	"github.com/cni-shim/cni-shim/pkg/node"
	"github.com/cni-shim/cni-shim/pkg/reason"
	"github.com/cni-shim/cni-shim/pkg/rules"
)

// programs looks for those that a plugin's entry runs: its own, that of its ipam, and those of flannel's delegate,
// which need not be named.
func (p *pass) programs(pl *rules.Plugin) {
	at := pl.TypeNode
	if at == nil {
		at = pl.Node
	}
	if pl.Type == "" || pl.Type == config.Type {
		if pl.Type != "" {
			p.shim(at)
		}
		return
	}
	p.program(at, inventory.Plugin{Type: pl.Type}, true)
	switch {
	case pl.IPAMType != "":
		p.program(pl.IPAM.Fold("type"), inventory.Plugin{Type: pl.IPAMType, IPAM: true}, pl.Known != nil && pl.Known.PassesIPAM || pl.Type == "calico")
	case pl.Type == "flannel":
		if !pl.Node.Fold("delegate").Is(jsondoc.Object) {
			p.program(at, inventory.Plugin{Type: "bridge"}, true)
		}
		p.program(at, inventory.Plugin{Type: "host-local", IPAM: true}, true)
	}
}

// program tells what is wrong with one. needed: every ADD fails without it.
func (p *pass) program(at *jsondoc.Node, want inventory.Plugin, needed bool) {
	_, problem := inventory.Look(context.Background(), want, p.version(), p.dirs())
	if problem == nil {
		return
	}
	rule, severity := "", diag.Error
	switch problem.Reason {
	case reason.PluginNotFound:
		rule = "node-plugin-missing"
	case reason.VersionIncompatible:
		rule = "node-plugin-version"
		if p.runtime.Kind != node.CRIO {
			severity = diag.Warning
		}
	default:
		rule = "node-plugin-not-executable"
	}
	if !needed {
		severity = diag.Info
	}
	p.at(at, rule, problem.Fix, "%s: %s", want.Type, problem.Cause).Severity = severity
}

// shim looks for the shim's own program, as for any other; that it is this very one is as it should be.
func (p *pass) shim(at *jsondoc.Node) {
	if cause, fix := inventory.Missing(config.Type, p.dirs()); !inventory.There(config.Type, p.dirs()) {
		p.at(at, "node-plugin-missing", fix, "%s: %s", config.Type, cause)
	}
}

func (p *pass) version() string {
	if p.conf.Version == "" {
		return "0.1.0"
	}
	return p.conf.Version
}

// dirs are the runtime's directories of plugins, as this process reaches them.
func (p *pass) dirs() []string {
	var dirs []string
	for _, d := range p.runtime.BinDirs {
		dirs = append(dirs, p.checker.path(d))
	}
	return dirs
}
