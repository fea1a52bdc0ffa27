package reason

// IPv6Disabled: IPv6 is asked for while it is switched off.
var IPv6Disabled = &Reason{
	Name:      "IPv6Disabled",
	MessageID: "19be38e6dce54b8686dbcda856274ba7",
	Group:     Kernel,
	Title:     "IPv6 is asked for while it is switched off",
	Cause:     `The configuration gives the pod or bridge an IPv6 address and the kernel has IPv6 switched off, by ipv6.disable=1 or by a disable_ipv6 sysctl. The kernel answers "permission denied" to such an address, or the files under /proc/sys/net/ipv6 do not exist, so it looks like a matter of rights.`,
	Confirm: []string{
		"sysctl -a --pattern 'disable_ipv6$'",
		"cat /proc/cmdline",
	},
	Cure:  "set the disable_ipv6 sysctl to 0 and boot without ipv6.disable=1, or take IPv6 out of the configuration",
	Who:   Node,
	Retry: false,
}
