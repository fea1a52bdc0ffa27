package reason

// HostToolMissing: a command-line tool that the plugin calls is not on the host.
var HostToolMissing = &Reason{
	Name:      "HostToolMissing",
	MessageID: "288da849a75e4967a8467788922c9d2a",
	Group:     Install,
	Title:     "a command-line tool that the plugin calls is not on the host",
	Cause:     "The plugin itself runs, but it calls iptables, ip6tables, nft, ipset, nsenter, ip, tc or ovs-vsctl and finds none on the PATH that it inherits from the runtime.",
	Confirm: []string{
		"command -v iptables ip6tables nft ipset nsenter conntrack tc ovs-vsctl",
		"systemctl show -p Environment containerd crio",
	},
	Cure:  "install the tool on the node, or choose a back end of the plugin that is present",
	Who:   Node,
	Retry: false,
}
