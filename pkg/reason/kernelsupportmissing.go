package reason

// KernelSupportMissing: the kernel lacks what the plugin needs.
var KernelSupportMissing = &Reason{
	Name:      "KernelSupportMissing",
	MessageID: "46b3a99996c749ecbaceddfd3befcf8a",
	Group:     Kernel,
	Title:     "the kernel lacks what the plugin needs",
	Cause:     "A module (bridge, vxlan, macvlan, ipvlan, vrf, ip_tables, nf_tables, br_netfilter …), a netfilter extension or a sysctl is absent, or /proc/sys is mounted read-only. After a kernel update the modules of the running kernel may be gone until the reboot.",
	Confirm: []string{
		"uname -r",
		"ls -d /lib/modules/$(uname -r)",
		"lsmod",
		"findmnt /proc/sys",
	},
	Cure:  "load the module, boot a kernel that has it, or make /proc/sys writable",
	Who:   Node,
	Retry: false,
}
