package nodecheck

import (
	"path/filepath"

	"github.com/cni-shim/cni-shim/pkg/jsondoc"
	"github.com/cni-shim/cni-shim/pkg/rules"
)

// needs are the files that a plugin reads at every ADD: the key that names one, and the one it reads without that key.
var needs = [...]struct {
	plugin, key, otherwise string
	unless                 string // a key that makes it optional, where it is true
	who                    string // writes it
}{
	{plugin: "flannel", key: "subnetFile", otherwise: "/run/flannel/subnet.env", who: "flanneld writes it when it has its lease"},
	{plugin: "calico", key: "nodename_file", otherwise: "/var/lib/calico/nodename", unless: "nodename_file_optional", who: "calico-node writes it when it starts"},
	{plugin: "calico", key: "etcd_key_file", who: "calico's installer writes it"},
	{plugin: "calico", key: "etcd_cert_file", who: "calico's installer writes it"},
	{plugin: "calico", key: "etcd_ca_cert_file", who: "calico's installer writes it"},
	{plugin: "multus", key: "readinessindicatorfile", who: "the main network's installer writes it"},
}

var ipamNeeds = [...]struct{ plugin, key, otherwise, who string }{
	{plugin: "host-local", key: "resolvConf", who: "name one that exists, or drop the key"},
	{plugin: "dhcp", key: "daemonSocketPath", otherwise: "/run/cni/dhcp.sock", who: "the daemon makes it: dhcp daemon"},
}

// files looks for those that a plugin needs.
func (p *pass) files(pl *rules.Plugin) {
	for _, n := range needs {
		if n.plugin == pl.Type && !(n.unless != "" && pl.Node.Fold(n.unless).True()) {
			p.file(pl, pl.Node.Fold(n.key), n.otherwise, n.who)
		}
	}
	for _, n := range ipamNeeds {
		if n.plugin == pl.IPAMType && pl.Known != nil && pl.Known.PassesIPAM {
			p.file(pl, pl.IPAM.Fold(n.key), n.otherwise, n.who)
		}
	}
}

func (p *pass) file(pl *rules.Plugin, named *jsondoc.Node, otherwise, who string) {
	path, at := otherwise, pl.TypeNode
	if named.Is(jsondoc.String) && named.Str() != "" {
		path, at = named.Str(), named
	}
	if at == nil {
		at = pl.Node
	}
	if filepath.IsAbs(path) && !exists(p.checker.path(path)) {
		p.at(at, "node-file-missing", who, "%s needs %s, which does not exist", pl.Type, path)
	}
}
