package rules

import (
	"github.com/cni-shim/cni-shim/pkg/diag"
)

// The rules of a whole node. They look at more than a configuration, so package nodecheck finds their breaches; the
// words are here with all others.
var wholeNode = [...]Rule{
	{ID: "node-runtime-unknown", Severity: diag.Info, Title: "no container runtime's configuration was found",
		Doc:    "Neither containerd nor CRI-O, k3s, RKE2, k0s or MicroK8s was found, so the usual directories are checked: /etc/cni/net.d and /opt/cni/bin.",
		Fix:    "give the directory to check as PATH if it is another",
		Source: "containerd/containerd:docs/cri/config.md; cri-o/cri-o:docs/crio.conf.5.md"},
	{ID: "node-runtime-config-invalid", Severity: diag.Error, Title: "the runtime's own configuration does not parse",
		Doc:    "A file of the runtime's settings is no TOML, or cannot be read: the runtime does not start with it, or goes on with what it had read before.",
		Fix:    "correct the file, then restart the runtime",
		Source: "containerd/containerd:docs/man/containerd-config.toml.5.md; cri-o/cri-o:docs/crio.conf.5.md"},
	{ID: "node-runtime-config-ignored", Severity: diag.Warning, Title: "network settings that the runtime does not read",
		Doc:    "containerd's table of network settings has another name in each version of its configuration. One that does not belong to the file's version is passed over without a word, and the defaults hold.",
		Fix:    "write the table under the name that the file's version has, or migrate the file: containerd config migrate",
		Source: "containerd/containerd:docs/cri/config.md"},
	{ID: "node-conf-dir-missing", Severity: diag.Error, Title: "the directory of network configurations does not exist",
		Doc:    "The runtime's configuration names a directory that is not there, so the node stays NotReady until an add-on makes it.",
		Fix:    "install a network add-on, or correct the directory in the runtime's configuration",
		Source: "containerd/go-cni:opts.go; cri-o/ocicni:pkg/ocicni/ocicni.go"},
	{ID: "node-bin-dir-missing", Severity: diag.Error, Title: "no directory of plugins exists",
		Doc:    "None of the directories that the runtime looks for plugins in is there. Where one of several is missing, the others are enough.",
		Fix:    "install the plugins, or correct the directory in the runtime's configuration",
		Source: "containernetworking/cni:pkg/invoke/find.go"},
	{ID: "node-default-network-missing", Severity: diag.Error, Title: "no configuration defines the runtime's default network",
		Doc:    "CRI-O's cni_default_network names the pods' network, and no configuration of its directory has that name: the node stays NotReady. Where the name is set, the order of the files does not matter.",
		Fix:    "correct cni_default_network, or leave it empty to use the first file",
		Source: "cri-o/ocicni:pkg/ocicni/ocicni.go"},
	{ID: "node-plugin-missing", Severity: diag.Error, Title: "a plugin's program is not there",
		Doc:    "The chain names a program that is in none of the directories the runtime looks in, so every ADD fails. Where it is not certain that the plugin runs the program (an ipam of its own meaning), this is info.",
		Fix:    "install the program in one of the directories shown",
		Source: "containernetworking/cni:pkg/invoke/find.go"},
	{ID: "node-plugin-not-executable", Severity: diag.Error, Title: "a plugin's program cannot be run on this node",
		Doc:    "The program is there, and the system refuses to run it: no execute permission, another CPU, a loader or interpreter that is missing, a file system mounted noexec, or damage.",
		Fix:    "install the build for this node's CPU, with mode 755, on a file system that allows programs",
		Source: "execve(2)"},
	{ID: "node-plugin-version", Severity: diag.Warning, Title: "a plugin does not speak the list's cniVersion",
		Doc:    "The program answers VERSION with other versions than the list's. CRI-O asks when it loads the list, and refuses it (error); containerd does not ask, and the plugin itself refuses or not.",
		Fix:    "set cniVersion to one that every plugin of the chain supports, or update the plugin",
		Source: "containernetworking/cni:libcni/api.go (ValidateNetworkList)"},
	{ID: "node-file-missing", Severity: diag.Error, Title: "a file that a plugin needs is not there",
		Doc:    "The plugin reads the file at every ADD: flannel its subnet.env, calico its nodename and certificates, host-local its resolvConf, dhcp the socket of its daemon, multus its readiness indicator. An agent of the add-on writes it once it runs.",
		Fix:    "look at the add-on's agent on this node; it writes the file when it starts",
		Source: "flannel-io/cni-plugin:flannel.go; projectcalico/calico:cni-plugin/pkg/plugin; containernetworking/plugins:plugins/ipam; k8snetworkplumbingwg/multus-cni:pkg/types"},
	{ID: "node-tool-missing", Severity: diag.Error, Title: "a tool of the node that a plugin runs is not there",
		Doc:    "ipMasq, firewall and portmap run iptables or nft of the node. Without it every ADD fails; under portmap only that of a pod with host ports does (warning).",
		Fix:    "install the package: iptables, or nftables",
		Source: "containernetworking/plugins:pkg/ip/ipmasq_linux.go, plugins/meta/firewall, plugins/meta/portmap"},
	{ID: "node-kernel-module-missing", Severity: diag.Warning, Title: "the kernel has no module that a plugin needs",
		Doc:    "The module is neither built into the running kernel, nor loaded, nor among those that can be loaded. Without it the plugin's ADD fails, where the kernel does not have the feature under another name.",
		Fix:    "install the kernel's extra modules (linux-modules-extra), or boot a kernel that has them",
		Source: "containernetworking/plugins:plugins/main, plugins/meta/bandwidth, plugins/meta/vrf"},
}

var _ = addAll(wholeNode[:])

var shimRunsTwice = Rule{
	ID: "shim-runs-twice", Title: "pods are attached to the shim's chain twice", Severity: diag.Warning,
	Doc:    "containerd's max_conf_num is not 1, so it attaches every pod to all configurations of the directory: to the shim's list, and once more to the one that the shim wraps.",
	Fix:    "set max_conf_num = 1 in containerd's configuration, or give the chain to the shim from another directory",
	Source: "containerd/go-cni:opts.go (max_conf_num)",
	Dir: func(p *DirPass) {
		for _, o := range p.outers() {
			if p.All && o.wrapped != nil {
				p.value(diag.Warning, o.entry.Path, o.conf.Root, "", "max_conf_num is not 1: pods are attached to this list, and to %s once more", o.wrapped.Name)
			}
		}
	},
}

var _ = add(&shimRunsTwice)

// InForce are the configurations that pods of the node get: the first of the directory, or all where the runtime
// attaches pods to all, and what the shim wraps. Broken ones are not among them.
func (d *Dir) InForce() []*Conf {
	var out []*Conf
	note := func(c *Conf) {
		if c != nil && c.Root != nil && c.Refusal() == nil {
			out = append(out, c)
		}
	}
	for i, e := range d.networks() {
		c := d.Confs[e.Name]
		if i == 0 || d.All {
			note(c)
		}
		for _, o := range d.outers() {
			if (i == 0 || d.All) && o.conf == c && o.inner != nil {
				note(o.inner)
			}
		}
	}
	return out
}

// Names tells whether a configuration of the directory defines a network of that name.
func (d *Dir) Names(network string) bool {
	for _, c := range d.Confs {
		if c.Root != nil && c.name().Str() == network && c.Refusal() == nil {
			return true
		}
	}
	return false
}
