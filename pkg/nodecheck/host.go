package nodecheck

import (
	"bytes"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/disk"
	"github.com/cni-shim/cni-shim/pkg/rules"
)

// tools looks for the programs of the node that a plugin runs itself.
func (p *pass) tools(pl *rules.Plugin) {
	at := pl.TypeNode
	if at == nil {
		at = pl.Node
	}
	backend := pl.Node.Fold("ipMasqBackend").Str()
	switch pl.Type {
	case "bridge", "ptp":
		if !pl.Node.Fold("ipMasq").True() {
			return
		}
	case "portmap", "firewall":
		backend = pl.Node.Fold("backend").Str()
	default:
		return
	}
	var wanted []string // any one of them is enough
	switch {
	case backend == "nftables":
		wanted = []string{"nft"}
	case backend == "iptables" || pl.Type == "firewall" && backend == "":
		wanted = []string{"iptables"}
	case backend == "":
		wanted = []string{"iptables", "nft"}
	default:
		return // firewalld is a service, and a wrong word another rule's
	}
	for _, w := range wanted {
		for _, dir := range [...]string{"/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/local/bin"} {
			if exists(p.checker.path(filepath.Join(dir, w))) {
				return
			}
		}
	}
	d := p.at(at, "node-tool-missing", "", "%s runs %s of the node, which is not there", pl.Type, strings.Join(wanted, " or "))
	if pl.Type == "portmap" {
		d.Severity = diag.Warning // only a pod with host ports fails
	}
}

// modulesOf are the kernel's features that a plugin needs, by the names of their modules.
var modulesOf = [...]struct{ plugin, module string }{
	{"bridge", "bridge"}, {"bridge", "veth"}, {"ptp", "veth"}, {"macvlan", "macvlan"}, {"ipvlan", "ipvlan"}, {"vlan", "8021q"},
	{"vrf", "vrf"}, {"dummy", "dummy"}, {"tap", "tun"}, {"bandwidth", "sch_tbf"}, {"bandwidth", "ifb"},
}

// modules looks for the kernel's. Where it cannot be told which the kernel has, nothing is.
func (p *pass) modules(pl *rules.Plugin) {
	for _, m := range modulesOf {
		if m.plugin != pl.Type {
			continue
		}
		if has, known := p.module(m.module); known && !has {
			at := pl.TypeNode
			if at == nil {
				at = pl.Node
			}
			p.at(at, "node-kernel-module-missing", "", "%s needs the kernel's module %s, which the running kernel has not", pl.Type, m.module)
		}
	}
}

func (p *pass) module(name string) (has, known bool) {
	if exists(p.checker.path("/sys/module/" + name)) {
		return true, true
	}
	const limit = 16 << 20
	dir := p.checker.path("/lib/modules/" + release())
	builtin, err := disk.ReadAnyone(dir+"/modules.builtin", limit)
	if err != nil {
		return false, false
	}
	loadable, err := disk.ReadAnyone(dir+"/modules.dep", limit)
	if err != nil {
		return false, false
	}
	file := []byte("/" + name + ".ko")
	return bytes.Contains(builtin, file) || bytes.Contains(loadable, file), true
}

// release is that of the running kernel.
func release() string {
	var u syscall.Utsname
	if syscall.Uname(&u) != nil {
		return ""
	}
	var b []byte
	for _, c := range u.Release {
		if c == 0 {
			break
		}
		b = append(b, byte(c))
	}
	return string(b)
}
